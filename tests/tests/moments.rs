//! The end may come at any moment: while a device is being connected, between two arm steps, in a ramp, in a
//! teardown. It is always the same end.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use killcord_tests::blackhole::Blackhole;
use killcord_tests::door;
use killcord_tests::instrument::Instrument;
use killcord_tests::journal::Journal;
use killcord_tests::process::Process;
use killcord_tests::rigs;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, SOON, until_true};
use rustix::process::Signal;

const RAMP: &str = r#"[{ ramp = "VOLT {}", from = "VOLT?", to = 0, per_second = 4 }, "OUTP OFF"]"#;

struct Bench {
    instrument: Instrument,
    station: Station,
}

impl Bench {
    fn new() -> Self {
        Self { instrument: Instrument::start(), station: Station::new() }
    }

    fn serve(&self, rig: &str) -> (Process, PathBuf) {
        let rig = self.station.rig(rig);
        (self.station.killcord(["serve", "--arm"]).arg(&rig).with_input().start(), rig)
    }

    fn sent(&self, line: &str) -> usize {
        self.instrument.commands().iter().filter(|sent| *sent == line).count()
    }

    fn ramp_writes(&self) -> usize {
        let commands = self.instrument.commands();
        let on = commands.iter().rposition(|line| line == "OUTP ON").unwrap_or(0);
        commands[on..].iter().filter(|line| line.starts_with("VOLT ")).count()
    }
}

#[test]
fn closing_while_a_device_does_not_take_the_connection_ends_in_time_and_names_it() {
    let (bench, hole) = (Bench::new(), Blackhole::open());
    let text = rigs::head("6s", "")
        + &rigs::switch("psu", &bench.instrument)
        + &format!(
            "\n[[device]]\nname = \"lost\"\ndriver = \"scpi\"\nconnect = \"tcp://127.0.0.1:{}\"\n\
             timeout = \"500ms\"\nsafe = [\"OUTP OFF\"]\nverify = [{{ query = \"OUTP?\", equals = false }}]\n",
            hole.port()
        );
    let (mut serve, rig) = bench.serve(&text);
    until_true("the other device to be made safe at the start", LONG, || bench.sent("OUTP OFF") > 0);
    let closing = Instant::now();
    serve.end_input();
    let status = serve.wait(LONG);
    assert!(closing.elapsed() < Duration::from_secs(10), "not within the deadline");
    serve.output().finish();
    assert_eq!(status.code(), Some(4), "{}", serve.output().all());
    assert!(serve.output().all().contains("lost"), "the device is not named");
    assert_eq!(bench.instrument.value("OUTP").as_deref(), Some("OFF"));
    assert_eq!(bench.sent("OUTP ON"), 0, "a rig with a missing device was armed");
    let journal = Journal::read(&bench.station, &rig);
    assert_eq!((journal.status("psu"), journal.status("lost")), ("safe_verified", "unreachable"));
}

