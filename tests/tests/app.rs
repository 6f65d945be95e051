//! A wrapped app with real processes: nothing of it is left, however it, its host or its reaper ends, and what it
//! drives by itself is safe in the end.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;

use killcord_tests::instrument::Instrument;
use killcord_tests::journal::Journal;
use killcord_tests::process::{Process, look};
use killcord_tests::station::{Station, quoted};
use killcord_tests::wait::{LONG, SOON, until_true};
use killcord_tests::watchdog::Watchdog;
use killcord_tests::{door, place, rigs};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A supply, and a person's machine with a rig that wraps an app.
struct Bench {
    supply: Instrument,
    station: Station,
    rig: PathBuf,
}

impl Bench {
    /// What the app does wrong, and more lines of `[app]`.
    fn of(what: &[&str], more: &str) -> Self {
        Self::with(r#"hang_after = "1s""#, what, more)
    }

    /// One that drives the supply by itself, and does this besides.
    fn driving(what: &[&str], more: &str) -> Self {
        let supply = Instrument::start();
        let drives = format!("drives={}", supply.port());
        let mut all = vec![drives.as_str()];
        all.extend(what);
        Self::on(supply, r#"hang_after = "1s""#, &all, &format!("drives = [\"psu\"]\n{more}"))
    }

    fn with(safety: &str, what: &[&str], more: &str) -> Self {
        Self::on(Instrument::start(), safety, what, more)
    }

    fn on(supply: Instrument, safety: &str, what: &[&str], more: &str) -> Self {
        let station = Station::new();
        let program = quoted(&place::root().join("tests/apps/wrapped/app.py"));
        let log = quoted(&station.path("app.log"));
        let what: String = what.iter().map(|word| format!(", {word:?}")).collect();
        let app = format!(
            "\n[app]\ncommand = [\"python3\", \"-u\", {program}, \"{{port}}\", {log}{what}]\n\
             before_stop = \"/release\"\nready_within = \"60s\"\n{more}\n"
        );
        let stop = if more.contains("stop =") { "" } else { "stop = { within = \"1s\" }\n" };
        let rig = rigs::head("12s", safety) + &rigs::switch("psu", &supply) + &app + stop;
        let rig = station.rig(&rig);
        Self { supply, station, rig }
    }

    /// A host whose app answers.
    #[track_caller]
    fn ready(&self) -> Process {
        let host = self.station.killcord(["serve"]).arg(&self.rig).with_input().start();
        self.await_app("ready");
        host
    }

    #[track_caller]
    fn await_app(&self, state: &str) {
        until_true(&format!("the app to be {state}"), LONG, || {
            door::ask(&self.station, "status", SOON).is_some_and(|it| it["rig"]["app"]["state"] == state)
        });
    }

    fn app(&self) -> Value {
        door::rig(&self.station)["app"].take()
    }

    #[track_caller]
    fn await_on(&self) {
        until_true("the app to switch the supply on", LONG, || self.is("ON"));
    }

    fn is(&self, output: &str) -> bool {
        self.supply.value("OUTP").as_deref() == Some(output)
    }

    /// What the app noted.
    fn notes(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.station.path("app.log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The words for the app in the journal of the last run.
    fn events(&self) -> Vec<String> {
        let journal = Journal::read(&self.station, &self.rig);
        let events = journal.events(journal.runs().last().unwrap());
        events.into_iter().map(|(kind, _)| kind).filter(|kind| kind.starts_with("app_")).collect()
    }
}

/// Its processes, the reaper aside.
fn of_app(host: &Process) -> Vec<u32> {
    ["python3", "sh", "sleep"]
        .iter()
        .flat_map(|name| host.descendants(name))
        .filter(|pid| !is_over(*pid))
        .collect()
}

#[track_caller]
fn assert_gone(host: &Process) {
    assert_eq!(of_app(host), [0_u32; 0], "something of the app is left");
}

fn is_over(pid: u32) -> bool {
    look::state(pid).is_none_or(|state| matches!(state, 'Z' | 'X'))
}

#[track_caller]
fn await_tree(host: &Process) {
    until_true("the app's tree to stand", LONG, || host.descendants("sleep").len() >= 4);
}

fn reaper(host: &Process) -> u32 {
    let all = look::children(host.pid());
    let is = |pid: &u32| look::command_line(*pid).last().is_some_and(|word| word == "app");
    all.into_iter().find(is).expect("there is no reaper")
}

fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal).unwrap();
}

#[track_caller]
fn end(mut host: Process) {
    host.end_input();
    let status = host.wait(LONG);
    assert_eq!(status.code(), Some(0), "{}", host.output().all());
    assert_gone(&host);
}

#[test]
fn an_app_is_started_used_asked_to_release_and_stopped() {
    let bench = Bench::of(&[], "");
    let host = bench.ready();
    assert_eq!(bench.notes(), ["listens"]);
    end(host);
    assert_eq!(bench.notes(), ["listens", "POST /release", "TERM"]);
    assert_eq!(bench.events(), ["app_started", "app_ready", "app_stopped"]);
}

#[test]
fn nothing_is_left_of_an_app_that_ignores_its_signal_and_hides_its_children() {
    let bench = Bench::of(&["tree", "deaf"], "");
    let host = bench.ready();
    await_tree(&host);
    end(host);
}

#[test]
fn an_app_that_prints_without_end_is_not_held_up_and_holds_up_nobody() {
    let bench = Bench::of(&["floods"], "");
    end(bench.ready());
}

#[test]
fn what_an_app_drives_is_safe_behind_its_end_however_often_it_switched_it_on() {
    let bench = Bench::driving(&["deaf", "tree"], "");
    let host = bench.ready();
    bench.await_on();
    await_tree(&host);
    end(host);
    assert!(bench.is("OFF"), "the app had the last word");
    let journal = Journal::read(&bench.station, &bench.rig);
    assert_eq!(journal.status("psu"), "safe_verified");
}

#[test]
fn a_safe_stop_kills_an_app_that_drives_before_the_first_byte() {
    let bench = Bench::driving(&["deaf", "tree"], "");
    let mut host = bench.ready();
    bench.await_on();
    await_tree(&host);
    host.type_line("stop");
    bench.await_app("stopped");
    door::await_state(&bench.station, "safe");
    assert_gone(&host);
    assert!(bench.is("OFF"), "the app had the last word");
    assert_eq!(bench.notes(), ["listens"], "an emergency asked it");
    end(host);
}

#[test]
fn a_killed_host_leaves_nothing_of_its_app_and_the_watchdog_makes_safe_what_that_drove() {
    let bench = Bench::driving(&["deaf", "tree"], "");
    let mut host = bench.ready();
    let watchdog = Watchdog::await_of(&host);
    bench.await_on();
    await_tree(&host);
    host.signal(Signal::KILL);
    host.wait(SOON);
    watchdog.await_end(LONG);
    until_true("the app to be gone", SOON, || of_app(&host).is_empty());
    assert!(bench.is("OFF"), "the app had the last word");
}

#[test]
fn a_killed_host_without_a_watchdog_leaves_nothing_of_its_app() {
    let bench = Bench::with("watchdog = \"off\"", &["deaf", "tree"], "");
    let mut host = bench.ready();
    await_tree(&host);
    host.signal(Signal::KILL);
    host.wait(SOON);
    until_true("the app to be gone", SOON, || of_app(&host).is_empty());
}

#[test]
fn a_host_killed_together_with_the_reaper_leaves_nothing_of_its_app() {
    let bench = Bench::driving(&["deaf", "tree"], "");
    let mut host = bench.ready();
    let watchdog = Watchdog::await_of(&host);
    bench.await_on();
    await_tree(&host);
    // Stopped first: neither gets to act on the other's end.
    host.signal(Signal::STOP);
    signal(reaper(&host), Signal::KILL);
    host.signal(Signal::KILL);
    host.wait(SOON);
    watchdog.await_end(LONG);
    until_true("the app to be gone", SOON, || of_app(&host).is_empty());
    assert!(bench.is("OFF"), "the app had the last word");
}

#[test]
fn a_hung_host_s_app_is_ended_by_the_watchdog_also_below_a_stopped_reaper() {
    let bench = Bench::driving(&["deaf", "tree"], "");
    let mut host = bench.ready();
    let watchdog = Watchdog::await_of(&host);
    bench.await_on();
    await_tree(&host);
    signal(reaper(&host), Signal::STOP);
    host.signal(Signal::STOP);
    host.wait(LONG);
    watchdog.await_end(LONG);
    until_true("the app to be gone", SOON, || of_app(&host).is_empty());
    assert!(bench.is("OFF"), "the app had the last word");
}

#[test]
fn an_app_that_ends_by_itself_has_the_rig_made_safe_and_stays_down() {
    let bench = Bench::driving(&["tree"], "");
    let host = bench.ready();
    bench.await_on();
    await_tree(&host);
    signal(host.descendants("python3")[0], Signal::KILL);
    bench.await_app("exited");
    assert_eq!(bench.app()["why"], "it was ended by signal 9");
    assert_gone(&host);
    door::await_state(&bench.station, "safe");
    assert!(bench.is("OFF"), "the app had the last word");
    end(host);
    let journal = Journal::read(&bench.station, &bench.rig);
    let made_safe = journal.teardowns().iter().find(|teardown| teardown["cause"] == "app_exited");
    assert_eq!(made_safe.expect("no such cause")["confirmed"], true);
    assert_eq!(bench.events(), ["app_started", "app_ready", "app_exited"]);
}

#[test]
fn a_restart_comes_behind_the_safe_rig_and_arms_nothing() {
    let bench = Bench::of(&[], "on_crash = \"restart\"");
    let host = bench.station.killcord(["serve", "--arm"]).arg(&bench.rig).with_input().start();
    bench.await_app("ready");
    door::await_state(&bench.station, "armed");
    signal(host.descendants("python3")[0], Signal::KILL);
    until_true("the app to be there again", LONG, || bench.notes() == ["listens", "listens"]);
    bench.await_app("ready");
    assert_eq!(door::rig(&bench.station)["state"], "safe");
    assert!(bench.is("OFF"), "it was left on");
    end(host);
}

#[test]
fn a_killed_reaper_is_the_app_s_end_and_nothing_of_it_is_left() {
    let bench = Bench::driving(&["deaf", "tree"], "");
    let host = bench.ready();
    bench.await_on();
    await_tree(&host);
    signal(reaper(&host), Signal::KILL);
    bench.await_app("exited");
    assert_gone(&host);
    door::await_state(&bench.station, "safe");
    assert!(bench.is("OFF"), "the app had the last word");
    end(host);
}

#[test]
fn an_app_that_does_not_answer_in_time_has_failed_and_is_killed() {
    let bench = Bench::of(&["mute", "tree"], "");
    let text = std::fs::read_to_string(&bench.rig).unwrap().replace("\"60s\"", "\"2s\"");
    let rig = bench.station.rig(&text);
    let host = bench.station.killcord(["serve"]).arg(&rig).with_input().start();
    bench.await_app("exited");
    assert!(
        bench.app()["why"].as_str().unwrap().contains("did not answer GET / within 2 s"),
        "{}",
        bench.app()
    );
    assert_gone(&host);
    end(host);
}

#[test]
fn an_app_that_cannot_be_started_says_what_to_do() {
    let bench = Bench::of(&[], "");
    let text =
        std::fs::read_to_string(&bench.rig).unwrap().replace("\"python3\"", "\"killcord-no-such-app\"");
    let rig = bench.station.rig(&text);
    let host = bench.station.killcord(["serve"]).arg(&rig).with_input().start();
    bench.await_app("exited");
    let why = bench.app()["why"].as_str().unwrap().to_owned();
    assert!(why.contains("killcord-no-such-app") && why.contains("is it installed"), "{why}");
    end(host);
}

#[test]
fn making_a_rig_safe_by_hand_does_not_start_its_app() {
    let bench = Bench::of(&[], "");
    let ended = bench.station.killcord(["safe"]).arg(&bench.rig).run(LONG);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert_eq!(bench.notes(), [""; 0]);
}
