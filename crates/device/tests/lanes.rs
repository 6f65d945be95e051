//! The lanes: what goes first, what is refused, what never holds up what.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use common::{Bench, Instrument, PATIENCE, say, text};
use killcord_core::{
    DeviceIx, LinkIx, Plan, Step, Value,
    driver::{DriverSpec, LinkKind, StepKind},
    plan::{Failure, Work},
};
use killcord_device::{
    Cx, Device, DeviceError, Driver, Identity, Lane, LinkEvent, Poll, PollId, Registry, Setup, Transport,
    testing,
};

fn one(port: u16) -> Plan {
    testing::plan(vec![testing::link(port)], vec![testing::device("psu", "line")])
}

fn poll(id: u32, query: &str, every: u64) -> Poll {
    Poll {
        id: PollId(id),
        device: DeviceIx(0),
        query: Step::query(query),
        field: None,
        every: Duration::from_millis(every),
        feed: false,
    }
}

#[test]
fn a_command_of_an_old_epoch_never_reaches_the_device() {
    let instrument = Instrument::start(|line, stream| {
        if line == "SLOW?" {
            std::thread::sleep(Duration::from_millis(150));
            say(stream, "1");
        }
    });
    let bench = Bench::start(one(instrument.port), Vec::new());
    bench.open(0).outcome.unwrap();
    let epoch = bench.fence.raise();
    assert_eq!(bench.run(0, Work::Step(Step::send("A")), Lane::Act(epoch)).outcome, Ok(None));
    // Queued while it was current, and stale when its turn comes.
    let slow = bench.submit(0, Work::Step(Step::query("SLOW?")), Lane::Query);
    let stale = bench.submit(0, Work::Step(Step::send("OUTP ON")), Lane::Act(epoch));
    instrument.wait_for("SLOW?");
    bench.fence.raise();
    slow.recv_timeout(PATIENCE).unwrap();
    let stale = stale.recv_timeout(PATIENCE).unwrap();
    assert_eq!((stale.outcome, stale.written), (Err(Failure::Fenced), None));
    assert_eq!(bench.safe(0, Step::send("B")).outcome, Ok(None));
    instrument.wait_for("B");
    assert_eq!(instrument.texts(), ["A", "SLOW?", "B"]);
}

/// Raises the fence between the driver's decision and its write.
struct Hesitant(Arc<dyn Fn() + Send + Sync>);

struct HesitantDevice(Box<dyn Transport>, Arc<dyn Fn() + Send + Sync>);

static HESITANT: DriverSpec = DriverSpec {
    name: "hesitant",
    about: "raises the fence, then writes",
    links: &[LinkKind::Line],
    keys: &[],
    steps: &[StepKind::Send],
    calls: &[],
};

impl Driver for Hesitant {
    fn spec(&self) -> &'static DriverSpec {
        &HESITANT
    }

    fn device(&self, _: &Setup<'_>, link: Box<dyn Transport>) -> Result<Box<dyn Device>, DeviceError> {
        Ok(Box::new(HesitantDevice(link, self.0.clone())))
    }
}

impl Device for HesitantDevice {
    fn open(&mut self, cx: &Cx<'_>) -> Result<Identity, DeviceError> {
        self.0.connect(cx).map(|()| Identity::default())
    }

    fn perform(&mut self, step: &Step, cx: &Cx<'_>) -> Result<Option<Value>, DeviceError> {
        (self.1)();
        match step {
            Step::Send { text, .. } if text == "PANIC" => panic!("no such luck"),
            step => self.0.write(format!("{step}\n").as_bytes(), cx).map(|()| None),
        }
    }

    fn resync(&mut self, _: &Cx<'_>) -> Result<(), DeviceError> {
        Ok(())
    }

    fn close(mut self: Box<Self>, cx: &Cx<'_>) -> Result<(), DeviceError> {
        self.0.close(cx)
    }
}

fn with_own(port: u16, before_write: impl Fn() + Send + Sync + 'static) -> Bench {
    let mut plan = one(port);
    plan.devices[0].driver = String::from("hesitant");
    Bench::with(plan, Vec::new(), &Registry::empty().with(Hesitant(Arc::new(before_write))))
}

