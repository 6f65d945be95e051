//! The thread of one link.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use killcord_core::{
    LinkIx, LinkPlan,
    plan::{Failure, Work},
};

use super::{
    Done, Job, Lane, LinkEvent,
    common::Common,
    poll::Schedule,
    queue::{Flight, Queue, Turn},
    slot::Slot,
};
use crate::{
    Cx, DeviceError,
    cancel::Cancel,
    transport::{Holdings, Transport, Wire},
};

pub(super) struct LinkWorker {
    pub(super) ix: LinkIx,
    pub(super) link: LinkPlan,
    pub(super) slots: Vec<Slot>,
    pub(super) schedule: Schedule,
    pub(super) wire: Wire,
    pub(super) queue: Arc<Queue>,
    pub(super) common: Arc<Common>,
    /// Another process used the line until now.
    pub(super) taken_over: bool,
    pub(super) holdings: Holdings,
    /// The count of its changes that was told last.
    pub(super) told_holdings: u64,
}

impl LinkWorker {
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
                    self.tell_of_holdings();
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

    pub(super) fn tell_of_holdings(&mut self) {
        let changes = self.holdings.changes();
        if std::mem::replace(&mut self.told_holdings, changes) != changes {
            self.tell(LinkEvent::Holdings { link: self.ix });
        }
    }

    pub(super) fn cancel(&self, lane: Lane) -> Cancel {
        let cancel = Cancel::by(self.queue.wake().clone()).recorded(self.common.ahead.clone());
        match lane {
            Lane::Act(epoch) => cancel.fenced(self.common.fence.clone(), epoch),
            Lane::Query => cancel,
            Lane::Safe => cancel.uncuttable(),
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
        self.tell_of_holdings();
        // Busy until it has been told: a reply that blocks is a thread that is stuck.
        reply(done);
        // What asks or makes safe is tried again by whoever wanted it; what may have made a device act is not.
        if matches!(lane, Lane::Act(_))
            && let Some(at) = self.slots.iter().position(|slot| slot.ix == device)
        {
            self.give_up_if_panicked(at);
        }
        self.queue.idle();
    }
}

/// The core's word for an error; a cut is told by whether the device has heard of it.
fn failure(error: &DeviceError, written: bool) -> Failure {
    match error {
        DeviceError::Cut if !written => Failure::Fenced,
        other => Failure::from(other),
    }
}
