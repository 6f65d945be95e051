//! Many pages at one host on one processor, each beating once a second.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use killcord::wire::{ToHost, ToPage};
use killcord_tests::clock::monotonic;
use killcord_tests::instrument::Instrument;
use killcord_tests::page::{Browser, Page, link, nth_link};
use killcord_tests::place;
use killcord_tests::port::Port;
use killcord_tests::process::{Launch, Process, look};
use killcord_tests::rigs;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, until_true};
use rustix::event::{PollFd, PollFlags, poll};

pub(crate) const BEAT: Duration = Duration::from_secs(1);
/// Pages of one browser: as many as a host lets it have.
const TABS: usize = 32;
pub(crate) const EXPIRE_AFTER: Duration = Duration::from_secs(5);

/// The pages, and the host with one supply.
pub(crate) struct Crowd {
    pub(crate) instrument: Instrument,
    host: Process,
    pub(crate) pages: Vec<Page>,
    /// When each said its last beat.
    pub(crate) beaten: Vec<Duration>,
    /// When each was told that it has ended.
    pub(crate) ended: Vec<Option<Duration>>,
    n: u64,
    pub(crate) station: Station,
    pub(crate) rig: PathBuf,
    pub(crate) port: Port,
}

impl Crowd {
    /// A host on one processor, armed by its first page; `more` are lines of `[remote]`.
    fn of_one(more: &str) -> (Self, Browser) {
        let (instrument, station, port) = (Instrument::start(), Station::new(), Port::free());
        let session = format!(
            "[session]\nbeat = \"{}ms\"\nexpire_after = \"{expire}ms\"\nfrozen_for = \"{expire}ms\"\n\
             [remote]\nlisten = \"127.0.0.1:{}\"\n{more}",
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
            station,
            rig,
            port,
        };
        crowd.join(browser.open());
        until_true("the supply to be on", LONG, || {
            crowd.turn(Duration::from_millis(10));
            crowd.instrument.value("OUTP").as_deref() == Some("ON")
        });
        (crowd, browser)
    }

    /// With so many pages.
    pub(crate) fn of(count: usize) -> (Self, f64) {
        let (mut crowd, browser) = Self::of_one("");
        let alone = crowd.resident();
        crowd.grow(browser, count);
        (crowd, alone)
    }

    /// With so many pages at a host that encrypts, and the browser whose pages they are.
    pub(crate) fn encrypted(count: usize) -> (Self, Browser) {
        let (mut crowd, browser) = Self::of_one("tls = \"self-signed\"\n");
        crowd.grow(browser.clone(), count);
        (crowd, browser)
    }

    fn grow(&mut self, mut browser: Browser, count: usize) {
        for n in 1..count {
            if n % TABS == 0 {
                browser = Browser::pair(&nth_link(&self.host, n / TABS));
            }
            if n % 100 == 0 {
                eprintln!("{n} of {count} pages");
            }
            self.join(browser.open());
            self.turn(Duration::ZERO);
        }
    }

    /// How many were told that they have ended.
    pub(crate) fn lost(&self) -> usize {
        self.ended.iter().filter(|ended| ended.is_some()).count()
    }

    fn join(&mut self, page: Page) {
        page.socket().get_ref().tcp().set_nonblocking(true).unwrap();
        self.pages.push(page);
        self.beaten.push(Duration::ZERO);
        self.ended.push(None);
        // What was decrypted with the welcome is no more to be waited for.
        self.hear_all(self.pages.len() - 1);
    }

    /// Beats for all that are due and hears what has come, until `within` is over.
    pub(crate) fn turn(&mut self, within: Duration) {
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
    pub(crate) fn hear(&mut self, within: Duration) {
        let mut wait: Vec<PollFd<'_>> =
            self.pages.iter().map(|page| PollFd::new(page.socket().get_ref().tcp(), PollFlags::IN)).collect();
        let timeout = rustix::event::Timespec::try_from(within).unwrap();
        if poll(&mut wait, Some(&timeout)).unwrap_or(0) == 0 {
            return;
        }
        let ready: Vec<usize> = (0..wait.len()).filter(|&at| !wait[at].revents().is_empty()).collect();
        drop(wait);
        for at in ready {
            self.hear_all(at);
        }
    }

    /// Hears one page until nothing more has come.
    fn hear_all(&mut self, at: usize) {
        loop {
            match self.pages[at].try_hear() {
                Ok(ToPage::Ended { .. }) => {
                    self.ended[at].get_or_insert_with(monotonic);
                }
                Ok(_) => {}
                Err(ErrorKind::WouldBlock) => return,
                Err(_) => {
                    self.ended[at].get_or_insert_with(monotonic);
                    return;
                }
            }
        }
    }

    pub(crate) fn resident(&self) -> f64 {
        look::resident(self.host.pid()) as f64 / 1024.0
    }
}
