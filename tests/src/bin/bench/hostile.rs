//! A thousand pages at one host on one processor (`--count` takes others), all encrypted as in a lab's network, while
//! fifty connections try everything at once: those of strangers, of other sites' pages, and of somebody who was let in to
//! look and does worse. No session of the thousand may be lost, and a safe stop is no later than its budget.
//!
//! To loopback alone, and bounded: so many connections at once, so many tries in all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use killcord::wire::ToHost;
use killcord_tests::clock::monotonic;
use killcord_tests::journal::{Journal, time};
use killcord_tests::measure::{Figures, Row, Samples};
use killcord_tests::wait::LONG;

use crate::attacks::ATTACKS;
use crate::crowd::{BEAT, Crowd};
use crate::options::Options;
use crate::target::{Has, Target};

/// Safe stops, each way.
const ROUNDS: usize = 30;
/// Connections at once.
const HOSTILE: usize = 50;
/// Tries of all of them together, one at a time each and without a pause: more than they come to in the time of the stops.
const MOST_TRIES: usize = 2_000_000;
/// Cause to first safe byte: `[p50, p99]` in milliseconds.
const BUDGET: [Option<f64>; 2] = [Some(2.0), Some(20.0)];

pub(crate) fn run(options: &Options) -> Figures {
    let count = options.count(1000);
    let (mut crowd, operator) = Crowd::encrypted(count);
    let has = Has::of(&crowd, &operator);
    let quiet = stops(&mut crowd, "quiet");
    while monotonic() < has.over_at {
        crowd.turn(Duration::from_millis(5));
    }
    let hostile = Hostile::at(Target::new(crowd.port.number(), has));
    let under = stops(&mut crowd, "under attack");
    let target = hostile.end();
    let journal = Journal::read(&crowd.station, &crowd.rig);
    let causes = journal.teardowns().iter().map(|teardown| teardown["cause"].as_str().unwrap_or_default());
    // At its start the host makes all safe.
    let causes: Vec<_> = causes.filter(|cause| *cause != "start").collect();
    let (what, done) = (&target.done, |what: &AtomicUsize| what.load(Ordering::Relaxed) as f64);
    let all = [&what.handshakes, &what.frames, &what.shown_out];
    assert!(all.iter().all(|what| done(what) > 0.0), "an attack has not taken place");
    let ratio = under.outside.median() / quiet.outside.median();

    let mut figures = Figures::new("hostile");
    figures.row(Row::single(format!("sessions lost, of {count}"), "", crowd.lost() as f64, Some(0.0)));
    let others = causes.len() as f64 - (2 * ROUNDS) as f64;
    figures.row(Row::single("teardowns that no page of them has asked for", "", others, Some(0.0)));
    let tries = done(&what.tries).min(MOST_TRIES as f64);
    figures.row(Row::single(format!("tries of {HOSTILE} connections"), "", tries, None));
    figures.row(Row::single("of them answered", "", done(&what.answers), None));
    figures.row(Row::single("full TLS handshakes of theirs", "", done(&what.handshakes), None));
    figures.row(Row::single("frames of an observer's flood", "", done(&what.frames), None));
    figures.row(Row::single("sockets that were closed for it", "", done(&what.shown_out), None));
    figures.row(Row::new("safe stop's cause to first byte, quiet", "ms", &quiet.inside, BUDGET));
    figures.row(Row::new("the same under attack", "ms", &under.inside, BUDGET));
    figures.row(Row::new("said by a page to first byte, quiet", "ms", &quiet.outside, [None, None]));
    figures.row(Row::new("the same under attack", "ms", &under.outside, [None, None]));
    figures.row(Row::single("ratio of their medians", "×", ratio, None));
    for cause in causes.iter().filter(|cause| **cause != "safe_stop") {
        figures.note(format!("a teardown for another cause: {cause}"));
    }
    figures
}

/// Times of safe stops: from the page's word to the instrument's byte, and from the cause to the byte by the report.
#[derive(Default)]
struct Stops {
    outside: Samples,
    inside: Samples,
}

/// Arms and stops, while all go on beating.
fn stops(crowd: &mut Crowd, what: &str) -> Stops {
    let mut stops = Stops::default();
    for round in 0..ROUNDS {
        eprintln!("{what}: stop {} of {ROUNDS}", round + 1);
        let before = armed(crowd, &format!("{what}{round}"));
        crowd.instrument.forget();
        let said = monotonic();
        // Once: a stop that is lost has to be seen here.
        crowd.pages[0].say(&ToHost::Stop);
        await_output(crowd, "OFF", |_| {});
        let arrivals = crowd.instrument.arrivals();
        let byte = arrivals.iter().find(|arrival| arrival.line == "OUTP OFF").expect("no safe command");
        stops.outside.add_time(byte.at - said);
        // Arming is refused until it is on record.
        let report = loop {
            crowd.turn(Duration::from_millis(5));
            let journal = Journal::read(&crowd.station, &crowd.rig);
            if journal.teardowns().len() > before {
                break journal.report().clone();
            }
        };
        let device = &report["devices"][0];
        stops.inside.add_time(time(&device["first_byte"]) - time(&report["causes"][0][0]));
    }
    stops
}

/// Arms, and lets it be on for a while; the teardowns until then. Where something else has made it safe meanwhile, that is
/// counted in the end, and it is armed again.
fn armed(crowd: &mut Crowd, name: &str) -> usize {
    let (mut tries, by) = (0, monotonic() + LONG);
    loop {
        await_output(crowd, "ON", |crowd| {
            tries += 1;
            let (epoch, id) = (crowd.pages[0].epoch, format!("{name}.{tries}"));
            crowd.pages[0].say(&ToHost::Arm { epoch, id });
        });
        let before = Journal::read(&crowd.station, &crowd.rig).teardowns().len();
        let still = monotonic() + BEAT;
        while monotonic() < still {
            crowd.turn(Duration::from_millis(5));
        }
        if is(crowd, "ON") {
            return before;
        }
        assert!(monotonic() < by, "it does not stay on");
    }
}

fn is(crowd: &Crowd, output: &str) -> bool {
    crowd.instrument.value("OUTP").as_deref() == Some(output)
}

/// Asks until the output is so: what is asked for while the rig is busy is refused.
#[track_caller]
fn await_output(crowd: &mut Crowd, wanted: &str, mut ask: impl FnMut(&mut Crowd)) {
    let (mut asked, by) = (None, monotonic() + LONG);
    while !is(crowd, wanted) {
        assert!(monotonic() < by, "the output is not {wanted}; {} sessions are lost", crowd.lost());
        if asked.is_none_or(|at| monotonic() - at > BEAT) {
            asked = Some(monotonic());
            ask(crowd);
        }
        crowd.turn(Duration::from_millis(2));
    }
}

/// Somebody's fifty connections, for as long as it lives.
struct Hostile {
    target: Arc<Target>,
    threads: Vec<JoinHandle<()>>,
}

impl Hostile {
    fn at(target: Target) -> Self {
        let target = Arc::new(target);
        let threads = (0..HOSTILE).map(|n| {
            let (target, attack) = (Arc::clone(&target), ATTACKS[n % ATTACKS.len()]);
            std::thread::spawn(move || {
                let done = &target.done;
                while !target.is_over() && done.tries.fetch_add(1, Ordering::Relaxed) < MOST_TRIES {
                    if attack(&target).unwrap_or(false) {
                        done.answers.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        });
        Self { threads: threads.collect(), target }
    }

    /// Ends it; what it has done.
    fn end(mut self) -> Arc<Target> {
        self.target.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().expect("an attacker gave up");
        }
        self.target
    }
}
