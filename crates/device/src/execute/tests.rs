//! The executor over scripted lines: what it hands out, what it makes of commands that come at any time.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, RecvTimeoutError, sync_channel},
    },
    time::Duration,
};

use killcord_core::{
    Cause, Check, Condition, DeviceIx, DevicePlan, Epoch, Expected, Extent, Item, LinkIx, Mode, Plan, RunId,
    Status, Step, Value, Verify,
    plan::{Failure, Order, Work},
};

use super::{Event, Executor, Lines, Timeline, execute};
use crate::{Done, Fence, Job, Lane, testing};

const EPOCH: Epoch = Epoch { run: RunId(1), n: 1 };
const LONG: Duration = Duration::from_secs(20);

fn device(name: &str, link: u16) -> DevicePlan {
    DevicePlan {
        link: LinkIx(link),
        timeout: Duration::from_millis(500),
        budget: Duration::from_secs(4),
        arm: vec![Item::Do(Step::send("ON")), Item::Do(Step::send("ON2"))],
        safe: vec![Item::Do(Step::send("OFF"))],
        emergency: vec![Item::Do(Step::send("CUT"))],
        verify: Verify::Checks(vec![Check::once(
            Step::query("OUT?"),
            Condition::Equals(Expected::Truth(false)),
        )]),
        ..testing::device(name, "line")
    }
}

fn plan(devices: Vec<DevicePlan>) -> Arc<Plan> {
    let links = devices.iter().map(|device| testing::link(device.link.0)).collect();
    let mut plan = testing::plan(links, devices);
    plan.deadline = Duration::from_secs(6);
    Arc::new(plan)
}

/// What a line does with an exchange of this text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    Reply,
    /// Kept until it is let go.
    Hold,
}

struct Script {
    does: Box<dyn Fn(&str) -> Does + Send + Sync>,
    seen: Mutex<Vec<(u16, String, Lane)>>,
    held: Mutex<Vec<Job>>,
    quiet: Mutex<Vec<bool>>,
    told: Mutex<Option<std::sync::mpsc::SyncSender<String>>>,
    fence: Fence,
}

impl Script {
    fn new(does: impl Fn(&str) -> Does + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            does: Box::new(does),
            seen: Mutex::default(),
            held: Mutex::default(),
            quiet: Mutex::default(),
            told: Mutex::default(),
            fence: Fence::new(RunId(1)),
        })
    }

    fn words(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|(_, word, _)| word.clone()).collect()
    }

    /// Is told every word as it is handed out.
    fn watch(&self) -> Receiver<String> {
        let (tell, told) = sync_channel(100);
        *self.told.lock().unwrap() = Some(tell);
        told
    }

    fn let_go(&self) {
        let held = std::mem::take(&mut *self.held.lock().unwrap());
        held.into_iter().for_each(|job| self.reply(job));
    }

    fn reply(&self, job: Job) {
        let fenced = matches!(job.lane, Lane::Act(epoch) if !self.fence.allows(epoch));
        let query = matches!(&job.work, Work::Step(step) if step.is_query());
        let outcome = match () {
            () if fenced => Err(Failure::Fenced),
            () if query => Ok(Some(Value::Text("0".into()))),
            () => Ok(None),
        };
        (job.reply)(Done { outcome, out_of_step: false, written: None });
    }
}

impl Lines for Script {
    fn submit(&self, _link: LinkIx, job: Job) {
        let word = match &job.work {
            Work::Step(step) => step.to_string(),
            other => format!("{other:?}"),
        };
        self.seen.lock().unwrap().push((job.device.0, word.clone(), job.lane));
        match (self.does)(&word) {
            Does::Reply => self.reply(job),
            Does::Hold => self.held.lock().unwrap().push(job),
        }
        if let Some(told) = &*self.told.lock().unwrap() {
            told.send(word).unwrap();
        }
    }

    fn is_open(&self, _device: DeviceIx) -> bool {
        true
    }

    fn quiet(&self, on: bool) {
        self.quiet.lock().unwrap().push(on);
    }
}

fn order(plan: &Plan, timeline: &Timeline, mode: Mode, extent: Extent) -> Order {
    Order::whole(plan, mode, extent, Cause::SafeStop, timeline.now())
}

struct Bench {
    plan: Arc<Plan>,
    timeline: Timeline,
    executor: Executor,
    events: Receiver<Event>,
}

