//! The watchdog's rules: when it acts in the host's place, on which devices, and when it may go.
//!
//! One pure machine, driven by `killcord-watchdog` as [`crate::rules`] is by the host: inputs with the time go
//! in, [`Effect`]s come out in the order in which they are to be carried out. The host is always ended before
//! a device is touched: two parties never drive one rig.
//!
//! **It must never** act beside a living host, take a host's silence for granted while it was late itself, or
//! leave a device that may act without having tried.

mod frame;
mod representative;

use std::{sync::Arc, time::Duration};

pub use frame::{Account, Answered, Asked, Brief, Said, Told, Why};

use crate::{
    Cause, DeviceIx, Extent, Mode, Plan, Report, Time,
    plan::{Order, Shared},
};

/// A teardown of the host's is left alone until so long after its deadline (DESIGN.md, section 9).
pub const OVERDUE: Duration = Duration::from_secs(1);
/// The machine asks to be called at least this often, so that lateness is measured where it arises.
const GRAIN: Duration = Duration::from_millis(250);
/// The first pause before devices that are not safe are tried again; doubled up to [`PAUSE_MOST`].
const PAUSE_FIRST: Duration = Duration::from_secs(1);
/// The longest such pause.
const PAUSE_MOST: Duration = Duration::from_secs(30);

/// Exit status of a watchdog that was sent home.
pub const EXIT_CLEAN: u8 = 0;
/// Exit status of a watchdog that had to act and leaves a device that is not confirmed safe.
pub const EXIT_UNSAFE: u8 = 4;
/// Exit status of a watchdog that had to act, with every device confirmed safe.
pub const EXIT_ACTED: u8 = 5;

/// One thing that has happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// The host's first word.
    Rig {
        /// All that is needed to make the rig safe.
        plan: Arc<Plan>,
        /// Silence of the host after which it counts as hung.
        hang_after: Duration,
    },
    /// Whatever else the host says.
    Told(Told),
    /// The host's end of the pipe is closed: nothing more comes from it.
    PipeEnded,
    /// The host's process has ended.
    HostExited,
    /// Somebody at the door.
    Asked(Asked),
    /// A pass is over.
    Done(Box<Report>),
    /// Nothing but the time, and everything that waited was read.
    Tick,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Tell the host.
    Say(Said),
    /// End the host, and the app and every process group it has started; its exit is not waited for.
    EndHost,
    /// Make these devices safe, now.
    Act {
        /// What is to be done.
        order: Order,
        /// Why.
        why: Why,
    },
    /// Leave, with this exit status.
    Exit(u8),
}

/// What is known of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Standing {
    /// It was connected in this run and not released since.
    pub connected: bool,
    /// Bytes that can make it act may have gone out since it was last read back to be safe.
    pub may_act: bool,
    /// It was read back to be safe in the teardown that runs.
    pub safe: bool,
}

/// The machine: all of a watchdog's memory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    rig: Option<Shared>,
    hang_after: Duration,
    devices: Vec<Standing>,
    /// When the host was last heard of.
    heard: Time,
    /// Lateness of our own since then, at most `hang_after`.
    credit: Duration,
    /// The host's running teardown: which sequence, and when it is over at the latest.
    teardown: Option<(Mode, Time)>,
    phase: Phase,
    /// Another host wants the rig.
    give_way: bool,
    now: Time,
    wake: Option<Time>,
}

/// Where a watchdog stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Started, and not told of a rig yet.
    Waiting,
    /// The host is alive, as far as is known.
    Watching,
    /// A pass over the devices runs.
    Acting {
        /// The pause behind it, if a device is still not safe.
        pause: Duration,
    },
    /// Devices are not safe and are tried again.
    Resting {
        /// When.
        until: Time,
        /// The pause that this is.
        pause: Duration,
    },
    /// It has left.
    Over,
}

impl State {
    /// A watchdog that was just started.
    #[must_use]
    pub const fn new(now: Time) -> Self {
        Self {
            rig: None,
            hang_after: Duration::MAX,
            devices: Vec::new(),
            heard: now,
            credit: Duration::ZERO,
            teardown: None,
            phase: Phase::Waiting,
            give_way: false,
            now,
            wake: None,
        }
    }

    /// Where it stands.
    #[must_use]
    pub const fn phase(&self) -> &Phase {
        &self.phase
    }

    /// What it knows of each device, in file order.
    #[must_use]
    pub fn devices(&self) -> &[Standing] {
        &self.devices
    }

