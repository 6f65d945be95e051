//! A rig that a watchdog still works on: another start waits for it and shows what it did; one that has not
//! succeeded yet gives way.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::path::PathBuf;

use common::{ACTED, UNSAFE};
use killcord_tests::door;
use killcord_tests::instrument::Instrument;
use killcord_tests::journal::Journal;
use killcord_tests::peers::Julabo;
use killcord_tests::process::Process;
use killcord_tests::rigs;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, SOON, until_true};
use killcord_tests::watchdog::Watchdog;
use rustix::process::Signal;

/// A supply that takes three seconds to be made safe, armed; then its host is killed, and this returns while the
/// watchdog is at work.
struct AtWork {
    instrument: Instrument,
    station: Station,
    rig: PathBuf,
    watchdog: Watchdog,
    /// Dropped, it takes along what it has started: its watchdog too.
    _host: Process,
}

impl AtWork {
    #[track_caller]
    fn now() -> Self {
        let (instrument, station) = (Instrument::start(), Station::new());
        let slow = r#"["OUTP OFF", { wait = "3s" }]"#;
        let supply = rigs::supply("psu", &instrument, r#"["OUTP ON"]"#, slow, "");
        let rig = station.rig(&(rigs::head("15s", "") + &supply));
        let mut host = station.killcord(["serve", "--arm"]).arg(&rig).with_input().start();
        door::await_state(&station, "armed");
        let watchdog = Watchdog::await_of(&host);
        host.signal(Signal::KILL);
        host.wait(SOON);
        until_true("the watchdog to be at work", SOON, || {
            instrument.commands().last().is_some_and(|command| command == "OUTP OFF")
        });
        Self { instrument, station, rig, watchdog, _host: host }
    }
}

#[test]
fn a_second_start_waits_for_the_watchdog_and_shows_its_report() {
    let work = AtWork::now();
    let mut second = work.station.killcord(["serve", "--arm"]).arg(&work.rig).with_input().start();
    assert!(work.watchdog.is_alive(), "it was done before the second start came");
    assert_eq!(work.watchdog.status(LONG), ACTED);
    door::await_state(&work.station, "safe");
    let rig = door::rig(&work.station);
    let act = &rig["unclean"]["by_watchdog"];
    assert!(act["safe_ms"].is_u64(), "{}", rig["unclean"]);
    second.end_input();
    assert_eq!(second.wait(LONG).code(), Some(0), "{}", second.output().all());
    assert_eq!(work.instrument.value("OUTP").as_deref(), Some("OFF"));
    let journal = Journal::read(&work.station, &work.rig);
    assert_eq!(journal.runs().len(), 2, "two starts, two runs");
}

#[test]
fn safe_waits_for_the_watchdog_and_then_does_its_own() {
    let work = AtWork::now();
    let mut safe = work.station.killcord(["safe"]).arg(&work.rig).start();
    assert!(work.watchdog.is_alive(), "it was done before `safe` came");
    assert_eq!(work.watchdog.status(LONG), ACTED);
    assert_eq!(safe.wait(LONG).code(), Some(0), "{}", safe.output().all());
    let journal = Journal::read(&work.station, &work.rig);
    let causes: Vec<_> = journal.teardowns().iter().map(|teardown| teardown["cause"].clone()).collect();
    assert!(causes.contains(&"host_lost".into()) && causes.first().unwrap() != "host_lost", "{causes:?}");
}

/// A supply, and a bath whose link is cut when the host ends: status 4, and the watchdog stays.
struct Stays {
    bath: Julabo,
    supply: Instrument,
    station: Station,
    rig: PathBuf,
    watchdog: Watchdog,
    /// Dropped, it takes along what it has started: its watchdog too.
    _host: Process,
}

impl Stays {
    #[track_caller]
    fn now() -> Self {
        let (bath, supply, station) = (Julabo::start(), Instrument::start(), Station::new());
        let text = rigs::head("8s", "") + &rigs::switch("psu", &supply) + &bath.device("");
        let rig = station.rig(&text);
        let mut host = station.killcord(["serve", "--arm"]).arg(&rig).with_input().start();
        door::await_state(&station, "armed");
        let watchdog = Watchdog::await_of(&host);
        bath.cut();
        host.end_input();
        let status = host.wait(LONG);
        assert_eq!(status.code(), Some(4), "{}", host.output().all());
        assert_eq!(supply.value("OUTP").as_deref(), Some("OFF"));
        assert!(bath.is_circulating(), "nothing could have reached it");
        assert!(watchdog.is_alive(), "nobody is left to make the bath safe");
        Self { bath, supply, station, rig, watchdog, _host: host }
    }
}

#[test]
fn what_the_host_could_not_reach_is_made_safe_by_the_watchdog_when_it_comes_back() {
    let stays = Stays::now();
    stays.bath.restore();
    until_true("the bath to be made safe", LONG, || !stays.bath.is_circulating());
    assert_eq!(stays.watchdog.status(LONG), ACTED);
    let journal = Journal::read(&stays.station, &stays.rig);
    assert_eq!(journal.status("bath"), "safe_verified");
    let ended = stays.station.killcord(["safe"]).arg(&stays.rig).run(LONG);
    assert_eq!(ended.code(), Some(0), "the rig's lock was not given back: {}", ended.stderr);
    assert_eq!(stays.supply.value("OUTP").as_deref(), Some("OFF"));
}

#[test]
fn a_watchdog_that_has_not_succeeded_gives_way_to_another_start() {
    let stays = Stays::now();
    let mut second = stays.station.killcord(["serve"]).arg(&stays.rig).with_input().start();
    assert_eq!(stays.watchdog.status(LONG), UNSAFE);
    until_true("the second host to hold the rig", LONG, || {
        door::ask(&stays.station, "status", SOON).is_some_and(|answer| answer["pid"] == second.pid())
    });
    stays.bath.restore();
    until_true("the bath to be made safe", LONG, || !stays.bath.is_circulating());
    door::await_state(&stays.station, "safe");
    second.end_input();
    assert_eq!(second.wait(LONG).code(), Some(0), "{}", second.output().all());
    assert_eq!(stays.supply.value("OUTP").as_deref(), Some("OFF"));
}

#[test]
fn what_the_second_start_has_not_reached_either_is_left_to_its_watchdog() {
    let stays = Stays::now();
    let mut second = stays.station.killcord(["serve"]).arg(&stays.rig).with_input().start();
    assert_eq!(stays.watchdog.status(LONG), UNSAFE);
    let watchdog = Watchdog::await_of(&second);
    until_true("the second host to hold the rig", LONG, || {
        door::ask(&stays.station, "status", SOON).is_some_and(|answer| answer["pid"] == second.pid())
    });
    second.end_input();
    assert_eq!(second.wait(LONG).code(), Some(4), "{}", second.output().all());
    assert!(watchdog.is_alive(), "nobody is left to make the bath safe");
    stays.bath.restore();
    until_true("the bath to be made safe", LONG, || !stays.bath.is_circulating());
    assert_eq!(watchdog.status(LONG), ACTED);
}
