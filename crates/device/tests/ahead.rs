//! Write ahead: no byte that makes a device act goes out before somebody outside knows that it may.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use common::{Bench, Instrument, PATIENCE, Seen, say};
use killcord_core::{
    DeviceIx, Plan, Step,
    plan::{Connect, Failure, Work},
};
use killcord_device::{Announced, Lane, RECORD_WITHIN, WriteAhead, testing};

/// What was asked of the keeper of the record, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Announce(DeviceIx),
    Started(u32),
    Ended(u32),
}

/// A watchdog's part, played by the test.
struct Keeper {
    answer: Announced,
    echoed: AtomicBool,
    asked: Seen<Asked>,
}

impl Keeper {
    fn new(answer: Announced) -> Arc<Self> {
        Arc::new(Self { answer, echoed: AtomicBool::new(false), asked: Seen::default() })
    }

    fn groups(&self) -> Vec<Asked> {
        self.asked.all().into_iter().filter(|asked| !matches!(asked, Asked::Announce(_))).collect()
    }
}

impl WriteAhead for Keeper {
    fn announce(&self, device: DeviceIx) -> Announced {
        self.asked.push(Asked::Announce(device));
        if self.echoed.load(Ordering::SeqCst) { Announced::OnRecord } else { self.answer.clone() }
    }

    fn is_on_record(&self, _: DeviceIx) -> bool {
        self.echoed.load(Ordering::SeqCst)
    }

    fn group_started(&self, group: u32) {
        self.asked.push(Asked::Started(group));
    }

    fn group_ended(&self, group: u32) {
        self.asked.push(Asked::Ended(group));
    }
}

fn psu(port: u16) -> Plan {
    testing::plan(vec![testing::link(port)], vec![testing::device("psu", "line")])
}

fn instrument() -> Instrument {
    Instrument::start(|line, stream| {
        if line.ends_with('?') {
            say(stream, "1");
        }
    })
}

#[test]
fn a_step_that_acts_waits_for_the_echo_and_goes_out_with_it() {
    let instrument = instrument();
    let keeper = Keeper::new(Announced::Pending);
    let bench = Bench::recorded(psu(instrument.port), keeper.clone());
    bench.open(0).outcome.unwrap();
    let told = bench.submit(0, Work::Step(Step::send("OUTP ON")), Lane::Act(bench.fence.current()));
    keeper.asked.wait_for("the announcement", |asked| *asked == Asked::Announce(DeviceIx(0)));
    assert_eq!(instrument.texts(), [""; 0], "a byte went out before the echo");
    keeper.echoed.store(true, Ordering::SeqCst);
    bench.links.ring();
    assert_eq!(told.recv_timeout(PATIENCE).unwrap().outcome, Ok(None));
    instrument.wait_for("OUTP ON");
}

#[test]
fn without_an_echo_no_byte_goes_out_and_the_step_is_refused() {
    let instrument = instrument();
    let bench = Bench::recorded(psu(instrument.port), Keeper::new(Announced::Pending));
    bench.open(0).outcome.unwrap();
    let began = Instant::now();
    let told = bench.run(0, Work::Step(Step::send("OUTP ON")), Lane::Act(bench.fence.current()));
    assert!(began.elapsed() >= RECORD_WITHIN, "{:?}", began.elapsed());
    assert!(
        matches!(&told.outcome, Err(Failure::Refused(why)) if why.contains("the watchdog does not answer")),
        "{told:?}"
    );
    assert_eq!((told.written, told.out_of_step), (None, false));
    // The line is as good as before.
    bench.safe(0, Step::send("OUTP OFF")).outcome.unwrap();
    instrument.wait_for("OUTP OFF");
    assert_eq!(instrument.texts(), ["OUTP OFF"]);
}

#[test]
fn a_record_that_nobody_takes_refuses_the_step_at_once() {
    let instrument = instrument();
    let refused = Announced::Refused(String::from("there is no watchdog"));
    let bench = Bench::recorded(psu(instrument.port), Keeper::new(refused));
    bench.open(0).outcome.unwrap();
    let told = bench.run(0, Work::Step(Step::send("OUTP ON")), Lane::Act(bench.fence.current()));
    assert!(
        matches!(&told.outcome, Err(Failure::Refused(why)) if why.contains("there is no watchdog")),
        "{told:?}"
    );
    assert_eq!(instrument.texts(), [""; 0]);
}

