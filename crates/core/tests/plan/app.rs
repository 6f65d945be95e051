//! Devices that the app drives by itself: a turn at once, and one that counts once nothing of the app is left.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use killcord_core::{
    App, DeviceIx, Extent, Item, Mode, Plan, Report, Status, Step, Time, Value,
    app::{OnCrash, Stop, StopSignal},
    plan::{
        BudgetProblem, Dispatch, Machine, Next, Order, StepResult, Teardown, Work,
        budget::{RECORD, app_stop, kill_app_by, release_time, second_turn, wrap_up},
        fill_budgets, reserve, worst_case,
    },
};

use crate::{
    boundaries::text,
    rigs::{all_open, at, device, ix, ms, order, plan},
};

const TICK: Duration = Duration::from_nanos(1);

fn app(drives: &[u16]) -> App {
    App {
        command: vec!["bokeh".into()],
        directory: "/".into(),
        ready: "/".into(),
        ready_within: ms(30_000),
        before_stop: None,
        stop: Stop { signal: StopSignal::Term, within: ms(3000) },
        on_crash: OnCrash::Safe,
        drives: drives.iter().copied().map(DeviceIx).collect(),
    }
}

/// A supply that the app drives, and a load that comes behind it.
fn bench() -> Arc<Plan> {
    let mut load = device("load", 1);
    load.safe_after = vec![ix(0)];
    let mut plan = Arc::unwrap_or_clone(plan(ms(10_000), vec![device("psu", 0), load]));
    plan.app = Some(app(&[0]));
    Arc::new(plan)
}

fn begun(plan: &Arc<Plan>, mode: Mode, extent: Extent) -> Teardown {
    let order = Order { after_app: true, ..order(plan, mode, extent) };
    Teardown::new(plan.clone(), order, &all_open(plan), at(0))
}

fn answered(dispatch: &Dispatch, reply: &str) -> StepResult {
    let owed = matches!(&dispatch.work, Work::Step(step) if step.is_query());
    let outcome = Ok(owed.then(|| Value::Text(reply.into())));
    StepResult { ticket: dispatch.ticket, outcome, out_of_step: false, written: None }
}

/// Has the devices obey at `now` until nothing is due; gives what went out, and until when nothing is.
fn obeying(teardown: &mut Teardown, now: Time) -> (Vec<(u16, String)>, Option<Time>) {
    let mut out = Vec::new();
    loop {
        match teardown.next(now) {
            Next::Do(dispatches) => {
                for dispatch in dispatches {
                    out.push((dispatch.device.0, text(&dispatch)));
                    teardown.result(now, answered(&dispatch, "0"));
                }
            }
            Next::Wait(until) => return (out, Some(until)),
            Next::Done => return (out, None),
        }
    }
}

fn said(words: &[(u16, &str)]) -> Vec<(u16, String)> {
    words.iter().map(|(device, word)| (*device, (*word).to_owned())).collect()
}

fn statuses(report: &Report) -> Vec<Status> {
    report.devices.iter().map(|device| device.status).collect()
}

#[test]
fn a_driven_device_is_made_safe_at_once_and_again_when_the_app_is_gone() {
    let plan = bench();
    let mut teardown = begun(&plan, Mode::Safe, Extent::Stay);
    let (first, until) = obeying(&mut teardown, at(0));
    assert_eq!(
        first,
        said(&[(0, "OFF"), (0, "OUT?"), (1, "OFF"), (1, "OUT?")]),
        "nothing waited for the app"
    );
    assert!(until.is_some(), "it was over beside the app");
    assert_eq!(teardown.report(at(0)).device(ix(0)).unwrap().safe_at, None, "believed beside the app");
    assert_eq!(teardown.report(at(0)).device(ix(1)).unwrap().status, Status::SafeVerified);

    teardown.app_gone();
    // Twice, one timeout apart: another process had its line.
    assert_eq!(obeying(&mut teardown, at(2000)), (said(&[(0, "OFF"), (0, "OUT?")]), Some(at(2100))));
    assert_eq!(obeying(&mut teardown, at(2100)), (said(&[(0, "OUT?")]), None));
    let report = teardown.report(at(2100));
    assert_eq!(statuses(&report), [Status::SafeVerified; 2]);
    assert_eq!(report.device(ix(0)).unwrap().safe_at, Some(at(2100)));
}

