//! Connections that are taken and then stay mute: an instrument that still believes in a dead client.

use std::{collections::BTreeSet, sync::Arc};

use killcord_core::{
    DevicePlan, Extent, Mode, Plan, Report, Status, Step, Time, Value,
    plan::{Failure, Machine, Next, StepResult, Teardown, Work},
};

use crate::{
    boundaries::{err, ok, text},
    rigs::{all_open, at, device, ms, order, plan, socket},
};

fn on_socket(devices: Vec<DevicePlan>) -> Arc<Plan> {
    let mut plan = Plan::clone(&plan(ms(30_000), devices));
    for link in &mut plan.links {
        link.connect = socket();
    }
    Arc::new(plan)
}

/// Runs it on a device that hears and answers on its connection number `answers` alone, and on the others
/// stays mute for as long as each exchange may take. Gives every exchange with its time.
fn run(mut teardown: Teardown, answers: Option<usize>) -> (Report, Vec<(Time, String)>) {
    let (mut now, mut opened) = (at(0), 0);
    let mut seen = Vec::new();
    loop {
        match teardown.next(now) {
            Next::Wait(at) => now = at,
            Next::Done => return (teardown.report(now), seen),
            Next::Do(out) => {
                for dispatch in out {
                    seen.push((now, text(&dispatch)));
                    opened += usize::from(dispatch.work == Work::Open);
                    let hears = answers.is_some_and(|number| opened >= number);
                    let owed = match &dispatch.work {
                        Work::Close => false,
                        Work::Step(step) => step.is_query(),
                        Work::Open | Work::Resync => true,
                    };
                    let mut result = ok(&dispatch);
                    if owed && !hears {
                        now = dispatch.deadline;
                        result = err(&dispatch, Failure::Timeout);
                    } else if matches!(&dispatch.work, Work::Step(step) if step.is_query()) {
                        result = StepResult { outcome: Ok(Some(Value::Text("0".into()))), ..result };
                    }
                    teardown.result(now, result);
                }
            }
        }
    }
}

fn words(seen: &[(Time, String)]) -> Vec<&str> {
    seen.iter().map(|(_, word)| word.as_str()).collect()
}

#[test]
fn a_connection_that_was_mute_from_its_start_is_replaced_and_told_again() {
    let mut psu = device("psu", 0);
    psu.budget = ms(20_000);
    let rig = on_socket(vec![psu]);
    let order = order(&rig, Mode::Safe, Extent::Release);
    let (report, seen) = run(Teardown::new(rig, order, &BTreeSet::new(), at(0)), Some(2));
    assert_eq!(words(&seen), ["Open", "OFF", "Resync", "Close", "Open", "CUT", "OUT?", "LOCAL", "Close"]);
    assert_eq!(report.devices[0].status, Status::SafeVerified);
    assert!(report.devices[0].released);
}

#[test]
fn it_is_opened_again_until_its_budget_is_over_and_named_unverified() {
    let mut psu = device("psu", 0);
    psu.budget = ms(20_000);
    let rig = on_socket(vec![psu]);
    let order = order(&rig, Mode::Emergency, Extent::Stay);
    let (report, seen) = run(Teardown::new(rig, order, &BTreeSet::new(), at(0)), None);
    let cuts: Vec<Time> = seen.iter().filter(|(_, word)| word == "CUT").map(|(at, _)| *at).collect();
    // Each connection: 5 s until it counts as open, 200 ms for a resync; pauses of 250 ms, 500 ms, 1 s.
    assert_eq!(cuts, [5_000, 10_450, 16_150, 20_000].map(at), "{seen:?}");
    assert_eq!(report.devices[0].status, Status::SafeUnverified);
    assert_eq!(words(&seen).last(), Some(&"Resync"), "given up on a connection that there is");
}

#[test]
fn a_connection_that_was_there_before_is_kept() {
    let rig = on_socket(vec![device("psu", 0)]);
    let order = order(&rig, Mode::Safe, Extent::Stay);
    let (report, seen) = run(Teardown::new(rig.clone(), order, &all_open(&rig), at(0)), None);
    assert_eq!(words(&seen), ["OFF", "OUT?", "CUT", "Resync"]);
    assert_eq!(report.devices[0].status, Status::SafeUnverified);
}

#[test]
fn one_that_answers_anything_is_not_replaced_whatever_it_answers() {
    let mut psu = device("psu", 0);
    psu.safe.insert(0, killcord_core::Item::Do(Step::query("WHO?")));
    let rig = on_socket(vec![psu]);
    let order = order(&rig, Mode::Safe, Extent::Stay);
    let mut teardown = Teardown::new(rig, order, &BTreeSet::new(), at(0));
    let mut seen = Vec::new();
    let mut now = at(0);
    loop {
        match teardown.next(now) {
            Next::Wait(at) => now = at,
            Next::Done => break,
            Next::Do(out) => {
                seen.push(text(&out[0]));
                // On, whatever it is told.
                let query = matches!(&out[0].work, Work::Step(step) if step.is_query());
                let answer = query.then(|| Value::Text("1".into()));
                teardown.result(now, StepResult { outcome: Ok(answer), ..ok(&out[0]) });
            }
        }
    }
    assert_eq!(seen, ["Open", "WHO?", "OFF", "OUT?", "CUT", "OUT?"]);
}

#[test]
fn a_connection_that_devices_share_is_not_taken_from_the_others() {
    let rig = on_socket(vec![device("a", 0), device("b", 0)]);
    let order = order(&rig, Mode::Emergency, Extent::Stay);
    let (_, seen) = run(Teardown::new(rig, order, &BTreeSet::new(), at(0)), None);
    assert!(!words(&seen).contains(&"Close"), "{seen:?}");
}
