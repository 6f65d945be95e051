//! What a teardown does, case by case.

use killcord_core::{
    Cause, DeviceState, Extent, Item, Mode, Status, Step, Value, Verify,
    plan::{Failure, InstrumentWatchdog, Machine, Next, Order, Progress, StepResult, Teardown, Work},
    report::Phase,
};

use crate::{
    boundaries::{err, handed, ok, text},
    rigs::{all_open, at, device, is_off, ix, ms, order, plan},
};

fn answer(dispatch: &killcord_core::plan::Dispatch, text: &str) -> StepResult {
    StepResult { outcome: Ok(Some(Value::Text(text.into()))), ..ok(dispatch) }
}

/// Runs it to its end on devices that do as they are told; gives every exchange in order.
fn obey(teardown: &mut Teardown, now: &mut killcord_core::Time) -> Vec<(u16, String)> {
    let mut seen = Vec::new();
    loop {
        match teardown.next(*now) {
            Next::Do(out) => {
                for dispatch in out {
                    seen.push((dispatch.device.0, text(&dispatch)));
                    let query = matches!(&dispatch.work, Work::Step(step) if step.is_query());
                    let result = if query { answer(&dispatch, "0") } else { ok(&dispatch) };
                    teardown.result(*now, result);
                }
            }
            Next::Wait(at) => *now = at,
            Next::Done => return seen,
        }
    }
}

fn words(list: &[(u16, &str)]) -> Vec<(u16, String)> {
    list.iter().map(|(device, word)| (*device, (*word).to_owned())).collect()
}

#[test]
fn safe_goes_by_the_graph_and_release_backwards_through_the_file() {
    let mut load = device("load", 1);
    load.safe_after = vec![ix(0)];
    let rig = plan(ms(10_000), vec![device("psu", 0), load]);
    let mut teardown =
        Teardown::new(rig.clone(), order(&rig, Mode::Safe, Extent::End), &all_open(&rig), at(0));
    let seen = obey(&mut teardown, &mut at(0));
    assert_eq!(
        seen,
        words(&[
            (0, "OFF"),
            (0, "OUT?"),
            (1, "OFF"),
            (1, "OUT?"),
            (1, "LOCAL"),
            (1, "Close"),
            (0, "LOCAL"),
            (0, "Close"),
        ])
    );
    let report = teardown.report(at(0));
    assert!(report.confirmed() && report.devices.iter().all(|device| device.released));
    assert!(report.devices.iter().all(|device| device.remarks.is_empty()));
    let last: Vec<DeviceState> = [0, 1].iter().map(|d| teardown.state(ix(*d)).unwrap().clone()).collect();
    assert_eq!(last, [DeviceState::Released, DeviceState::Released]);
}

#[test]
fn independent_devices_go_side_by_side_and_those_on_one_link_take_turns() {
    let mut twice = device("a", 0);
    twice.safe.push(Item::Do(Step::send("OFF2")));
    let rig = plan(ms(10_000), vec![twice, device("b", 0), device("c", 1)]);
    let mut teardown =
        Teardown::new(rig.clone(), order(&rig, Mode::Safe, Extent::Stay), &all_open(&rig), at(0));
    let out = handed(teardown.next(at(0)));
    assert_eq!(out.iter().map(|d| d.device).collect::<Vec<_>>(), [ix(0), ix(2)]);
    teardown.result(at(1), ok(&out[0]));
    let next = handed(teardown.next(at(1)));
    assert_eq!((next[0].device, text(&next[0])), (ix(1), "OFF".into()));
    teardown.result(at(2), ok(&next[0]));
    assert_eq!(text(&handed(teardown.next(at(2)))[0]), "OFF2");
}

#[test]
fn one_that_has_timed_out_goes_behind_the_others_of_its_link() {
    let mut mute = device("a", 0);
    mute.safe = vec![Item::Do(Step::query("A1?")), Item::Do(Step::query("A2?"))];
    let mut other = device("b", 0);
    other.safe = vec![Item::Do(Step::send("B1")), Item::Do(Step::send("B2"))];
    let rig = plan(ms(10_000), vec![mute, other]);
    let mut teardown =
        Teardown::new(rig.clone(), order(&rig, Mode::Safe, Extent::Stay), &all_open(&rig), at(0));
    let mut seen = Vec::new();
    let mut now = at(0);
    while seen.len() < 4 {
        let out = handed(teardown.next(now));
        seen.push(text(&out[0]));
        now = at(seen.len() as u64 * 10);
        let mute = out[0].device == ix(0);
        teardown.result(now, if mute { err(&out[0], Failure::Timeout) } else { ok(&out[0]) });
    }
    assert_eq!(seen[..3], ["A1?", "B1", "B2"]);
}

