//! The watchdog: its loop and its passes, around `killcord_core::watchdog::State`.
//!
//! Mirrors `Watch::until_over`, `listen`, `carry_out` and `act` (`crates/watchdog/src/watch.rs`) and `Bench::pass`.
//! While a pass runs, nothing else is read.

use std::{collections::BTreeSet, time::Duration};

use killcord_core::{
    Time,
    plan::{Machine as _, Order, Teardown},
    watchdog::{Asked, Effect, Input, Said, State, Told},
};

use crate::{
    device::Party,
    ledger::DEVICE,
    line::{self, Announce, Announced, Came, Gate, Line, Owner},
    run::Run,
    scope::{Flaw, HANG_AFTER, Scope},
    world::World,
};

/// The process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Watchdog {
    /// Its rules.
    pub state: State,
    /// It is stopped, and continued then at the latest.
    pub stopped: Option<Time>,
    /// It has been told of the rig.
    briefed: bool,
    /// It still listens to the host.
    listens: bool,
    /// The pass that runs.
    pass: Option<Run<Teardown>>,
    line: Line,
    /// Another host has asked it to give way.
    pub asked: bool,
}

/// Nothing of a watchdog's ever acts.
struct NoRecord;

impl Gate for NoRecord {
    fn allows(&self, _: u64) -> bool {
        false
    }

    fn is_on_record(&self) -> bool {
        true
    }
}

impl Announce for NoRecord {
    fn announce(&mut self) -> Announced {
        Announced::OnRecord
    }
}

impl Watchdog {
    pub(crate) fn new(now: Time) -> Self {
        Self {
            state: State::new(now),
            stopped: None,
            briefed: false,
            listens: true,
            pass: None,
            line: Line::default(),
            asked: false,
        }
    }

    /// Whether it knows, by what it was told, that the device is in somebody's hands.
    #[must_use]
    pub fn is_responsible(&self) -> bool {
        self.state.devices().iter().any(|standing| standing.connected || standing.may_act)
    }

    /// Whether it knows that the device may act.
    #[must_use]
    pub fn knows(&self) -> bool {
        self.state.devices().iter().any(|standing| standing.may_act)
    }

    /// Whether it is at the device.
    #[must_use]
    pub const fn acts(&self) -> bool {
        self.pass.is_some()
    }

    /// When it goes on by itself.
    pub fn wakes(&self) -> impl Iterator<Item = Time> {
        let watching = self.pass.is_none().then(|| self.state.next_wake());
        watching.into_iter().chain(self.pass.as_ref().and_then(Run::wakes)).chain(self.line.wakes())
    }

    pub(crate) fn earlier(&mut self, by: Duration) {
        self.state = self.state.representative(by);
        self.stopped.iter_mut().for_each(|until| *until = *until - by);
        self.pass.iter_mut().for_each(|run| run.earlier(by));
        self.line.earlier(by);
    }

    pub(crate) fn hear(&mut self, answer: killcord_core::Value, device: &mut crate::device::Device) {
        self.line.hear(answer, device, Party::Watchdog);
    }
}

impl World {
    /// Whether the watchdog's loop can go on now.
    pub(crate) fn watchdog_is_ready(&self) -> bool {
        let Some(dog) = &self.watchdog else { return false };
        let told = dog.listens && (!dog.briefed || !self.pipe.told.is_empty() || self.pipe.host_gone);
        dog.pass.is_none() && (told || self.now >= dog.state.next_wake())
    }

    /// One message; and once none waits, the host's end and the clock: read, then judge.
    pub(crate) fn turn_watchdog(&mut self, scope: &Scope) {
        let Some(dog) = &mut self.watchdog else { return };
        if dog.listens && !dog.briefed {
            dog.briefed = true;
            self.watchdog_input(Input::Rig { plan: scope.plan(), hang_after: HANG_AFTER }, scope);
            self.pipe.say(Said::Ready { lacks: Vec::new(), unprotected: Vec::new() });
        } else if dog.listens {
            if let Some(told) = self.pipe.told.pop_front() {
                self.watchdog_input(Input::Told(told), scope);
            } else if self.pipe.host_gone {
                dog.listens = false;
                self.watchdog_input(Input::PipeEnded, scope);
            }
        }
        let waits = |world: &Self, dog: &Watchdog| {
            dog.listens && (!world.pipe.told.is_empty() || world.pipe.host_gone)
        };
        if self.watchdog.as_ref().is_some_and(|dog| dog.pass.is_none() && !waits(self, dog)) {
            self.watchdog_input(Input::Tick, scope);
        }
    }

