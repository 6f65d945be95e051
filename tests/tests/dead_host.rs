//! A host that is killed with the rig armed: its watchdog makes three foreign instruments safe, in the declared
//! order, each safe command once, and what it did is in the journal of the next start.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{ACTED, Bench, GONE};
use killcord_tests::peers::SAFE;
use killcord_tests::storage::{self, Disk};
use killcord_tests::wait::{LONG, SOON, until_true};
use killcord_tests::watchdog::Watchdog;
use killcord_tests::{door, journal::Journal, place};
use rustix::process::Signal;

#[test]
fn a_killed_host_leaves_a_rig_that_is_made_safe() {
    let bench = Bench::start();
    let armed = bench.armed();
    armed.host.signal(Signal::KILL);
    armed.made_safe_by_the_watchdog(GONE);
}

#[test]
fn killing_the_whole_process_group_of_the_host_does_not_take_the_watchdog_along() {
    let bench = Bench::start();
    let armed = bench.armed();
    armed.host.signal_group(Signal::KILL);
    armed.made_safe_by_the_watchdog(GONE);
}

#[test]
fn a_host_that_aborts_says_so_and_is_not_waited_for() {
    let bench = Bench::start();
    let armed = bench.armed();
    armed.host.signal(Signal::ABORT);
    armed.made_safe_by_the_watchdog(&["dying"]);
}

#[test]
fn a_host_that_faults_says_so_and_is_not_waited_for() {
    let bench = Bench::start();
    let armed = bench.armed();
    armed.host.signal(Signal::SEGV);
    armed.made_safe_by_the_watchdog(&["dying"]);
}

#[test]
fn a_host_killed_right_after_the_first_byte_of_arming_leaves_nothing_on() {
    let bench = Bench::start();
    let mut host = bench.launch().start();
    // Armed in the reverse of the safe order: the temperature controller is the first.
    until_true("the first arm step", LONG, || {
        bench.trio.command_texts().iter().any(|command| command == "cryocon CONTROL")
    });
    let watchdog = Watchdog::await_of(&host);
    host.signal(Signal::KILL);
    host.wait(SOON);
    assert_eq!(watchdog.status(LONG), ACTED);
    assert!(bench.trio.all_off(), "an output is on");
    let commands = bench.trio.command_texts();
    assert!(commands.ends_with(&SAFE.map(str::to_owned)), "{commands:?}");
    bench.journal_tells(GONE);
}

#[test]
fn the_next_start_shows_what_the_watchdog_did_and_arms_only_once_that_is_acknowledged() {
    let bench = Bench::start();
    let armed = bench.armed();
    armed.host.signal(Signal::KILL);
    armed.made_safe_by_the_watchdog(GONE);

    let mut next = bench.launch().start();
    door::await_state(&bench.station, "safe");
    let rig = door::rig(&bench.station);
    let act = &rig["unclean"]["by_watchdog"];
    assert!(act["safe_ms"].is_u64(), "it does not say who made the rig safe: {}", rig["unclean"]);
    assert_eq!(act["devices"].as_array().unwrap().len(), 3, "{act}");
    assert!(bench.trio.all_off(), "armed after an unclean run");
    assert!(rig["arm_refused"].to_string().contains("unclean"), "{}", rig["arm_refused"]);
    next.type_line("ack");
    door::await_watchdog(&bench.station);
    next.type_line("arm");
    until_true("the rig to arm once the unclean run is acknowledged", LONG, || bench.trio.all_on());
    next.end_input();
    assert_eq!(next.wait(LONG).code(), Some(0), "{}", next.output().all());
    assert!(bench.trio.all_off());
}

#[test]
fn with_host_and_watchdog_killed_the_next_start_makes_the_rig_safe_before_anything_else() {
    let bench = Bench::start();
    let mut armed = bench.armed();
    // Stopped first: it must not get to act between the two kills.
    armed.watchdog.signal(Signal::STOP);
    armed.host.signal(Signal::KILL);
    armed.watchdog.signal(Signal::KILL);
    armed.host.wait(SOON);
    armed.watchdog.await_end(SOON);
    assert!(bench.trio.all_on(), "nobody was left to make them safe, and they are");

    let mut next = bench.launch().start();
    door::await_state(&bench.station, "safe");
    assert!(bench.trio.all_off(), "an output is still on");
    assert_eq!(armed.since(), SAFE, "the first that is sent, and nothing but that");
    let rig = door::rig(&bench.station);
    assert_eq!(rig["unclean"]["was_armed"], true, "{}", rig["unclean"]);
    assert!(rig["unclean"]["by_watchdog"].is_null(), "{}", rig["unclean"]);
    assert!(rig["arm_refused"].to_string().contains("unclean"), "{}", rig["arm_refused"]);
    next.end_input();
    assert_eq!(next.wait(LONG).code(), Some(0), "{}", next.output().all());
}

#[test]
fn a_full_disk_keeps_the_watchdog_from_nothing_and_its_report_goes_elsewhere() {
    let bench = Bench::start();
    let launch = storage::launch(Disk::Small(2048), &bench.station.state(), &place::program("killcord"));
    let launch = bench.station.dress(launch).args(["serve", "--arm"]).arg(&bench.rig).with_input();
    let mut armed = bench.armed_by(launch);
    storage::fill(&armed.host, &bench.station.state());
    armed.host.signal(Signal::KILL);
    armed.host.wait(SOON);
    assert_eq!(armed.watchdog.status(LONG), ACTED);
    assert!(bench.trio.all_off(), "an output is still on");
    assert_eq!(armed.since(), SAFE);

    // That disk is gone, and the journal with it. What the watchdog left beside the sockets is taken in.
    let ended = bench.station.killcord(["safe"]).arg(&bench.rig).run(LONG);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let journal = Journal::read(&bench.station, &bench.rig);
    let lost = journal.teardowns().iter().find(|teardown| teardown["cause"] == "host_lost");
    let lost = lost.expect("the watchdog's report was not taken in");
    assert_eq!(lost["confirmed"], true, "{lost}");
}