impl Bench {
    fn new(plan: Arc<Plan>, lines: Arc<Script>) -> Self {
        let timeline = Timeline::starting_now();
        let (tell, events) = sync_channel(1000);
        let sink = move |event| tell.send(event).unwrap();
        let executor = Executor::start(plan.clone(), lines, timeline.clone(), sink).unwrap();
        Self { plan, timeline, executor, events }
    }

    fn tear_down(&self, mode: Mode, extent: Extent) {
        self.executor.orders().teardown(order(&self.plan, &self.timeline, mode, extent));
    }

    /// The next event that is no progress.
    fn next(&self) -> Event {
        loop {
            match self.events.recv_timeout(LONG).unwrap() {
                Event::Progress(_) => {}
                event => return event,
            }
        }
    }

    fn report(&self) -> killcord_core::Report {
        loop {
            if let Event::Finished(report) = self.next() {
                return *report;
            }
        }
    }
}

fn heard(told: &Receiver<String>, word: &str) {
    while told.recv_timeout(LONG).unwrap() != word {}
}

#[test]
fn execute_makes_safe_and_releases_with_polling_stopped_and_every_job_in_the_safe_lane() {
    let lines = Script::new(|_| Does::Reply);
    let plan = plan(vec![device("a", 0), device("b", 1)]);
    let timeline = Timeline::starting_now();
    let mut progress = 0;
    let order = order(&plan, &timeline, Mode::Safe, Extent::End);
    let report = execute(&plan, order, lines.as_ref(), &timeline, &mut |_| progress += 1);
    assert!(report.confirmed() && report.devices.iter().all(|device| device.released), "{report:#?}");
    assert_eq!(lines.words(), ["OFF", "OFF", "OUT?", "OUT?", "Close", "Close"]);
    assert!(lines.seen.lock().unwrap().iter().all(|(_, _, lane)| *lane == Lane::Safe));
    assert_eq!(*lines.quiet.lock().unwrap(), [true, false]);
    assert!(progress > 6);
}

#[test]
fn a_link_that_never_answers_delays_nobody_and_the_report_comes() {
    let mut plan = (*plan(vec![device("a", 0), device("b", 1)])).clone();
    plan.devices[0].safe = vec![Item::Do(Step::send("STUCK"))];
    let plan = Arc::new(plan);
    let lines = Script::new(|word| if word == "STUCK" { Does::Hold } else { Does::Reply });
    let timeline = Timeline::starting_now();
    let order = order(&plan, &timeline, Mode::Safe, Extent::Stay);
    let report = execute(&plan, order, lines.as_ref(), &timeline, &mut |_| {});
    assert_eq!(report.devices[0].status, Status::Unreachable);
    assert_eq!(report.devices[1].status, Status::SafeVerified);
    assert!(!report.out_of_time);
    assert_eq!(lines.words(), ["STUCK", "OFF", "OUT?"]);
}

#[test]
fn an_arming_runs_under_its_epoch() {
    let lines = Script::new(|_| Does::Reply);
    let epoch = lines.fence.raise();
    let bench = Bench::new(plan(vec![device("a", 0), device("b", 1)]), lines.clone());
    bench.executor.orders().arm(epoch);
    assert_eq!(bench.next(), Event::Armed { epoch });
    assert!(lines.seen.lock().unwrap().iter().all(|(_, _, lane)| *lane == Lane::Act(epoch)));
    assert_eq!(lines.words(), ["ON", "ON2", "ON", "ON2"]);
    assert!(bench.executor.stop(LONG));
}

#[test]
fn a_stale_epoch_fails_the_arming_at_its_first_step() {
    let lines = Script::new(|_| Does::Reply);
    let epoch = lines.fence.raise();
    lines.fence.raise();
    let bench = Bench::new(plan(vec![device("a", 0)]), lines.clone());
    bench.executor.orders().arm(epoch);
    assert!(matches!(bench.next(), Event::ArmFailed { device: DeviceIx(0), .. }));
    assert_eq!(lines.words(), ["ON"]);
}

#[test]
fn a_teardown_between_two_arm_steps_drops_the_arming_right_there() {
    let lines = Script::new(|word| if word == "ON" { Does::Hold } else { Does::Reply });
    let told = lines.watch();
    let bench = Bench::new(plan(vec![device("a", 0)]), lines.clone());
    bench.executor.orders().arm(EPOCH);
    heard(&told, "ON");
    bench.tear_down(Mode::Safe, Extent::Stay);
    assert_eq!(bench.next(), Event::Superseded { epoch: EPOCH });
    assert_eq!(bench.next(), Event::Started);
    // The step in flight comes back late, and changes nothing.
    heard(&told, "OFF");
    lines.let_go();
    assert!(bench.report().confirmed());
    assert_eq!(lines.words(), ["ON", "OFF", "OUT?"]);
}

