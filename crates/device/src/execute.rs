//! The executor: drives core's plan machines over real links. The only code that performs a teardown, in
//! host and watchdog alike.
//!
//! It decides nothing: what goes out, in which order and until when is the machine's word. It turns dispatches
//! into jobs, results into `StepResult`s, and time into `Time`, and it never waits for a link: a result comes
//! by a callback on the link's thread, and one that never comes is the machine's to notice.

mod executor;
mod inbox;
#[cfg(test)]
mod tests;
mod timeline;

use std::{collections::BTreeSet, sync::Arc};

use killcord_core::{
    DeviceIx, LinkIx, Plan, Report, Time,
    plan::{Dispatch, Machine, Next, Order, Progress, StepResult, Teardown},
};

use self::inbox::Inbox;
pub use self::{
    executor::{Event, Executor, Orders},
    timeline::Timeline,
};
use crate::{Done, Job, Lane, Links};

/// Where jobs go: the links of a rig, or a script in their place.
pub trait Lines: Send + Sync {
    /// Hands a job to a link. Never blocks; the job's reply is called exactly once, or never if the link's
    /// thread is stuck.
    fn submit(&self, link: LinkIx, job: Job);
    /// Whether the device is connected and is the one that it has to be.
    fn is_open(&self, device: DeviceIx) -> bool;
    /// No polling, feeding and reconnecting while a teardown runs.
    fn quiet(&self, on: bool);
}

impl Lines for Links {
    fn submit(&self, link: LinkIx, job: Job) {
        Self::submit(self, link, job);
    }

    fn is_open(&self, device: DeviceIx) -> bool {
        Self::is_open(self, device)
    }

    fn quiet(&self, on: bool) {
        Self::quiet(self, on);
    }
}

/// Runs one teardown to its end on this thread and reports it. `sink` is told of progress as it happens and
/// must not block.
///
/// Over by the order's deadline, whatever the links do.
pub fn execute(
    plan: &Arc<Plan>,
    order: Order,
    lines: &dyn Lines,
    timeline: &Timeline,
    sink: &mut dyn FnMut(Progress),
) -> Report {
    let inbox = Arc::new(Inbox::default());
    let mut teardown = Teardown::new(plan.clone(), order, &open_devices(plan, lines), timeline.now());
    let run = Run::begin(&inbox, 1, Lane::Safe, lines, timeline);
    let quiet = Quiet::begin(lines);
    loop {
        let until = run.turn(&mut teardown);
        // Told after what is due has gone out: nobody who listens delays a byte.
        teardown.drain_events().into_iter().for_each(&mut *sink);
        match until {
            Some(until) => inbox.wait(timeline, Some(until)),
            None => break,
        }
    }
    drop(quiet);
    teardown.report(timeline.now())
}

/// The devices that have a connection.
fn open_devices(plan: &Plan, lines: &dyn Lines) -> BTreeSet<DeviceIx> {
    (0..plan.devices.len()).map(DeviceIx::from).filter(|device| lines.is_open(*device)).collect()
}

/// One machine being driven.
struct Run<'a> {
    inbox: &'a Arc<Inbox>,
    /// Tickets begin anew with each machine: a late result of an earlier one is told apart by this.
    number: u64,
    lane: Lane,
    lines: &'a dyn Lines,
    timeline: &'a Timeline,
}

impl<'a> Run<'a> {
    fn begin(
        inbox: &'a Arc<Inbox>,
        number: u64,
        lane: Lane,
        lines: &'a dyn Lines,
        timeline: &'a Timeline,
    ) -> Self {
        inbox.begin(number);
        Self { inbox, number, lane, lines, timeline }
    }

    /// Hands in what has come and hands out what is due. `None` when the machine is done, else the time to
    /// come back at the latest.
    fn turn<M: Machine>(&self, machine: &mut M) -> Option<Time> {
        for result in self.inbox.take_results() {
            machine.result(self.timeline.now(), result);
        }
        match machine.next(self.timeline.now()) {
            Next::Do(dispatches) => {
                for dispatch in dispatches {
                    self.hand_out(dispatch);
                }
                // At once: something may have come meanwhile, and another link may be free.
                Some(self.timeline.now())
            }
            Next::Wait(until) => Some(until),
            Next::Done => None,
        }
    }

    fn hand_out(&self, dispatch: Dispatch) {
        let Dispatch { ticket, device, link, work, deadline, phase: _ } = dispatch;
        let (inbox, number, timeline) = (self.inbox.clone(), self.number, self.timeline.clone());
        let reply = Box::new(move |done: Done| {
            let Done { outcome, out_of_step, written } = done;
            let written = written.map(|at| timeline.time(at));
            inbox.result(number, StepResult { ticket, outcome, out_of_step, written });
        });
        let deadline = self.timeline.instant(deadline);
        self.lines.submit(link, Job { device, work, lane: self.lane, deadline, reply });
    }
}

/// The links poll nothing as long as this lives.
struct Quiet<'a>(&'a dyn Lines);

impl<'a> Quiet<'a> {
    fn begin(lines: &'a dyn Lines) -> Self {
        lines.quiet(true);
        Self(lines)
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        self.0.quiet(false);
    }
}
