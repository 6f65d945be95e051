//! The thread of one link.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use killcord_core::{
    LinkPlan, Step, Value,
    check::field_of,
    plan::{Connect, Failure, Protocol, Work},
};
use rustix::event::{PollFd, PollFlags, poll};

use super::{
    Common, Done, Job, Lane, LinkEvent, Poll,
    poll::Schedule,
    queue::{Flight, Queue, Turn},
    slot::{Slot, State},
};
use crate::{
    Cx, DeviceError,
    cancel::Cancel,
    transport::{Transport, Wire, timespec},
};

/// A device that stays silent so often in a row is lost.
const MISSES: u32 = 3;

pub(super) struct LinkWorker {
    pub(super) link: LinkPlan,
    pub(super) slots: Vec<Slot>,
    pub(super) schedule: Schedule,
    pub(super) wire: Wire,
    pub(super) queue: Arc<Queue>,
    pub(super) common: Arc<Common>,
    /// Another process used the line until now.
    pub(super) taken_over: bool,
}

impl LinkWorker {
    pub(super) fn new(
        link: LinkPlan,
        slots: Vec<Slot>,
        polls: Vec<Poll>,
        wire: Wire,
        queue: Arc<Queue>,
        common: Arc<Common>,
        taken_over: bool,
    ) -> Self {
        let schedule = Schedule::new(polls, common.clock.now());
        Self { link, slots, schedule, wire, queue, common, taken_over }
    }

    /// Until it is stopped. A panic that is nobody's device's (a reply, an event) costs that call only.
    pub(super) fn run(mut self) {
        while catch_unwind(AssertUnwindSafe(|| self.serve())).is_err() {}
        for refused in self.queue.drain() {
            let done = Done { outcome: Err(refused.why), out_of_step: false, written: None };
            let _a_panic_of_theirs = catch_unwind(AssertUnwindSafe(|| (refused.job.reply)(done)));
        }
        self.wire.disconnect();
    }

    fn serve(&mut self) {
        loop {
            let on_the_wire =
                |job: &Job| if job.lane == Lane::Safe { Flight::Stays } else { Flight::Cuttable };
            match self.queue.next(on_the_wire) {
                Turn::Stop => return,
                Turn::Do(job) => self.perform(job),
                Turn::Idle => {
                    self.queue.idle();
                    if !self.own_work() {
                        self.wait();
                    }
                }
            }
        }
    }

    pub(super) fn now(&self) -> Instant {
        self.common.clock.now()
    }

    pub(super) fn tell(&self, event: LinkEvent) {
        (self.common.events)(event);
    }

    /// Whether an exchange on this line is waited for, because an answer in flight and a command would meet
    /// on the same wire. Connecting, and what lies between two exchanges, can be cut on every line.
    fn holds_exchanges(&self) -> bool {
        let half_duplex = match &self.link.connect {
            Connect::Serial { line, protocol, .. } => line.multi_drop || *protocol == Protocol::ModbusRtu,
            Connect::Tcp { protocol, .. } => *protocol == Protocol::ModbusRtu,
            Connect::None => false,
        };
        half_duplex || !self.link.cut_in
    }

    pub(super) fn cancel(&self, lane: Lane) -> Cancel {
        let cancel = Cancel::by(self.queue.wake().clone());
        match lane {
            Lane::Act(epoch) => cancel.fenced(self.common.fence.clone(), epoch),
            Lane::Query => cancel,
            Lane::Safe => cancel.uncuttable(),
        }
    }

    /// Whether a reply on this line names who it is from and what it answers, so that one device's silence
    /// says nothing about another's answers.
    const fn replies_are_named(&self) -> bool {
        !matches!(
            self.link.connect,
            Connect::Tcp { protocol: Protocol::Line { .. }, .. }
                | Connect::Serial { protocol: Protocol::Line { .. }, .. }
        )
    }

    fn is_out_of_step(&self, at: usize) -> bool {
        if self.replies_are_named() {
            self.slots.get(at).is_some_and(|slot| !slot.in_step)
        } else {
            self.slots.iter().any(|slot| !slot.in_step)
        }
    }

