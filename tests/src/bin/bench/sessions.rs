//! A thousand pages at one host on one processor, each beating once a second (`--count` takes more): none of them may
//! be taken for gone, each ends in its own time when all fall silent, and the one in control is served as if it were
//! alone.

use std::io::ErrorKind;
use std::time::Duration;

use killcord::wire::{ToHost, ToPage};
use killcord_tests::clock::monotonic;
use killcord_tests::instrument::Instrument;
use killcord_tests::measure::{Figures, Row, Samples};
use killcord_tests::page::{Browser, Page, link};
use killcord_tests::place;
use killcord_tests::port::Port;
use killcord_tests::process::{Launch, Process, look};
use killcord_tests::rigs;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, until, until_true};
use rustix::event::{PollFd, PollFlags, poll};

use crate::options::Options;

const BEAT: Duration = Duration::from_secs(1);
const EXPIRE_AFTER: Duration = Duration::from_secs(5);
/// All beat so long.
const SPAN: Duration = Duration::from_secs(20);
/// A session's share of the host's memory, in KiB.
const SHARE: f64 = 16.0;
/// Beyond its lease, in milliseconds: every session.
const SPREAD: [Option<f64>; 2] = [None, Some(50.0)];
/// A control's command, to its byte at the instrument: `[p50, p99]` in milliseconds.
const COMMAND: [Option<f64>; 2] = [None, Some(5.0)];

struct Crowd {
    instrument: Instrument,
    host: Process,
    pages: Vec<Page>,
    /// When each said its last beat.
    beaten: Vec<Duration>,
    /// When each was told that it has ended.
    ended: Vec<Option<Duration>>,
    n: u64,
    _station: Station,
    _port: Port,
}

impl Crowd {
    /// A host on the last processor with one page.
    fn of_one() -> (Self, Browser) {
        let (instrument, station, port) = (Instrument::start(), Station::new(), Port::free());
        let session = format!(
            "[session]\nbeat = \"{}ms\"\nexpire_after = \"{expire}ms\"\nfrozen_for = \"{expire}ms\"\n\
             [remote]\nlisten = \"127.0.0.1:{}\"\n",
            BEAT.as_millis(),
            port.number(),
            // Sockets that answer pings while nothing beats are no frozen pages here.
            expire = EXPIRE_AFTER.as_millis()
        );
        let control = "[[device.control]]\nname = \"volts\"\nkind = \"number\"\nsend = \"VOLT {}\"\nmin = 0\nmax = 9999\n";
        let head = rigs::head("5s", "on_last_session = \"safe\"");
        let rig = station.rig(&(head + &session + &rigs::switch("psu", &instrument) + control));
        let pinned = Launch::new(place::system("taskset"))
            .args(["-c", "1"])
            .arg(place::program("killcord"))
            .args(["serve", "--arm"])
            .arg(&rig);
        let host = station.dress(pinned).start();
        let browser = Browser::pair(&link(&host));
        let mut crowd = Self {
            instrument,
            host,
            pages: Vec::new(),
            beaten: Vec::new(),
            ended: Vec::new(),
            n: 0,
            _station: station,
            _port: port,
        };
        crowd.join(browser.open());
        until_true("the supply to be on", LONG, || {
            crowd.turn(Duration::from_millis(10));
            crowd.instrument.value("OUTP").as_deref() == Some("ON")
        });
        (crowd, browser)
    }

    fn join(&mut self, page: Page) {
        page.socket().get_ref().set_nonblocking(true).unwrap();
        self.pages.push(page);
        self.beaten.push(Duration::ZERO);
        self.ended.push(None);
    }

    /// Beats for all that are due and hears what has come, until `within` is over.
    fn turn(&mut self, within: Duration) {
        self.beat_due();
        self.hear(within);
    }

