//! Teardowns over real links and sockets: what the instruments saw is what counts.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::{
    net::Shutdown,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, sync_channel},
    },
    time::{Duration, Instant},
};

use common::{Instrument, PATIENCE, Seen, say, shared};
use killcord_core::{
    Cause, Check, Condition, DeviceIx, DevicePlan, Expected, Extent, Item, LinkIx, Mode, Number, Plan,
    Report, RunId, Status, Step, Verify,
    plan::{Order, Progress},
    step::{Ramp, Template},
};
use killcord_device::{Event, Executor, Fence, LinkEvent, Links, Poll, PollId, Timeline, execute, testing};

fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn supply(name: &str) -> DevicePlan {
    DevicePlan {
        timeout: millis(400),
        budget: Duration::from_secs(6),
        id: Some(Step::query("*IDN?")),
        sync: Some(Step::query("*OPC?")),
        arm: vec![Item::Do(Step::send("OUTP ON"))],
        safe: vec![Item::Do(Step::send("OUTP OFF"))],
        emergency: vec![Item::Do(Step::send("OUTP OFF"))],
        verify: Verify::Checks(vec![Check::once(
            Step::query("OUTP?"),
            Condition::Equals(Expected::Truth(false)),
        )]),
        release: vec![Item::Do(Step::send("SYST:LOC"))],
        ..testing::device(name, "line")
    }
}

/// A supply on a real socket: outputs as commanded; `slow` is what a measurement takes.
struct Supply {
    instrument: Instrument,
    on: Arc<AtomicBool>,
    /// Neither answers nor obeys.
    dead: Arc<AtomicBool>,
}

impl Supply {
    fn start(slow: Duration) -> Self {
        let on = Arc::new(AtomicBool::new(true));
        let dead = Arc::new(AtomicBool::new(false));
        let (output, gone) = (on.clone(), dead.clone());
        let instrument = Instrument::start(move |line, stream| {
            if gone.load(Ordering::SeqCst) {
                let _gone = stream.shutdown(Shutdown::Both);
                return;
            }
            match line {
                "OUTP ON" => output.store(true, Ordering::SeqCst),
                "OUTP OFF" => output.store(false, Ordering::SeqCst),
                "OUTP?" => say(stream, if output.load(Ordering::SeqCst) { "1" } else { "0" }),
                "*IDN?" => say(stream, "ACME,1,2,3"),
                "*OPC?" => say(stream, "1"),
                "VOLT?" => say(stream, "0.4"),
                "MEAS?" => {
                    std::thread::park_timeout(slow);
                    say(stream, "12.0");
                }
                _ => {}
            }
        });
        Self { instrument, on, dead }
    }

    fn count(&self, line: &str) -> usize {
        self.instrument.texts().iter().filter(|seen| *seen == line).count()
    }
}

struct Rig {
    plan: Arc<Plan>,
    fence: Arc<Fence>,
    links: Arc<Links>,
    timeline: Timeline,
    link_events: Seen<LinkEvent>,
}

impl Rig {
    fn start(devices: Vec<DevicePlan>, supplies: &[&Supply], polls: Vec<Poll>) -> Self {
        let links = supplies.iter().map(|supply| testing::link(supply.instrument.port)).collect();
        let devices = devices
            .into_iter()
            .enumerate()
            .map(|(at, device)| DevicePlan { link: LinkIx::from(at), ..device });
        let plan = Arc::new(testing::plan(links, devices.collect()));
        let fence = Arc::new(Fence::new(RunId(1)));
        let link_events = Seen::default();
        let seen: Seen<LinkEvent> = link_events.clone();
        let shared = shared(fence.clone(), Arc::new(move |event| seen.push(event)));
        let links = Links::start(&plan, polls, shared);
        let timeline = Timeline::starting_now();
        Self { plan, fence, links: Arc::new(links.unwrap()), timeline, link_events }
    }

    fn order(&self, mode: Mode, extent: Extent) -> Order {
        Order::whole(&self.plan, mode, extent, Cause::WindowClosed, self.timeline.now())
    }

    fn run(&self, mode: Mode, extent: Extent) -> Report {
        execute(&self.plan, self.order(mode, extent), &*self.links, &self.timeline, &mut |_: Progress| {})
    }