#[test]
fn sync_and_errors_come_between_the_commands_and_verify_and_fail_nothing() {
    let mut it = device("a", 0);
    it.sync = Some(Step::query("SYNC?"));
    it.errors = Some(Step::query("ERR?"));
    let rig = plan(ms(10_000), vec![it]);
    let mut teardown =
        Teardown::new(rig.clone(), order(&rig, Mode::Safe, Extent::Stay), &all_open(&rig), at(0));
    let mut seen = Vec::new();
    let answers = ["", "1", "-222,\"Data out of range\"", "+0,\"No error\"", "0"];
    for (step, reply) in answers.iter().enumerate() {
        let out = handed(teardown.next(at(step as u64)));
        seen.push(text(&out[0]));
        teardown.result(at(step as u64), answer(&out[0], reply));
    }
    assert_eq!(seen, ["OFF", "SYNC?", "ERR?", "ERR?", "OUT?"]);
    assert_eq!(teardown.next(at(9)), Next::Done);
    assert_eq!(teardown.report(at(9)).devices[0].status, Status::SafeVerified);
}

#[test]
fn an_error_queue_that_never_empties_is_read_thirty_two_times() {
    let mut it = device("a", 0);
    it.errors = Some(Step::query("ERR?"));
    let rig = plan(ms(10_000), vec![it]);
    let mut teardown =
        Teardown::new(rig.clone(), order(&rig, Mode::Safe, Extent::Stay), &all_open(&rig), at(0));
    let mut reads = 0;
    while let Next::Do(out) = teardown.next(at(0)) {
        reads += usize::from(text(&out[0]) == "ERR?");
        let reply = if text(&out[0]) == "OUT?" { "0" } else { "-1" };
        teardown.result(at(0), answer(&out[0], reply));
    }
    assert_eq!(reads, 32);
    assert_eq!(teardown.report(at(0)).devices[0].status, Status::SafeVerified);
}

#[test]
fn a_failed_step_keeps_no_later_one_from_going_out_and_leads_to_the_emergency_sequence() {
    let mut it = device("a", 0);
    it.safe.insert(0, Item::Do(Step::query("X?")));
    let rig = plan(ms(10_000), vec![it]);
    let mut teardown =
        Teardown::new(rig.clone(), order(&rig, Mode::Safe, Extent::Stay), &all_open(&rig), at(0));
    let mut seen = Vec::new();
    while let Next::Do(out) = teardown.next(at(0)) {
        seen.push(text(&out[0]));
        let result = match seen.len() {
            1 => err(&out[0], Failure::Refused("no".into())),
            _ => answer(&out[0], "0"),
        };
        teardown.result(at(0), result);
    }
    assert_eq!(seen, ["X?", "OFF", "CUT", "OUT?"]);
    let report = teardown.report(at(0));
    assert_eq!((report.devices[0].status, report.devices[0].mode), (Status::SafeVerified, Mode::Emergency));
}

#[test]
fn a_device_that_stays_on_fails_and_says_what_to_check_by_hand() {
    let rig = plan(ms(10_000), vec![device("a", 0)]);
    let mut teardown =
        Teardown::new(rig.clone(), order(&rig, Mode::Safe, Extent::Stay), &all_open(&rig), at(0));
    while let Next::Do(out) = teardown.next(at(0)) {
        teardown.result(at(0), answer(&out[0], "1"));
    }
    let report = teardown.report(at(0));
    assert_eq!(report.devices[0].status, Status::Failed);
    assert_eq!(
        report.devices[0].remarks,
        ["Check by hand that a is off: OUT? is off does not hold: answered 1."]
    );
    assert!(matches!(teardown.state(ix(0)), Some(DeviceState::Fault(_))));
}

