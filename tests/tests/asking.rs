//! A window that asks before it closes, while somebody else looks at the bench (`on_window_close = "ask"`). Whatever comes
//! of the question, the bench is made safe by it or is as it was.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;

use killcord_tests::desktop::Desktop;
use killcord_tests::display::{Display, Window};
use killcord_tests::instrument::Instrument;
use killcord_tests::journal::Journal;
use killcord_tests::page::{Browser, Page, link};
use killcord_tests::port::Port;
use killcord_tests::rigs;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, SOON, until, until_true};
use killcord_tests::webdriver;

struct Bench {
    instrument: Instrument,
    station: Station,
    rig: PathBuf,
    _port: Port,
}

impl Bench {
    fn new() -> Self {
        let (instrument, station, port) = (Instrument::start(), Station::new(), Port::free());
        let head = rigs::head("5s", "on_window_close = \"ask\"");
        let remote = format!(
            "[session]\nexpire_after = \"600s\"\n[remote]\nlisten = \"127.0.0.1:{}\"\n",
            port.number()
        );
        let rig = station.rig(&(head + &remote + &rigs::switch("psu", &instrument)));
        Self { instrument, station, rig, _port: port }
    }

    fn is(&self, output: &str) -> bool {
        self.instrument.value("OUTP").as_deref() == Some(output)
    }

    /// Armed by its window, with a page in a browser besides.
    fn shared<'d>(&self, display: &'d Display) -> (Desktop<'d>, webdriver::Page, Page) {
        let window = Desktop::drive(display, &self.station, &self.rig);
        let panel = window.page();
        panel.arm();
        until_true("the supply to be on", LONG, || self.is("ON"));
        let mut page = Browser::pair(&link(window.process())).open();
        page.beat(1);
        (window, panel, page)
    }

    fn await_safe(&self, mut window: Desktop<'_>) {
        assert_eq!(window.await_end().code(), Some(0), "{}", window.process().output().all());
        assert!(self.is("OFF"));
        assert_eq!(
            Journal::read(&self.station, &self.rig).report()["causes"][0][1]["cause"],
            "window_closed"
        );
    }
}

/// Closes the window, and awaits its question.
fn asked(window: &Desktop<'_>) -> Window {
    let shown = window.window();
    window.display().close(shown);
    question(window, shown)
}

fn question(window: &Desktop<'_>, shown: Window) -> Window {
    let others = || window.display().windows(window.process().pid()).into_iter().filter(|one| *one != shown);
    until("the question", SOON, || others().next())
}

#[test]
fn a_window_is_kept_open_or_closed_as_the_person_answers() {
    let (bench, display) = (Bench::new(), Display::managed());
    let (window, _panel, _page) = bench.shared(&display);
    let shown = window.window();
    let teardowns = || Journal::read(&bench.station, &bench.rig).teardowns().len();
    let before = teardowns();
    let dialog = asked(&window);
    display.press(dialog, "Escape");
    until_true("the question to be gone", SOON, || display.windows(window.process().pid()) == [shown]);
    assert_eq!((bench.is("ON"), teardowns()), (true, before));

    window.display().close(shown);
    let dialog = question(&window, shown);
    display.press(dialog, "Tab");
    display.press(dialog, "Return");
    bench.await_safe(window);
}

#[test]
fn a_second_close_is_an_answer() {
    let (bench, display) = (Bench::new(), Display::managed());
    let (window, panel, _page) = bench.shared(&display);
    panel.hang();
    let shown = window.window();
    asked(&window);
    display.close(shown);
    bench.await_safe(window);
}

#[test]
fn a_question_that_nobody_answers_closes_the_window() {
    let (bench, display) = (Bench::new(), Display::managed());
    let (window, _panel, _page) = bench.shared(&display);
    asked(&window);
    assert!(bench.is("ON"), "for fifteen seconds");
    bench.await_safe(window);
}

#[test]
fn nobody_is_asked_who_is_there_alone() {
    let (bench, display) = (Bench::new(), Display::managed());
    let window = Desktop::drive(&display, &bench.station, &bench.rig);
    window.page().arm();
    until_true("the supply to be on", LONG, || bench.is("ON"));
    let (pid, shown) = (window.process().pid(), window.window());
    display.close(shown);
    until_true("the window to go", LONG, || {
        let windows = display.windows(pid);
        assert!(windows.iter().all(|window| *window == shown), "it asks");
        windows.is_empty()
    });
    bench.await_safe(window);
}