    /// When it wants to be called again at the latest.
    #[must_use]
    pub fn next_wake(&self) -> Time {
        let grain = self.now + GRAIN;
        match &self.phase {
            Phase::Watching => {
                let overdue = self.overdue_at().unwrap_or(grain);
                self.hung_at().min(overdue).min(grain).max(self.now)
            }
            Phase::Resting { until, .. } => (*until).max(self.now),
            Phase::Waiting | Phase::Acting { .. } | Phase::Over => grain,
        }
    }

    /// Takes one input and says what is to be done, in this order.
    pub fn handle(&mut self, now: Time, input: Input) -> Vec<Effect> {
        self.clock(now);
        let mut effects = Vec::new();
        let fx = &mut effects;
        match input {
            Input::Rig { plan, hang_after } => self.rig(plan, hang_after),
            Input::Told(told) => self.told(told, fx),
            Input::PipeEnded => self.host_lost(Why::PipeEnded, fx),
            Input::HostExited => self.host_lost(Why::Exited, fx),
            Input::Asked(asked) => self.asked(asked, fx),
            Input::Done(report) => self.done(&report, fx),
            Input::Tick => self.due(fx),
        }
        self.wake = Some(self.next_wake());
        effects
    }

    /// Our own lateness is never the host's silence.
    fn clock(&mut self, now: Time) {
        self.now = now.max(self.now);
        if let Some(wanted) = self.wake.take() {
            self.credit = (self.credit + self.now.since(wanted)).min(self.hang_after);
        }
    }

    fn rig(&mut self, plan: Arc<Plan>, hang_after: Duration) {
        if self.phase != Phase::Waiting {
            return;
        }
        self.devices = vec![Standing::default(); plan.devices.len()];
        self.rig = Some(Shared(plan));
        self.hang_after = hang_after;
        self.phase = Phase::Watching;
        self.hear();
    }

    fn hear(&mut self) {
        self.heard = self.now;
        self.credit = Duration::ZERO;
    }

    fn device(&mut self, device: DeviceIx, change: impl FnOnce(&mut Standing)) {
        if let Some(standing) = self.devices.get_mut(device.at()) {
            change(standing);
        }
    }

    /// Once the host is being ended, its last words are nobody's any more.
    fn told(&mut self, told: Told, fx: &mut Vec<Effect>) {
        if self.phase != Phase::Watching {
            return;
        }
        match told {
            Told::Connected { device } => self.device(device, |standing| standing.connected = true),
            Told::MayAct { device, n } => {
                self.device(device, |standing| {
                    *standing = Standing { connected: true, may_act: true, safe: false };
                });
                fx.push(Effect::Say(Said::Echo { n }));
            }
            Told::Safe { device } => self.device(device, |standing| {
                standing.may_act = false;
                standing.safe = true;
            }),
            Told::Released { device } => self.device(device, |standing| *standing = Standing::default()),
            Told::Teardown { mode, within } => {
                let until = self.now + within;
                let (mode, until) = match self.teardown {
                    Some((before, earlier)) => (before.max(mode), earlier.min(until)),
                    None => {
                        self.devices.iter_mut().for_each(|standing| standing.safe = false);
                        (mode, until)
                    }
                };
                self.teardown = Some((mode, until));
            }
            Told::TeardownDone => self.teardown = None,
            Told::Beat { n } => {
                self.hear();
                fx.push(Effect::Say(Said::Beat { n }));
            }
            Told::Dying { why } => self.host_lost(Why::Dying { said: why }, fx),
            Told::Goodbye => self.goodbye(fx),
            // Descriptors and addresses: kept by whoever drives this.
            Told::Rig(_)
            | Told::Link { .. }
            | Told::LinkClosed { .. }
            | Told::GroupStarted { .. }
            | Told::GroupEnded { .. }
            | Told::AppStarted { .. }
            | Told::AppGone => {}
        }
    }

    /// The host ends in order: what it could not make safe is ours.
    fn goodbye(&mut self, fx: &mut Vec<Effect>) {
        // Read back to be safe, and only its handing back failed: there is nothing left to try.
        for standing in self.devices.iter_mut().filter(|standing| standing.safe) {
            *standing = Standing::default();
        }
        if self.responsible().is_empty() {
            self.leave(EXIT_CLEAN, fx);
            return;
        }
        fx.push(Effect::Say(Said::Staying));
        self.teardown = None;
        self.phase = Phase::Resting { until: self.now + PAUSE_FIRST, pause: PAUSE_FIRST };
    }

