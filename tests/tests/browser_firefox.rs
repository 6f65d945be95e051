//! Goodbyes of Firefox: it loses some of what Chromium says, and says other things.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod browser;

use browser::Bench;
use killcord_tests::chromium::Reload;
use killcord_tests::elsewhere::Elsewhere;
use killcord_tests::firefox::{Firefox, FoxTab};
use killcord_tests::process::Process;
use killcord_tests::wait::{LONG, until_true};

#[track_caller]
fn armed_in<'f>(bench: &Bench, firefox: &'f Firefox) -> (Process, FoxTab<'f>) {
    let serve = bench.serve();
    let tab = firefox.open(&bench.invite(&serve));
    arm(bench, &tab);
    (serve, tab)
}

#[track_caller]
fn arm(bench: &Bench, tab: &FoxTab<'_>) {
    bench.psu.forget();
    tab.click("button", "Arm");
    tab.click("button", "Arm the rig");
    tab.await_text("Make safe");
    until_true("everything to be on", LONG, || bench.is_on());
}

#[test]
fn a_tab_closed_in_firefox_makes_the_bench_safe_at_once_or_else_after_its_lease() {
    let bench = Bench::with("beat = \"500ms\"\nexpire_after = \"6s\"\nreload_grace = \"6s\"");
    let firefox = Firefox::start();
    let (_serve, tab) = armed_in(&bench, &firefox);
    tab.close();
    bench.await_off();
    bench.await_roles(&[]);
    let mut at_once = 0;
    for _ in 0..5 {
        let tab = firefox.open(&bench.url());
        arm(&bench, &tab);
        let earliest = bench.not_before();
        tab.close();
        bench.await_off();
        at_once += u32::from(bench.off_at() < earliest);
        bench.await_roles(&[]);
    }
    // It stops the scripts of a tab that is closed, now and then before the last word is out.
    assert!(at_once > 0, "Firefox has lost each of the goodbyes");
}

#[test]
fn a_page_that_firefox_loads_again_in_every_way_never_loses_the_bench() {
    let bench = Bench::with("expire_after = \"30s\"\nreload_grace = \"30s\"");
    let firefox = Firefox::start();
    let (_serve, tab) = armed_in(&bench, &firefox);
    for round in 0..20 {
        for how in Reload::ALL {
            tab.reload(how);
            assert!(bench.is_on(), "the bench was lost in round {round} by {how:?}: {:?}", bench.reasons());
        }
    }
    tab.await_text("Make safe");
    assert_eq!(bench.switched(), (1, 0));
    tab.close();
    bench.await_off();
}

#[test]
fn a_page_that_firefox_has_just_loaded_and_loads_again_keeps_the_bench() {
    // It closes the connection of such a page before it asks for the document, often enough.
    let bench = Bench::with("expire_after = \"30s\"\nreload_grace = \"30s\"");
    let firefox = Firefox::start();
    let serve = bench.serve();
    for round in 0..8 {
        let tab = firefox.open(&if round == 0 { bench.invite(&serve) } else { bench.url() });
        arm(&bench, &tab);
        tab.reload(Reload::Button);
        tab.await_text("Make safe");
        assert_eq!(bench.switched(), (1, 0), "in round {round}: {:?}", bench.reasons());
        tab.close();
        bench.await_off();
        bench.await_roles(&[]);
    }
}

#[test]
fn a_firefox_that_leaves_for_another_site_makes_the_bench_safe() {
    let (bench, elsewhere) =
        (Bench::with("expire_after = \"60s\"\nreload_grace = \"3s\""), Elsewhere::start());
    let firefox = Firefox::start();
    let (_serve, tab) = armed_in(&bench, &firefox);
    tab.go(&elsewhere.url());
    bench.await_off();
    bench.await_reasons(&["page_closed"]);
}
