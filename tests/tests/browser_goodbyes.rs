//! A page that is left, closed, killed or silent, and one that is only loaded again: in a real Chromium.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod browser;

use std::time::Duration;

use browser::{Bench, PATIENT, await_panel};
use killcord::Role;
use killcord_tests::chromium::{Chromium, Reload};
use killcord_tests::elsewhere::Elsewhere;
use killcord_tests::journal::Journal;
use killcord_tests::wait::{LONG, let_pass, until_true};
use rustix::process::Signal;

/// A lease that is over while a test waits, and longer than a loaded machine keeps a browser from beating.
const SILENT: &str = "beat = \"500ms\"\nexpire_after = \"6s\"\nreload_grace = \"60s\"";

#[test]
fn a_closed_tab_makes_the_bench_safe_at_once() {
    let bench = Bench::with(PATIENT);
    let chromium = Chromium::start();
    let (_serve, tab) = bench.armed_in(&chromium);
    tab.close();
    bench.await_off();
    // By another way of the browser, which asks no page whether it minds.
    let tab = chromium.open(&bench.url());
    bench.arm(&tab);
    tab.shut();
    bench.await_off();
    bench.await_reasons(&["page_closed", "page_closed"]);
}

#[test]
fn a_browser_that_is_quit_or_crashes_is_gone_after_its_lease_at_the_latest() {
    let bench = Bench::with("beat = \"500ms\"\nexpire_after = \"6s\"\nreload_grace = \"6s\"");
    let mut chromium = Chromium::start();
    let (serve, _tab) = bench.armed_in(&chromium);
    // Its last words are a matter of luck: the process that sends them ends too.
    chromium.quit();
    bench.await_off();
    bench.await_roles(&[]);
    let chromium = Chromium::start();
    let tab = bench.paired(&chromium, &serve);
    bench.arm(&tab);
    chromium.process().signal(Signal::KILL);
    bench.await_off();
    bench.await_roles(&[]);
}

#[test]
fn a_browser_that_signs_out_makes_the_bench_safe_and_is_let_in_no_more() {
    let bench = Bench::with(PATIENT);
    let chromium = Chromium::start();
    let (serve, tab) = bench.armed_in(&chromium);
    tab.click("button", "Sign out");
    tab.await_text("Sign out?");
    // The one in the dialog.
    tab.click("button", "Sign out");
    bench.await_off();
    tab.await_text("You signed out.");
    bench.await_reasons(&["signed_out"]);
    tab.go(&bench.url());
    tab.await_text("Pair this browser");
    tab.go(&bench.invite(&serve));
    await_panel(&tab);
    assert_eq!(bench.switched().0, 1);
}

#[test]
fn a_killed_browser_is_gone_after_its_lease_and_not_before() {
    let bench = Bench::with(SILENT);
    let mut chromium = Chromium::start();
    let (_serve, _tab) = bench.armed_in(&chromium);
    let earliest = bench.not_before();
    chromium.kill();
    bench.await_off();
    assert!(bench.off_at() >= earliest, "{:?} early", earliest - bench.off_at());
    bench.await_reasons(&["expired"]);
}

#[test]
fn a_browser_that_stands_still_is_gone_after_its_lease_and_is_told_so_when_it_goes_on() {
    let bench = Bench::with(SILENT);
    let chromium = Chromium::start();
    let (_serve, tab) = bench.armed_in(&chromium);
    let earliest = bench.not_before();
    chromium.signal(Signal::STOP);
    bench.await_off();
    assert!(bench.off_at() >= earliest, "{:?} early", earliest - bench.off_at());
    bench.await_reasons(&["expired"]);
    chromium.signal(Signal::CONT);
    tab.await_text("Nothing was heard from this page for too long.");
    assert!(bench.is_off(), "a page that wakes up arms nothing");
    tab.click("button", "Reload");
    await_panel(&tab);
    assert!(bench.is_off() && bench.switched().0 == 1, "a page that comes back arms nothing");
}