#[test]
fn the_fence_is_compared_immediately_before_the_write() {
    let instrument = Instrument::start(|_, _| {});
    let fence: Arc<std::sync::OnceLock<Arc<killcord_device::Fence>>> = Arc::default();
    let theirs = fence.clone();
    let bench = with_own(instrument.port, move || {
        theirs.get().unwrap().raise();
    });
    fence.set(bench.fence.clone()).unwrap();
    bench.open(0).outcome.unwrap();
    let epoch = bench.fence.current();
    let refused = bench.run(0, Work::Step(Step::send("OUTP ON")), Lane::Act(epoch));
    assert_eq!((refused.outcome, refused.written), (Err(Failure::Fenced), None));
    bench.safe(0, Step::send("OUTP OFF")).outcome.unwrap();
    instrument.wait_for("OUTP OFF");
    assert_eq!(instrument.texts(), ["OUTP OFF"]);
}

#[test]
fn a_panic_in_a_driver_is_a_fault_of_its_device_and_the_link_goes_on() {
    let instrument = Instrument::start(|_, _| {});
    let bench = with_own(instrument.port, || {});
    bench.open(0).outcome.unwrap();
    let panicked = bench.safe(0, Step::send("PANIC"));
    assert!(
        matches!(&panicked.outcome, Err(Failure::Driver(why)) if why.contains("no such luck")),
        "{panicked:?}"
    );
    assert_eq!(bench.safe(0, Step::send("OUTP OFF")).outcome, Ok(None));
    instrument.wait_for("OUTP OFF");
}

#[test]
fn a_driver_that_does_not_come_back_is_seen_as_stuck() {
    let instrument = Instrument::start(|_, _| {});
    let go_on = Arc::new(AtomicBool::new(false));
    let theirs = go_on.clone();
    let bench = with_own(instrument.port, move || {
        while !theirs.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
    });
    bench.open(0).outcome.unwrap();
    assert!(bench.links.answering());
    let within = Duration::from_millis(50);
    let stuck = bench.submit_within(0, Work::Step(Step::send("X")), Lane::Safe, within);
    let until = Instant::now() + PATIENCE;
    while bench.links.stuck() != [LinkIx(0)] {
        assert!(Instant::now() < until, "never seen as stuck");
        std::thread::yield_now();
    }
    go_on.store(true, Ordering::SeqCst);
    stuck.recv_timeout(PATIENCE).unwrap();
    while !bench.links.answering() {
        assert!(Instant::now() < until, "still seen as stuck");
        std::thread::yield_now();
    }
}

#[test]
fn a_raised_fence_ends_an_exchange_in_flight_at_once() {
    let instrument = Instrument::start(|_, _| {});
    let mut plan = one(instrument.port);
    plan.devices[0].timeout = Duration::from_secs(60);
    let bench = Bench::start(plan, Vec::new());
    bench.open(0).outcome.unwrap();
    let epoch = bench.fence.current();
    let answer = Some(String::from("ok"));
    let step = Step::Send { text: String::from("OUTP ON"), answer, timeout: None };
    let arming = bench.submit_within(0, Work::Step(step), Lane::Act(epoch), Duration::from_secs(60));
    instrument.wait_for("OUTP ON");
    bench.fence.raise();
    bench.links.wake();
    let cut = arming.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(cut.outcome, Err(Failure::Refused(_))), "{cut:?}");
    assert!(cut.out_of_step && cut.written.is_some(), "it had reached the device: {cut:?}");
}

#[test]
fn a_full_lane_refuses_at_once_and_never_a_safe_step() {
    let instrument = Instrument::start(|line, stream| {
        if line == "SLOW?" {
            std::thread::sleep(Duration::from_secs(1));
            say(stream, "1");
        }
    });
    let mut plan = one(instrument.port);
    plan.devices[0].timeout = Duration::from_secs(5);
    plan.links[0].cut_in = false;
    let bench = Bench::start(plan, Vec::new());
    bench.open(0).outcome.unwrap();
    let _slow = bench.submit(0, Work::Step(Step::query("SLOW?")), Lane::Query);
    instrument.wait_for("SLOW?");
    let waiting: Vec<_> =
        (0..65).map(|_| bench.submit(0, Work::Step(Step::send("X")), Lane::Query)).collect();
    let last = waiting[64].try_recv().expect("answered at once");
    assert!(matches!(last.outcome, Err(Failure::Refused(_))), "{last:?}");
    let safe = bench.safe(0, Step::send("OUTP OFF"));
    assert_eq!(safe.outcome, Ok(None));
    assert!(!safe.out_of_step, "with cut_in = false the answer was waited for");
    instrument.wait_for("OUTP OFF");
    assert_eq!(instrument.texts()[..2], ["SLOW?", "OUTP OFF"], "ahead of all that waited");
}