#[test]
fn what_the_app_said_between_the_turns_is_seen_by_the_second() {
    let plan = bench();
    let mut teardown = begun(&plan, Mode::Safe, Extent::Stay);
    obeying(&mut teardown, at(0));
    teardown.app_gone();
    let (mut words, mut now) = (Vec::new(), at(100));
    // It was switched on again, and only the emergency sequence ends that.
    loop {
        match teardown.next(now) {
            Next::Do(out) => {
                for dispatch in out {
                    words.push(text(&dispatch));
                    let off = words.iter().any(|word| word == "CUT");
                    teardown.result(now, answered(&dispatch, if off { "0" } else { "1" }));
                }
            }
            Next::Wait(until) => now = until,
            Next::Done => break,
        }
    }
    assert_eq!(words, ["OFF", "OUT?", "CUT", "OUT?", "OUT?"]);
    assert_eq!(statuses(&teardown.report(now)), [Status::SafeVerified; 2]);
}

#[test]
fn an_app_that_is_gone_before_the_first_byte_costs_no_second_turn() {
    let plan = bench();
    let mut teardown = begun(&plan, Mode::Emergency, Extent::Stay);
    teardown.app_gone();
    assert_eq!(
        obeying(&mut teardown, at(0)),
        (said(&[(0, "CUT"), (0, "OUT?"), (1, "CUT"), (1, "OUT?")]), None)
    );
}

#[test]
fn the_release_waits_for_the_turn_behind_the_app() {
    let plan = bench();
    let mut teardown = begun(&plan, Mode::Safe, Extent::End);
    let (first, _) = obeying(&mut teardown, at(0));
    assert!(!first.iter().any(|(_, word)| word == "LOCAL"), "{first:?}");
    teardown.app_gone();
    assert_eq!(obeying(&mut teardown, at(500)).0, said(&[(0, "OFF"), (0, "OUT?")]));
    let words = [(0, "OUT?"), (1, "LOCAL"), (1, "Close"), (0, "LOCAL"), (0, "Close")];
    assert_eq!(obeying(&mut teardown, at(600)), (said(&words), None));
}

#[test]
fn an_app_that_is_not_gone_is_waited_for_until_the_second_turn_needs_the_rest_and_then_proves_nothing() {
    let plan = bench();
    let mut teardown = begun(&plan, Mode::Safe, Extent::Stay);
    obeying(&mut teardown, at(0));
    let latest = Time(ms(10_000) - wrap_up(&plan, Extent::Stay) - second_turn(&plan));
    assert_eq!(obeying(&mut teardown, latest - TICK), (Vec::new(), Some(latest)));
    assert_eq!(
        obeying(&mut teardown, latest).0,
        said(&[(0, "CUT"), (0, "OUT?")]),
        "just what its reserve is for"
    );
    assert_eq!(obeying(&mut teardown, latest + ms(100)), (said(&[(0, "OUT?")]), None));
    let report = teardown.report(latest + ms(100));
    assert_eq!(statuses(&report), [Status::SafeUnverified, Status::SafeVerified]);
    assert!(!report.confirmed(), "read back beside a living app, and believed");
    assert_eq!(report.notes, ["The app could not be ended in time."]);
}

#[test]
fn a_first_turn_goes_over_to_emergency_in_time_for_the_second() {
    let mut plan = Arc::unwrap_or_clone(bench());
    plan.devices[0].safe = vec![Item::Wait(ms(60_000)), Item::Do(Step::send("OFF"))];
    plan.devices[0].budget = ms(60_000);
    let plan = Arc::new(plan);
    let mut teardown = begun(&plan, Mode::Safe, Extent::Stay);
    let chain = reserve(&plan.devices[0]) + reserve(&plan.devices[1]);
    let over = Time(ms(10_000) - wrap_up(&plan, Extent::Stay) - second_turn(&plan) - chain);
    assert_eq!(obeying(&mut teardown, over - TICK), (Vec::new(), Some(over)));
    assert_eq!(obeying(&mut teardown, over).0[0], (0, "CUT".into()));
}

