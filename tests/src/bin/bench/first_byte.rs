//! Close event to first safe byte.
//!
//! The event's time is taken just before WM_DELETE_WINDOW is sent to the X server, the byte's when the
//! instrument has read it; both by CLOCK_MONOTONIC of the same machine. The report's own times (from the cause
//! to the byte handed to the link) are shown beside: what lies between is X, GTK and the instrument's thread.

use std::time::Duration;

use killcord_tests::desktop::Desktop;
use killcord_tests::display::Display;
use killcord_tests::instrument::Instrument;
use killcord_tests::journal::Journal;
use killcord_tests::load::Load;
use killcord_tests::measure::{Figures, Row, Samples};
use killcord_tests::rigs;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, pause, until_true};

use crate::options::Options;

/// One way to be closed.
struct Way {
    what: &'static str,
    /// The page hangs and every processor is busy.
    loaded: bool,
    /// What the instrument takes for each answer.
    answers_after: Duration,
}

const WAYS: [Way; 3] = [
    Way { what: "quiet", loaded: false, answers_after: Duration::ZERO },
    Way { what: "page hung, cores busy", loaded: true, answers_after: Duration::ZERO },
    Way {
        what: "page hung, cores busy, 150 ms a query each 200 ms",
        loaded: true,
        answers_after: Duration::from_millis(150),
    },
];

/// `[p50, p99]` in milliseconds.
const BUDGET: [Option<f64>; 2] = [Some(2.0), Some(20.0)];

pub(crate) fn run(options: &Options) -> Figures {
    let mut figures = Figures::new("first-byte");
    for way in &WAYS {
        let (mut outside, mut inside) = (Samples::default(), Samples::default());
        for round in 0..options.count(100) {
            eprintln!("{}: close {} of {}", way.what, round + 1, options.count(100));
            let (event, report) = close(way, round);
            outside.add_time(event);
            inside.add_time(report);
        }
        figures.row(Row::new(way.what, "ms", &outside, BUDGET));
        figures.row(Row::new(
            format!("{} (by the report, from its cause)", way.what),
            "ms",
            &inside,
            [None, None],
        ));
    }
    figures
}

/// One life of a window, and its two times.
fn close(way: &Way, round: usize) -> (Duration, Duration) {
    let instrument = Instrument::start();
    let station = Station::new();
    let reading = "\n[[device.reading]]\nname = \"voltage\"\nquery = \"MEAS?\"\nevery = \"200ms\"\n";
    let rig = station.rig(&(rigs::head("10s", "") + &rigs::switch("psu", &instrument) + reading));
    let display = Display::bare();
    let _where_allowed = display.hurry();
    let mut window = Desktop::drive(&display, &station, &rig);
    let page = window.page();
    page.arm();
    until_true("the supply to be on", LONG, || instrument.value("OUTP").as_deref() == Some("ON"));
    page.await_text("Armed");
    instrument.answer_after(way.answers_after);
    if way.loaded {
        page.hang();
    }
    let load = way.loaded.then(Load::all_cores);
    // Somewhere in the instrument's polling, another place each time; and the load's first burst is over.
    pause(Duration::from_millis(500 + (round as u64 * 37) % 200));
    instrument.forget();

    let event = display.closer().delete(window.window());

    let off = || instrument.arrivals().into_iter().find(|arrival| arrival.line == "OUTP OFF");
    until_true("the safe command", LONG, || off().is_some());
    let arrived = off().unwrap().at;
    drop(load);
    assert_eq!(window.await_end().code(), Some(0), "{}", window.process().output().all());
    let journal = Journal::read(&station, &rig);
    let cause = killcord_tests::journal::time(&journal.report()["causes"][0][0]);
    let byte = killcord_tests::journal::time(&journal.device("psu")["first_byte"]);
    (arrived - event, byte - cause)
}
