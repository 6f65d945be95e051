//! The host ends, dies and comes back under an open page: what the page says at each stage, read from the screen.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod browser;

use browser::{Bench, PATIENT, await_panel};
use killcord_tests::chromium::Chromium;
use killcord_tests::journal::Journal;
use killcord_tests::wait::{LONG, until_true};
use rustix::process::Signal;

#[test]
fn a_page_sees_its_host_stop_and_finds_the_next_one_without_arming_it() {
    let bench = Bench::with(PATIENT);
    let chromium = Chromium::start();
    let (mut serve, tab) = bench.armed_in(&chromium);
    serve.signal(Signal::TERM);
    let status = serve.wait(LONG);
    assert_eq!(status.code(), Some(0), "{}", serve.output().all());
    assert!(bench.is_off());
    tab.await_text("Every device is confirmed safe");
    tab.await_text("When the host is back, this page connects by itself; nothing is armed by that.");
    tab.await_text("Safe, released");
    let again = bench.serve();
    await_panel(&tab);
    tab.await_no_text("When the host is back");
    assert!(bench.is_off() && bench.switched().0 == 1, "a host that comes back arms nothing");
    bench.arm(&tab);
    drop(again);
}

#[test]
fn a_page_says_what_it_cannot_know_of_a_host_that_died() {
    let bench = Bench::with("beat = \"500ms\"\nexpire_after = \"6s\"\nreload_grace = \"60s\"");
    let chromium = Chromium::start();
    let (mut serve, tab) = bench.armed_in(&chromium);
    serve.signal(Signal::KILL);
    serve.wait(LONG);
    tab.await_text("Out of reach");
    tab.await_text("By its rules the bench is to be made safe by");
    // The watchdog's work, long before the page's own time is over.
    bench.await_off();
    tab.await_text("By its rules the bench was to be made safe by");
    assert!(tab.says("this page cannot confirm it") && tab.says("last known: Armed"), "{}", tab.text());
    let again = bench.serve();
    await_panel(&tab);
    tab.await_no_text("Out of reach");
    tab.await_text("Acknowledge");
    assert!(bench.is_off() && bench.switched().0 == 1, "a host that comes back arms nothing");
    assert_eq!(Journal::read(&bench.station, &bench.rig).status("psu"), "safe_verified");
    drop(again);
}

#[test]
fn a_host_that_stands_still_and_goes_on_is_lost_and_found() {
    let bench = Bench::with_all(
        "beat = \"500ms\"\nexpire_after = \"6s\"\nreload_grace = \"60s\"",
        "on_last_session = \"safe\"\nwatchdog = \"off\"",
    );
    let chromium = Chromium::start();
    let serve = bench.serve_unwatched();
    let tab = bench.paired(&chromium, &serve);
    bench.arm(&tab);
    serve.signal(Signal::STOP);
    tab.await_text("Out of reach");
    tab.await_text("A host that has died is not covered");
    tab.await_text("By its rules the bench was to be made safe by");
    assert!(bench.is_on(), "nobody is there to do it, and the page has said so");
    serve.signal(Signal::CONT);
    tab.await_no_text("Out of reach");
    await_panel(&tab);
    // The host's own stall, for longer than a lease.
    bench.await_off();
    assert_eq!(bench.switched().0, 1);
}

/// The rig's own words, which a page has before it needs them.
const MESSAGES: &str = "[messages]\n\
                        host_stopping = \"{rig} has stopped: {hardware}.\"\n\
                        lost = \"Camera 3 shows the bench.\"\n\
                        host_gone = \"Look at the bench before you touch it.\"";

#[test]
fn killcord_status_tells_a_host_that_stops_and_one_that_comes_back() {
    let bench = Bench::with(&format!("{PATIENT}\n{MESSAGES}"));
    let chromium = Chromium::start();
    let mut serve = bench.serve();
    let tab = bench.author(&chromium, &serve);
    tab.await_text("You are in control");
    tab.run("bench.arm()");
    until_true("everything to be on", LONG, || bench.is_on());
    tab.await_text("Rig: Armed");
    serve.signal(Signal::TERM);
    serve.wait(LONG);
    tab.await_text("every device was confirmed safe");
    tab.await_text("Test bench has stopped: every device is confirmed safe.");
    assert_eq!(tab.run("bench.safeStop()"), "not_delivered", "nobody is there to take it");
    let again = bench.serve();
    tab.await_text("You are in control");
    tab.await_text("Rig: Safe");
    assert!(bench.is_off() && bench.switched().0 == 1, "a host that comes back arms nothing");
    drop(again);
}

#[test]
fn killcord_status_counts_a_dead_hosts_time_down_by_the_pages_own_clock() {
    let session = "beat = \"500ms\"\nexpire_after = \"8s\"\nreload_grace = \"60s\"";
    let bench = Bench::with(&format!("{session}\n{MESSAGES}"));
    let chromium = Chromium::start();
    let mut serve = bench.serve();
    let tab = bench.author(&chromium, &serve);
    tab.await_text("You are in control");
    tab.run("bench.arm()");
    until_true("everything to be on", LONG, || bench.is_on());
    serve.signal(Signal::KILL);
    serve.wait(LONG);
    tab.await_text("Connection lost");
    tab.await_text("Time left until the bench is to be made safe:");
    assert!(tab.says("Camera 3 shows the bench."), "{}", tab.text());
    tab.await_text("the bench was to be made safe by");
    tab.await_text("Look at the bench before you touch it.");
    assert!(!tab.says("Time left"), "{}", tab.text());
    let alert =
        "document.querySelector('killcord-status').shadowRoot.querySelector('[role=alert]').innerText";
    assert!(
        tab.run(alert).as_str().unwrap().contains("cannot confirm it"),
        "said at once by a screen reader"
    );
    let again = bench.serve();
    tab.await_no_text("Connection lost");
    tab.await_text("Nothing was armed by it.");
    assert!(bench.is_off() && bench.switched().0 == 1, "a host that comes back arms nothing");
    drop(again);
}

#[test]
fn a_link_that_was_used_lets_no_second_browser_in() {
    let bench = Bench::with(PATIENT);
    let (first, second) = (Chromium::start(), Chromium::start());
    let serve = bench.serve();
    let used = bench.invite(&serve);
    await_panel(&first.open(&used));
    let other = second.open(&used);
    other.await_text("This code has been used.");
    assert!(!other.says("Test bench"));
    bench.paired(&second, &serve);
}
