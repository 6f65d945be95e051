//! A watchdog that is killed, stopped or cannot come back, with the rig armed; and what it is as a process.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Bench, GONE};
use killcord_tests::door;
use killcord_tests::instrument::Instrument;
use killcord_tests::journal::Journal;
use killcord_tests::peers::SAFE;
use killcord_tests::process::{Launch, look};
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, SOON, until, until_true};
use killcord_tests::watchdog::Watchdog;
use killcord_tests::{place, rigs};
use rustix::process::Signal;

/// What a watchdog may have resident, in bytes.
const MOST_RESIDENT: u64 = 6 * 1024 * 1024;

/// The kinds of a run's events that are about its watchdog; a loss for two reasons counts once.
fn about_the_watchdog(bench: &Bench) -> Vec<String> {
    let journal = Journal::read(&bench.station, &bench.rig);
    let events = journal.events(&journal.runs()[0]).into_iter().map(|(kind, _)| kind);
    let mut kinds: Vec<_> = events.filter(|kind| kind.starts_with("watchdog")).collect();
    kinds.dedup();
    kinds
}

#[test]
fn a_killed_watchdog_is_replaced_with_the_rig_untouched() {
    let bench = Bench::start();
    let mut armed = bench.armed();
    armed.watchdog.signal(Signal::KILL);
    let next = armed.watchdog.await_next(&armed.host);
    door::await_watchdog(&bench.station);
    armed.watchdog = next;
    armed.still_armed_and_ends_in_order();
    assert_eq!(about_the_watchdog(&bench), ["watchdog_ready", "watchdog_lost", "watchdog_ready"]);
}

#[test]
fn the_watchdog_that_came_second_makes_the_rig_safe_as_well() {
    let bench = Bench::start();
    let mut armed = bench.armed();
    armed.watchdog.signal(Signal::KILL);
    armed.watchdog = armed.watchdog.await_next(&armed.host);
    door::await_watchdog(&bench.station);
    armed.host.signal(Signal::KILL);
    armed.made_safe_by_the_watchdog(GONE);
}

#[test]
fn a_stopped_watchdog_is_killed_and_replaced_with_the_rig_untouched() {
    let bench = Bench::start();
    let mut armed = bench.armed();
    armed.watchdog.signal(Signal::STOP);
    armed.watchdog.await_end(LONG);
    let next = armed.watchdog.await_next(&armed.host);
    door::await_watchdog(&bench.station);
    armed.watchdog = next;
    armed.still_armed_and_ends_in_order();
    assert_eq!(about_the_watchdog(&bench), ["watchdog_ready", "watchdog_lost", "watchdog_ready"]);
}