#[test]
fn a_late_zero_after_a_timeout_never_passes_for_verified() {
    // `VOLT?` times out, `OUTP OFF` does nothing, `OUTP?` then reads the late `0` (NOTES.md).
    let mut it = device("a", 0);
    it.safe.insert(0, Item::Do(Step::query("VOLT?")));
    let rig = plan(ms(10_000), vec![it]);
    let mut teardown =
        Teardown::new(rig.clone(), order(&rig, Mode::Safe, Extent::Stay), &all_open(&rig), at(0));
    let mut owed = false;
    let mut seen = Vec::new();
    let mut now = at(0);
    loop {
        match teardown.next(now) {
            Next::Do(out) => {
                let word = text(&out[0]);
                let mut result = match word.as_str() {
                    "VOLT?" => err(&out[0], Failure::Timeout),
                    "OUT?" => answer(&out[0], if owed { "0" } else { "1" }),
                    _ => ok(&out[0]),
                };
                result.out_of_step = owed;
                owed = (owed || word == "VOLT?") && word != "Resync";
                seen.push(word);
                teardown.result(now, result);
            }
            Next::Wait(at) => now = at,
            Next::Done => break,
        }
    }
    assert_eq!(seen, ["VOLT?", "OFF", "CUT", "Resync", "OUT?"]);
    assert_eq!(teardown.report(now).devices[0].status, Status::Failed);
}

#[test]
fn an_answer_that_came_out_of_step_is_asked_for_again_in_step() {
    let mut it = device("a", 0);
    it.has_controls = true;
    (it.arm, it.safe, it.emergency) = (vec![], vec![], vec![]);
    let mut ramped = device("b", 1);
    ramped.safe.insert(0, Item::Do(Step::query("FROM?")));
    let rig = plan(ms(10_000), vec![it, ramped]);
    let mut teardown =
        Teardown::new(rig.clone(), order(&rig, Mode::Safe, Extent::Stay), &all_open(&rig), at(0));
    let mut owed = [true, true];
    let mut seen = [vec![], vec![]];
    let mut now = at(0);
    loop {
        match teardown.next(now) {
            Next::Do(out) => {
                for dispatch in out {
                    let who = dispatch.device.at();
                    let result = StepResult { out_of_step: owed[who], ..answer(&dispatch, "0") };
                    owed[who] &= dispatch.work != Work::Resync;
                    seen[who].push(text(&dispatch));
                    teardown.result(now, result);
                }
            }
            Next::Wait(at) => now = at,
            Next::Done => break,
        }
    }
    assert_eq!(seen[0], ["OUT?", "Resync", "OUT?"]);
    assert_eq!(seen[1][..4], ["FROM?", "Resync", "FROM?", "OFF"]);
    assert!(teardown.report(now).devices.iter().all(|entry| entry.status == Status::SafeVerified));
}

#[test]
fn a_device_that_cannot_be_brought_in_step_is_safe_unverified() {
    let rig = plan(ms(10_000), vec![device("a", 0)]);
    let mut teardown =
        Teardown::new(rig.clone(), order(&rig, Mode::Safe, Extent::Stay), &all_open(&rig), at(0));
    let mut now = at(0);
    loop {
        match teardown.next(now) {
            Next::Do(out) => {
                let result = match out[0].work {
                    Work::Resync => err(&out[0], Failure::Timeout),
                    _ => StepResult { out_of_step: true, ..ok(&out[0]) },
                };
                teardown.result(now, result);
            }
            Next::Wait(at) => now = at,
            Next::Done => break,
        }
    }
    let report = teardown.report(now);
    assert_eq!(report.devices[0].status, Status::SafeUnverified);
    assert!(!report.confirmed());
    assert_eq!(teardown.state(ix(0)), Some(&DeviceState::Safe));
}