    fn perform(&mut self, job: Job) {
        let Job { device, work, lane, deadline, reply } = job;
        let cancel = self.cancel(lane);
        let common = self.common.clone();
        let cx = Cx { deadline, cancel: &cancel, clock: common.clock.as_ref() };
        self.queue.busy(deadline);
        let done = match self.slots.iter().position(|slot| slot.ix == device) {
            None => Done {
                outcome: Err(Failure::Driver(String::from("the device is not on this link"))),
                out_of_step: false,
                written: None,
            },
            Some(at) => {
                let before = self.is_out_of_step(at);
                let outcome = match &work {
                    // Safe bytes do not wait until a device that is connected says who it is after all.
                    Work::Open if lane == Lane::Safe && self.is_mute(at) => Err(DeviceError::Timeout),
                    Work::Open => self.open(at, &cx),
                    Work::Step(step) => self.step(at, step, lane, &cx),
                    Work::Resync => self.resync(at, &cx).map(|()| None),
                    Work::Close => self.close(at, &cx).map(|()| None),
                };
                let out_of_step = self.is_out_of_step(at)
                    || (before && matches!(work, Work::Step(_)) && lane == Lane::Safe);
                if let (Work::Open, Err(error)) = (&work, &outcome) {
                    self.could_not_open(at, error);
                }
                let written = cancel.written();
                let outcome = outcome.map_err(|error| failure(&error, written.is_some()));
                Done { outcome, out_of_step, written }
            }
        };
        // Busy until it has been told: a reply that blocks is a thread that is stuck.
        reply(done);
        self.queue.idle();
    }

    /// One step, on a line that is in step unless the step is a safe one.
    pub(super) fn step(
        &mut self,
        at: usize,
        step: &Step,
        lane: Lane,
        cx: &Cx<'_>,
    ) -> Result<Option<Value>, DeviceError> {
        if let Lane::Act(epoch) = lane
            && !self.common.fence.allows(epoch)
        {
            return Err(DeviceError::Fenced);
        }
        self.same_connection(at, cx)?;
        if lane != Lane::Safe && self.is_out_of_step(at) {
            self.resync(at, cx)?;
        }
        self.exchange(at, step, cx)
    }

    /// Refuses where nothing may be sent; identifies the device again where another one's resync has
    /// replaced the connection.
    fn same_connection(&mut self, at: usize, cx: &Cx<'_>) -> Result<(), DeviceError> {
        let (connected, connection) = (self.wire.is_connected(), self.wire.connection());
        let Some(slot) = self.slots.get(at) else { return Err(self.not_connected()) };
        match &slot.state {
            State::Wrong(_, found) => Err(DeviceError::WrongIdentity { found: found.clone() }),
            State::Closed => Err(self.not_connected()),
            _ if !connected => {
                self.lost("the connection was dropped");
                Err(self.not_connected())
            }
            State::Mute(on) | State::Open(on, _) if *on == connection => Ok(()),
            _ => match self.open(at, cx) {
                Err(error) if !self.accepts_bytes(at) => Err(error),
                _ => Ok(()),
            },
        }
    }

    fn accepts_bytes(&self, at: usize) -> bool {
        self.slots.get(at).is_some_and(|slot| matches!(slot.state, State::Mute(_) | State::Open(..)))
    }

    /// Connected, and it did not say who it is.
    fn is_mute(&self, at: usize) -> bool {
        let live = self.live();
        self.slots.get(at).is_some_and(|slot| matches!(slot.state, State::Mute(on) if live == Some(on)))
    }

    fn not_connected(&self) -> DeviceError {
        DeviceError::NotConnected { target: self.link.name.clone() }
    }

    /// One exchange, and what it says about the connection.
    pub(super) fn exchange(
        &mut self,
        at: usize,
        step: &Step,
        cx: &Cx<'_>,
    ) -> Result<Option<Value>, DeviceError> {
        let holds = self.holds_exchanges();
        let Some(slot) = self.slots.get_mut(at) else { return Err(self.not_connected()) };
        let mut limit = step.timeout().unwrap_or(slot.plan.timeout);
        if matches!(step, Step::WriteRegister { format, .. } if format.mask.is_some()) {
            // Read, then written.
            limit *= 2;
        }
        cx.cancel.begin(holds);
        let result =
            slot.call(&self.wire, &self.link, &cx.within(limit), |device, cx| device.perform(step, cx));
        cx.cancel.end();
        if let (Ok(Some(_)), Some(slot)) = (&result, self.slots.get_mut(at)) {
            slot.misses = 0;
        }
        self.heed(at, cx, result)
    }

