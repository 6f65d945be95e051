//! A thousand pages at one host on one processor (`--count` takes others), while fifty connections of somebody who was
//! not let in try everything: no session may be lost, and a safe stop is no later than its budget.
//!
//! To loopback alone, and bounded: so many connections at once, so many tries in all.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use killcord::wire::ToHost;
use killcord_tests::clock::monotonic;
use killcord_tests::journal::{Journal, time};
use killcord_tests::measure::{Figures, Row, Samples};
use killcord_tests::wait::LONG;

use crate::crowd::{BEAT, Crowd};
use crate::options::Options;

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
    let (mut crowd, _) = Crowd::of(count);
    let quiet = stops(&mut crowd, "quiet");
    let hostile = Hostile::at(crowd.port.number());
    let under = stops(&mut crowd, "under attack");
    let (tries, answers) = hostile.end();
    let ratio = under.outside.median() / quiet.outside.median();

    let mut figures = Figures::new("hostile");
    figures.row(Row::single(format!("sessions lost, of {count}"), "", crowd.lost() as f64, Some(0.0)));
    figures.row(Row::single(format!("tries of {HOSTILE} connections"), "", tries as f64, None));
    figures.row(Row::single("of them answered", "", answers as f64, None));
    figures.row(Row::new("safe stop's cause to first byte, quiet", "ms", &quiet.inside, BUDGET));
    figures.row(Row::new("the same under attack", "ms", &under.inside, BUDGET));
    figures.row(Row::new("said by a page to first byte, quiet", "ms", &quiet.outside, [None, None]));
    figures.row(Row::new("the same under attack", "ms", &under.outside, [None, None]));
    figures.row(Row::single("ratio of their medians", "×", ratio, None));
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
        let mut tries = 0;
        await_output(crowd, "ON", |crowd| {
            tries += 1;
            let (epoch, id) = (crowd.pages[0].epoch, format!("{what}{round}.{tries}"));
            crowd.pages[0].say(&ToHost::Arm { epoch, id });
        });
        let before = Journal::read(&crowd.station, &crowd.rig).teardowns().len();
        let still = monotonic() + BEAT;
        while monotonic() < still {
            crowd.turn(Duration::from_millis(5));
        }
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

/// Asks until the output is so: what is asked for while the rig is busy is refused.
#[track_caller]
fn await_output(crowd: &mut Crowd, wanted: &str, mut ask: impl FnMut(&mut Crowd)) {
    let is = |crowd: &Crowd| crowd.instrument.value("OUTP").as_deref() == Some(wanted);
    let (mut asked, by) = (None, monotonic() + LONG);
    while !is(crowd) {
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
    stop: Arc<AtomicBool>,
    tries: Arc<AtomicUsize>,
    answers: Arc<AtomicUsize>,
    threads: Vec<JoinHandle<()>>,
}

impl Hostile {
    fn at(port: u16) -> Self {
        let (stop, tries, answers) = <(Arc<AtomicBool>, Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let threads = (0..HOSTILE)
            .map(|n| {
                let (stop, tries, answers) = (Arc::clone(&stop), Arc::clone(&tries), Arc::clone(&answers));
                let attack = ATTACKS[n % ATTACKS.len()];
                std::thread::spawn(move || {
                    while !stop.load(Ordering::Relaxed) && tries.fetch_add(1, Ordering::Relaxed) < MOST_TRIES
                    {
                        if attack(port, &stop).unwrap_or(false) {
                            answers.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                })
            })
            .collect();
        Self { stop, tries, answers, threads }
    }

    /// How often it tried, and was answered.
    fn end(mut self) -> (usize, usize) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().expect("an attacker gave up");
        }
        (self.tries.load(Ordering::Relaxed).min(MOST_TRIES), self.answers.load(Ordering::Relaxed))
    }
}

/// Tries once; whether an answer came.
type Attack = fn(u16, &AtomicBool) -> io::Result<bool>;

const ATTACKS: [Attack; 14] = [
    |port, stop| drip(port, &format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"), "X: x\r\n", stop),
    |port, stop| {
        let head = "Content-Type: application/json\r\nContent-Length: 4000\r\n\r\n";
        drip(port, &request("POST", "/killcord/pair", port, head), " ", stop)
    },
    // A code that is none, and a key, a cookie and a token that are none.
    |port, _| {
        let body = "{\"code\":\"0123456789abcdef0123456789abcdef\"}";
        let head = format!(
            "Origin: http://127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        ask(port, &request("POST", "/killcord/pair", port, &head))
    },
    |port, _| {
        let forged = format!(
            "Cookie: killcord-{port}={}\r\nAuthorization: Bearer kc_{}\r\n\r\n",
            "0".repeat(43),
            "0".repeat(43)
        );
        ask(port, &request("GET", "/killcord/api/v1/sessions", port, &forged))
    },
    // DNS rebinding, and another site's page: form, fetch and socket.
    |port, _| ask(port, "GET /killcord/api/v1/rig HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
    |port, _| {
        let head = "Origin: http://evil.example\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n\r\n";
        ask(port, &request("POST", "/killcord/api/v1/safe", port, head))
    },
    |port, _| {
        let head = "Origin: http://evil.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                    Sec-WebSocket-Protocol: killcord.v1\r\n\r\n";
        ask(port, &request("GET", "/killcord/ws", port, head))
    },
    // Heads and addresses without end.
    |port, _| ask(port, &request("GET", &format!("/{}", "x".repeat(60_000)), port, "\r\n")),
    |port, _| {
        ask(port, &request("GET", "/", port, &("X-Many: ".to_owned() + &"y".repeat(60_000) + "\r\n\r\n")))
    },
    // Two requests that a proxy might take for one.
    |port, _| {
        let head = "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /killcord/api/v1/rig HTTP/1.1\r\n\r\n";
        ask(port, &request("POST", "/killcord/pair", port, head))
    },
    // Files that are none of ours, a body that would be large, a socket whose frames would be, and a handshake in between.
    |port, _| ask(port, &request("GET", "/killcord/%2e%2e/..%2f../etc/passwd", port, "\r\n")),
    |port, _| {
        let head = "Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x08\x08\x08";
        ask(port, &request("POST", "/killcord/pair", port, head))
    },
    |port, _| {
        let head = format!(
            "Origin: http://127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: killcord.v1\r\n\r\n"
        );
        ask(port, &request("GET", "/killcord/ws", port, &head))
    },
    |port, _| ask(port, "\x16\x03\x01\x02\x00\x01\x00\x01\x7c\x03\x03"),
];

fn request(method: &str, path: &str, port: u16, more: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{more}")
}

fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.set_write_timeout(Some(Duration::from_secs(2)))?;
    Ok(stream)
}

fn ask(port: u16, text: &str) -> io::Result<bool> {
    let mut stream = connect(port)?;
    stream.write_all(text.as_bytes())?;
    Ok(stream.read(&mut [0; 1024])? > 0)
}

/// One more word now and then, for as long as the other side has patience.
fn drip(port: u16, begin: &str, word: &str, stop: &AtomicBool) -> io::Result<bool> {
    let mut stream = connect(port)?;
    stream.set_read_timeout(Some(Duration::from_millis(200)))?;
    stream.write_all(begin.as_bytes())?;
    while !stop.load(Ordering::Relaxed) {
        stream.write_all(word.as_bytes())?;
        match stream.read(&mut [0; 1024]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            answer => return Ok(answer? > 0),
        }
    }
    Ok(false)
}
