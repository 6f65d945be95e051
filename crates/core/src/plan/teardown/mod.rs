//! The one path that ends hardware access: fence (done by the caller), safe, release.
//!
//! One machine for all devices of a rig. It is told the time and the results, and says what to hand to which
//! link, at most one dispatch out for each. It never skips a safe command because of what is believed of a
//! device, never lets one device's failure keep another from its turn, and is over by its deadline whatever
//! the links do.
//!
//! **A connection that leads nowhere**, made by this teardown and mute ever since, is replaced when verify fails on
//! it, and the emergency sequence goes out on the next one: an instrument may serve one client at a time and
//! still believe in a dead one. That goes on until the device is given up.
//!
//! **A device that the app drives by itself** has two turns: one at once, and one that counts, once nothing of the
//! app is left (`app`).
//!
//! **A device that only measures** has nothing to send. It is not opened for a teardown that ends in its
//! release; where the rig stays, one try to open it is made. Reached, it counts as `safe_verified`: there is
//! no state of ours that it could be left in. Out of reach it is `safe_unverified` and unverifiable, with a
//! remark, and never makes a teardown fail.

mod advance;
mod app;
mod device;
mod outcome;
mod pick;
mod record;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use app::Driving;
use device::{Device, Line, Stage};

use super::{
    Graph, Next, Plan, Sequence, StepResult, Ticket,
    budget::{reserve, wrap_up},
    machine::{Machine, Order, Progress, SLACK, Shared, known},
    sequence::OnFailure,
};
use crate::{Cause, DeviceIx, Extent, LinkIx, Mode, Report, Time, report::Phase};

/// The machine that makes a rig safe.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Teardown {
    plan: Shared,
    graph: Graph,
    mode: Mode,
    extent: Extent,
    deadline: Time,
    /// Kept behind the safe phase, by the extent.
    wrap_up: Duration,
    twice: bool,
    driving: Driving,
    causes: Vec<(Time, Cause)>,
    began: Time,
    devices: BTreeMap<DeviceIx, Device>,
    links: BTreeMap<LinkIx, Link>,
    tickets: u64,
    events: VecDeque<Progress>,
    ended: Option<Time>,
    out_of_time: bool,
}

/// A link within a teardown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Link {
    out: Option<Out>,
    /// No answer on it is believed.
    out_of_step: bool,
    /// Its thread does not come back.
    stuck: bool,
}

/// A dispatch that is out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Out {
    ticket: Ticket,
    device: DeviceIx,
    generation: u32,
    phase: Phase,
    kind: Kind,
    /// As a person reads it.
    step: String,
    /// An `Ok` of it says that the device has it.
    acknowledged: bool,
    at: Time,
    deadline: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Open,
    Step,
    Resync,
    Close,
}

impl Teardown {
    /// Begins at `now`. `open` names the devices that have a connection; the others are opened first.
    #[must_use]
    pub fn new(plan: Arc<Plan>, order: Order, open: &BTreeSet<DeviceIx>, now: Time) -> Self {
        let mut teardown = Self {
            graph: Graph::of(&plan, &BTreeSet::new()),
            plan: Shared(plan),
            mode: order.mode,
            extent: order.extent,
            deadline: order.deadline,
            wrap_up: Duration::ZERO,
            twice: order.twice,
            driving: Driving::Nothing,
            causes: Vec::new(),
            began: now,
            devices: BTreeMap::new(),
            links: BTreeMap::new(),
            tickets: 0,
            events: VecDeque::new(),
            ended: None,
            out_of_time: false,
        };
        teardown.raise(now, order, open);
        teardown
    }

    /// A later cause joins: mode and extent only go up, the deadline only gets shorter, devices are only
    /// added; the cause is recorded. Not taken (`false`) once the teardown is over.
    pub fn raise(&mut self, now: Time, order: Order, open: &BTreeSet<DeviceIx>) -> bool {
        if self.ended.is_some() {
            return false;
        }
        self.causes.push((now, order.cause));
        self.extent = self.extent.max(order.extent);
        self.wrap_up = wrap_up(&self.plan, self.extent);
        self.deadline = self.deadline.min(order.deadline);
        if order.twice && !self.twice {
            self.twice = true;
            self.devices.values_mut().for_each(|device| device.twice = true);
        }
        if order.mode > self.mode {
            self.mode = order.mode;
            let all: Vec<DeviceIx> = self.devices.keys().copied().collect();
            for ix in all {
                self.raise_device(ix);
            }
        }
        for ix in known(&self.plan, &order.devices) {
            let plan = &self.plan.devices[ix.at()];
            self.links.entry(plan.link).or_default();
            self.devices
                .entry(ix)
                .or_insert_with(|| Device::new(plan, self.mode, open.contains(&ix), self.twice, now));
        }
        self.graph = Graph::of(&self.plan, &self.devices.keys().copied().collect());
        if order.after_app {
            self.app_drives();
        }
        true
    }

    /// Which sequence is due.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// How far it goes.
    #[must_use]
    pub const fn extent(&self) -> Extent {
        self.extent
    }

    /// When it is over at the latest.
    #[must_use]
    pub const fn deadline(&self) -> Time {
        self.deadline
    }

