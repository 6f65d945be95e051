//! Hosts that misbehave by themselves: a driver, the rules' thread or the main thread that panics or never
//! returns, memory that runs out, a large process that aborts.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Armed, Bench, GONE};
use killcord_tests::journal::Journal;
use killcord_tests::peers::{SAFE, Trio};
use killcord_tests::wait::{LONG, until_true};

/// A bench whose pressure controller has the app's own driver.
fn bench() -> Bench {
    let bench = Bench::of(Trio::start(), r#"hang_after = "1s""#);
    let text = std::fs::read_to_string(&bench.rig).unwrap();
    let reading = "\n[[device.reading]]\nname = \"output\"\nquery = \":OUTP1:STAT?\"\nevery = \"200ms\"\n";
    let text = text.replacen(r#"driver = "scpi""#, r#"driver = "faulty""#, 1);
    let text = text.replacen(
        "\n[[device]]\nname = \"cryocon\"",
        &format!("{reading}\n[[device]]\nname = \"cryocon\""),
        1,
    );
    std::fs::write(&bench.rig, text).unwrap();
    bench
}

/// Armed by a host with this fault, which is due now.
#[track_caller]
fn faulty<'a>(bench: &'a Bench, fault: &str) -> Armed<'a> {
    let launch = bench.station.launch("killcord-faulty-host").arg(fault).arg(&bench.rig).with_input();
    let mut armed = bench.armed_by(launch);
    armed.host.type_line("now");
    armed
}

#[test]
fn a_driver_that_panics_is_a_device_fault_and_the_host_makes_the_rig_safe_itself() {
    let bench = bench();
    let mut armed = faulty(&bench, "driver-panics");
    until_true("the rig to be made safe", LONG, || bench.trio.all_off());
    assert!(armed.watchdog.is_alive() && armed.host.ended().is_none(), "the host has died of a driver");
    armed.host.end_input();
    assert_eq!(armed.host.wait(LONG).code(), Some(0), "{}", armed.host.output().all());
    let journal = Journal::read(&bench.station, &bench.rig);
    let causes: Vec<_> =
        journal.teardowns().iter().map(|teardown| teardown["cause"].as_str().unwrap().to_owned()).collect();
    assert!(causes.iter().any(|cause| cause == "device_fault"), "{causes:?}");
}

#[test]
fn a_driver_that_never_returns_is_a_hung_host() {
    let bench = bench();
    faulty(&bench, "driver-stuck").made_safe_by_the_watchdog(&["hung"]);
}

#[test]
fn a_reader_that_never_answers_is_a_hung_host() {
    let bench = bench();
    faulty(&bench, "reader-stuck").made_safe_by_the_watchdog(&["hung"]);
}

#[test]
fn a_panic_of_the_rules_is_answered_without_them() {
    let bench = bench();
    let mut armed = faulty(&bench, "rules-panic");
    armed.host.wait(LONG);
    armed.watchdog.await_end(LONG);
    assert!(bench.trio.all_off(), "an output is still on: {}", armed.host.output().all());
    assert_eq!(armed.since(), SAFE);
}

#[test]
fn rules_that_are_stuck_are_a_hung_host() {
    let bench = bench();
    faulty(&bench, "rules-stuck").made_safe_by_the_watchdog(&["hung"]);
}

#[test]
fn a_panic_of_the_main_thread_ends_in_a_rig_that_is_made_safe_by_the_watchdog() {
    let bench = bench();
    faulty(&bench, "main-panics").made_safe_by_the_watchdog(&["dying"]);
}

#[test]
fn a_host_that_calls_abort_says_so() {
    let bench = bench();
    faulty(&bench, "abort").made_safe_by_the_watchdog(&["dying"]);
}

/// By a limit on its memory: an allocation fails, and the process aborts. A control group with a limit, where
/// the system kills instead, cannot be made everywhere; a kill is a kill (`dead_host.rs`).
#[test]
fn a_host_that_runs_out_of_memory_leaves_a_rig_that_is_made_safe() {
    let bench = bench();
    faulty(&bench, "out-of-memory").made_safe_by_the_watchdog(&[GONE, &["dying"]].concat());
}

#[test]
fn a_large_host_that_aborts_with_core_dumps_on_is_not_waited_for() {
    let bench = bench();
    faulty(&bench, "large-abort").made_safe_by_the_watchdog(&["dying"]);
}
