//! Everything at one moment, and what can happen next.

use std::time::Duration;

use killcord_core::{Cause, Extent, Mode, Time, rules::CommandKind, rules::Phase, watchdog::Asked};

use crate::{
    device::{Bytes, Device, Party},
    host::Host,
    ledger::Act,
    pipe::Pipe,
    scope::{Begin, Chances, Flaw, PAUSED_MOST, Scope},
    seen::Seen,
    watchdog::{Watchdog, will_know},
};

/// The moment that every state is told at: later ones are moved back to it.
const HERE: Time = Time(Duration::from_secs(1000));

/// Everything at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// The time.
    pub now: Time,
    /// The host's process, if it lives.
    pub host: Option<Host>,
    /// The watchdog's process, if it lives.
    pub watchdog: Option<Watchdog>,
    /// The pipe between them.
    pub pipe: Pipe,
    /// The device and its sockets.
    pub device: Device,
    /// No watchdog can be started any more.
    pub starts_fail: bool,
    /// What may still go wrong.
    pub chances: Chances,
    /// What an onlooker remembers of how it came to this.
    pub seen: Seen,
}

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is told by its name, or in `Chances`")]
pub enum Action {
    HostRules,
    HostExecutor,
    HostLink,
    HostKeeper,
    Watchdog,
    WatchdogPass,
    WatchdogLink,
    DeviceReads(Party),
    /// The clock goes to the next moment that somebody waits for.
    TimePasses,
    HostDies,
    HostStops,
    HostContinues,
    WatchdogDies,
    WatchdogStops,
    WatchdogContinues,
    NoMoreWatchdogs,
    PageDies,
    DeviceDozes,
    DeviceReadsOn,
    LinkSticks,
    Arm,
    Set,
    SafeStop,
    End,
    AskToGiveWay,
    AnotherHost,
}

impl World {
    /// A host that has just been started.
    #[must_use]
    pub fn new(scope: &Scope) -> Self {
        let mut world = Self {
            now: HERE,
            host: Some(Host::new(scope, false, HERE)),
            watchdog: None,
            pipe: Pipe::default(),
            device: Device::default(),
            starts_fail: false,
            chances: scope.chances,
            seen: Seen::default(),
        };
        if scope.begin != Begin::Start {
            world.settle(scope);
        }
        if scope.begin == Begin::Armed {
            world.host.iter_mut().for_each(|host| host.command(CommandKind::Arm));
            world.settle(scope);
        }
        world
    }

    /// All that is to be done at this moment, and nothing goes wrong.
    fn settle(&mut self, scope: &Scope) {
        let mut actions = Vec::new();
        loop {
            self.work(scope, &mut actions);
            let Some(action) = actions.drain(..).next() else { return };
            *self = self.after(action, scope);
        }
    }

    fn running_host(&self) -> Option<&Host> {
        self.host.as_ref().filter(|host| host.stopped.is_none())
    }

    fn running_watchdog(&self) -> Option<&Watchdog> {
        self.watchdog.as_ref().filter(|dog| dog.stopped.is_none())
    }

    /// What those who run have to do at this moment. The clock stands until it is done: whoever runs is prompt,
    /// and being late is being stopped.
    fn work(&self, scope: &Scope, actions: &mut Vec<Action>) {
        let now = self.now;
        if let Some(host) = self.running_host() {
            let ready = [
                (Action::HostRules, host.rules_are_ready(now)),
                (Action::HostExecutor, host.executor_is_ready(now)),
                (Action::HostLink, host.line_is_ready(scope, now)),
                (Action::HostKeeper, self.keeper_is_ready()),
            ];
            actions.extend(ready.iter().filter(|(_, ready)| *ready).map(|(action, _)| *action));
        }
        if self.running_watchdog().is_some() {
            let ready = [
                (Action::Watchdog, self.watchdog_is_ready()),
                (Action::WatchdogPass, self.pass_is_ready()),
                (Action::WatchdogLink, self.pass_line_is_ready()),
            ];
            actions.extend(ready.iter().filter(|(_, ready)| *ready).map(|(action, _)| *action));
        }
        if self.device.dozes.is_none() {
            let parties =
                [(Party::Host, &self.device.from_host), (Party::Watchdog, &self.device.from_watchdog)];
            let sent = parties.iter().filter(|(_, socket)| !socket.is_empty());
            actions.extend(sent.map(|(party, _)| Action::DeviceReads(*party)));
        }
    }

    /// The next moment that somebody waits for; none while somebody's pause is at its longest.
    fn next_moment(&self) -> Option<Time> {
        let pauses = [
            self.host.as_ref().and_then(|host| host.stopped),
            self.watchdog.as_ref().and_then(|dog| dog.stopped),
            self.device.dozes,
        ];
        if pauses.iter().flatten().any(|until| *until <= self.now) {
            return None;
        }
        let host = self.running_host().into_iter().flat_map(Host::wakes);
        let dog = self.running_watchdog().into_iter().flat_map(Watchdog::wakes);
        host.chain(dog).filter(|at| *at > self.now).chain(pauses.into_iter().flatten()).min()
    }

