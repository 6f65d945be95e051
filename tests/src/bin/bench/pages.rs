//! Pages that go, as their host sees it: a closed one, a reload that never comes back, one that falls silent; and
//! reloads, none of which may be taken for an end.
//!
//! The page is a scripted one: it does what a browser does and in the same order, and knows to the microsecond when it
//! did. What a real browser adds before its goodbye is not ours.

use std::time::Duration;

use killcord_tests::clock::monotonic;
use killcord_tests::instrument::Instrument;
use killcord_tests::measure::{Figures, Row, Samples};
use killcord_tests::page::{Browser, Page, link};
use killcord_tests::port::Port;
use killcord_tests::process::Process;
use killcord_tests::rigs;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, until, until_true};

use crate::options::Options;

/// The shortest that a rig file takes with this beat.
const EXPIRE_AFTER: Duration = Duration::from_secs(1);
const RELOAD_GRACE: Duration = Duration::from_millis(500);
/// Page closed, to the first safe byte: `[p50, p99]` in milliseconds.
const CLOSED: [Option<f64>; 2] = [Some(50.0), Some(50.0)];
/// Beyond `reload_grace`, and beyond `expire_after`: the same.
const BEYOND: [Option<f64>; 2] = [Some(20.0), Some(20.0)];

/// A host with one armed supply and one page.
struct Armed {
    instrument: Instrument,
    browser: Browser,
    page: Page,
    _host: Process,
    _station: Station,
    _port: Port,
}

impl Armed {
    fn now() -> Self {
        let (instrument, station, port) = (Instrument::start(), Station::new(), Port::free());
        let session = format!(
            "[session]\nbeat = \"250ms\"\nexpire_after = \"{}ms\"\nreload_grace = \"{}ms\"\n\
             [remote]\nlisten = \"127.0.0.1:{}\"\n",
            EXPIRE_AFTER.as_millis(),
            RELOAD_GRACE.as_millis(),
            port.number()
        );
        let rig = station.rig(
            &(rigs::head("5s", "on_last_session = \"safe\"") + &session + &rigs::switch("psu", &instrument)),
        );
        let host = station.killcord(["serve", "--arm"]).arg(&rig).start();
        let browser = Browser::pair(&link(&host));
        let mut page = browser.open();
        let mut n = 0;
        until_true("the supply to be on", LONG, || {
            n += 1;
            page.beat(n);
            instrument.value("OUTP").as_deref() == Some("ON")
        });
        instrument.forget();
        Self { instrument, browser, page, _host: host, _station: station, _port: port }
    }

    /// When the safe command was read.
    fn off(&self) -> Duration {
        let off = || self.instrument.arrivals().into_iter().find(|arrival| arrival.line == "OUTP OFF");
        until("the safe command", LONG, off).at
    }
}

/// How long beyond `due`; negative where it came too early.
fn beyond(at: Duration, due: Duration) -> f64 {
    (at.as_secs_f64() - due.as_secs_f64()) * 1e3
}

pub(crate) fn run(options: &Options) -> Figures {
    let mut figures = Figures::new("pages");
    let (mut closed, mut lost, mut silent) = (Samples::default(), Samples::default(), Samples::default());
    let count = options.count(100);
    for round in 0..count {
        eprintln!("a page that goes, three ways: {} of {count}", round + 1);
        let armed = Armed::now();
        let at = monotonic();
        armed.browser.bye(&armed.page, false);
        closed.add(beyond(armed.off(), at));

        let armed = Armed::now();
        let _never_claimed = armed.browser.document();
        let at = monotonic();
        armed.browser.bye(&armed.page, false);
        lost.add(beyond(armed.off(), at + RELOAD_GRACE));

        let mut armed = Armed::now();
        let at = monotonic();
        armed.page.beat(1_000_000);
        silent.add(beyond(armed.off(), at + EXPIRE_AFTER));
    }
    let early = [&lost, &silent].iter().map(|samples| samples.below(0.0)).sum::<usize>();

    let reloads = options.count(100) * 10;
    let Armed { instrument, browser, mut page, _host, .. } = Armed::now();
    let session = page.session;
    let mut ends = 0;
    for n in 0..reloads {
        let nonce = browser.document();
        browser.bye(&page, n % 7 == 0);
        page = browser.hello(&nonce, Some(&page.token));
        ends += usize::from(!page.resumed);
        page.beat(n as u64);
    }
    ends += usize::from(page.session != session || instrument.value("OUTP").as_deref() != Some("ON"));

    figures.row(Row::new("page closed, to the first safe byte", "ms", &closed, CLOSED));
    figures.row(Row::new("a reload that never comes back, beyond reload_grace", "ms", &lost, BEYOND));
    figures.row(Row::new("silence, beyond expire_after", "ms", &silent, BEYOND));
    figures.row(Row::single("ended too early", "", early as f64, Some(0.0)));
    figures.row(Row::single(format!("false ends in {reloads} reloads"), "", ends as f64, Some(0.0)));
    figures
}
