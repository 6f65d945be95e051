//! A person logs off with the window open: the session manager waits until the hardware is safe.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use killcord_tests::bus::Bus;
use killcord_tests::desktop::Desktop;
use killcord_tests::display::Display;
use killcord_tests::door;
use killcord_tests::journal::Journal;
use killcord_tests::peers::{SAFE, Trio};
use killcord_tests::session_manager::SessionManager;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, SOON, until_true};

#[test]
fn a_log_off_waits_until_the_windows_three_instruments_are_safe_and_asking_alone_does_nothing() {
    let (trio, station, display, bus) = (Trio::start(), Station::new(), Display::managed(), Bus::start());
    let manager = SessionManager::start(&bus);
    let rig = station.rig(&trio.rig_with("arm = \"on-first-session\""));
    let window = bus.dress(display.dress(station.launch("killcord-desktop").arg(&rig))).start();
    let mut window = Desktop::adopt(&display, window);
    until_true("all three instruments to be on", LONG, || trio.all_on());
    door::await_state(&station, "armed");
    manager.await_member();

    manager.ask();
    until_true("an answer", SOON, || manager.agreed() == 1);
    assert!(trio.all_on(), "the person may still change their mind");
    let before = trio.commands().len();
    manager.end();
    until_true("the answer that the session may end", LONG, || manager.agreed() == 2);
    assert!(trio.all_off(), "the session would end with outputs on");
    assert_eq!(trio.command_texts()[before..], SAFE);
    assert_eq!(window.await_end().code(), Some(0), "{}", window.process().output().all());
    let journal = Journal::read(&station, &rig);
    assert_eq!(journal.last()["cause"], "log_off");
    assert_eq!(journal.last()["confirmed"], true);
}