#[test]
fn after_a_cut_or_takeover_verify_is_asked_twice_one_timeout_apart_and_the_second_counts() {
    let rig = plan(ms(10_000), vec![device("a", 0)]);
    for cut in [false, true] {
        let order = Order { twice: !cut, ..order(&rig, Mode::Safe, Extent::Stay) };
        let mut teardown = Teardown::new(rig.clone(), order, &all_open(&rig), at(0));
        let mut owed = cut;
        let mut asked = Vec::new();
        let mut now = at(0);
        loop {
            match teardown.next(now) {
                Next::Do(out) => {
                    let word = text(&out[0]);
                    if word == "OUT?" {
                        asked.push(now);
                    }
                    let reply = if asked.len() == 2 { "1" } else { "0" };
                    let result = StepResult { out_of_step: owed, ..answer(&out[0], reply) };
                    owed &= word != "Resync";
                    teardown.result(now, result);
                }
                Next::Wait(at) => now = at,
                Next::Done => break,
            }
        }
        assert_eq!(asked[..2], [at(0), at(100)], "cut: {cut}");
        let report = teardown.report(now);
        assert_eq!(report.devices[0].mode, Mode::Emergency, "the second said on");
    }
}

#[test]
fn between_two_verifies_that_hold_a_used_up_budget_repeats_nothing() {
    let mut it = device("a", 0);
    it.budget = ms(250);
    it.emergency = it.safe.clone();
    let rig = plan(ms(10_000), vec![it]);
    let order = Order { twice: true, ..order(&rig, Mode::Safe, Extent::Stay) };
    let mut teardown = Teardown::new(rig.clone(), order, &all_open(&rig), at(0));
    let mut now = at(0);
    assert_eq!(obey(&mut teardown, &mut now), words(&[(0, "OFF"), (0, "OUT?"), (0, "OUT?")]));
    assert_eq!((now, teardown.report(now).devices[0].mode), (at(100), Mode::Safe));
}

#[test]
fn a_step_whose_delivery_failed_is_sent_again_on_the_new_connection_and_no_other() {
    let mut it = device("a", 0);
    it.safe.push(Item::Do(Step::send("OFF2")));
    let rig = plan(ms(10_000), vec![it]);
    let mut teardown =
        Teardown::new(rig.clone(), order(&rig, Mode::Safe, Extent::Stay), &all_open(&rig), at(0));
    let mut seen = Vec::new();
    while let Next::Do(out) = teardown.next(at(0)) {
        seen.push(text(&out[0]));
        let result = match seen.len() {
            2 => err(&out[0], Failure::Disconnected("reset".into())),
            _ => answer(&out[0], "0"),
        };
        teardown.result(at(0), result);
    }
    assert_eq!(seen, ["OFF", "OFF2", "Open", "OFF2", "OUT?"]);
    assert_eq!(teardown.report(at(0)).devices[0].status, Status::SafeVerified);
}

#[test]
fn commands_on_a_connection_that_breaks_unheard_have_not_reached_the_device() {
    let rig = plan(ms(10_000), vec![device("a", 0)]);
    let mut teardown =
        Teardown::new(rig.clone(), order(&rig, Mode::Safe, Extent::End), &all_open(&rig), at(0));
    let mut now = at(0);
    loop {
        match teardown.next(now) {
            Next::Do(out) => {
                let result = match &out[0].work {
                    Work::Close => ok(&out[0]),
                    Work::Step(step) if !step.is_query() => ok(&out[0]),
                    _ => err(&out[0], Failure::Disconnected("cut".into())),
                };
                teardown.result(now, result);
            }
            Next::Wait(at) => now = at,
            Next::Done => break,
        }
    }
    let report = teardown.report(now);
    assert_eq!(report.devices[0].status, Status::Unreachable);
    assert!(!report.devices[0].released && !report.out_of_time);
    assert_eq!(now, at(2000), "tried until its budget was used up");
}

#[test]
fn another_instrument_gets_not_one_byte_and_holds_up_nobody() {
    let mut after = device("b", 1);
    after.safe_after = vec![ix(0)];
    let rig = plan(ms(10_000), vec![device("a", 0), after]);
    let mut teardown =
        Teardown::new(rig.clone(), order(&rig, Mode::Safe, Extent::Stay), &Default::default(), at(0));
    let out = handed(teardown.next(at(0)));
    assert!(out.iter().all(|d| d.work == Work::Open), "all side by side");
    teardown.result(at(0), err(&out[0], Failure::WrongIdentity("ACME".into())));
    teardown.result(at(0), err(&out[1], Failure::Timeout));
    let next = handed(teardown.next(at(0)));
    assert_eq!(
        (next.len(), next[0].device, text(&next[0])),
        (1, ix(1), "OFF".into()),
        "mute, safe all the same"
    );
    assert!(matches!(
        teardown.state(ix(0)),
        Some(DeviceState::Fault(killcord_core::Fault::WrongIdentity { .. }))
    ));
    assert_eq!(teardown.report(at(0)).devices[0].status, Status::Unreachable);
}