#[test]
fn closing_between_two_arm_steps_sends_none_of_the_later_ones() {
    let bench = Bench::new();
    let arm = r#"["OUTP ON", { wait = "20s" }, "VOLT 12"]"#;
    let text = rigs::head("30s", "") + &rigs::supply("psu", &bench.instrument, arm, r#"["OUTP OFF"]"#, "");
    let (mut serve, rig) = bench.serve(&text);
    until_true("the first arm step", LONG, || bench.sent("OUTP ON") == 1);
    bench.instrument.forget();
    serve.end_input();
    let status = serve.wait(SOON);
    assert_eq!(status.code(), Some(0), "{}", serve.output().all());
    assert_eq!(bench.instrument.commands(), ["OUTP OFF"]);
    assert_eq!(Journal::read(&bench.station, &rig).status("psu"), "safe_verified");
}

#[test]
fn closing_during_an_arm_ramp_stops_the_ramp() {
    let bench = Bench::new();
    let arm = r#"["OUTP ON", { ramp = "VOLT {}", from = "VOLT?", to = 12, per_second = 1 }]"#;
    let text = rigs::head("5s", "") + &rigs::supply("psu", &bench.instrument, arm, r#"["OUTP OFF"]"#, "");
    let (mut serve, _rig) = bench.serve(&text);
    until_true("the ramp to be under way", LONG, || bench.ramp_writes() >= 3);
    serve.end_input();
    let status = serve.wait(SOON);
    assert_eq!(status.code(), Some(0), "{}", serve.output().all());
    let commands = bench.instrument.commands();
    assert_eq!(commands.last().map(String::as_str), Some("OUTP OFF"), "{commands:?}");
    assert_ne!(bench.instrument.value("VOLT").as_deref(), Some("12"), "the ramp went on");
}

#[test]
fn closing_during_a_teardown_joins_it() {
    let bench = Bench::new();
    let text = rigs::head("15s", "on_safe_stop = \"safe\"")
        + &rigs::supply("psu", &bench.instrument, r#"["VOLT 12", "OUTP ON"]"#, RAMP, "budget = \"8s\"");
    let (mut serve, rig) = bench.serve(&text);
    until_true("the supply to be on", LONG, || bench.sent("OUTP ON") == 1);
    door::await_state(&bench.station, "armed");
    let mut safe = bench.station.killcord(["safe", "--through-host"]).arg(&rig).start();
    until_true("the ramp to be under way", LONG, || bench.ramp_writes() >= 3);
    serve.end_input();
    let ended = serve.wait(SOON);
    assert_eq!(ended.code(), Some(0), "{}", serve.output().all());
    assert_eq!(safe.wait(SOON).code(), Some(0), "{}", safe.output().all());
    let commands = bench.instrument.commands();
    let on = commands.iter().rposition(|line| line == "OUTP ON").unwrap();
    let off = commands[on..].iter().filter(|line| *line == "OUTP OFF").count();
    assert_eq!(off, 1, "one teardown: {commands:?}");
    let journal = Journal::read(&bench.station, &rig);
    assert_eq!(journal.status("psu"), "safe_verified");
    let causes = journal.report()["causes"].as_array().unwrap().len();
    assert_eq!(causes, 2, "the later cause is on record too: {}", journal.report()["causes"]);
}

#[test]
fn a_safe_stop_during_the_ramp_of_a_close_goes_over_to_emergency() {
    let bench = Bench::new();
    let slow = RAMP.replace("per_second = 4", "per_second = 0.8");
    let text = rigs::head("30s", "on_safe_stop = \"emergency\"")
        + &rigs::supply(
            "psu",
            &bench.instrument,
            r#"["VOLT 12", "OUTP ON"]"#,
            &slow,
            "budget = \"20s\"\nemergency = [\"OUTP OFF\"]",
        );
    let (mut serve, rig) = bench.serve(&text);
    until_true("the supply to be on", LONG, || bench.sent("OUTP ON") == 1);
    door::await_state(&bench.station, "armed");
    serve.type_line("quit");
    until_true("the ramp to be under way", LONG, || bench.ramp_writes() >= 3);
    let pressed = Instant::now();
    serve.type_line("stop");
    let ended = serve.wait(LONG);
    assert!(pressed.elapsed() < Duration::from_secs(8), "the ramp of 15 s was not cut short");
    assert_eq!(ended.code(), Some(0), "{}", serve.output().all());
    let voltage: f64 = bench.instrument.value("VOLT").unwrap().parse().unwrap();
    assert!(voltage > 1.0, "the ramp went on to {voltage} V");
    let journal = Journal::read(&bench.station, &rig);
    assert_eq!(journal.device("psu")["mode"], "emergency");
    assert_eq!(journal.status("psu"), "safe_verified");
}

#[test]
fn a_device_that_turns_mute_while_armed_is_named_and_the_others_are_safe() {
    let (bench, mute) = (Bench::new(), Instrument::start());
    let text = rigs::head("10s", "") + &rigs::switch("psu", &bench.instrument) + &rigs::switch("mute", &mute);
    let (mut serve, rig) = bench.serve(&text);
    until_true("both to be on", LONG, || {
        [&bench.instrument, &mute].iter().all(|it| it.value("OUTP").as_deref() == Some("ON"))
    });
    mute.mute(true);
    serve.signal(Signal::TERM);
    let ended = serve.wait(LONG);
    serve.output().finish();
    assert_eq!(ended.code(), Some(4), "{}", serve.output().all());
    assert!(serve.output().all().contains("mute"), "{}", serve.output().all());
    assert_eq!(bench.instrument.value("OUTP").as_deref(), Some("OFF"));
    assert_eq!(mute.value("OUTP").as_deref(), Some("OFF"), "its safe command went out all the same");
    let journal = Journal::read(&bench.station, &rig);
    assert_eq!(journal.status("psu"), "safe_verified");
    assert!(!journal.device("mute")["remarks"].as_array().unwrap().is_empty(), "nothing says what to check");
}

#[test]
fn a_serial_port_that_another_program_holds_is_refused_by_name() {
    let line = killcord_tests::peers::PtyPair::start();
    let station = Station::new();
    let rig = station.rig(
        &(rigs::head("5s", "")
            + &format!(
                "\n[[device]]\nname = \"psu\"\ndriver = \"scpi\"\nconnect = \"serial://{}?baud=9600\"\n\
                 id = \"*IDN?\"\ntimeout = \"300ms\"\narm = [\"OUTP ON\"]\nsafe = [\"OUTP OFF\"]\n\
                 verify = [{{ query = \"OUTP?\", equals = false }}]\n",
                line.a().canonicalize().unwrap().display()
            )),
    );
    let held = std::fs::File::options().read(true).write(true).open(line.a()).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    let checked = station.killcord(["check", "--connect"]).arg(&rig).run(SOON);
    assert_ne!(checked.code(), Some(0), "{checked:?}");
    let said = (checked.stdout + &checked.stderr).to_lowercase();
    assert!(said.contains("psu") && (said.contains("lock") || said.contains("in use")), "{said}");
    let safe = station.killcord(["safe"]).arg(&rig).run(SOON);
    assert_eq!(safe.code(), Some(4), "{safe:?}");
    assert!(safe.stderr.contains("psu"), "{safe:?}");
}