    /// Everything that can happen now.
    pub fn actions(&self, scope: &Scope, actions: &mut Vec<Action>) {
        self.work(scope, actions);
        if actions.is_empty() && self.next_moment().is_some() {
            actions.push(Action::TimePasses);
        }
        let chances = &self.chances;
        let mut can = |left: u8, action| {
            if left > 0 {
                actions.push(action);
            }
        };
        if let Some(host) = &self.host {
            can(chances.host_dies, Action::HostDies);
            match host.stopped {
                Some(_) => can(1, Action::HostContinues),
                None => {
                    can(chances.host_stops, Action::HostStops);
                    can(chances.starts_fail * u8::from(!self.starts_fail), Action::NoMoreWatchdogs);
                    let at_ease = host.ends.is_none();
                    can(chances.safe_stops * u8::from(at_ease), Action::SafeStop);
                    can(chances.ends * u8::from(at_ease), Action::End);
                    let idle = at_ease && host.page && matches!(host.rules.phase(), Phase::Idle);
                    can(chances.arms * u8::from(idle), Action::Arm);
                    can(chances.sets * u8::from(idle), Action::Set);
                    can(chances.link_sticks * u8::from(!host.line.is_stuck()), Action::LinkSticks);
                }
            }
            can(chances.page_dies * u8::from(host.page), Action::PageDies);
        }
        if let Some(dog) = &self.watchdog {
            can(chances.watchdog_dies, Action::WatchdogDies);
            match dog.stopped {
                Some(_) => can(1, Action::WatchdogContinues),
                None => can(chances.watchdog_stops, Action::WatchdogStops),
            }
        }
        match self.device.dozes {
            Some(_) => can(1, Action::DeviceReadsOn),
            None => can(chances.device_dozes, Action::DeviceDozes),
        }
        match (&self.host, self.running_watchdog()) {
            (None, None) if self.watchdog.is_none() => can(chances.starts, Action::AnotherHost),
            (None, Some(dog)) if !dog.acts() && !dog.asked => can(chances.starts, Action::AskToGiveWay),
            _ => {}
        }
    }

    /// What comes of it.
    #[must_use]
    pub fn after(&self, action: Action, scope: &Scope) -> Self {
        let mut world = self.clone();
        world.act(action, scope);
        if !scope.loose {
            world.follow_up(scope);
        }
        world.look();
        world.move_here();
        world
    }

    /// The host's executor, a pass of the watchdog's and the device do at once what they have to do.
    fn follow_up(&mut self, scope: &Scope) {
        let at_once = |action: &Action| {
            matches!(action, Action::HostExecutor | Action::WatchdogPass | Action::DeviceReads(_))
        };
        let mut actions = Vec::new();
        loop {
            self.work(scope, &mut actions);
            let Some(action) = actions.drain(..).find(at_once) else { return };
            self.act(action, scope);
        }
    }

    fn act(&mut self, action: Action, scope: &Scope) {
        let (now, pause) = (self.now, self.now + PAUSED_MOST);
        match action {
            Action::TimePasses => {
                if let Some(then) = self.next_moment() {
                    self.seen.waited(then.since(now));
                    self.now = then;
                }
            }
            Action::HostRules | Action::HostExecutor | Action::HostLink => self.turn_host(action, scope),
            Action::HostKeeper => self.turn_keeper(scope),
            Action::Watchdog => self.turn_watchdog(scope),
            Action::WatchdogPass => self.turn_pass(scope),
            Action::WatchdogLink => {
                self.turn_pass_line();
                self.seen.watchdog_drives |= !self.device.from_watchdog.is_empty();
            }
            Action::DeviceReads(party) => self.device_reads(party),
            Action::HostDies => {
                self.chances.host_dies -= 1;
                self.kill_host(scope);
            }
            Action::WatchdogDies => {
                self.chances.watchdog_dies -= 1;
                self.watchdog_is_lost();
                self.end_watchdog();
            }
            Action::WatchdogStops | Action::WatchdogContinues => {
                let stops = action == Action::WatchdogStops;
                self.chances.watchdog_stops -= u8::from(stops);
                self.watchdog.iter_mut().for_each(|dog| dog.stopped = stops.then_some(pause));
            }
            Action::NoMoreWatchdogs => {
                self.chances.starts_fail -= 1;
                self.starts_fail = true;
            }
            Action::DeviceDozes => {
                self.chances.device_dozes -= 1;
                self.device.dozes = Some(pause);
            }
            Action::DeviceReadsOn => self.device.dozes = None,
            Action::AskToGiveWay => {
                self.watchdog.iter_mut().for_each(|dog| dog.asked = true);
                self.ask_watchdog(Asked::GiveWay, scope);
            }
            Action::AnotherHost => {
                self.chances.starts -= 1;
                self.host = Some(Host::new(scope, true, now));
                self.seen = Seen::default();
            }
            Action::HostStops
            | Action::HostContinues
            | Action::PageDies
            | Action::LinkSticks
            | Action::Arm
            | Action::Set
            | Action::SafeStop
            | Action::End => self.befall_host(action),
        }
    }