#[test]
fn a_page_that_stands_still_for_less_than_its_lease_stays_in_control() {
    let bench = Bench::with(PATIENT);
    let chromium = Chromium::start();
    let (_serve, _tab) = bench.armed_in(&chromium);
    chromium.signal(Signal::STOP);
    until_true("some of its lease to be gone", LONG, || bench.lease() < 54_000);
    chromium.signal(Signal::CONT);
    until_true("its lease to be whole again", LONG, || bench.lease() > 58_000);
    bench.await_roles(&[Role::Operator]);
    assert!(bench.is_on() && bench.switched() == (1, 0));
}

#[test]
fn a_page_that_is_loaded_again_in_every_way_never_loses_the_bench() {
    let bench = Bench::with("expire_after = \"30s\"\nreload_grace = \"30s\"");
    let chromium = Chromium::start();
    let (_serve, tab) = bench.armed_in(&chromium);
    let session = bench.session();
    for round in 0..100 {
        for how in Reload::ALL {
            tab.reload(how);
            assert!(bench.is_on(), "the bench was lost in round {round} by {how:?}");
        }
    }
    await_panel(&tab);
    assert_eq!(bench.session(), session);
    bench.await_roles(&[Role::Operator]);
    assert_eq!(bench.switched(), (1, 0));
    assert_eq!(
        Journal::read(&bench.station, &bench.rig).teardowns().len(),
        1,
        "but for the one at the start"
    );
    // It is still known for a page that would be missed at once.
    tab.close();
    bench.await_off();
}

#[test]
fn a_page_that_is_loaded_again_before_it_is_there_never_loses_the_bench() {
    let bench = Bench::with("expire_after = \"30s\"\nreload_grace = \"30s\"");
    let chromium = Chromium::start();
    let (_serve, tab) = bench.armed_in(&chromium);
    let session = bench.session();
    // As from a key that is held down, or pressed in doubt, at each moment that a page's beginning has.
    for round in 0..50_u64 {
        // While the page is another already it says no.
        let _no = tab.ask("Page.reload", &serde_json::json!({}));
        let_pass(Duration::from_millis(round * 37 % 400));
        assert!(bench.is_on(), "the bench was lost in round {round}");
    }
    await_panel(&tab);
    bench.await_roles(&[Role::Operator]);
    assert_eq!(bench.session(), session);
    assert_eq!(bench.switched(), (1, 0));
    tab.close();
    bench.await_off();
}

#[test]
fn a_duplicated_tab_gets_a_session_of_its_own_and_takes_nothing_away() {
    let bench = Bench::with(PATIENT);
    let chromium = Chromium::start();
    let (_serve, tab) = bench.armed_in(&chromium);
    let token = "sessionStorage.getItem('killcord.resume')";
    let other = chromium.duplicate(&tab);
    other.await_text("You are observing");
    bench.await_roles(&[Role::Operator, Role::Observer]);
    assert_ne!(tab.run(token), other.run(token), "each goes on with its own");
    other.reload(Reload::Button);
    other.await_text("You are observing");
    tab.reload(Reload::Button);
    tab.await_text("Make safe");
    bench.await_roles(&[Role::Operator, Role::Observer]);
    other.close();
    bench.await_roles(&[Role::Operator]);
    assert!(bench.is_on() && bench.switched() == (1, 0), "an observer's end is nobody's concern");
    tab.close();
    bench.await_off();
}

#[test]
fn a_page_that_leaves_for_another_site_is_closed_at_once_and_begins_anew_when_it_is_back() {
    let (bench, elsewhere) = (Bench::with(PATIENT), Elsewhere::start());
    let chromium = Chromium::start();
    let (_serve, tab) = bench.armed_in(&chromium);
    tab.run("addEventListener('pageshow', ({ persisted }) => { globalThis.kept = persisted; })");
    tab.go(&elsewhere.url());
    tab.await_text("Elsewhere");
    bench.await_off();
    bench.await_reasons(&["page_closed"]);
    tab.back();
    await_panel(&tab);
    // Chromium keeps no page in its back/forward cache whose answers may not be stored.
    assert_ne!(tab.run("globalThis.kept"), true);
    bench.await_roles(&[Role::Operator]);
    assert!(bench.is_off() && bench.switched().0 == 1, "a page that comes back arms nothing");
    bench.arm(&tab);
}
