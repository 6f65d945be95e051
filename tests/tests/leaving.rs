//! The ways out of the desktop app besides the close button.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;

use killcord_tests::demo::Demo;
use killcord_tests::desktop::Desktop;
use killcord_tests::display::Display;
use killcord_tests::door;
use killcord_tests::journal::Journal;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, SOON, until_true};
use killcord_tests::webdriver::Page;
use rustix::process::Signal;

struct Bench {
    demo: Demo,
    station: Station,
    rig: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let (demo, station) = (Demo::start(), Station::new());
        let rig = station.rig(&demo.rig());
        Self { demo, station, rig }
    }

    /// The demo's rig in a window, armed.
    #[track_caller]
    fn armed<'d>(&self, display: &'d Display) -> (Desktop<'d>, Page) {
        let window = Desktop::drive(display, &self.station, &self.rig);
        let page = window.page();
        page.arm();
        self.demo.await_on();
        page.await_text("Armed");
        (window, page)
    }

    #[track_caller]
    fn ended_safe(&self, window: &mut Desktop<'_>, cause: &str) {
        let status = window.await_end();
        let said = window.process().output().all();
        assert!(self.demo.all_off(), "{status}: {said}");
        assert_eq!(status.code(), Some(0), "{said}");
        let journal = Journal::read(&self.station, &self.rig);
        assert_eq!(journal.last()["cause"], cause);
        assert_eq!(journal.last()["confirmed"], true);
    }
}

#[test]
fn each_signal_that_asks_for_an_end_makes_the_rig_safe_behind_a_window() {
    let (bench, display) = (Bench::new(), Display::managed());
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
        let (mut window, _page) = bench.armed(&display);
        window.process().signal(signal);
        bench.ended_safe(&mut window, "signal");
    }
}

#[test]
fn a_window_without_a_manager_is_closed_by_the_message_alone() {
    let (bench, display) = (Bench::new(), Display::bare());
    let (mut window, _page) = bench.armed(&display);
    display.delete(window.window());
    bench.ended_safe(&mut window, "window_closed");
}

#[test]
fn the_menus_quit_makes_the_rig_safe_as_a_close_does() {
    let (bench, display) = (Bench::new(), Display::managed());
    let (mut window, _page) = bench.armed(&display);
    let up = window.window();
    until_true("the window to be active", SOON, || {
        display.key(up, "shift");
        let active = display.launch("xdotool").arg("getactivewindow").run(SOON);
        active.stdout.trim() == up.to_string()
    });
    display.launch("xdotool").args(["key", "--clearmodifiers", "ctrl+q"]).run(SOON);
    bench.ended_safe(&mut window, "window_closed");
}

#[test]
fn a_safe_stop_by_f12_makes_the_rig_safe_and_stays_connected() {
    let (bench, display) = (Bench::new(), Display::managed());
    let (mut window, page) = bench.armed(&display);
    page.press("\u{e03c}");
    until_true("the bench to be off", LONG, || bench.demo.all_off());
    page.await_text("Safe");
    assert!(window.process_mut().ended().is_none());
    page.click("button", "Arm");
    page.click("button", "Arm the rig");
    bench.demo.await_on();
    page.click("button", "Safe stop");
    until_true("the bench to be off again", LONG, || bench.demo.all_off());
    // Off is not yet verified: until it is, a close would join this teardown.
    door::await_state(&bench.station, "safe");
    window.close();
    bench.ended_safe(&mut window, "window_closed");
}

#[test]
fn a_safe_stop_in_the_page_during_the_ramp_of_a_close_cuts_it_short() {
    let bench = Bench::new();
    let text = bench.demo.rig().replace("per_second = 12", "per_second = 1").replace("5.5s", "20s");
    let text = text.replace("deadline = \"10s\"", "deadline = \"40s\"");
    std::fs::write(&bench.rig, text).unwrap();
    let display = Display::managed();
    let (mut window, page) = bench.armed(&display);
    window.close();
    let voltage = || bench.demo.look().number("psu", "setpoint").unwrap_or(12.0);
    until_true("the ramp to be under way", LONG, || voltage() < 11.8);
    page.press("\u{e03c}");
    bench.ended_safe(&mut window, "window_closed");
    assert!(voltage() > 1.0, "the ramp went on to {} V", voltage());
    assert_eq!(Journal::read(&bench.station, &bench.rig).device("psu")["mode"], "emergency");
}

#[test]
fn ten_closes_of_the_demo_window_give_ten_reports_that_are_all_safe() {
    let (bench, display) = (Bench::new(), Display::managed());
    for _ in 0..10 {
        let mut window = Desktop::open(&display, &bench.station, &bench.rig);
        door::await_state(&bench.station, "safe");
        window.close();
        assert_eq!(window.await_end().code(), Some(0), "{}", window.process().output().all());
        assert!(bench.demo.all_off());
        // The watchdog goes at the host's goodbye: nobody has lost it.
        let said = window.process().output().all();
        assert!(!said.contains("there is no watchdog"), "{said}");
    }
    let journal = Journal::read(&bench.station, &bench.rig);
    assert_eq!(journal.runs().len(), 10);
    for run in journal.runs() {
        assert_eq!(run["exit"], 0, "{run}");
    }
    let closes: Vec<_> =
        journal.teardowns().iter().filter(|teardown| teardown["cause"] == "window_closed").collect();
    assert_eq!(closes.len(), 10);
    for teardown in closes {
        assert_eq!(teardown["confirmed"], true, "{teardown}");
        assert!(teardown["took_ms"].as_u64().unwrap() < 10_000, "past its deadline: {teardown}");
    }
}
