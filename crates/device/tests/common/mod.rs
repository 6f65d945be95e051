//! What the tests of this crate share: instruments on real sockets, and a hand on the links.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    missing_docs,
    unreachable_pub
)]

pub mod pty;

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        mpsc::{Receiver, sync_channel},
    },
    time::{Duration, Instant},
};

use killcord_core::{DeviceIx, LinkIx, Plan, RunId, Step, Value, plan::Work};
use killcord_device::{
    Done, Events, Fence, Handed, Job, Lane, LinkEvent, Links, NoRecord, Poll, Registry, Shared, SystemClock,
    Transport, WriteAhead,
};

/// Longer than anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A list that grows on other threads and can be waited on.
#[derive(Clone)]
pub struct Seen<T>(Arc<(Mutex<Vec<T>>, Condvar)>);

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self(Arc::new((Mutex::new(Vec::new()), Condvar::new())))
    }
}

impl<T: Clone + std::fmt::Debug> Seen<T> {
    pub fn push(&self, item: T) {
        self.0.0.lock().unwrap().push(item);
        self.0.1.notify_all();
    }

    pub fn all(&self) -> Vec<T> {
        self.0.0.lock().unwrap().clone()
    }

    /// Waits until one satisfies it.
    #[track_caller]
    pub fn wait_for(&self, what: &str, is: impl Fn(&T) -> bool) -> T {
        let until = Instant::now() + PATIENCE;
        let mut items = self.0.0.lock().unwrap();
        loop {
            if let Some(item) = items.iter().find(|item| is(item)) {
                return item.clone();
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "never seen: {what}; seen: {items:?}");
            items = self.0.1.wait_timeout(items, left).unwrap().0;
        }
    }
}

/// What an instrument does with a line.
pub type Answers = Arc<dyn Fn(&str, &mut TcpStream) + Send + Sync>;

/// An instrument on a real socket; each line is noted with its time, then given to `answers`.
pub struct Instrument {
    pub port: u16,
    pub lines: Seen<(Instant, String)>,
}

impl Instrument {
    pub fn start(answers: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), answers)
    }

    pub fn on(listener: TcpListener, answers: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let port = listener.local_addr().unwrap().port();
        let lines = Seen::default();
        let seen: Seen<(Instant, String)> = lines.clone();
        let answers: Answers = Arc::new(answers);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let (seen, answers) = (seen.clone(), answers.clone());
                std::thread::spawn(move || {
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    let mut line = String::new();
                    while reader.read_line(&mut line).is_ok_and(|count| count > 0) {
                        let text = line.trim().to_owned();
                        line.clear();
                        seen.push((Instant::now(), text.clone()));
                        answers(&text, &mut stream);
                    }
                });
            }
        });
        Self { port, lines }
    }

    pub fn texts(&self) -> Vec<String> {
        self.lines.all().into_iter().map(|(_, text)| text).collect()
    }

    #[track_caller]
    pub fn wait_for(&self, text: &str) -> Instant {
        self.lines.wait_for(text, |(_, line)| line == text).0
    }
}

/// Writes an answer; an instrument whose client is gone does not mind.
pub fn say(stream: &mut TcpStream, text: &str) {
    let _gone = writeln!(stream, "{text}");
}

/// Links whose end is waited for: the system gives a pty's name to the next one as soon as it is free.
pub struct Running(Option<Links>);

impl Running {
    pub fn new(links: Links) -> Self {
        Self(Some(links))
    }

    pub fn stop(mut self, within: Duration) -> bool {
        self.0.take().unwrap().stop(within)
    }
}

impl std::ops::Deref for Running {
    type Target = Links;

    fn deref(&self) -> &Links {
        self.0.as_ref().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(links) = self.0.take() {
            links.stop(PATIENCE);
        }
    }
}

/// Killcord's own drivers on the system's clock, and nobody who keeps a record.
pub fn shared(fence: Arc<Fence>, events: Events) -> Shared {
    let (drivers, clock) = (Registry::default(), Arc::new(SystemClock));
    Shared { drivers, fence, clock, events, ahead: Arc::new(NoRecord) }
}

