//! Deadlines and reserves, exact to the tick.

use std::time::Duration;

use killcord_core::{
    Extent, Item, Mode, Status, Step, Time,
    plan::{
        Dispatch, Failure, Machine, Next, SLACK, StepResult, Teardown, Work,
        budget::{reserve, wrap_up},
    },
    report::Phase,
};

use crate::rigs::{all_open, at, device, ix, ms, order, plan};

const TICK: Duration = Duration::from_nanos(1);

pub(crate) fn handed(next: Next) -> Vec<Dispatch> {
    match next {
        Next::Do(dispatches) => dispatches,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn text(dispatch: &Dispatch) -> String {
    match &dispatch.work {
        Work::Step(step) => step.to_string(),
        other => format!("{other:?}"),
    }
}

pub(crate) fn ok(dispatch: &Dispatch) -> StepResult {
    StepResult { ticket: dispatch.ticket, outcome: Ok(None), out_of_step: false, written: None }
}

pub(crate) fn err(dispatch: &Dispatch, failure: Failure) -> StepResult {
    StepResult { ticket: dispatch.ticket, outcome: Err(failure), out_of_step: false, written: None }
}

#[test]
fn emergency_takes_over_when_its_own_reserve_is_left_of_its_budget() {
    let mut slow = device("a", 0);
    slow.safe = vec![Item::Wait(ms(60_000)), Item::Do(Step::send("OFF"))];
    let rig = plan(ms(10_000), vec![slow]);
    let mut teardown =
        Teardown::new(rig.clone(), order(&rig, Mode::Safe, Extent::Stay), &all_open(&rig), at(0));
    let over = Time(ms(2000) - reserve(&rig.devices[0]));
    assert_eq!(teardown.next(at(0)), Next::Wait(over));
    assert_eq!(teardown.takeover(ix(0)), Some(over));
    assert_eq!(teardown.next(over - TICK), Next::Wait(over));
    let out = handed(teardown.next(over));
    assert_eq!((text(&out[0]).as_str(), out[0].phase), ("CUT", Phase::Emergency));
}

#[test]
fn emergency_takes_over_when_the_reserves_of_its_chain_are_left_of_the_deadline() {
    let mut first = device("a", 0);
    first.safe = vec![Item::Wait(ms(60_000))];
    first.budget = ms(60_000);
    let mut second = device("b", 1);
    second.safe_after = vec![ix(0)];
    let rig = plan(ms(3000), vec![first, second]);
    for extent in [Extent::Stay, Extent::End] {
        let mut teardown =
            Teardown::new(rig.clone(), order(&rig, Mode::Safe, extent), &all_open(&rig), at(0));
        let chain = reserve(&rig.devices[0]) + reserve(&rig.devices[1]);
        let over = Time(ms(3000) - wrap_up(&rig, extent) - chain);
        assert_eq!(teardown.next(at(0)), Next::Wait(over));
        assert_eq!(teardown.next(over - TICK), Next::Wait(over));
        let out = handed(teardown.next(over));
        assert_eq!((out.len(), text(&out[0]).as_str()), (1, "CUT"), "{extent:?}");
        // The first alone; the second still has its own time, up to its own reserve.
        assert_eq!(teardown.takeover(ix(1)), Some(over + reserve(&rig.devices[0])));
    }
}

#[test]
fn an_exchange_of_the_controlled_sequence_is_given_no_longer_than_until_the_takeover() {
    let mut slow = device("a", 0);
    slow.safe = vec![Item::Do(Step::Query { text: "X?".into(), timeout: Some(ms(60_000)) })];
    let rig = plan(ms(10_000), vec![slow]);
    let mut teardown =
        Teardown::new(rig.clone(), order(&rig, Mode::Safe, Extent::Stay), &all_open(&rig), at(0));
    let out = handed(teardown.next(at(0)));
    assert_eq!(Some(out[0].deadline), teardown.takeover(ix(0)));
}

#[test]
fn a_second_cause_with_a_shorter_deadline_moves_the_takeover_and_never_back() {
    let mut slow = device("a", 0);
    slow.safe = vec![Item::Wait(ms(60_000))];
    slow.budget = ms(60_000);
    let rig = plan(ms(10_000), vec![slow]);
    let mut teardown =
        Teardown::new(rig.clone(), order(&rig, Mode::Safe, Extent::Stay), &all_open(&rig), at(0));
    teardown.next(at(0));
    let mut shorter = order(&rig, Mode::Safe, Extent::Stay);
    shorter.deadline = at(2000);
    teardown.raise(at(5), shorter.clone(), &all_open(&rig));
    let over = at(2000) - wrap_up(&rig, Extent::Stay) - reserve(&rig.devices[0]);
    assert_eq!(teardown.next(at(5)), Next::Wait(over));
    shorter.deadline = at(9000);
    teardown.raise(at(6), shorter, &all_open(&rig));
    assert_eq!(teardown.next(at(6)), Next::Wait(over));
    assert_eq!(teardown.report(at(6)).causes.len(), 3);
}

#[test]
fn a_result_one_tick_before_the_slack_counts_and_at_the_slack_the_link_is_stuck() {
    let rig = plan(ms(10_000), vec![device("a", 0), device("b", 1)]);
    let mut teardown =
        Teardown::new(rig.clone(), order(&rig, Mode::Safe, Extent::Stay), &all_open(&rig), at(0));
    let out = handed(teardown.next(at(0)));
    let end = out[0].deadline + SLACK;
    assert_eq!(teardown.next(at(0)), Next::Wait(end));
    let mut in_time = teardown.clone();
    assert!(matches!(in_time.next(end - TICK), Next::Wait(_)));
    in_time.result(end - TICK, ok(&out[0]));
    assert_eq!(text(&handed(in_time.next(end - TICK))[0]), "OUT?");

    assert_eq!(teardown.next(end), Next::Done, "both threads are stuck: nothing more can be done");
    let before = teardown.clone();
    teardown.result(end, ok(&out[0]));
    assert_eq!(teardown, before, "late results are ignored");
    let report = teardown.report(end);
    assert!(report.devices.iter().all(|device| device.status == Status::Unreachable));
    assert!(report.devices[0].remarks[0].starts_with("Check by hand that a is off: "));
}

#[test]
fn at_the_deadline_it_is_over_and_not_before() {
    let mut mute = device("a", 0);
    mute.budget = ms(60_000);
    let rig = plan(ms(1000), vec![mute]);
    let mut teardown =
        Teardown::new(rig.clone(), order(&rig, Mode::Emergency, Extent::Stay), &Default::default(), at(0));
    let mut now = at(0);
    loop {
        match teardown.next(now) {
            Next::Do(out) => {
                for dispatch in out {
                    assert_eq!(dispatch.work, Work::Open);
                    teardown.result(now, err(&dispatch, Failure::Disconnected("refused".into())));
                }
            }
            Next::Wait(at) => {
                assert!(at > now && at <= teardown.deadline());
                now = at;
            }
            Next::Done => break,
        }
    }
    assert_eq!(now, at(1000) - wrap_up(&rig, Extent::Stay), "given up where the record begins");
    assert_eq!(teardown.report(now).devices[0].status, Status::Unreachable);

    let mut stuck = device("a", 0);
    stuck.timeout = ms(5000);
    let rig = plan(ms(1000), vec![stuck]);
    let mut teardown =
        Teardown::new(rig.clone(), order(&rig, Mode::Emergency, Extent::Stay), &all_open(&rig), at(0));
    let out = handed(teardown.next(at(0)));
    assert_eq!(out[0].deadline, at(1000), "no exchange is given longer than the deadline");
    assert_eq!(teardown.next(at(0)), Next::Wait(at(1000)));
    assert_eq!(teardown.next(at(1000) - TICK), Next::Wait(at(1000)));
    assert_eq!(teardown.next(at(1000)), Next::Done);
    assert!(teardown.report(at(1000)).out_of_time);
}

#[test]
fn a_device_out_of_reach_is_tried_at_once_and_then_after_a_back_off_that_ends_at_a_second() {
    let mut gone = device("a", 0);
    gone.budget = ms(20_000);
    let rig = plan(ms(30_000), vec![gone]);
    let mut teardown =
        Teardown::new(rig.clone(), order(&rig, Mode::Safe, Extent::Stay), &Default::default(), at(0));
    let mut now = at(0);
    let mut tries = Vec::new();
    while tries.len() < 5 {
        match teardown.next(now) {
            Next::Do(out) => {
                tries.push(now);
                teardown.result(now, err(&out[0], Failure::Disconnected("refused".into())));
            }
            Next::Wait(at) => now = at,
            Next::Done => panic!("it gave up"),
        }
    }
    assert_eq!(tries, [at(0), at(250), at(750), at(1750), at(2750)]);
}
