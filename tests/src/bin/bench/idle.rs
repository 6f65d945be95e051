//! Armed and otherwise idle, with 20 readings at 5 Hz: processor time of the host's process, and its memory
//! beside an empty Tauri app's.

use std::time::{Duration, Instant};

use killcord_tests::desktop::Desktop;
use killcord_tests::display::Display;
use killcord_tests::instrument::Instrument;
use killcord_tests::measure::{Figures, Row, Samples};
use killcord_tests::rigs;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, pause, until_true};

use crate::options::Options;

const INSTRUMENTS: usize = 4;
const READINGS: usize = 5;
/// One sample of processor time.
const SPAN: Duration = Duration::from_secs(10);

pub(crate) fn run(options: &Options) -> Figures {
    let mut figures = Figures::new("idle");
    let display = Display::managed();
    let station = Station::new();
    let instruments: Vec<Instrument> = (0..INSTRUMENTS).map(|_| Instrument::start()).collect();
    let mut text = rigs::head("10s", "");
    for (at, instrument) in instruments.iter().enumerate() {
        text += &rigs::switch(&format!("psu{at}"), instrument);
        for reading in 0..READINGS {
            text += &format!(
                "\n[[device.reading]]\nname = \"r{reading}\"\nquery = \"MEAS{reading}?\"\nevery = \"200ms\"\nunit = \"V\"\n"
            );
        }
    }
    let mut window = Desktop::drive(&display, &station, &station.rig(&text));
    let page = window.page();
    page.arm();
    until_true("all to be on", LONG, || {
        instruments.iter().all(|it| it.value("OUTP").as_deref() == Some("ON"))
    });
    page.await_text("Armed");
    // The driver's session ends here: nobody asks the page anything while it is measured.
    drop(page);
    pause(Duration::from_secs(3));
    let mut share = Samples::default();
    for _ in 0..options.count(6) {
        let (before, began) = (window.process().cpu_time(), Instant::now());
        pause(SPAN);
        let used = window.process().cpu_time() - before;
        share.add(used.as_secs_f64() / began.elapsed().as_secs_f64() * 100.0);
    }
    let polled: usize = instruments.iter().map(|it| it.arrivals().len()).sum();
    let host = window.process().resident() as f64 / 1048576.0;
    window.close();
    assert_eq!(window.await_end().code(), Some(0), "{}", window.process().output().all());

    let mut empty = Desktop::start_driven(&display, station.launch("killcord-empty-window"));
    let page = empty.page();
    page.run("return document.title");
    drop(page);
    pause(Duration::from_secs(3));
    let bare = empty.process().resident() as f64 / 1048576.0;
    empty.close();
    empty.await_end();

    figures.row(Row::new(
        "processor, host process, armed, 20 readings at 5 Hz",
        "%",
        &share,
        [Some(2.0), None],
    ));
    figures.row(Row::single("resident, host process", "MiB", host, None));
    figures.row(Row::single("resident, empty Tauri app", "MiB", bare, None));
    figures.row(Row::single("ratio", "×", host / bare, Some(1.5)));
    figures.note(format!("the instruments were asked {polled} times in all"));
    figures
}
