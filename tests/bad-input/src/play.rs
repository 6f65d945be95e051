//! Teardown and arming of a plan, with answers that are all alike, in a time of their own.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use killcord_core::{
    Cause, DeviceIx, Extent, Mode, Plan, Step, Time, Value,
    plan::{Arming, Failure, Machine, Next, Order, SLACK, StepResult, Teardown, Work},
};

/// A machine that has done so much is left: a condition may be asked each 10 ms for an hour.
const MOST: usize = 5_000;

/// How every device answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answers {
    /// With a zero, to whatever is asked.
    Zero,
    /// Not at all: each exchange takes all the time that it has.
    Never,
}

/// Makes the rig of a plan safe.
///
/// It has to end by its deadline whatever the devices do, say how each of them ended, and call nothing safe that never
/// answered, except where the plan says that nothing can be read.
pub(crate) fn teardown(plan: &Arc<Plan>, mode: Mode, answers: Answers) {
    let began = Time::from_millis(1_000);
    let order = Order::whole(plan, mode, Extent::End, Cause::SafeStop, began);
    let asked: BTreeSet<DeviceIx> = order.devices.iter().copied().collect();
    let mut machine = Teardown::new(Arc::clone(plan), order, &BTreeSet::new(), began);
    let deadline = machine.deadline();
    let Some(ended) = play(&mut machine, began, answers) else { return };
    assert!(ended <= deadline + SLACK + Duration::from_millis(10), "over at {ended}, due by {deadline}");
    let report = machine.report(ended);
    let told: BTreeSet<DeviceIx> = report.devices.iter().map(|entry| entry.device).collect();
    assert_eq!(told, asked, "the report leaves a device out");
    for entry in &report.devices {
        let verified = entry.status == killcord_core::Status::SafeVerified;
        assert!(!verified || matches!(answers, Answers::Zero), "verified by silence: {entry:?}");
    }
}

/// Arms the rig of a plan: it ends, one way or the other, and never well where nobody answers.
pub(crate) fn arming(plan: &Arc<Plan>, answers: Answers) {
    let mut machine = Arming::new(Arc::clone(plan));
    if play(&mut machine, Time::from_millis(1_000), answers).is_some() {
        assert!(machine.outcome().is_some(), "over, and neither armed nor failed");
    }
}

/// Drives it to its end; when that was, or `None` where it takes too long for us.
fn play(machine: &mut impl Machine, began: Time, answers: Answers) -> Option<Time> {
    let mut now = began;
    for _ in 0..MOST {
        match machine.next(now) {
            Next::Done => return Some(now),
            Next::Wait(until) => {
                assert!(until > now, "it waits for a time that is past");
                now = until;
            }
            Next::Do(dispatches) => {
                let mut links = BTreeSet::new();
                let last = dispatches.iter().map(|dispatch| dispatch.deadline).max();
                assert!(
                    dispatches.iter().all(|dispatch| links.insert(dispatch.link)),
                    "two at once on a link"
                );
                now = match answers {
                    Answers::Zero => now + Duration::from_millis(1),
                    Answers::Never => last.unwrap_or(now).max(now),
                };
                for dispatch in dispatches {
                    let outcome = match answers {
                        Answers::Never => Err(Failure::Timeout),
                        Answers::Zero => Ok(answer(&dispatch.work)),
                    };
                    let out_of_step = matches!(answers, Answers::Never);
                    let result =
                        StepResult { ticket: dispatch.ticket, outcome, out_of_step, written: Some(now) };
                    machine.result(now, result);
                }
            }
        }
        machine.drain_events();
    }
    None
}

fn answer(work: &Work) -> Option<Value> {
    match work {
        Work::Step(Step::Query { .. }) => Some(Value::Text(String::from("0"))),
        Work::Step(Step::Read { .. }) => Some(Value::Number(0.0.into())),
        _ => None,
    }
}