#[test]
fn an_arming_behind_a_teardown_is_not_begun() {
    let lines = Script::new(|word| if word == "OFF" { Does::Hold } else { Does::Reply });
    let told = lines.watch();
    let bench = Bench::new(plan(vec![device("a", 0)]), lines.clone());
    bench.tear_down(Mode::Safe, Extent::Stay);
    heard(&told, "OFF");
    bench.executor.orders().arm(EPOCH);
    assert_eq!(bench.next(), Event::Started);
    assert_eq!(bench.next(), Event::Superseded { epoch: EPOCH });
    lines.let_go();
    assert!(bench.report().confirmed());
    assert!(!lines.words().contains(&"ON".to_owned()));
}

#[test]
fn a_second_teardown_raises_the_one_that_runs_and_there_is_one_report() {
    let lines = Script::new(|word| if word == "OFF" { Does::Hold } else { Does::Reply });
    let told = lines.watch();
    let bench = Bench::new(plan(vec![device("a", 0)]), lines.clone());
    bench.tear_down(Mode::Safe, Extent::Stay);
    heard(&told, "OFF");
    bench.tear_down(Mode::Emergency, Extent::End);
    bench.tear_down(Mode::Safe, Extent::Stay);
    lines.let_go();
    let report = bench.report();
    assert_eq!((report.mode, report.extent, report.causes.len()), (Mode::Emergency, Extent::End, 3));
    assert_eq!(lines.words(), ["OFF", "CUT", "OUT?", "Close"]);
    assert!(bench.executor.stop(LONG));
    assert!(bench.events.try_iter().all(|event| matches!(event, Event::Progress(_))), "one report");
}

#[test]
fn a_teardown_after_one_that_is_over_is_a_new_one() {
    let lines = Script::new(|_| Does::Reply);
    let bench = Bench::new(plan(vec![device("a", 0)]), lines.clone());
    for _ in 0..3 {
        bench.tear_down(Mode::Safe, Extent::Stay);
        let report = bench.report();
        assert_eq!((report.causes.len(), report.confirmed()), (1, true));
    }
    assert_eq!(lines.words(), ["OFF", "OUT?"].repeat(3), "safe commands are always sent");
}

#[test]
fn to_stop_is_to_finish_the_teardown_first() {
    let lines = Script::new(|word| if word == "OFF" { Does::Hold } else { Does::Reply });
    let told = lines.watch();
    let bench = Bench::new(plan(vec![device("a", 0)]), lines.clone());
    bench.tear_down(Mode::Safe, Extent::End);
    heard(&told, "OFF");
    let Bench { executor, events, .. } = bench;
    assert!(!executor.stop(Duration::ZERO), "it is still at work");
    lines.let_go();
    let mut finished = 0;
    loop {
        match events.recv_timeout(LONG) {
            Ok(Event::Finished(report)) => {
                assert!(report.confirmed());
                finished += 1;
            }
            Ok(_) => {}
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => panic!("the thread does not end"),
        }
    }
    assert_eq!(finished, 1);
}

#[test]
fn more_orders_than_are_kept_become_one_that_asks_for_all_of_it() {
    let inbox = super::Inbox::default();
    let plan = plan(vec![device("a", 0), device("b", 1)]);
    let timeline = Timeline::starting_now();
    let mut one = order(&plan, &timeline, Mode::Safe, Extent::Stay);
    one.devices = vec![DeviceIx(0)];
    for _ in 0..100 {
        inbox.command(super::inbox::Command::Teardown(one.clone(), 1));
    }
    let more = order(&plan, &timeline, Mode::Emergency, Extent::End);
    inbox.command(super::inbox::Command::Teardown(more, 1));
    let mut taken = Vec::new();
    let mut causes = 0;
    while let Some(super::inbox::Command::Teardown(order, times)) = inbox.take_command() {
        taken.push(order);
        causes += times;
    }
    assert_eq!(causes, 101, "whoever counts them by the causes of reports waits for none in vain");
    assert_eq!(taken.len(), 64);
    let last = taken.last().unwrap();
    assert_eq!((last.mode, last.extent), (Mode::Emergency, Extent::End));
    assert_eq!(last.devices.iter().copied().collect::<BTreeSet<_>>().len(), 2);
}