    /// Somebody at its door.
    pub(crate) fn ask_watchdog(&mut self, asked: Asked, scope: &Scope) {
        self.watchdog_input(Input::Asked(asked), scope);
    }

    fn watchdog_input(&mut self, input: Input, scope: &Scope) {
        let Some(dog) = &mut self.watchdog else { return };
        for effect in dog.state.handle(self.now, input) {
            match effect {
                Effect::Say(said) => {
                    if self.watchdog.as_ref().is_some_and(|dog| dog.listens) {
                        self.pipe.say(unnumbered(said));
                    }
                }
                Effect::EndHost => {
                    if let Some(dog) = &mut self.watchdog {
                        dog.listens = false;
                    }
                    self.pipe.watchdog_gone = true;
                    if self.host.is_some() && !scope.has(Flaw::HostNotEnded) {
                        self.kill_host(scope);
                    }
                }
                Effect::Act { order, .. } => self.begin_pass(order, scope),
                Effect::Exit(_) => {
                    self.pipe.watchdog_gone = true;
                    self.watchdog = None;
                }
            }
        }
    }

    fn begin_pass(&mut self, order: Order, scope: &Scope) {
        let now = self.now;
        let Some(dog) = &mut self.watchdog else { return };
        let order = Order { deadline: Time(order.deadline.since(now)), ..order };
        let open: BTreeSet<_> = dog.line.open.then_some(DEVICE).into_iter().collect();
        dog.pass = Some(Run::new(0, Teardown::new(scope.plan(), order, &open, Time::ZERO), now));
    }

    /// Whether the pass can go on now.
    pub(crate) fn pass_is_ready(&self) -> bool {
        let Some(dog) = &self.watchdog else { return false };
        dog.pass.as_ref().is_some_and(|run| run.is_ready(self.now))
    }

    /// One turn of the pass.
    pub(crate) fn turn_pass(&mut self, scope: &Scope) {
        let now = self.now;
        let Some(dog) = &mut self.watchdog else { return };
        let Some(run) = &mut dog.pass else { return };
        let over = run.turn(now, None, &mut dog.line);
        run.machine.drain_events();
        if over {
            let report = run.machine.report(run.clock(now));
            dog.pass = None;
            self.watchdog_input(Input::Done(Box::new(report)), scope);
        }
    }

    /// Whether the link of the pass can go on now.
    pub(crate) fn pass_line_is_ready(&self) -> bool {
        self.watchdog.as_ref().is_some_and(|dog| dog.line.is_ready(self.now, &NoRecord))
    }

    /// One step of the link of the pass.
    pub(crate) fn turn_pass_line(&mut self) {
        let now = self.now;
        let Some(dog) = &mut self.watchdog else { return };
        let (owner, outcome, written) =
            match dog.line.step(now, &mut NoRecord, &mut self.device, Party::Watchdog) {
                Came::On => return,
                Came::Opened(owner) => (owner, Ok(None), false),
                Came::Done(owner, outcome, written) => (owner, outcome, written),
            };
        if let (Owner::Run(_, ticket), Some(run)) = (owner, &mut dog.pass) {
            let written = written.then(|| run.clock(now));
            run.result(line::result(ticket, outcome, written));
        }
    }
}

/// Nobody reads the number of a beat: it is left out.
fn unnumbered(said: Said) -> Said {
    match said {
        Said::Beat { .. } => Said::Beat { n: 0 },
        other => other,
    }
}

/// Whether a message that was not read yet says that the device may act.
pub(crate) fn will_know(told: &Told) -> bool {
    matches!(told, Told::MayAct { .. })
}