    fn beat_due(&mut self) {
        for at in 0..self.pages.len() {
            // Spread over the second, as a thousand people's pages are.
            let due = self.beaten[at] + BEAT;
            if monotonic() >= due && self.ended[at].is_none() {
                self.n += 1;
                self.beaten[at] = monotonic();
                let beat = ToHost::Beat { n: self.n, visible: true, main_ms: None, input_ms: None };
                self.pages[at].say(&beat);
            }
        }
    }

    /// Hears what has come.
    fn hear(&mut self, within: Duration) {
        let mut wait: Vec<PollFd<'_>> =
            self.pages.iter().map(|page| PollFd::new(page.socket().get_ref(), PollFlags::IN)).collect();
        let timeout = rustix::event::Timespec::try_from(within).unwrap();
        if poll(&mut wait, Some(&timeout)).unwrap_or(0) == 0 {
            return;
        }
        let ready: Vec<usize> = (0..wait.len()).filter(|&at| !wait[at].revents().is_empty()).collect();
        drop(wait);
        for at in ready {
            loop {
                match self.pages[at].try_hear() {
                    Ok(ToPage::Ended { .. }) => {
                        self.ended[at].get_or_insert_with(monotonic);
                    }
                    Ok(_) => {}
                    Err(ErrorKind::WouldBlock) => break,
                    Err(_) => {
                        self.ended[at].get_or_insert_with(monotonic);
                        break;
                    }
                }
            }
        }
    }

    fn resident(&self) -> f64 {
        look::resident(self.host.pid()) as f64 / 1024.0
    }
}

pub(crate) fn run(options: &Options) -> Figures {
    let count = options.count(1000);
    let (mut crowd, browser) = Crowd::of_one();
    let alone = crowd.resident();
    for n in 1..count {
        if n % 100 == 0 {
            eprintln!("{n} of {count} pages");
        }
        crowd.join(browser.open());
        crowd.turn(Duration::ZERO);
    }
    let began = monotonic();
    while monotonic() - began < SPAN {
        crowd.turn(Duration::from_millis(5));
    }
    let share = (crowd.resident() - alone) / count as f64;

    // The first is in control: it opened the rig.
    let mut commands = Samples::default();
    for n in 0..200 {
        crowd.turn(Duration::from_millis(5));
        let (line, id) = (format!("VOLT {}", 1000 + n), format!("set{n}"));
        let epoch = crowd.pages[0].epoch;
        let value = killcord::core::Value::Number(killcord::core::Number(f64::from(1000 + n)));
        let at = monotonic();
        let (device, control) = ("psu".to_owned(), "volts".to_owned());
        crowd.pages[0].say(&ToHost::Set { epoch, id, device, control, value });
        let arrived = || crowd.instrument.arrivals().into_iter().find(|arrival| arrival.line == line);
        commands.add_time(until("the command", LONG, arrived).at - at);
    }
    let false_ends = crowd.ended.iter().filter(|ended| ended.is_some()).count();

    eprintln!("all fall silent");
    let by = monotonic() + EXPIRE_AFTER + LONG;
    while crowd.ended.iter().any(Option::is_none) && monotonic() < by {
        crowd.hear(Duration::from_millis(5));
    }
    let mut spread = Samples::default();
    let mut early = 0;
    for (ended, beaten) in crowd.ended.iter().zip(&crowd.beaten) {
        let due = *beaten + EXPIRE_AFTER;
        let ended = ended.expect("a session that fell silent has not ended");
        early += usize::from(ended < due);
        spread.add_time(ended.saturating_sub(due));
    }

    let mut figures = Figures::new("sessions");
    let all = |what: &str| format!("{what}, {count} pages on one processor");
    figures.row(Row::single(all("false ends"), "", false_ends as f64, Some(0.0)));
    figures.row(Row::single("of the host's memory, a page", "KiB", share, Some(SHARE)));
    figures.row(Row::new("a control's command, to its byte at the instrument", "ms", &commands, COMMAND));
    figures.row(Row::single("ended too early", "", early as f64, Some(0.0)));
    figures.row(Row::new("silence, beyond expire_after", "ms", &spread, SPREAD));
    figures
}