/// One safe job on links that are not a [`Bench`].
#[track_caller]
pub fn run(links: &Links, work: Work) -> Done {
    let (tell, told) = sync_channel(1);
    let job = Job {
        device: DeviceIx(0),
        work,
        lane: Lane::Safe,
        deadline: Instant::now() + Duration::from_secs(5),
        reply: Box::new(move |done| tell.send(done).unwrap()),
    };
    links.submit(LinkIx(0), job);
    told.recv_timeout(PATIENCE).unwrap()
}

/// Links of a process that takes over from another.
pub fn take_over(plan: &Plan, handed: Vec<Handed>) -> Running {
    let shared = shared(Arc::new(Fence::new(RunId(1))), Arc::new(|_| {}));
    Running::new(Links::take_over(plan, Vec::new(), shared, handed).unwrap())
}

/// Links under test.
pub struct Bench {
    pub links: Running,
    pub fence: Arc<Fence>,
    pub events: Seen<LinkEvent>,
    plan: Plan,
}

impl Bench {
    pub fn start(plan: Plan, polls: Vec<Poll>) -> Self {
        Self::with(plan, polls, &Registry::default())
    }

    pub fn with(plan: Plan, polls: Vec<Poll>, drivers: &Registry) -> Self {
        Self::started(plan, polls, drivers, Arc::new(NoRecord))
    }

    /// With somebody who keeps a record of what may act.
    pub fn recorded(plan: Plan, ahead: Arc<dyn WriteAhead>) -> Self {
        Self::started(plan, Vec::new(), &Registry::default(), ahead)
    }

    fn started(plan: Plan, polls: Vec<Poll>, drivers: &Registry, ahead: Arc<dyn WriteAhead>) -> Self {
        let fence = Arc::new(Fence::new(RunId(1)));
        let events = Seen::default();
        let seen: Seen<LinkEvent> = events.clone();
        let told = Arc::new(move |event| seen.push(event));
        let shared = Shared { drivers: drivers.clone(), ahead, ..shared(fence.clone(), told) };
        let links = Links::start(&plan, polls, shared).unwrap();
        Self { links: Running::new(links), fence, events, plan }
    }

    /// Over a transport that stands in for the only link.
    pub fn over(plan: Plan, transport: Box<dyn Transport>) -> Self {
        let fence = Arc::new(Fence::new(RunId(1)));
        let events = Seen::default();
        let seen: Seen<LinkEvent> = events.clone();
        let shared = shared(fence.clone(), Arc::new(move |event| seen.push(event)));
        let links = Links::over_transports(&plan, Vec::new(), shared, vec![transport]).unwrap();
        Self { links: Running::new(links), fence, events, plan }
    }

    pub fn submit(&self, device: u16, work: Work, lane: Lane) -> Receiver<Done> {
        self.submit_within(device, work, lane, Duration::from_secs(5))
    }

    pub fn submit_within(&self, device: u16, work: Work, lane: Lane, within: Duration) -> Receiver<Done> {
        let (tell, told) = sync_channel(1);
        let link = self.plan.devices[usize::from(device)].link;
        let job = Job {
            device: DeviceIx(device),
            work,
            lane,
            deadline: Instant::now() + within,
            reply: Box::new(move |done| tell.send(done).unwrap()),
        };
        self.links.submit(LinkIx(link.0), job);
        told
    }

    #[track_caller]
    pub fn run(&self, device: u16, work: Work, lane: Lane) -> Done {
        self.submit(device, work, lane).recv_timeout(PATIENCE).expect("a job was never answered")
    }

    #[track_caller]
    pub fn open(&self, device: u16) -> Done {
        self.run(device, Work::Open, Lane::Query)
    }

    #[track_caller]
    pub fn safe(&self, device: u16, step: Step) -> Done {
        self.run(device, Work::Step(step), Lane::Safe)
    }

    #[track_caller]
    pub fn query(&self, device: u16, text: &str) -> Done {
        self.run(device, Work::Step(Step::query(text)), Lane::Query)
    }
}

pub fn text(done: &Done) -> Option<String> {
    match &done.outcome {
        Ok(Some(Value::Text(text))) => Some(text.clone()),
        _ => None,
    }
}