#[test]
fn a_driven_device_out_of_reach_is_tried_again_behind_the_app() {
    let plan = bench();
    let order = Order { after_app: true, ..order(&plan, Mode::Safe, Extent::Stay) };
    // The app has the only connection that the supply takes.
    let mut teardown = Teardown::new(plan.clone(), order, &BTreeSet::from([ix(1)]), at(0));
    let (mut now, mut gone, mut words) = (at(0), false, Vec::new());
    loop {
        match teardown.next(now) {
            Next::Do(out) => {
                for dispatch in out {
                    let opens = dispatch.work == Work::Open;
                    if !opens {
                        words.push((dispatch.device.0, text(&dispatch)));
                    }
                    let mut result = answered(&dispatch, "0");
                    if opens && !gone {
                        result.outcome = Err(killcord_core::plan::Failure::Disconnected("in use".into()));
                    }
                    teardown.result(now, result);
                }
            }
            Next::Wait(until) => {
                now = until;
                if now >= at(3000) && !gone {
                    gone = true;
                    teardown.app_gone();
                }
            }
            Next::Done => break,
        }
    }
    assert!(words.ends_with(&said(&[(0, "CUT"), (0, "OUT?"), (0, "OUT?")])), "{words:?}");
    assert_eq!(statuses(&teardown.report(now)), [Status::SafeVerified; 2]);
}

#[test]
fn an_app_that_joins_has_what_was_verified_beside_it_verified_again() {
    let plan = bench();
    let mut teardown =
        Teardown::new(plan.clone(), order(&plan, Mode::Safe, Extent::Stay), &all_open(&plan), at(0));
    // Until it is the load's turn: the supply is verified then.
    while let Next::Do(out) = teardown.next(at(0)) {
        if out.iter().any(|dispatch| dispatch.device == ix(1)) {
            break;
        }
        out.iter().for_each(|dispatch| teardown.result(at(0), answered(dispatch, "0")));
    }
    assert_eq!(teardown.report(at(0)).device(ix(0)).unwrap().status, Status::SafeVerified);
    let joins = Order { after_app: true, ..order(&plan, Mode::Safe, Extent::Stay) };
    assert!(teardown.raise(at(1), joins, &all_open(&plan)));
    assert_eq!(teardown.report(at(1)).device(ix(0)).unwrap().safe_at, None);
}

#[test]
fn the_app_is_killed_when_its_time_is_over_or_the_rest_is_needed() {
    let plan = bench();
    let kill = |extent, deadline| kill_app_by(&plan, extent, at(1000), deadline);
    assert_eq!(kill(Extent::End, at(11_000)), at(4000));
    let rest = second_turn(&plan) + release_time(&plan) + RECORD;
    assert_eq!(kill(Extent::End, at(4000)), Time(ms(4000) - rest), "an operating system's budget");
    assert_eq!(second_turn(&plan), reserve(&plan.devices[0]), "the load is not driven");
}

#[test]
fn budgets_leave_the_app_its_time() {
    let mut plan = Arc::unwrap_or_clone(bench());
    fill_budgets(&mut plan, &[]).unwrap();
    let worst = worst_case(&plan);
    assert_eq!(worst.app, ms(3000) + second_turn(&plan));
    assert!(worst.safe + worst.app + worst.release + worst.record <= plan.deadline, "{worst:?}");

    plan.app.as_mut().unwrap().stop.within = ms(9000);
    let problems = fill_budgets(&mut plan, &[]).unwrap_err();
    let [BudgetProblem::TooLong { app, .. }] = &problems[..] else { panic!("{problems:?}") };
    assert_eq!(*app, app_stop(&plan));
}
