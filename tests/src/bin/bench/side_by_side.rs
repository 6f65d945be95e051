//! 50 devices made safe side by side, against the slowest one's own sequence.

use std::time::Duration;

use killcord_tests::instrument::Instrument;
use killcord_tests::journal::{Journal, time};
use killcord_tests::measure::{Figures, Row, Samples};
use killcord_tests::rigs;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, until_true};

use crate::options::Options;

const DEVICES: usize = 50;
/// The slowest takes this for each answer; the others between a third of it and all of it.
const SLOWEST: Duration = Duration::from_millis(150);

pub(crate) fn run(options: &Options) -> Figures {
    let mut figures = Figures::new("side-by-side");
    let (mut alone, mut all, mut ratio) = (Samples::default(), Samples::default(), Samples::default());
    for round in 0..options.count(10) {
        eprintln!("side by side: {} of {}", round + 1, options.count(10));
        let (one, many) = (take(1), take(DEVICES));
        alone.add_time(one);
        all.add_time(many);
        ratio.add(many.as_secs_f64() / one.as_secs_f64());
    }
    figures.row(Row::new("the slowest one alone", "ms", &alone, [None, None]));
    figures.row(Row::new(format!("{DEVICES} devices side by side"), "ms", &all, [None, None]));
    figures.row(Row::new("ratio", "×", &ratio, [Some(1.2), None]));
    figures
}

/// Arms a rig of so many devices without a window, ends it, and gives the time from its cause to the last
/// device that was confirmed safe.
fn take(devices: usize) -> Duration {
    let instruments: Vec<Instrument> = (0..devices).map(|_| Instrument::start()).collect();
    let station = Station::new();
    let mut text = rigs::head("20s", "");
    for (at, instrument) in instruments.iter().enumerate() {
        text += &rigs::supply(
            &format!("psu{at}"),
            instrument,
            r#"["OUTP ON"]"#,
            r#"["OUTP OFF"]"#,
            "sync = \"*OPC?\"\nerrors = \"SYST:ERR?\"",
        );
    }
    let rig = station.rig(&text);
    let mut serve = station.killcord(["serve", "--arm"]).arg(&rig).with_input().start();
    until_true("all to be on", LONG, || {
        instruments.iter().all(|it| it.value("OUTP").as_deref() == Some("ON"))
    });
    until_true("arming to be over", LONG, || {
        instruments.iter().all(|it| it.arrivals().last().is_some_and(|last| last.line == "SYST:ERR?"))
    });
    for (at, instrument) in instruments.iter().enumerate() {
        let share = if at == 0 { 1.0 } else { 1.0 / 3.0 + 2.0 / 3.0 * (at as f64 / DEVICES as f64) };
        instrument.answer_after(SLOWEST.mul_f64(share));
    }
    serve.end_input();
    assert_eq!(serve.wait(LONG).code(), Some(0), "{}", serve.output().all());
    let journal = Journal::read(&station, &rig);
    let began = time(&journal.report()["causes"][0][0]);
    let devices = journal.report()["devices"].as_array().unwrap();
    let last = devices.iter().map(|device| time(&device["safe_at"])).max().unwrap();
    last - began
}