#[test]
fn polls_are_answered_in_their_beat_and_stop_for_a_teardown() {
    let instrument = Instrument::start(|line, stream| match line {
        "MEAS?" => say(stream, "1.5,2.5"),
        "BAD?" => say(stream, "7"),
        _ => {}
    });
    let mut fields = poll(1, "MEAS?", 5);
    fields.field = Some(2);
    let mut bad = poll(2, "BAD?", 5);
    bad.field = Some(2);
    let bench = Bench::start(one(instrument.port), vec![fields, bad]);
    bench.open(0).outcome.unwrap();
    let polled =
        |id| move |event: &LinkEvent| matches!(event, LinkEvent::Polled { id: PollId(of), .. } if *of == id);
    match bench.events.wait_for("a value", polled(1)) {
        LinkEvent::Polled { value, .. } => assert_eq!(value, Ok(Value::Text(String::from("2.5")))),
        other => panic!("{other:?}"),
    }
    match bench.events.wait_for("no value", polled(2)) {
        LinkEvent::Polled { value, .. } => assert!(matches!(value, Err(Failure::Refused(_))), "{value:?}"),
        other => panic!("{other:?}"),
    }
    bench.links.quiet(true);
    // Whatever was in flight is over once a job has been answered.
    bench.safe(0, Step::send("STILL"));
    std::thread::sleep(Duration::from_millis(60));
    bench.safe(0, Step::send("QUIET"));
    instrument.wait_for("QUIET");
    let texts = instrument.texts();
    let still = texts.iter().position(|line| line == "STILL").unwrap();
    assert_eq!(texts[still + 1..], ["QUIET"]);
}

#[test]
fn an_instrument_watchdog_is_fed_only_under_the_epoch_that_allows_it() {
    let instrument = Instrument::start(|line, stream| match line {
        "FEED?" => say(stream, "1"),
        "X?" => say(stream, "2"),
        _ => {}
    });
    let mut feed = poll(1, "FEED?", 2);
    feed.feed = true;
    let bench = Bench::start(one(instrument.port), vec![feed, poll(2, "X?", 2)]);
    bench.open(0).outcome.unwrap();
    instrument.wait_for("X?");
    let fed = || instrument.texts().iter().filter(|line| *line == "FEED?").count();
    assert_eq!(fed(), 0);
    bench.links.feed(DeviceIx(0), Some(bench.fence.current()));
    instrument.wait_for("FEED?");
    bench.fence.raise();
    // One may have been written just before.
    bench.query(0, "X?");
    let before = fed();
    let polls = instrument.texts().len();
    let until = Instant::now() + PATIENCE;
    while instrument.texts().len() < polls + 20 {
        assert!(Instant::now() < until, "the other polls go on");
        std::thread::yield_now();
    }
    assert_eq!(fed(), before);
}

#[test]
fn a_device_that_falls_silent_is_lost_and_comes_back_when_it_answers() {
    let mute = Arc::new(AtomicBool::new(false));
    let theirs = mute.clone();
    let instrument = Instrument::start(move |_, stream| {
        if !theirs.load(Ordering::SeqCst) {
            say(stream, "1");
        }
    });
    let mut plan = one(instrument.port);
    plan.devices[0].timeout = Duration::from_millis(30);
    let bench = Bench::start(plan, vec![poll(1, "X?", 5)]);
    bench.open(0).outcome.unwrap();
    bench.events.wait_for("a value", |event| matches!(event, LinkEvent::Polled { value: Ok(_), .. }));
    mute.store(true, Ordering::SeqCst);
    bench.events.wait_for("lost", |event| matches!(event, LinkEvent::Lost { .. }));
    assert!(!bench.links.is_open(DeviceIx(0)));
    mute.store(false, Ordering::SeqCst);
    let until = Instant::now() + PATIENCE;
    while !bench.links.is_open(DeviceIx(0)) {
        assert!(Instant::now() < until, "never open again");
        std::thread::yield_now();
    }
}

