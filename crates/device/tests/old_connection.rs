//! Instruments that still believe in a dead client: one teardown tries them until they let the next one in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod common;

use std::{
    io::{BufRead as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use common::{Seen, say, shared};
use killcord_core::{
    Cause, Check, Condition, Expected, Extent, Item, Mode, Report, RunId, Status, Step, Verify,
    plan::{Order, Progress},
};
use killcord_device::{Fence, Links, Timeline, execute, testing};

/// What the instrument does with a client that comes while it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Busy {
    /// Serves it when the first one is gone; the kernel has taken the connection already.
    Queues,
    /// Takes the connection and closes it at once.
    ShowsOut,
    /// Takes the connection and never reads from it.
    Forgets,
}

/// A supply that serves one client at a time.
struct Supply {
    port: u16,
    on: Arc<AtomicBool>,
    /// Clients are counted as they come, the dead one is number 0.
    came: Seen<usize>,
}

impl Supply {
    /// The second is the client that it believes in.
    fn start(busy: Busy) -> (Self, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (on, came) = (Arc::new(AtomicBool::new(true)), Seen::default());
        let (output, seen): (_, Seen<usize>) = (on.clone(), came.clone());
        let first = TcpStream::connect(("127.0.0.1", port)).unwrap();
        std::thread::spawn(move || {
            let taken = Arc::new(AtomicBool::new(false));
            let mut forgotten = Vec::new();
            for (number, client) in listener.incoming().enumerate() {
                let client = client.unwrap();
                // Settled before it is told: whoever is told may let the first one go.
                let has_one = taken.load(Ordering::SeqCst);
                seen.push(number);
                let (output, taken) = (output.clone(), taken.clone());
                match busy {
                    Busy::Queues => serve(client, &output),
                    Busy::ShowsOut if has_one => drop(client),
                    Busy::Forgets if has_one => forgotten.push(client),
                    Busy::ShowsOut | Busy::Forgets => {
                        taken.store(true, Ordering::SeqCst);
                        std::thread::spawn(move || {
                            serve(client, &output);
                            taken.store(false, Ordering::SeqCst);
                        });
                    }
                }
            }
        });
        (Self { port, on, came }, first)
    }
}

/// Serves a client to its end.
fn serve(client: TcpStream, on: &AtomicBool) {
    let mut answers = client.try_clone().unwrap();
    let mut lines = BufReader::new(client).lines();
    while let Some(Ok(line)) = lines.next() {
        match line.as_str() {
            "OUTP ON" => on.store(true, Ordering::SeqCst),
            "OUTP OFF" => on.store(false, Ordering::SeqCst),
            "OUTP?" => say(&mut answers, if on.load(Ordering::SeqCst) { "1" } else { "0" }),
            "*IDN?" => say(&mut answers, "ACME,1"),
            _ => {}
        }
    }
}

/// One teardown by a process that takes over. The instrument believes in `first` until `met` returns, which is
/// told each exchange of the teardown.
fn take_over(supply: &Supply, named: bool, first: TcpStream, met: impl FnOnce(&Seen<String>)) -> Report {
    let mut plan = testing::plan(vec![testing::link(supply.port)], vec![testing::device("psu", "line")]);
    plan.deadline = Duration::from_secs(30);
    let device = &mut plan.devices[0];
    device.budget = Duration::from_secs(20);
    device.id = named.then(|| Step::query("*IDN?"));
    device.safe = vec![Item::Do(Step::send("OUTP OFF"))];
    device.emergency = device.safe.clone();
    let off = Condition::Equals(Expected::Truth(false));
    device.verify = Verify::Checks(vec![Check::once(Step::query("OUTP?"), off)]);
    let plan = Arc::new(plan);
    let shared = shared(Arc::new(Fence::new(RunId(1))), Arc::new(|_| {}));
    let links = Links::take_over(&plan, Vec::new(), shared, Vec::new()).unwrap();
    let exchanges = Seen::default();
    std::thread::scope(|scope| {
        let teardown = scope.spawn(|| {
            let timeline = Timeline::starting_now();
            let order =
                Order::whole(&plan, Mode::Emergency, Extent::Release, Cause::HostLost, timeline.now());
            execute(&plan, order, &links, &timeline, &mut |progress| {
                if let Progress::Step { exchange, .. } = progress {
                    exchanges.push(exchange.step);
                }
            })
        });
        met(&exchanges);
        drop(first);
        teardown.join().unwrap()
    })
}

#[track_caller]
fn is_safe(supply: &Supply, report: &Report) {
    assert_eq!(report.devices[0].status, Status::SafeVerified, "{report:#?}");
    assert!(report.devices[0].released);
    assert!(!supply.on.load(Ordering::SeqCst));
}

#[test]
fn one_that_serves_the_next_client_when_the_dead_one_is_gone_is_made_safe() {
    let (supply, first) = Supply::start(Busy::Queues);
    let report = take_over(&supply, true, first, |exchanges| {
        exchanges.wait_for("a connection that was given up", |step| step == "close");
    });
    is_safe(&supply, &report);
}

#[test]
fn one_that_shows_the_second_client_out_is_tried_until_it_is_let_in() {
    let (supply, first) = Supply::start(Busy::ShowsOut);
    let report = take_over(&supply, true, first, |_| {
        supply.came.wait_for("the second client that is shown out", |number| *number == 2);
    });
    is_safe(&supply, &report);
}

#[test]
fn one_that_forgets_the_second_client_is_connected_anew() {
    for named in [true, false] {
        let (supply, first) = Supply::start(Busy::Forgets);
        let report = take_over(&supply, named, first, |_| {
            supply.came.wait_for("a client that is forgotten", |number| *number == 1);
        });
        is_safe(&supply, &report);
        let opened = report.devices[0].exchanges.iter().filter(|exchange| exchange.step == "open").count();
        assert!(opened > 1, "the connection that was forgotten has answered: {report:#?}");
    }
}