#[test]
fn a_watchdog_that_is_stopped_and_continued_in_time_stays() {
    let bench = Bench::with(r#"hang_after = "30s""#);
    let armed = bench.armed();
    armed.watchdog.signal(Signal::STOP);
    until_true("the watchdog to be stopped", SOON, || look::is_stopped(armed.watchdog.pid()));
    // Two readings of the furnace, half a second each: so long the host has no echo.
    let read = bench.trio.furnace.register(10).reads();
    until_true("readings to go on", LONG, || bench.trio.furnace.register(10).reads() >= read + 2);
    armed.watchdog.signal(Signal::CONT);
    let read = bench.trio.furnace.register(10).reads();
    until_true("readings to go on", LONG, || bench.trio.furnace.register(10).reads() >= read + 2);
    assert!(armed.watchdog.is_alive());
    armed.still_armed_and_ends_in_order();
    assert_eq!(about_the_watchdog(&bench), ["watchdog_ready"]);
}

#[test]
fn with_no_watchdog_to_be_had_an_armed_rig_is_made_safe_and_does_not_arm_again() {
    let bench = Bench::start();
    let programs = tempfile::tempdir().unwrap();
    let (host, watchdog) = (programs.path().join("killcord"), programs.path().join("killcord-watchdog"));
    for program in [&host, &watchdog] {
        std::fs::copy(place::program(program.file_name().unwrap().to_str().unwrap()), program).unwrap();
    }
    let launch = bench.station.dress(Launch::new(&host)).args(["serve", "--arm"]).arg(&bench.rig);
    let mut armed = bench.armed_by(launch.with_input());
    std::fs::remove_file(&watchdog).unwrap();
    std::fs::remove_file(&host).unwrap();
    armed.watchdog.signal(Signal::KILL);

    door::await_state(&bench.station, "safe");
    assert!(bench.trio.all_off(), "an output is still on");
    assert_eq!(armed.since(), SAFE, "in the declared order, each exactly once");
    until_true("the journal to name the cause", SOON, || {
        Journal::read(&bench.station, &bench.rig).last()["cause"] == "watchdog_lost"
    });
    let rig = door::rig(&bench.station);
    assert_eq!(rig["watchdog"]["state"], "missing", "{}", rig["watchdog"]);
    let why = rig["watchdog"]["why"].to_string();
    assert!(why.contains("killcord-watchdog"), "it does not say what is missing: {why}");
    assert!(rig["arm_refused"].to_string().contains("watchdog"), "{}", rig["arm_refused"]);
    armed.host.type_line("arm");
    armed.host.await_line("why it does not arm", SOON, |line| {
        line.text.contains("watchdog") && line.text.to_lowercase().contains("arm")
    });
    assert!(bench.trio.all_off(), "armed without a watchdog");
    armed.host.end_input();
    assert_eq!(armed.host.wait(LONG).code(), Some(0), "{}", armed.host.output().all());
}

#[test]
fn the_watchdog_is_small_in_a_session_of_its_own_and_deaf_to_what_ends_a_terminals_programs() {
    let bench = Bench::start();
    let armed = bench.armed();
    let pid = armed.watchdog.pid();
    let resident = look::resident(pid);
    assert!((1..MOST_RESIDENT).contains(&resident), "{} KiB", resident / 1024);
    assert_eq!(look::session(pid), Some(pid));
    for signal in
        [Signal::INT, Signal::HUP, Signal::TERM, Signal::QUIT, Signal::TSTP, Signal::TTIN, Signal::TTOU]
    {
        armed.watchdog.signal(signal);
    }
    // Answered behind the signals: a beat later it is still the same one.
    let read = bench.trio.furnace.register(10).reads();
    until_true("readings to go on", LONG, || bench.trio.furnace.register(10).reads() >= read + 4);
    assert!(armed.watchdog.is_alive() && !look::is_stopped(pid));
    armed.still_armed_and_ends_in_order();
    assert_eq!(about_the_watchdog(&bench), ["watchdog_ready"]);
}

/// A rig that is armed by a program which runs for a minute.
fn long_step(instrument: &Instrument) -> String {
    rigs::head("90s", "")
        + &rigs::switch("psu", instrument)
        + r#"
[[device]]
name = "oven"
driver = "exec"
timeout = "60s"
arm_after = ["psu"]
arm = [{ run = ["sh", "-c", "sleep 60 & wait"], timeout = "60s" }]
safe = [{ run = ["true"], timeout = "1s" }]
verify = "none"
"#
}

#[test]
fn a_program_that_the_rig_runs_inherits_nothing_and_dies_with_the_host() {
    let (instrument, station) = (Instrument::start(), Station::new());
    let rig = station.rig(&long_step(&instrument));
    let mut host = station.killcord(["serve", "--arm"]).arg(&rig).with_input().start();
    let step = until("the rig's program", LONG, || host.descendants("sleep").first().copied());
    let watchdog = Watchdog::await_of(&host);
    let open: Vec<_> = look::descriptors(step).into_iter().filter(|(number, _)| *number > 2).collect();
    assert!(open.is_empty(), "neither the pipe to the watchdog nor a lock is its business: {open:?}");

    host.signal(Signal::KILL);
    host.wait(SOON);
    until_true("the program to be ended with its host", SOON, || {
        look::state(step).is_none_or(|state| state == 'Z')
    });
    watchdog.await_end(LONG);
    assert_eq!(instrument.value("OUTP").as_deref(), Some("OFF"));
}
