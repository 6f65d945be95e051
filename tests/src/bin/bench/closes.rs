//! Closes of the demo window in a loop: each report safe, none past its deadline.

use std::time::Instant;

use killcord_tests::demo::Demo;
use killcord_tests::desktop::Desktop;
use killcord_tests::display::Display;
use killcord_tests::journal::Journal;
use killcord_tests::measure::{Figures, Row, Samples};
use killcord_tests::station::Station;

use crate::options::Options;

/// The demo rig's deadline, in milliseconds.
const DEADLINE: f64 = 10_000.0;

pub(crate) fn run(options: &Options) -> Figures {
    let count = options.count(200);
    let (demo, station, display) = (Demo::start(), Station::new(), Display::managed());
    let rig = station.rig(&demo.rig());
    let (mut teardown, mut whole) = (Samples::default(), Samples::default());
    let mut unsafe_ends = 0;
    for round in 0..count {
        eprintln!("closes: {} of {count}", round + 1);
        // Every second one armed through the panel: a close with everything on.
        let armed = round % 2 == 1;
        let mut window = if armed {
            Desktop::drive(&display, &station, &rig)
        } else {
            Desktop::open(&display, &station, &rig)
        };
        let page = armed.then(|| window.page());
        if let Some(page) = &page {
            page.arm();
            demo.await_on();
        }
        let began = Instant::now();
        window.close();
        let status = window.await_end();
        whole.add_time(began.elapsed());
        let journal = Journal::read(&station, &rig);
        let last = journal.last();
        teardown.add(last["took_ms"].as_f64().unwrap());
        let safe = status.code() == Some(0)
            && demo.all_off()
            && last["cause"] == "window_closed"
            && last["confirmed"] == true
            && journal.runs()[0]["exit"] == 0;
        if !safe {
            unsafe_ends += 1;
            eprintln!("NOT safe: {status}: {last}\n{}", window.process().output().all());
        }
    }
    let mut figures = Figures::new("closes");
    figures.row(Row::single(
        format!("of {count} closes not safe, or not on record"),
        "",
        f64::from(unsafe_ends),
        Some(0.0),
    ));
    figures.row(Row::new("teardown", "ms", &teardown, [None, Some(DEADLINE)]));
    figures.row(Row::new("close click to end of the process", "ms", &whole, [None, None]));
    figures
}
