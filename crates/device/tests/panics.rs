//! A panic on a link's thread: the fault of one device, never the end of the process or of the link.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::panic, missing_docs)]

mod common;

use std::{
    panic,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use common::{Bench, Instrument, Seen};
use killcord_core::{
    DeviceIx, Step, Value,
    driver::{DriverSpec, LinkKind, StepKind},
    plan::{Failure, Work},
};
use killcord_device::{
    Cx, Device, DeviceError, Driver, Identity, Lane, LinkEvent, Poll, PollId, Registry, Setup, Transport,
    testing,
};

/// How many panics are to come.
struct Faulty(Arc<AtomicU32>);

impl Faulty {
    fn with_panics(count: u32) -> Self {
        Self(Arc::new(AtomicU32::new(count)))
    }
}

static FAULTY: DriverSpec = DriverSpec {
    name: "faulty",
    about: "panics when it is told to, and once more when it is thrown away",
    links: &[LinkKind::Line],
    keys: &[],
    steps: &[StepKind::Send],
    calls: &[],
};

struct FaultyDevice {
    link: Box<dyn Transport>,
    panics: Arc<AtomicU32>,
    broken: bool,
}

impl Driver for Faulty {
    fn spec(&self) -> &'static DriverSpec {
        &FAULTY
    }

    fn device(&self, _: &Setup<'_>, link: Box<dyn Transport>) -> Result<Box<dyn Device>, DeviceError> {
        Ok(Box::new(FaultyDevice { link, panics: Arc::clone(&self.0), broken: false }))
    }
}

impl Device for FaultyDevice {
    fn open(&mut self, cx: &Cx<'_>) -> Result<Identity, DeviceError> {
        self.link.connect(cx).map(|()| Identity::default())
    }

    fn perform(&mut self, step: &Step, cx: &Cx<'_>) -> Result<Option<Value>, DeviceError> {
        match step {
            Step::Send { text, .. } if text == "PANIC" && self.panics.load(Ordering::SeqCst) > 0 => {
                self.panics.fetch_sub(1, Ordering::SeqCst);
                self.broken = true;
                panic!("no such luck")
            }
            step => self.link.write(format!("{step}\n").as_bytes(), cx).map(|()| None),
        }
    }

    fn resync(&mut self, _: &Cx<'_>) -> Result<(), DeviceError> {
        Ok(())
    }

    fn close(mut self: Box<Self>, cx: &Cx<'_>) -> Result<(), DeviceError> {
        self.link.close(cx)
    }
}

impl Drop for FaultyDevice {
    fn drop(&mut self) {
        assert!(!self.broken, "and once more");
    }
}

#[track_caller]
fn is_lost_by_the_panic(bench: &Bench) {
    match bench.events.wait_for("a loss", |event| matches!(event, LinkEvent::Lost { .. })) {
        LinkEvent::Lost { why, .. } => assert!(why.contains("no such luck"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_programs_panic_hook_runs_on_the_links_own_thread_and_the_link_goes_on() {
    let instrument = Instrument::start(|_, _| {});
    let mut plan =
        testing::plan(vec![testing::link(instrument.port)], vec![testing::device("psu", "faulty")]);
    plan.devices[0].timeout = std::time::Duration::from_secs(2);
    let bench = Bench::with(plan, Vec::new(), &Registry::empty().with(Faulty::with_panics(3)));
    bench.open(0).outcome.unwrap();
    // As a program's hook that says that the process dies: it can tell by the thread that it does not.
    let seen: Seen<(Option<String>, String)> = Seen::default();
    let hooked = seen.clone();
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let thread = std::thread::current().name().map(str::to_owned);
        hooked.push((thread, info.to_string()));
    }));
    let act = Lane::Act(bench.fence.current());
    for lane in [Lane::Safe, Lane::Query, act] {
        let told = bench.run(0, Work::Step(Step::send("PANIC")), lane);
        assert!(
            matches!(&told.outcome, Err(Failure::Driver(why)) if why.contains("no such luck")),
            "{told:?}"
        );
    }
    panic::set_hook(before);
    let link = format!("link port {}", instrument.port);
    let panics = seen.all();
    assert_eq!(panics.len(), 6, "{panics:?}");
    assert!(panics.iter().all(|(thread, _)| thread.as_deref() == Some(&*link)), "{panics:?}");
    // What may have made it act has lost the device, so that the rig is made safe; on the line that there is.
    is_lost_by_the_panic(&bench);
    bench.open(0).outcome.unwrap();
    bench.safe(0, Step::send("OUTP OFF")).outcome.unwrap();
    instrument.wait_for("OUTP OFF");
    assert!(bench.links.answering());
}

#[test]
fn a_device_whose_driver_panics_when_nobody_waits_for_it_is_told_as_lost_and_opened_again() {
    let instrument = Instrument::start(|_, _| {});
    let plan = testing::plan(vec![testing::link(instrument.port)], vec![testing::device("psu", "faulty")]);
    // Asked as soon as it is open.
    let every = std::time::Duration::from_hours(1);
    let query = Step::send("PANIC");
    let panics = Poll { id: PollId(1), device: DeviceIx(0), query, field: None, every, feed: false };
    let bench = Bench::with(plan, vec![panics], &Registry::empty().with(Faulty::with_panics(1)));
    bench.open(0).outcome.unwrap();
    is_lost_by_the_panic(&bench);
    bench.open(0).outcome.unwrap();
    bench.safe(0, Step::send("OUTP OFF")).outcome.unwrap();
    instrument.wait_for("OUTP OFF");
}