    fn turn_host(&mut self, action: Action, scope: &Scope) {
        let now = self.now;
        let Some(host) = &mut self.host else { return };
        match action {
            Action::HostRules => host.turn_rules(scope, now, &mut self.pipe),
            Action::HostExecutor => host.turn_executor(scope, now),
            _ => {
                host.turn_line(scope, now, &mut self.pipe, &mut self.device);
                self.seen.acted |= self.device.from_host.back() == Some(&Bytes::On);
            }
        }
    }

    fn befall_host(&mut self, action: Action) {
        let (now, pause) = (self.now, self.now + PAUSED_MOST);
        let chances = &mut self.chances;
        let Some(host) = &mut self.host else { return };
        match action {
            Action::HostStops => {
                chances.host_stops -= 1;
                host.stopped = Some(pause);
            }
            Action::HostContinues => host.stopped = None,
            Action::PageDies => {
                chances.page_dies -= 1;
                host.page = false;
            }
            Action::LinkSticks => {
                chances.link_sticks -= 1;
                host.line.stick(now);
            }
            Action::Arm => {
                chances.arms -= 1;
                host.command(CommandKind::Arm);
            }
            Action::Set => {
                chances.sets -= 1;
                host.command(Host::control());
            }
            Action::SafeStop => {
                chances.safe_stops -= 1;
                host.demand(Cause::SafeStop, Mode::Emergency, Extent::Stay);
            }
            _ => {
                chances.ends -= 1;
                host.demand(Cause::Signal { signal: 15 }, Mode::Safe, Extent::End);
            }
        }
    }

    fn device_reads(&mut self, party: Party) {
        self.seen.two_drive |= party == Party::Host && self.seen.watchdog_drives;
        let Some(answer) = self.device.read(party) else { return };
        match (party, &mut self.host, &mut self.watchdog) {
            (Party::Host, Some(host), _) => host.line.hear(answer, &mut self.device, party),
            (Party::Watchdog, _, Some(dog)) => dog.hear(answer, &mut self.device),
            _ => {}
        }
    }

    /// SIGKILL, which also ends a process that is stopped.
    pub(crate) fn kill_host(&mut self, scope: &Scope) {
        if !scope.has(Flaw::NoLinger) {
            self.device.from_host.clear();
        }
        self.seen.host_lost();
        self.host_is_gone();
    }

    pub(crate) fn host_is_gone(&mut self) {
        self.host = None;
        self.pipe.host_gone = true;
        self.pipe.said.clear();
    }

    /// Before [`Self::end_watchdog`], where it is a fault.
    pub(crate) fn watchdog_is_lost(&mut self) {
        let acted = self.seen.acted;
        let dog = self.watchdog.as_ref();
        let known = dog.is_some_and(|dog| dog.knows() || (!acted && dog.is_responsible()));
        let told = self.seen.recorded && self.pipe.told.iter().any(will_know);
        self.seen.uncovered |= known || told;
        self.seen.both_lost |= self.host.as_ref().is_none_or(|host| host.leaves);
    }

    /// The process is gone, and what it had not read.
    pub(crate) fn end_watchdog(&mut self) {
        self.watchdog = None;
        self.pipe.watchdog_gone = true;
        self.pipe.told.clear();
        self.device.from_watchdog.clear();
    }

    /// What the onlooker makes of it.
    fn look(&mut self) {
        let known = self.watchdog.as_ref().is_some_and(|dog| dog.knows())
            || (self.watchdog.is_some() && self.pipe.told.iter().any(will_know));
        let act = self.host.as_ref().map_or(Act::No, |host| host.ledger.act);
        let may_act = act != Act::No;
        self.seen.recorded = (self.seen.recorded && may_act) || act == Act::OnRecord;
        self.seen.uncovered &= !known && (may_act || self.device.is_energised());
        let dog_can = self.running_watchdog().is_some();
        let host = self.running_host().filter(|host| !host.line.is_stuck());
        let energised = self.device.is_energised() && self.device.dozes.is_none();
        let in_use = host.is_some_and(|host| host.page && host.rules.energised());
        self.seen.look(
            energised && !in_use && (dog_can || host.is_some()),
            energised && host.is_some() && !dog_can,
        );
    }

    /// The same moment as every other: only distances in time tell states apart.
    fn move_here(&mut self) {
        let by = self.now.since(HERE);
        if by.is_zero() {
            return;
        }
        self.now = HERE;
        self.host.iter_mut().for_each(|host| host.earlier(by, &self.pipe));
        self.watchdog.iter_mut().for_each(|dog| dog.earlier(by));
        self.device.dozes.iter_mut().for_each(|until| *until = *until - by);
    }
}
