//! From exec to a panel that can be used, beside an empty Tauri window, in turn and in the same run.
//!
//! Both times are the page's own marks (by the wall clock), less the time of exec: of the empty window the end
//! of DOMContentLoaded, of the panel the mark that it sets when the rig is shown and can be operated.

use std::time::{Duration, SystemTime};

use killcord_tests::demo::Demo;
use killcord_tests::desktop::Desktop;
use killcord_tests::display::Display;
use killcord_tests::measure::{Figures, Row, Samples};
use killcord_tests::process::Launch;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, until};

use crate::options::Options;

/// The panel's mark.
const PANEL: &str = "const mark = performance.getEntriesByName('killcord:interactive')[0];
                     return mark ? performance.timeOrigin + mark.startTime : null";
/// The document was asked for.
const ORIGIN: &str = "return performance.timeOrigin";
/// The empty page's.
const EMPTY: &str = "const [page] = performance.getEntriesByType('navigation');
                     const end = page ? page.domContentLoadedEventEnd
                                      : performance.timing.domContentLoadedEventEnd - performance.timeOrigin;
                     return end > 0 ? performance.timeOrigin + end : null";

pub(crate) fn run(options: &Options) -> Figures {
    let mut figures = Figures::new("start");
    let (mut panel, mut empty) = (Samples::default(), Samples::default());
    let mut parts = [("navigation begins", ORIGIN), ("DOMContentLoaded", EMPTY)]
        .map(|(what, script)| (what, script, Samples::default(), Samples::default()));
    let display = Display::managed();
    let demo = Demo::start();
    let rounds = options.count(15);
    for round in 0..=rounds {
        eprintln!("start: {round} of {rounds}");
        let station = Station::new();
        let rig = station.rig(&demo.rig());
        let scripts: Vec<&str> = parts.iter().map(|part| part.1).collect();
        let first =
            times(&display, station.launch("killcord-empty-window"), &[&scripts[..], &[EMPTY]].concat());
        let launch = station.launch("killcord-desktop").arg(rig);
        let second = times(&display, launch, &[&scripts[..], &[PANEL]].concat());
        // The first round warms the disk's cache for both.
        if round == 0 {
            continue;
        }
        empty.add_time(first[scripts.len()]);
        panel.add_time(second[scripts.len()]);
        for (at, part) in parts.iter_mut().enumerate() {
            part.2.add_time(first[at]);
            part.3.add_time(second[at]);
        }
    }
    let ratio = panel.median() / empty.median();
    figures.row(Row::new("exec to DOMContentLoaded, empty Tauri window", "ms", &empty, [None, None]));
    figures.row(Row::new("exec to panel interactive", "ms", &panel, [None, None]));
    figures.row(Row::single("ratio of the medians", "×", ratio, Some(1.25)));
    for (what, _, empty, panel) in &parts {
        figures.row(Row::new(format!("  exec to {what}, empty"), "ms", empty, [None, None]));
        figures.row(Row::new(format!("  exec to {what}, panel"), "ms", panel, [None, None]));
    }
    figures
}

/// Starts a program, reads the page's marks, ends it, and gives each mark's time since exec.
fn times(display: &Display, launch: Launch, scripts: &[&str]) -> Vec<Duration> {
    let exec = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let mut window = Desktop::start_driven(display, launch);
    let page = window.page();
    let read = |script: &&str| until("the page's own mark", LONG, || page.run(script).as_f64());
    // The last mark is the latest: once it is there, all are.
    let _latest = scripts.last().map(read);
    let marks: Vec<f64> = scripts.iter().map(read).collect();
    window.close();
    assert_eq!(window.await_end().code(), Some(0), "{}", window.process().output().all());
    marks.iter().map(|at| Duration::from_secs_f64((at / 1e3 - exec.as_secs_f64()).max(0.0))).collect()
}
