//! What a link's thread does when nobody has handed it a job: polls, reconnects, and waits.

use std::{sync::atomic::Ordering, time::Duration};

use killcord_core::{Value, check::field_of, plan::Failure};
use rustix::event::{PollFd, PollFlags, poll};

use super::{
    Lane, LinkEvent, Poll,
    common::Common,
    slot::{Slot, State},
    worker::LinkWorker,
};
use crate::{
    Cx, DeviceError,
    transport::{Transport, timespec},
};

/// A device that stays silent so often in a row is lost.
const MISSES: u32 = 3;

impl LinkWorker {
    /// Something that nobody asked for now: a poll, or a device to be opened again. Whether there was any.
    pub(super) fn own_work(&mut self) -> bool {
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
    pub(super) fn polled<'a>(slots: &'a [Slot], common: &'a Common) -> impl Fn(&Poll) -> bool + 'a {
        |poll| {
            let open =
                slots.iter().any(|slot| slot.ix == poll.device && matches!(slot.state, State::Open(..)));
            let fed = || common.fed_under(poll.device).is_some_and(|epoch| common.fence.allows(epoch));
            open && (!poll.feed || fed())
        }
    }

    pub(super) fn poll(&mut self, poll: &Poll) {
        let Some(at) = self.slots.iter().position(|slot| slot.ix == poll.device) else { return };
        let lane = match self.common.fed_under(poll.device) {
            Some(epoch) if poll.feed => Lane::Act(epoch),
            _ => Lane::Query,
        };
        let timeout = self.slots.get(at).map_or(Duration::ZERO, |slot| slot.plan.timeout);
        let cancel = self.cancel(lane);
        let common = self.common.clone();
        // An earlier one was told to whoever had asked for the step.
        self.take_panic(at);
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
        if !self.give_up_if_panicked(at) {
            self.give_up_if_mute(at);
        }
    }

    /// A driver that has lost its head is no longer believed to have its device in hand; the line is not at fault.
    pub(super) fn give_up_if_panicked(&mut self, at: usize) -> bool {
        let panicked = self.take_panic(at);
        let gives_up = panicked.is_some();
        if let Some(why) = panicked {
            self.give_up(at, why);
        }
        gives_up
    }

    fn take_panic(&mut self, at: usize) -> Option<String> {
        self.slots.get_mut(at)?.panicked.take()
    }

    /// A device that stays silent is lost, though its line is up: it is tried again in the background.
    pub(super) fn give_up_if_mute(&mut self, at: usize) {
        let Some(slot) = self.slots.get_mut(at).filter(|slot| slot.misses >= MISSES) else { return };
        slot.was_mute = true;
        let why = format!("no answer to {} questions in a row", slot.misses);
        if self.slots.len() == 1 {
            return self.lost(&why);
        }
        self.give_up(at, why);
    }

    /// The device is lost, though its line is up; others on the line are not.
    fn give_up(&mut self, at: usize, why: String) {
        let now = self.now();
        let Some(slot) = self.slots.get_mut(at) else { return };
        slot.state = State::Closed;
        slot.in_step = true;
        slot.misses = 0;
        slot.try_later(now);
        let device = slot.ix;
        self.common.set_open(device, false);
        self.tell(LinkEvent::Lost { device, why });
    }

    /// Until the bell rings, the line hangs up or something of the thread's own is due.
    pub(super) fn wait(&mut self) {
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
