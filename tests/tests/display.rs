//! The display goes while the rig is armed: its server is killed, or the program's connection to it is cut.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod trio;

use killcord_tests::demo::Demo;
use killcord_tests::desktop::Desktop;
use killcord_tests::display::Display;
use killcord_tests::instrument::Instrument;
use killcord_tests::journal::Journal;
use killcord_tests::rigs;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, until_true};
use trio::armed_then;

#[test]
fn a_display_server_that_dies_leaves_three_foreign_instruments_safe_in_order_and_once() {
    armed_then("display_gone", |window, _page| window.display().crash());
}

#[test]
fn a_display_server_that_dies_with_the_page_hung_delays_nothing() {
    armed_then("display_gone", |window, page| {
        page.hang();
        window.display().crash();
    });
}

#[test]
fn a_killed_connection_to_the_display_makes_three_foreign_instruments_safe_in_order_and_once() {
    armed_then("display_gone", |window, _page| window.display().cut(window.window()));
}

#[test]
fn a_display_that_dies_in_the_ramp_of_a_close_joins_it() {
    let (demo, station) = (Demo::start(), Station::new());
    let rig = demo.rig().replace("per_second = 12", "per_second = 4").replace("5.5s", "15s");
    let rig = station.rig(&rig.replace("deadline = \"10s\"", "deadline = \"30s\""));
    let display = Display::managed();
    let mut window = Desktop::drive(&display, &station, &rig);
    window.page().arm();
    demo.await_on();
    window.close();
    let voltage = || demo.look().number("psu", "setpoint").unwrap_or(12.0);
    until_true("the ramp to be under way", LONG, || voltage() < 11.8);
    display.crash();
    let status = window.await_end();
    assert_eq!(status.code(), Some(0), "{}", window.process().output().all());
    assert!(demo.all_off());
    let journal = Journal::read(&station, &rig);
    assert_eq!(journal.last()["cause"], "window_closed", "the first cause names it");
    let causes = journal.report()["causes"].to_string();
    assert!(causes.contains("display_gone"), "the later one is on record: {causes}");
    let psu = journal.device("psu");
    assert_eq!(psu["mode"], "safe", "the ramp did not go on to its end: {psu}");
}

#[test]
fn a_device_that_is_not_safe_when_the_display_dies_is_named_and_nobody_is_waited_for() {
    let (instrument, station) = (Instrument::start(), Station::new());
    let rig = station.rig(&(rigs::head("4s", "") + &rigs::switch("psu", &instrument)));
    let display = Display::managed();
    let mut window = Desktop::drive(&display, &station, &rig);
    window.page().arm();
    until_true("the supply to be on", LONG, || instrument.value("OUTP").as_deref() == Some("ON"));
    instrument.mute(true);
    display.crash();
    let status = window.await_end();
    let said = window.process().output().all();
    assert_eq!(status.code(), Some(4), "{said}");
    assert_eq!(said.matches("psu: ").count(), 1, "named once:\n{said}");
    assert_eq!(instrument.value("OUTP").as_deref(), Some("OFF"), "the command went out all the same");
}
