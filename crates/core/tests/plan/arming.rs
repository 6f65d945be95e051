//! Arming: in order, and not one step further once anything fails.

use killcord_core::{
    Check, Condition, DeviceState, Expected, Item, Step, Value,
    plan::{
        Arming, Dispatch, Failure, InstrumentWatchdog, Machine, Next, Plan, Progress, SLACK, StepResult, Work,
    },
    report::Phase,
};

use crate::{
    boundaries::{err, handed, ok, text},
    rigs::{at, device, ix, ms, plan},
};

fn bench() -> std::sync::Arc<Plan> {
    let mut psu = device("psu", 0);
    psu.arm = vec![Item::Do(Step::send("VOLT 12")), Item::Do(Step::send("ON"))];
    psu.sync = Some(Step::query("SYNC?"));
    psu.errors = Some(Step::query("ERR?"));
    psu.instrument_watchdog = Some(InstrumentWatchdog {
        arm: vec![Item::Do(Step::send("WDOG ON"))],
        check: Check::once(Step::query("WDOG?"), Condition::Equals(Expected::Truth(true))),
        feed: Step::query("FEED?"),
        every: ms(100),
        disarm: Vec::new(),
    });
    let mut load = device("load", 1);
    load.safe_after = vec![ix(0)];
    let mut meter = device("meter", 2);
    meter.arm.clear();
    plan(ms(10_000), vec![psu, load, meter])
}

fn good(dispatch: &Dispatch) -> StepResult {
    let reply = match text(dispatch).as_str() {
        "ERR?" => "0,\"No error\"",
        "WDOG?" | "SYNC?" => "1",
        _ => return ok(dispatch),
    };
    StepResult { outcome: Ok(Some(Value::Text(reply.into()))), ..ok(dispatch) }
}

fn run(arming: &mut Arming, mut result: impl FnMut(&Dispatch) -> StepResult) -> Vec<String> {
    let mut seen = Vec::new();
    while let Next::Do(out) = arming.next(at(0)) {
        assert_eq!((out.len(), out[0].phase), (1, Phase::Arm));
        seen.push(text(&out[0]));
        let result = result(&out[0]);
        arming.result(at(0), result);
    }
    seen
}

const WHOLE: [&str; 8] = ["ON", "VOLT 12", "SYNC?", "ON", "SYNC?", "ERR?", "WDOG ON", "WDOG?"];

#[test]
fn the_load_is_armed_before_its_supply_with_sync_errors_and_the_instrument_watchdog() {
    let mut arming = Arming::new(bench());
    assert_eq!(run(&mut arming, good), WHOLE);
    assert_eq!(arming.outcome(), Some(&Ok(())));
    let states: Vec<_> = arming
        .drain_events()
        .into_iter()
        .filter_map(|event| match event {
            Progress::State { device, state } => Some((device, state)),
            _ => None,
        })
        .collect();
    use DeviceState::{Armed, Arming as Begun};
    assert_eq!(states, [(ix(1), Begun), (ix(1), Armed), (ix(0), Begun), (ix(0), Armed)]);
}

#[test]
fn any_failure_stops_it_there() {
    for stop in 0..WHOLE.len() {
        for failure in [Failure::Timeout, Failure::Fenced, Failure::Refused("no".into())] {
            let mut arming = Arming::new(bench());
            let mut count = 0;
            let seen = run(&mut arming, |dispatch| {
                count += 1;
                if count == stop + 1 { err(dispatch, failure.clone()) } else { good(dispatch) }
            });
            assert_eq!(seen, WHOLE[..=stop], "nothing after the failure");
            let failed = arming.outcome().unwrap().as_ref().unwrap_err();
            assert_eq!(failed.device, if stop == 0 { ix(1) } else { ix(0) });
        }
    }
}

#[test]
fn an_instrument_error_or_a_watchdog_that_does_not_read_back_fails_it() {
    for (step, reply, why) in
        [("ERR?", "-222,\"Data out of range\"", "-222"), ("WDOG?", "0", "WDOG? is on does not hold")]
    {
        let mut arming = Arming::new(bench());
        run(&mut arming, |dispatch| {
            if text(dispatch) == step {
                StepResult { outcome: Ok(Some(Value::Text(reply.into()))), ..ok(dispatch) }
            } else {
                good(dispatch)
            }
        });
        let failed = arming.outcome().unwrap().as_ref().unwrap_err();
        assert!(failed.why.contains(why), "{}", failed.why);
    }
}

#[test]
fn an_answer_that_is_out_of_step_is_asked_for_again_in_step() {
    let mut arming = Arming::new(bench());
    let mut owed = true;
    let seen = run(&mut arming, |dispatch| {
        let result = StepResult { out_of_step: owed, ..good(dispatch) };
        owed &= dispatch.work != Work::Resync && dispatch.device == ix(0) || dispatch.device == ix(1);
        result
    });
    assert_eq!(seen, ["ON", "VOLT 12", "Resync", "SYNC?", "ON", "SYNC?", "ERR?", "WDOG ON", "WDOG?"]);
    assert_eq!(arming.outcome(), Some(&Ok(())));
}

#[test]
fn a_link_that_does_not_come_back_fails_it_exactly_at_the_slack() {
    let mut arming = Arming::new(bench());
    let out = handed(arming.next(at(0)));
    let late = out[0].deadline + SLACK;
    assert_eq!(arming.next(at(0)), Next::Wait(late));
    assert_eq!(arming.next(late), Next::Done);
    assert!(arming.outcome().unwrap().is_err());
}
