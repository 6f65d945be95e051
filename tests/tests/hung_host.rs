//! A host that is stopped: ended and replaced after `hang_after`, at once when a person asks for it, and left in
//! peace when it goes on in time.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use common::Bench;
use killcord_tests::process::look;
use killcord_tests::wait::{LONG, SOON, pause, until_true};
use rustix::process::Signal;

#[test]
fn a_stopped_host_is_killed_and_the_rig_is_made_safe() {
    let bench = Bench::start();
    let mut armed = bench.armed();
    armed.host.signal(Signal::STOP);
    let status = armed.host.wait(LONG);
    assert_eq!(status.signal(), Some(Signal::KILL.as_raw()), "{status}");
    armed.made_safe_by_the_watchdog(&["hung"]);
}

#[test]
fn a_host_that_is_stopped_and_continued_again_and_again_is_left_in_peace() {
    let bench = Bench::with(r#"hang_after = "5s""#);
    let armed = bench.armed();
    // Stopped for longer than `hang_after` in all, never so long at a time.
    for _ in 0..20 {
        armed.host.signal(Signal::STOP);
        until_true("the host to be stopped", SOON, || look::is_stopped(armed.host.pid()));
        pause(Duration::from_millis(300));
        armed.host.signal(Signal::CONT);
        until_true("the host to go on", SOON, || !look::is_stopped(armed.host.pid()));
    }
    armed.still_armed_and_ends_in_order();
}

#[test]
fn a_person_who_asks_for_it_need_not_wait_until_a_stopped_host_counts_as_hung() {
    let bench = Bench::with(r#"hang_after = "120s""#);
    let armed = bench.armed();
    armed.host.signal(Signal::STOP);
    until_true("the host to be stopped", SOON, || look::is_stopped(armed.host.pid()));
    let asked = Instant::now();
    let ended = bench.station.killcord(["safe", "--through-host"]).arg(&bench.rig).run(LONG);
    let took = asked.elapsed();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert!(took < Duration::from_secs(60), "it waited for the hang: {took:?}");
    assert!(ended.stderr.contains("watchdog"), "it does not say who does it: {}", ended.stderr);
    armed.made_safe_by_the_watchdog(&["asked"]);
}