#[test]
fn one_device_of_a_link_is_closed_and_the_other_goes_on() {
    let instrument = Instrument::start(|line, stream| {
        if line.ends_with('?') {
            say(stream, line);
        }
    });
    let devices = vec![testing::device("a", "line"), testing::device("b", "line")];
    let bench = Bench::start(testing::plan(vec![testing::link(instrument.port)], devices), Vec::new());
    bench.open(0).outcome.unwrap();
    bench.open(1).outcome.unwrap();
    bench.run(0, Work::Close, Lane::Safe).outcome.unwrap();
    assert!(matches!(bench.query(0, "A?").outcome, Err(Failure::Disconnected(_))));
    assert_eq!(text(&bench.query(1, "B?")).as_deref(), Some("B?"));
}

#[test]
fn on_a_shared_line_one_devices_owed_reply_is_no_other_devices_answer() {
    let instrument = Instrument::start(|line, stream| match line {
        "A:VOLT?" => {
            std::thread::sleep(Duration::from_millis(300));
            say(stream, "0");
        }
        "A:ID?" | "B:ID?" => say(stream, line),
        "B:OUTP?" => say(stream, "1"),
        _ => {}
    });
    let devices = ["A", "B"].map(|name| {
        let mut device = testing::device(name, "line");
        device.id = Some(Step::query(format!("{name}:ID?")));
        device
    });
    let bench =
        Bench::start(testing::plan(vec![testing::link(instrument.port)], devices.to_vec()), Vec::new());
    bench.open(0).outcome.unwrap();
    bench.open(1).outcome.unwrap();
    assert_eq!(bench.query(0, "A:VOLT?").outcome, Err(Failure::Timeout));
    assert!(bench.safe(1, Step::send("B:OUTP OFF")).out_of_step, "the line is, not the device");
    let resync = bench.run(1, Work::Resync, Lane::Safe);
    assert_eq!((resync.outcome, resync.out_of_step), (Ok(None), false));
    let read = bench.safe(1, Step::query("B:OUTP?"));
    assert_eq!((text(&read).as_deref(), read.out_of_step), (Some("1"), false));
}

#[test]
fn links_run_over_a_script_as_over_a_wire() {
    let script = testing::Script::new()
        .expects("*IDN?\n")
        .replies("HAMEG\n")
        .expects("OUTP OFF\n")
        .expects("OUTP?\n")
        .replies("0\n");
    let mut plan = one(1);
    plan.devices[0].id = Some(Step::query("*IDN?"));
    let bench = Bench::over(plan, Box::new(script.clone()));
    bench.open(0).outcome.unwrap();
    bench.safe(0, Step::send("OUTP OFF")).outcome.unwrap();
    assert_eq!(text(&bench.safe(0, Step::query("OUTP?"))).as_deref(), Some("0"));
    script.finish();
}

/// The bench of the promise: a query that takes 150 ms, asked every 200 ms. At a moment of each cycle the
/// safe step is handed over, and has to be written behind whatever is in flight.
#[test]
fn the_first_safe_byte_waits_for_no_poll() {
    let instrument = Instrument::start(|line, stream| {
        if line == "SLOW?" {
            std::thread::sleep(Duration::from_millis(150));
            say(stream, "1");
        }
    });
    let mut plan = one(instrument.port);
    plan.devices[0].timeout = Duration::from_secs(1);
    let bench = Bench::start(plan, vec![poll(1, "SLOW?", 200)]);
    bench.open(0).outcome.unwrap();
    let mut took: Vec<Duration> = (0..20)
        .map(|turn| {
            std::thread::sleep(Duration::from_millis(13 * turn % 50));
            let asked = Instant::now();
            let told = bench.safe(0, Step::send("OUTP OFF"));
            told.written.unwrap() - asked
        })
        .collect();
    took.sort();
    println!("first safe byte: median {:?}, longest {:?}", took[10], took[19]);
    // Far above the promise: this machine may be busy with anything. Far below the 150 ms of the query.
    assert!(took[10] < Duration::from_millis(20), "{took:?}");
}