#[test]
fn safe_steps_and_questions_wait_for_no_record() {
    let instrument = instrument();
    let keeper = Keeper::new(Announced::Pending);
    let bench = Bench::recorded(psu(instrument.port), keeper.clone());
    bench.open(0).outcome.unwrap();
    bench.query(0, "VOLT?").outcome.unwrap();
    bench.safe(0, Step::send("OUTP OFF")).outcome.unwrap();
    assert_eq!(keeper.asked.all(), []);
}

/// A record whose echo never comes; it says when it is asked whether it has.
struct Never(Seen<()>);

impl WriteAhead for Never {
    fn announce(&self, _: DeviceIx) -> Announced {
        self.0.push(());
        Announced::Pending
    }

    fn is_on_record(&self, _: DeviceIx) -> bool {
        false
    }

    fn group_started(&self, _: u32) {}

    fn group_ended(&self, _: u32) {}
}

#[test]
fn a_cut_ends_the_wait_for_an_echo() {
    let instrument = instrument();
    let announced = Seen::default();
    let bench = Bench::recorded(psu(instrument.port), Arc::new(Never(announced.clone())));
    bench.open(0).outcome.unwrap();
    // Tried again where a busy machine let the time pass before the safe step was handed in.
    let until = Instant::now() + PATIENCE;
    loop {
        let before = announced.all().len();
        let acts = bench.submit(0, Work::Step(Step::send("OUTP ON")), Lane::Act(bench.fence.current()));
        while announced.all().len() == before {
            assert!(Instant::now() < until);
            std::thread::yield_now();
        }
        bench.safe(0, Step::send("OUTP OFF")).outcome.unwrap();
        match acts.recv_timeout(PATIENCE).unwrap().outcome {
            Err(Failure::Fenced) => break,
            Err(Failure::Refused(_)) if Instant::now() < until => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(!instrument.texts().iter().any(|line| line == "OUTP ON"));
}

#[test]
fn a_fence_raised_while_the_echo_was_awaited_still_holds_the_step_back() {
    let instrument = instrument();
    let keeper = Keeper::new(Announced::Pending);
    let bench = Bench::recorded(psu(instrument.port), keeper.clone());
    bench.open(0).outcome.unwrap();
    let told = bench.submit(0, Work::Step(Step::send("OUTP ON")), Lane::Act(bench.fence.current()));
    keeper.asked.wait_for("the announcement", |asked| *asked == Asked::Announce(DeviceIx(0)));
    bench.fence.raise();
    keeper.echoed.store(true, Ordering::SeqCst);
    bench.links.ring();
    assert_eq!(told.recv_timeout(PATIENCE).unwrap().outcome, Err(Failure::Fenced));
    assert_eq!(instrument.texts(), [""; 0]);
}

fn programs() -> Plan {
    let mut plan = testing::plan(vec![testing::link(1)], vec![testing::device("mains", "exec")]);
    plan.links[0].connect = Connect::None;
    plan
}

fn sh(script: &str) -> Step {
    Step::Run { command: ["sh", "-c", script].map(String::from).to_vec(), timeout: None }
}

#[test]
fn a_program_that_acts_starts_only_on_record_and_its_group_is_named() {
    let keeper = Keeper::new(Announced::Refused(String::from("there is no watchdog")));
    let bench = Bench::recorded(programs(), keeper.clone());
    bench.open(0).outcome.unwrap();
    let act = Lane::Act(bench.fence.current());
    bench.run(0, Work::Step(sh("true")), act).outcome.unwrap_err();
    assert_eq!(keeper.groups(), [], "it was started without a record");
    keeper.echoed.store(true, Ordering::SeqCst);
    let printed = bench.run(0, Work::Step(sh("echo $$")), act).outcome.unwrap().unwrap();
    let leader = printed.to_string().parse().unwrap();
    assert_eq!(keeper.groups(), [Asked::Started(leader), Asked::Ended(leader)]);
}

#[test]
fn a_group_that_had_to_be_killed_in_the_safe_lane_is_named_too() {
    let keeper = Keeper::new(Announced::Pending);
    let mut plan = programs();
    plan.devices[0].timeout = Duration::from_millis(50);
    let bench = Bench::recorded(plan, keeper.clone());
    bench.open(0).outcome.unwrap();
    bench.safe(0, sh("exec sleep 1000")).outcome.unwrap_err();
    let groups = keeper.groups();
    assert!(
        matches!(groups[..], [Asked::Started(started), Asked::Ended(ended)] if started == ended),
        "{groups:?}"
    );
}