    fn executor(&self) -> (Executor, Receiver<Event>) {
        let (tell, told) = sync_channel(10_000);
        let sink = move |event| tell.send(event).unwrap();
        (Executor::start(self.plan.clone(), self.links.clone(), self.timeline.clone(), sink).unwrap(), told)
    }
}

fn next(told: &Receiver<Event>, is: impl Fn(&Event) -> bool) -> Event {
    loop {
        let event = told.recv_timeout(PATIENCE).expect("the executor says nothing");
        if is(&event) {
            return event;
        }
    }
}

fn finished(told: &Receiver<Event>) -> Report {
    match next(told, |event| matches!(event, Event::Finished(_))) {
        Event::Finished(report) => *report,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bench_found_live_is_opened_made_safe_in_order_and_released() {
    let (psu, load) = (Supply::start(Duration::ZERO), Supply::start(Duration::ZERO));
    let after = DevicePlan { safe_after: vec![DeviceIx(0)], ..supply("load") };
    let rig = Rig::start(vec![supply("psu"), after], &[&psu, &load], Vec::new());
    let report = rig.run(Mode::Safe, Extent::End);
    assert!(report.confirmed() && report.devices.iter().all(|device| device.released), "{report:#?}");
    assert!(!psu.on.load(Ordering::SeqCst) && !load.on.load(Ordering::SeqCst));
    let off = |supply: &Supply| supply.instrument.wait_for("OUTP OFF");
    assert!(psu.instrument.wait_for("OUTP?") < off(&load), "the load only once the supply is verified");
    // Written before the close, read by the instrument when it gets to it.
    psu.instrument.wait_for("SYST:LOC");
    assert_eq!(psu.instrument.texts(), ["*IDN?", "OUTP OFF", "*OPC?", "OUTP?", "SYST:LOC"]);
    assert!(report.devices.iter().all(|device| device.first_byte.is_some()));
}

#[test]
fn armed_then_closed_in_the_middle_of_a_slow_query_each_safe_command_comes_once() {
    let psu = Supply::start(millis(150));
    let poll = Poll {
        id: PollId(0),
        device: DeviceIx(0),
        query: Step::query("MEAS?"),
        field: None,
        every: millis(20),
        feed: false,
    };
    let rig = Rig::start(vec![supply("psu")], &[&psu], vec![poll]);
    let (executor, told) = rig.executor();
    executor.orders().teardown(rig.order(Mode::Safe, Extent::Stay));
    assert!(finished(&told).confirmed());
    for round in 1..=5 {
        let epoch = rig.fence.raise();
        executor.orders().arm(epoch);
        next(&told, |event| *event == Event::Armed { epoch });
        let polled = psu.count("MEAS?");
        let until = Instant::now() + PATIENCE;
        while psu.count("MEAS?") == polled && Instant::now() < until {
            std::thread::park_timeout(millis(1));
        }
        let began = Instant::now();
        let cause = rig.timeline.now();
        rig.fence.raise();
        rig.links.wake();
        executor.orders().teardown(rig.order(Mode::Safe, Extent::Stay));
        let report = finished(&told);
        assert_eq!(report.devices[0].status, Status::SafeVerified, "{report:#?}");
        assert_eq!(report.devices[0].mode, Mode::Safe);
        let first = report.devices[0].first_byte.unwrap().since(cause);
        assert!(first < millis(100), "it waited: {first:?} of {:?}; {report:#?}", began.elapsed());
        assert!(!psu.on.load(Ordering::SeqCst));
        assert_eq!(psu.count("OUTP OFF"), round + 1, "once each time");
    }
    assert!(executor.stop(PATIENCE));
}

#[test]
fn an_instrument_that_dies_at_the_close_is_unreachable_and_the_other_is_safe() {
    let (dies, lives) = (Supply::start(Duration::ZERO), Supply::start(Duration::ZERO));
    let short = DevicePlan { budget: millis(1500), ..supply("julabo") };
    let rig = Rig::start(vec![short, supply("psu")], &[&dies, &lives], Vec::new());
    assert!(rig.run(Mode::Safe, Extent::Stay).confirmed());
    dies.dead.store(true, Ordering::SeqCst);
    let report = rig.run(Mode::Safe, Extent::End);
    assert_eq!(report.devices[0].status, Status::Unreachable, "{report:#?}");
    assert!(report.devices[0].remarks[0].starts_with("Check by hand that julabo is off: "));
    assert_eq!(report.devices[1].status, Status::SafeVerified);
    assert!(report.devices[1].released && !report.out_of_time);
    let _seen = rig.link_events.all();
}

#[test]
fn a_late_zero_never_passes_for_verified() {
    // It does not obey; `VOLT?` is answered late, and only after `OUTP OFF` has been written.
    let held: Arc<Mutex<bool>> = Arc::default();
    let waits = held.clone();
    let instrument = Instrument::start(move |line, stream| match line {
        "VOLT?" => *waits.lock().unwrap() = true,
        "OUTP OFF" if std::mem::take(&mut *waits.lock().unwrap()) => say(stream, "0"),
        "OUTP?" => say(stream, "1"),
        "*IDN?" => say(stream, "ACME,1,2,3"),
        _ => {}
    });
    let liar = Supply { instrument, on: Arc::default(), dead: Arc::default() };
    let mut device = DevicePlan { sync: None, timeout: millis(150), ..supply("psu") };
    device.safe.insert(0, Item::Do(Step::query("VOLT?")));
    let rig = Rig::start(vec![device], &[&liar], Vec::new());
    let report = rig.run(Mode::Safe, Extent::Stay);
    assert_eq!(report.devices[0].status, Status::Failed, "{report:#?}");
}

#[test]
fn a_safe_stop_during_a_ramp_goes_over_at_once() {
    let psu = Supply::start(Duration::ZERO);
    let mut device = supply("psu");
    device.safe.insert(
        0,
        Item::Ramp(Ramp {
            write: Template::Line {
                before: "VOLT ".into(),
                decimals: None,
                after: String::new(),
                answer: None,
            },
            from: Step::query("VOLT?"),
            to: Number(0.0),
            per_second: Number(0.1),
            step_every: millis(20),
        }),
    );
    let rig = Rig::start(vec![device], &[&psu], Vec::new());
    let (executor, told) = rig.executor();
    executor.orders().teardown(rig.order(Mode::Safe, Extent::Stay));
    psu.instrument.lines.wait_for("a write of the ramp", |(_, line)| line.starts_with("VOLT 0.3"));
    let began = Instant::now();
    executor.orders().teardown(rig.order(Mode::Emergency, Extent::Stay));
    assert!(psu.instrument.wait_for("OUTP OFF").duration_since(began) < millis(300));
    let report = finished(&told);
    assert_eq!((report.devices[0].status, report.devices[0].mode), (Status::SafeVerified, Mode::Emergency));
    assert_eq!((psu.count("OUTP OFF"), psu.count("VOLT 0")), (1, 0));
    assert!(executor.stop(PATIENCE));
}

#[test]
fn fifty_devices_are_made_safe_side_by_side() {
    let slow: Vec<Supply> = (0..50)
        .map(|_| {
            let instrument = Instrument::start(move |line, stream| match line {
                "OUTP?" => {
                    std::thread::park_timeout(millis(300));
                    say(stream, "0");
                }
                "*IDN?" | "*OPC?" => say(stream, "1"),
                _ => {}
            });
            Supply { instrument, on: Arc::default(), dead: Arc::default() }
        })
        .collect();
    let all: Vec<&Supply> = slow.iter().collect();
    let devices = (0..50).map(|at| DevicePlan { timeout: millis(2000), ..supply(&format!("d{at}")) });
    let rig = Rig::start(devices.collect(), &all, Vec::new());
    assert!(rig.run(Mode::Safe, Extent::Stay).confirmed());
    let report = rig.run(Mode::Safe, Extent::Stay);
    assert!(report.confirmed());
    assert!(report.took >= millis(300));
    // 1.2 times one device's own sequence is the bench's figure; this only tells side by side from in turn.
    assert!(report.took < millis(1500), "{:?}", report.took);
    assert!(slow.iter().all(|supply| supply.count("OUTP OFF") == 2));
}