#[test]
fn a_raise_to_emergency_takes_over_at_once_and_a_verified_device_is_left_alone() {
    let mut slow = device("b", 1);
    slow.safe = vec![Item::Wait(ms(500)), Item::Do(Step::send("OFF"))];
    let rig = plan(ms(10_000), vec![device("a", 0), slow]);
    let mut teardown =
        Teardown::new(rig.clone(), order(&rig, Mode::Safe, Extent::Stay), &all_open(&rig), at(0));
    for _ in 0..2 {
        let out = handed(teardown.next(at(0)));
        teardown.result(at(0), answer(&out[0], "0"));
    }
    assert!(matches!(teardown.next(at(0)), Next::Wait(_)));
    let raise = Order { cause: Cause::SafeStop, ..order(&rig, Mode::Emergency, Extent::Stay) };
    assert!(teardown.raise(at(20), raise.clone(), &all_open(&rig)));
    assert_eq!(obey(&mut teardown, &mut at(20)), words(&[(1, "CUT"), (1, "OUT?")]));
    let report = teardown.report(at(20));
    assert_eq!(report.causes[1], (at(20), Cause::SafeStop));
    assert_eq!((report.devices[0].mode, report.devices[1].mode), (Mode::Safe, Mode::Emergency));
    assert!(!teardown.raise(at(21), raise, &all_open(&rig)), "what is over cannot be raised");
}

#[test]
fn in_an_emergency_a_successor_waits_for_the_first_exchange_only() {
    let mut after = device("b", 1);
    after.safe_after = vec![ix(0)];
    let rig = plan(ms(10_000), vec![device("a", 0), after]);
    let order = order(&rig, Mode::Emergency, Extent::Stay);
    let mut teardown = Teardown::new(rig.clone(), order, &all_open(&rig), at(0));
    let out = handed(teardown.next(at(0)));
    assert_eq!((out.len(), out[0].device), (1, ix(0)));
    teardown.result(at(7), ok(&out[0]));
    let next = handed(teardown.next(at(7)));
    assert_eq!(
        next.iter().map(|d| (d.device.0, text(d))).collect::<Vec<_>>(),
        words(&[(0, "OUT?"), (1, "CUT")])
    );
}

#[test]
fn an_exchange_in_flight_is_waited_for_at_a_takeover_and_its_answer_ignored() {
    let mut it = device("a", 0);
    it.safe = vec![Item::Do(Step::query("X?")), Item::Do(Step::send("OFF"))];
    let rig = plan(ms(10_000), vec![it]);
    let mut teardown =
        Teardown::new(rig.clone(), order(&rig, Mode::Safe, Extent::Stay), &all_open(&rig), at(0));
    let out = handed(teardown.next(at(0)));
    teardown.raise(at(5), order(&rig, Mode::Emergency, Extent::Stay), &all_open(&rig));
    assert!(matches!(teardown.next(at(5)), Next::Wait(_)), "one dispatch a link");
    teardown.result(at(6), answer(&out[0], "1"));
    assert_eq!(text(&handed(teardown.next(at(6)))[0]), "CUT");
}

#[test]
fn a_device_with_nothing_to_read_back_is_named_and_confirmed() {
    let mut blind = device("mains", 0);
    blind.verify = Verify::None;
    let rig = plan(ms(10_000), vec![blind]);
    let mut teardown =
        Teardown::new(rig.clone(), order(&rig, Mode::Safe, Extent::Stay), &all_open(&rig), at(0));
    assert_eq!(obey(&mut teardown, &mut at(0)), words(&[(0, "OFF")]));
    let report = teardown.report(at(0));
    assert_eq!(report.devices[0].status, Status::SafeUnverified);
    assert!(report.confirmed() && report.devices[0].remarks.is_empty());
}

