//! The process that draws the page dies while the rig is armed: the page comes back to its session, or the
//! session's lease runs out.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;

use killcord_tests::desktop::Desktop;
use killcord_tests::display::Display;
use killcord_tests::door;
use killcord_tests::instrument::Instrument;
use killcord_tests::journal::Journal;
use killcord_tests::rigs;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, until, until_true};
use rustix::process::{Pid, Signal, kill_process};

/// Asked every 200 ms, so that the instrument's record tells how long something went on.
const READING: &str =
    "\n[[device.reading]]\nname = \"current\"\nquery = \"MEAS?\"\nevery = \"200ms\"\nunit = \"A\"\n";
/// `expire_after` in those readings, and one second more.
const PAST_THE_LEASE: usize = 20;

struct Bench {
    supply: Instrument,
    station: Station,
    rig: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let (supply, station) = (Instrument::start(), Station::new());
        let session = "\n[session]\nexpire_after = \"3s\"\n";
        let rig = rigs::head("5s", "") + session + &rigs::switch("psu", &supply) + READING;
        let rig = station.rig(&rig);
        Self { supply, station, rig }
    }

    /// The rig in a window, armed by its page; what the supply has received before is forgotten.
    #[track_caller]
    fn armed<'d>(&self, display: &'d Display) -> Desktop<'d> {
        let launch = self.station.launch("killcord-desktop").arg(&self.rig);
        let window = Desktop::start_driven(display, launch.env("KILLCORD_LOG", "info"));
        let page = window.page();
        page.arm();
        page.await_text("Armed");
        assert!(self.is_on());
        self.supply.forget();
        window
    }

    fn is_on(&self) -> bool {
        self.supply.value("OUTP").as_deref() == Some("ON")
    }

    /// How often the supply was asked for its reading.
    fn readings(&self) -> usize {
        self.supply.arrivals().iter().filter(|arrival| arrival.line == "MEAS?").count()
    }

    /// The lease has run out: hardware safe, the window still there. Then it is closed.
    #[track_caller]
    fn expired(&self, window: &mut Desktop<'_>, shown: killcord_tests::display::Window) {
        until_true("the supply to be off", LONG, || !self.is_on());
        door::await_state(&self.station, "released");
        assert!(window.process_mut().ended().is_none(), "the app went with its page");
        let journal = Journal::read(&self.station, &self.rig);
        assert_eq!(self.supply.commands(), ["OUTP OFF"], "{:#?}", journal.teardowns());
        window.display().close(shown);
        let status = window.await_end();
        assert_eq!(status.code(), Some(0), "{}", window.process().output().all());
        let journal = Journal::read(&self.station, &self.rig);
        assert_eq!(journal.sessions().len(), 1, "{:?}", journal.sessions());
        assert_eq!(journal.sessions()[0]["reason"], "renderer_crashed");
        let ended = |teardown: &&serde_json::Value| teardown["cause"] == "session_ended";
        assert_eq!(journal.teardowns().iter().find(ended).expect("no such teardown")["confirmed"], true);
    }
}

/// How often the window has said something.
fn said(window: &Desktop<'_>, what: &str) -> usize {
    window.process().output().all().matches(what).count()
}

const BACK: &str = "the page is back";
const GIVEN_UP: &str = "dies again and again";

#[test]
fn a_page_that_comes_back_after_a_crash_goes_on_with_its_session_and_the_hardware_is_untouched() {
    let (bench, display) = (Bench::new(), Display::managed());
    let mut window = bench.armed(&display);
    window.crash_page();
    until_true("the page to be back", LONG, || said(&window, BACK) == 1);
    let back = bench.readings();
    until_true("the lease to be over, were it not renewed", LONG, || {
        bench.readings() > back + PAST_THE_LEASE
    });
    assert_eq!(bench.supply.commands(), [""; 0], "the hardware was touched");
    door::await_state(&bench.station, "armed");
    window.close();
    let status = window.await_end();
    assert_eq!(status.code(), Some(0), "{}", window.process().output().all());
    assert_eq!(bench.supply.commands(), ["OUTP OFF"]);
    let journal = Journal::read(&bench.station, &bench.rig);
    assert_eq!(journal.last()["cause"], "window_closed");
    assert_eq!(journal.sessions().len(), 1, "one session, over the crash: {:?}", journal.sessions());
}

#[test]
fn a_page_that_is_not_back_within_its_lease_leaves_the_hardware_safe() {
    let (bench, display) = (Bench::new(), Display::managed());
    let mut window = bench.armed(&display);
    let shown = window.window();
    let web = |window: &Desktop<'_>| window.process().descendants("WebKitWebProcess");
    let before = web(&window);
    window.crash_page();
    let new =
        until("another web process", LONG, || web(&window).into_iter().find(|found| !before.contains(found)));
    kill_process(Pid::from_raw(new.cast_signed()).unwrap(), Signal::STOP).unwrap();
    assert_eq!(said(&window, BACK), 0, "the page was back before it could be stopped");
    bench.expired(&mut window, shown);
}

#[test]
fn a_page_that_crashes_again_and_again_is_given_up_and_the_hardware_made_safe() {
    let (bench, display) = (Bench::new(), Display::managed());
    let mut window = bench.armed(&display);
    let shown = window.window();
    for crash in 1.. {
        window.crash_page();
        until_true("the page to be back or given up", LONG, || {
            said(&window, BACK) == crash || said(&window, GIVEN_UP) == 1
        });
        if said(&window, GIVEN_UP) == 1 {
            break;
        }
    }
    until_true("the window to say so", LONG, || display.title(shown).contains("page crashed"));
    bench.expired(&mut window, shown);
}
