//! A window and a real Chromium at one host: who is in control, who goes, and what the browser's page says when the
//! window is closed.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod browser;

use browser::{Bench, PATIENT, await_panel};
use killcord::Role;
use killcord_tests::chromium::{Chromium, Reload, Tab};
use killcord_tests::desktop::Desktop;
use killcord_tests::display::Display;
use killcord_tests::door;
use killcord_tests::journal::Journal;
use killcord_tests::page::nth_link;
use killcord_tests::wait::{LONG, until_true};
use rustix::process::Signal;

/// A tab at the window's host, by its first link.
#[track_caller]
fn beside(chromium: &Chromium, window: &Desktop<'_>) -> Tab {
    let tab = chromium.open(&nth_link(window.process(), 0));
    await_panel(&tab);
    tab.await_text("You are observing");
    tab
}

#[test]
fn control_passes_between_the_window_and_a_browser_and_back_over_an_armed_bench() {
    let (bench, display) = (Bench::with(PATIENT), Display::managed());
    let mut window = Desktop::drive(&display, &bench.station, &bench.rig);
    let panel = window.page();
    panel.arm();
    until_true("everything to be on", LONG, || bench.is_on());
    let chromium = Chromium::start();
    let tab = beside(&chromium, &window);
    bench.witness_at(&nth_link(window.process(), 1));
    bench.await_roles(&[Role::Operator, Role::Observer]);
    let commands = bench.psu.commands().len();

    tab.click("button", "Take control");
    panel.await_text("Another session asks for control");
    panel.click("button", "Give control");
    bench.await_roles(&[Role::Observer, Role::Operator]);
    tab.await_no_text("You are observing");
    panel.await_text("You are observing");
    panel.click("button", "Take control");
    tab.await_text("Another session asks for control");
    tab.click("button", "Give control");
    bench.await_roles(&[Role::Operator, Role::Observer]);
    let switched = |command: &String| command.starts_with("OUTP ");
    assert!(!bench.psu.commands()[commands..].iter().any(switched), "an armed bench takes no notice");

    window.close();
    tab.await_text("Every device is confirmed safe");
    assert_eq!(window.await_end().code(), Some(0), "{}", window.process().output().all());
    assert!(bench.is_off());
    let journal = Journal::read(&bench.station, &bench.rig);
    assert_eq!((journal.status("psu"), journal.status("pace")), ("safe_verified", "safe_verified"));
}

#[test]
fn a_browser_that_is_closed_reloaded_or_killed_beside_the_window_leaves_its_bench_as_it_is() {
    let lease = "beat = \"500ms\"\nexpire_after = \"3s\"\nreload_grace = \"3s\"";
    let (bench, display) = (Bench::with(lease), Display::managed());
    let mut window = Desktop::drive(&display, &bench.station, &bench.rig);
    window.page().arm();
    until_true("everything to be on", LONG, || bench.is_on());
    let mut chromium = Chromium::start();
    let tab = beside(&chromium, &window);
    bench.witness_at(&nth_link(window.process(), 1));
    tab.reload(Reload::Button);
    tab.await_text("You are observing");
    tab.close();
    bench.await_roles(&[Role::Operator]);
    let _tab = chromium.open(&bench.url());
    bench.await_roles(&[Role::Operator, Role::Observer]);
    chromium.kill();
    bench.await_roles(&[Role::Operator]);
    assert!(bench.is_on());
    window.close();
    assert_eq!(window.await_end().code(), Some(0));
    assert!(bench.is_off());
}

#[test]
fn a_killed_window_is_out_of_reach_in_the_browser_beside_it_which_cannot_know_the_rest() {
    let (bench, display) = (Bench::with("expire_after = \"4s\""), Display::managed());
    let mut window = Desktop::drive(&display, &bench.station, &bench.rig);
    door::await_watchdog(&bench.station);
    window.page().arm();
    until_true("everything to be on", LONG, || bench.is_on());
    let chromium = Chromium::start();
    let tab = beside(&chromium, &window);
    window.process().signal(Signal::KILL);
    bench.await_off();
    tab.await_text("This page was observing");
    window.process_mut().wait(LONG);
}