#[test]
fn the_instrument_watchdog_of_a_device_that_is_not_safe_stays_armed() {
    for on in ["0", "1"] {
        let mut it = device("a", 0);
        it.instrument_watchdog = Some(InstrumentWatchdog {
            arm: vec![Item::Do(Step::send("WDOG ON"))],
            check: is_off(),
            feed: Step::query("FEED?"),
            every: ms(100),
            disarm: vec![Item::Do(Step::send("WDOG OFF"))],
        });
        let rig = plan(ms(10_000), vec![it]);
        let mut teardown =
            Teardown::new(rig.clone(), order(&rig, Mode::Safe, Extent::End), &all_open(&rig), at(0));
        let mut seen = Vec::new();
        while let Next::Do(out) = teardown.next(at(0)) {
            seen.push(text(&out[0]));
            teardown.result(at(0), answer(&out[0], on));
        }
        assert_eq!(seen.contains(&"WDOG OFF".to_owned()), on == "0");
        assert_eq!(seen.last().unwrap(), "Close");
        assert!(teardown.report(at(0)).devices[0].released);
    }
}

#[test]
fn a_device_that_only_measures_gets_no_byte_and_fails_nothing() {
    let mut meter = device("meter", 0);
    (meter.arm, meter.safe, meter.emergency, meter.verify) = (vec![], vec![], vec![], Verify::None);
    meter.release.clear();
    let rig = plan(ms(10_000), vec![meter]);
    let stay = order(&rig, Mode::Safe, Extent::Stay);
    let mut reached = Teardown::new(rig.clone(), stay.clone(), &all_open(&rig), at(0));
    assert_eq!(obey(&mut reached, &mut at(0)), []);
    assert_eq!(reached.report(at(0)).devices[0].status, Status::SafeVerified);
    assert_eq!(reached.state(ix(0)), Some(&DeviceState::Safe));

    let mut missing = Teardown::new(rig.clone(), stay, &Default::default(), at(0));
    let out = handed(missing.next(at(0)));
    missing.result(at(0), err(&out[0], Failure::Disconnected("refused".into())));
    assert_eq!(missing.next(at(0)), Next::Done, "one try, the host goes on by itself");
    let report = missing.report(at(0));
    assert!(report.confirmed());
    assert_eq!(report.devices[0].status, Status::SafeUnverified);
    assert!(matches!(missing.state(ix(0)), Some(DeviceState::Fault(_))));

    let end = order(&rig, Mode::Safe, Extent::End);
    let mut closed = Teardown::new(rig.clone(), end, &all_open(&rig), at(0));
    assert_eq!(obey(&mut closed, &mut at(0)), words(&[(0, "Close")]));
    assert!(closed.report(at(0)).devices[0].released);
}

#[test]
fn release_steps_are_left_out_when_there_is_no_time_and_the_connection_still_closed() {
    let mut it = device("a", 0);
    it.release = vec![Item::Wait(ms(60_000)), Item::Do(Step::send("LOCAL"))];
    let rig = plan(ms(10_000), vec![it]);
    let mut teardown =
        Teardown::new(rig.clone(), order(&rig, Mode::Safe, Extent::End), &all_open(&rig), at(0));
    let mut now = at(0);
    let seen = obey(&mut teardown, &mut now);
    assert_eq!(seen, words(&[(0, "OFF"), (0, "OUT?"), (0, "Close")]));
    assert_eq!(now, at(9500));
    let report = teardown.report(now);
    assert!(report.confirmed() && !report.devices[0].released && !report.out_of_time);
}

#[test]
fn progress_tells_each_state_once_and_each_exchange() {
    let rig = plan(ms(10_000), vec![device("a", 0)]);
    let mut teardown =
        Teardown::new(rig.clone(), order(&rig, Mode::Safe, Extent::Release), &Default::default(), at(0));
    obey(&mut teardown, &mut at(0));
    let events = teardown.drain_events();
    let states: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Progress::State { state, .. } => Some(state.clone()),
            _ => None,
        })
        .collect();
    use DeviceState as S;
    assert_eq!(states, [S::Connecting, S::MakingSafe, S::Safe, S::Releasing, S::Released]);
    let phases: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Progress::Phase { phase, .. } => Some(*phase),
            _ => None,
        })
        .collect();
    assert_eq!(phases, [Phase::Open, Phase::Safe, Phase::Verify, Phase::Release]);
    assert_eq!(events.iter().filter(|event| matches!(event, Progress::Step { .. })).count(), 5);
    assert!(teardown.drain_events().is_empty());
}