    /// Takes note of what a result says about the connection.
    pub(super) fn heed<T>(
        &mut self,
        at: usize,
        cx: &Cx<'_>,
        result: Result<T, DeviceError>,
    ) -> Result<T, DeviceError> {
        let linked = self.link.connect != Connect::None;
        let Some(slot) = self.slots.get_mut(at) else { return result };
        match &result {
            Ok(_) => {}
            Err(error) if error.is_disconnected() => self.lost(&error.to_string()),
            Err(DeviceError::Cut) => slot.in_step &= !linked || cx.cancel.written().is_none(),
            Err(error) if error.leaves_out_of_step() => {
                slot.in_step &= !linked;
                slot.misses += u32::from(matches!(error, DeviceError::Timeout));
            }
            Err(_) => {}
        }
        result
    }

    /// On a link whose replies say nothing of whom they are from, every device that left it out of step has
    /// to be heard out, the one asked for last.
    fn resync(&mut self, at: usize, cx: &Cx<'_>) -> Result<(), DeviceError> {
        self.same_connection(at, cx)?;
        let others = (0..self.slots.len())
            .filter(|&other| other != at && !self.replies_are_named())
            .filter(|&other| self.slots.get(other).is_some_and(|slot| !slot.in_step));
        for other in others.collect::<Vec<_>>() {
            if self.accepts_bytes(other) {
                self.resync_one(other, cx)?;
            } else if let Some(slot) = self.slots.get_mut(other) {
                slot.in_step = true;
            }
        }
        // Where replies are named, another's silence says nothing about this one's answers.
        if self.replies_are_named() && self.slots.get(at).is_some_and(|slot| slot.in_step) {
            return Ok(());
        }
        self.resync_one(at, cx)
    }

    fn resync_one(&mut self, at: usize, cx: &Cx<'_>) -> Result<(), DeviceError> {
        let before = self.wire.connection();
        self.bring_in_step(at, cx)?;
        if let Some(slot) = self.slots.get_mut(at) {
            slot.in_step = true;
        }
        if self.wire.connection() == before { Ok(()) } else { self.open(at, cx).map(drop) }
    }

    pub(super) fn bring_in_step(&mut self, at: usize, cx: &Cx<'_>) -> Result<(), DeviceError> {
        let holds = self.holds_exchanges();
        let Some(slot) = self.slots.get_mut(at) else { return Err(self.not_connected()) };
        cx.cancel.begin(holds);
        let result = slot.call(&self.wire, &self.link, cx, |device, cx| device.resync(cx));
        cx.cancel.end();
        self.heed(at, cx, result)
    }

    fn close(&mut self, at: usize, cx: &Cx<'_>) -> Result<(), DeviceError> {
        let others = self.slots.iter().enumerate().any(|(other, slot)| {
            other != at && slot.wanted && matches!(slot.state, State::Open(..) | State::Mute(_))
        });
        self.wire.keep(others);
        let Some(slot) = self.slots.get_mut(at) else { return Ok(()) };
        slot.wanted = false;
        let was_closed = slot.state == State::Closed;
        let closed = slot.close(&self.wire, &self.link, cx);
        self.wire.keep(false);
        self.common.set_open(slot.ix, false);
        // Where there was nothing to hand back, nothing went wrong.
        if was_closed { Ok(()) } else { closed }
    }

    /// The connection is gone for every device on it.
    pub(super) fn lost(&mut self, why: &str) {
        let now = self.now();
        self.wire.disconnect();
        for slot in &mut self.slots {
            let before = std::mem::replace(&mut slot.state, State::Closed);
            slot.in_step = true;
            slot.misses = 0;
            if before == State::Closed {
                continue;
            }
            slot.try_later(now);
            self.common.set_open(slot.ix, false);
            if matches!(before, State::Open(..)) {
                (self.common.events)(LinkEvent::Lost { device: slot.ix, why: why.to_owned() });
            }
        }
    }

    /// The number of the connection, if there is one.
    pub(super) fn live(&self) -> Option<u64> {
        self.wire.is_connected().then(|| self.wire.connection())
    }

    /// Something that nobody asked for now: a poll, or a device to be opened again. Whether there was any.
    fn own_work(&mut self) -> bool {
        if self.common.quiet.load(Ordering::SeqCst) {
            return false;
        }
        let now = self.now();
        let live = self.live();
        let is_due = |slot: &Slot| slot.due_at(live).is_some_and(|at| at <= now);
        if let Some(at) = self.slots.iter().position(is_due) {
            if self.queue.begin_own() {
                self.open_again(at);
            }
            return true;
        }
        let wanted = Self::polled(&self.slots, &self.common);
        let Some(poll) = self.schedule.take_due(now, wanted) else { return false };
        if self.queue.begin_own() {
            self.poll(&poll);
        }
        true
    }