    fn asked(&mut self, asked: Asked, fx: &mut Vec<Effect>) {
        match (asked, &self.phase) {
            (Asked::TakeOver, Phase::Watching) => self.act(Why::Asked, fx),
            (Asked::TakeOver, Phase::Resting { pause, .. }) => {
                let pause = *pause;
                self.again(pause, fx);
            }
            (Asked::GiveWay, Phase::Resting { .. }) => self.leave(EXIT_UNSAFE, fx),
            (Asked::GiveWay, Phase::Acting { .. }) => self.give_way = true,
            // A living host has the rig; it is asked at its own door.
            _ => {}
        }
    }

    fn host_lost(&mut self, why: Why, fx: &mut Vec<Effect>) {
        match self.phase {
            Phase::Watching => self.act(why, fx),
            // Nothing was opened.
            Phase::Waiting => self.leave(EXIT_CLEAN, fx),
            // It has said goodbye, or was ended by us.
            Phase::Acting { .. } | Phase::Resting { .. } | Phase::Over => {}
        }
    }

    fn hung_at(&self) -> Time {
        self.heard + self.hang_after.saturating_add(self.credit)
    }

    fn overdue_at(&self) -> Option<Time> {
        self.teardown.map(|(_, until)| until + OVERDUE)
    }

    fn due(&mut self, fx: &mut Vec<Effect>) {
        match self.phase {
            Phase::Watching if self.hung_at() <= self.now => self.act(Why::Hung, fx),
            Phase::Watching if self.overdue_at().is_some_and(|at| at <= self.now) => {
                // What its teardown has finished is left alone.
                for standing in self.devices.iter_mut().filter(|standing| standing.safe) {
                    *standing = Standing::default();
                }
                self.act(Why::Overdue, fx);
            }
            Phase::Resting { until, pause } if until <= self.now => self.again(pause, fx),
            _ => {}
        }
    }

    /// The devices that were connected in this run and not released.
    fn responsible(&self) -> Vec<DeviceIx> {
        let standing = self.devices.iter().enumerate();
        standing
            .filter(|(_, standing)| standing.connected || standing.may_act)
            .map(|(at, _)| DeviceIx::from(at))
            .collect()
    }

    /// The one place where a watchdog takes over. The host first: nothing it still does may come behind us.
    fn act(&mut self, why: Why, fx: &mut Vec<Effect>) {
        fx.push(Effect::EndHost);
        let devices = self.responsible();
        if devices.is_empty() {
            self.leave(EXIT_CLEAN, fx);
            return;
        }
        // What a whole teardown could not end by its controlled sequences is ended at once.
        let mode = match (&why, self.teardown) {
            (Why::Overdue, _) => Mode::Emergency,
            (_, running) => running.map_or(Mode::Safe, |(mode, _)| mode),
        };
        self.pass(devices, mode, Cause::HostLost, why, PAUSE_FIRST, fx);
    }

    /// Another pass over what is still not safe: at once, by the emergency sequences.
    fn again(&mut self, pause: Duration, fx: &mut Vec<Effect>) {
        let devices = self.responsible();
        let Some(&device) = devices.first() else { return self.leave(EXIT_ACTED, fx) };
        let pause = (pause * 2).min(PAUSE_MOST);
        self.pass(devices, Mode::Emergency, Cause::Retry { device }, Why::Left, pause, fx);
    }

    fn pass(
        &mut self,
        devices: Vec<DeviceIx>,
        mode: Mode,
        cause: Cause,
        why: Why,
        pause: Duration,
        fx: &mut Vec<Effect>,
    ) {
        let deadline = self.now + self.rig.as_ref().map_or(Duration::ZERO, |rig| rig.deadline);
        self.phase = Phase::Acting { pause };
        // Lines that another process used: read back twice, the second time counts.
        let order =
            Order { mode, extent: Extent::Release, deadline, devices, cause, twice: true, after_app: false };
        fx.push(Effect::Act { order, why });
    }

    fn done(&mut self, report: &Report, fx: &mut Vec<Effect>) {
        let Phase::Acting { pause } = self.phase else { return };
        for entry in report.devices.iter().filter(|entry| entry.confirmed()) {
            self.device(entry.device, |standing| *standing = Standing::default());
        }
        if self.responsible().is_empty() {
            self.leave(EXIT_ACTED, fx);
        } else if self.give_way {
            self.leave(EXIT_UNSAFE, fx);
        } else {
            self.phase = Phase::Resting { until: self.now + pause, pause };
        }
    }

    fn leave(&mut self, status: u8, fx: &mut Vec<Effect>) {
        self.phase = Phase::Over;
        fx.push(Effect::Exit(status));
    }
}