    /// Whether it is over.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.ended.is_some()
    }

    /// When `device` goes over to its emergency sequence at the latest; `None` once it has, or is done.
    ///
    /// What is left then, release and record taken off, is exactly the reserve of the chain from it on; or
    /// what is left of its own budget is exactly its own reserve. Between the first verify that held and the
    /// second one only the deadline counts: by all that is known the device is safe, and a second emergency
    /// sequence would end nothing.
    #[must_use]
    pub fn takeover(&self, device: DeviceIx) -> Option<Time> {
        self.takeover_with(device, &self.tails())
    }

    fn takeover_with(&self, ix: DeviceIx, tails: &[Duration]) -> Option<Time> {
        let device = self.devices.get(&ix)?;
        let plan = &self.plan.devices[ix.at()];
        let idle = device.settled() || device.stage == Stage::Again;
        if device.mode == Mode::Emergency || idle || plan.only_measures() {
            return None;
        }
        let by_chain = self.safe_end() - tails[ix.at()];
        let held = matches!(device.stage, Stage::Pause(_) | Stage::Verify { second: true, .. });
        let turn = device.turn.filter(|_| !held);
        let by_budget = turn.map(|turn| turn + plan.budget.saturating_sub(reserve(plan)));
        Some(by_budget.map_or(by_chain, |by_budget| by_budget.min(by_chain)))
    }

    /// When a device out of reach is given up: its budget is used up, or the chain behind it needs the rest.
    fn give_up(&self, ix: DeviceIx, tails: &[Duration]) -> Time {
        let plan = &self.plan.devices[ix.at()];
        let behind = tails[ix.at()].saturating_sub(reserve(plan));
        let by_chain = self.safe_end() - behind;
        let turn = self.devices.get(&ix).and_then(|device| device.turn);
        turn.map_or(by_chain, |turn| by_chain.min(turn + plan.budget))
    }

    /// The reserves of the chains from each device on, those that are done left out.
    fn tails(&self) -> Vec<Duration> {
        self.graph.tails(|ix| match self.devices.get(&ix) {
            Some(device) if !device.settled() => reserve(&self.plan.devices[ix.at()]),
            _ => Duration::ZERO,
        })
    }

    /// The end of the safe phase as it is planned: safe steps still go on until the deadline.
    fn safe_end(&self) -> Time {
        self.deadline - self.wrap_up - self.kept_for_second_turn()
    }

    fn raise_device(&mut self, ix: DeviceIx) {
        let only_measures = self.plan.devices[ix.at()].only_measures();
        let Some(device) = self.devices.get_mut(&ix) else { return };
        if device.mode == Mode::Emergency || only_measures {
            return;
        }
        if !device.settled() {
            self.go_over(ix);
        } else if device.status != Some(crate::Status::SafeVerified)
            && device.line == Line::Up
            && device.stage == Stage::Settled
        {
            device.status = None;
            device.safe_at = None;
            self.go_over(ix);
        }
    }

    /// The emergency sequence from here on. What is out on the link is waited for and ignored.
    fn go_over(&mut self, ix: DeviceIx) {
        let Some(device) = self.devices.get_mut(&ix) else { return };
        device.mode = Mode::Emergency;
        device.generation = device.generation.wrapping_add(1);
        device.touched = false;
        device.resyncs = 0;
        device.answering = false;
        if device.turn.is_some() {
            device.stage = Stage::Commands(Sequence::new(OnFailure::Continue));
        }
    }
}

impl Machine for Teardown {
    fn next(&mut self, now: Time) -> Next {
        if self.ended.is_some() {
            return Next::Done;
        }
        if now >= self.deadline {
            self.run_out(now);
            return Next::Done;
        }
        self.give_up_on_stuck(now);
        self.give_up_on_app(now);
        let wait = self.advance(now);
        if self.ended.is_some() {
            return Next::Done;
        }
        let dispatches = self.pick(now);
        if dispatches.is_empty() { Next::Wait(self.wake(wait, now)) } else { Next::Do(dispatches) }
    }

    fn result(&mut self, now: Time, result: StepResult) {
        if self.ended.is_none() {
            self.take(now, result);
        }
    }

    fn drain_events(&mut self) -> Vec<Progress> {
        self.events.drain(..).collect()
    }
}

impl Teardown {
    /// What was done so far, and how it ended where it has.
    #[must_use]
    pub fn report(&self, now: Time) -> Report {
        self.write_report(now)
    }

    /// A dispatch whose result is late beyond the slack counts as timed out, and its link as stuck.
    fn give_up_on_stuck(&mut self, now: Time) {
        let late: Vec<(LinkIx, Ticket)> = self
            .links
            .iter()
            .filter_map(|(ix, link)| Some((*ix, link.out.as_ref()?)))
            .filter(|(_, out)| now >= out.deadline + SLACK)
            .map(|(ix, out)| (ix, out.ticket))
            .collect();
        for (ix, ticket) in late {
            let outcome = Err(super::Failure::Timeout);
            self.take(now, StepResult { ticket, outcome, out_of_step: false, written: None });
            self.links.entry(ix).or_default().stuck = true;
            self.abandon_link(ix, now);
        }
    }

    /// The earliest time at which something is due by itself.
    fn wake(&self, wanted: Option<Time>, now: Time) -> Time {
        let tails = self.tails();
        let late = self.links.values().filter_map(|link| Some(link.out.as_ref()?.deadline + SLACK));
        let over = self.devices.keys().filter_map(|ix| self.takeover_with(*ix, &tails));
        let gone = self
            .devices
            .iter()
            .filter(|(_, device)| {
                !device.settled() && device.stage != Stage::Again && device.line != Line::Up
            })
            .map(|(ix, _)| self.give_up(*ix, &tails));
        wanted
            .into_iter()
            .chain(late)
            .chain(over)
            .chain(gone)
            .chain((self.driving == Driving::Still).then(|| self.safe_end()))
            .chain((self.extent > Extent::Stay).then(|| self.closing_time()))
            .filter(|at| *at > now)
            .fold(self.deadline, Time::min)
    }
}