    /// Which polls are asked now: those of open devices, and feeds only where feeding is allowed.
    fn polled<'a>(slots: &'a [Slot], common: &'a Common) -> impl Fn(&Poll) -> bool + 'a {
        |poll| {
            let open =
                slots.iter().any(|slot| slot.ix == poll.device && matches!(slot.state, State::Open(..)));
            let fed = || common.fed_under(poll.device).is_some_and(|epoch| common.fence.allows(epoch));
            open && (!poll.feed || fed())
        }
    }

    fn poll(&mut self, poll: &Poll) {
        let Some(at) = self.slots.iter().position(|slot| slot.ix == poll.device) else { return };
        let lane = match self.common.fed_under(poll.device) {
            Some(epoch) if poll.feed => Lane::Act(epoch),
            _ => Lane::Query,
        };
        let timeout = self.slots.get(at).map_or(Duration::ZERO, |slot| slot.plan.timeout);
        let cancel = self.cancel(lane);
        let common = self.common.clone();
        // Enough for a resync before it.
        let deadline = self.now() + timeout * 5;
        self.queue.busy(deadline);
        let cx = Cx { deadline, cancel: &cancel, clock: common.clock.as_ref() };
        let asked = self.step(at, &poll.query, lane, &cx);
        self.queue.idle();
        let value = match asked {
            // Whoever cut in on it has better things to hear of.
            Err(DeviceError::Cut | DeviceError::Fenced) => return,
            Ok(value) => field(value, poll.field),
            Err(error) => Err(Failure::from(&error)),
        };
        self.tell(LinkEvent::Polled { id: poll.id, at: self.now(), value });
        self.give_up_if_mute(at);
    }

    /// A device that stays silent is lost, though its line is up: it is tried again in the background.
    fn give_up_if_mute(&mut self, at: usize) {
        let alone = self.slots.len() == 1;
        let now = self.now();
        let Some(slot) = self.slots.get_mut(at).filter(|slot| slot.misses >= MISSES) else { return };
        slot.was_mute = true;
        let why = format!("no answer to {} questions in a row", slot.misses);
        if alone {
            return self.lost(&why);
        }
        slot.state = State::Closed;
        slot.in_step = true;
        slot.misses = 0;
        slot.try_later(now);
        let device = slot.ix;
        self.common.set_open(device, false);
        self.tell(LinkEvent::Lost { device, why });
    }

    /// Until the bell rings, the line hangs up or something of the thread's own is due.
    fn wait(&mut self) {
        let now = self.now();
        let next = if self.common.quiet.load(Ordering::SeqCst) {
            None
        } else {
            let polls = self.schedule.next_at(Self::polled(&self.slots, &self.common));
            let retries = self.slots.iter().filter_map(|slot| slot.due_at(self.live())).min();
            [polls, retries].into_iter().flatten().min()
        };
        let left = next.map_or(Duration::from_secs(1), |at| at.saturating_duration_since(now));
        let timeout = timespec(left.min(Duration::from_secs(1)));
        let mut gone = false;
        let wake = self.queue.wake().clone();
        self.wire.watch(&mut |line| {
            let mut fds = vec![PollFd::new(&*wake, PollFlags::IN)];
            fds.extend(line.map(|line| PollFd::from_borrowed_fd(line, PollFlags::RDHUP)));
            // An interrupted wait looks again.
            let _interrupted = poll(&mut fds, Some(&timeout));
            gone = fds.get(1).is_some_and(|line| !line.revents().is_empty());
        });
        wake.hush();
        if gone {
            self.lost("it hung up; check power and cable");
        }
    }
}

/// The core's word for an error; a cut is told by whether the device has heard of it.
fn failure(error: &DeviceError, written: bool) -> Failure {
    match error {
        DeviceError::Cut if !written => Failure::Fenced,
        other => Failure::from(other),
    }
}

fn field(value: Option<Value>, field: Option<u16>) -> Result<Value, Failure> {
    match (value, field) {
        (Some(Value::Text(text)), Some(field)) => match field_of(&text, field) {
            Some(part) => Ok(Value::Text(part.to_owned())),
            None => Err(Failure::Refused(format!("no field {field} in `{text}`"))),
        },
        (Some(value), _) => Ok(value),
        // A feed that only writes is done when it is written.
        (None, _) => Ok(Value::Truth(true)),
    }
}
