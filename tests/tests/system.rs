//! A machine that goes to sleep or shuts down waits until the hardware is safe, and a service manager knows
//! how a host is.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use killcord_tests::instrument::Instrument;
use killcord_tests::journal::Journal;
use killcord_tests::logind::{Lock, Logind};
use killcord_tests::peers::{SAFE, Trio};
use killcord_tests::process::{Launch, Process};
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, SOON, until, until_true};
use killcord_tests::{door, place, rigs};
use rustix::process::Signal;

/// What logind grants where nobody has set anything else.
const USUAL: Duration = Duration::from_secs(5);

struct Bench {
    trio: Trio,
    station: Station,
    rig: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let (trio, station) = (Trio::start(), Station::new());
        let rig = station.rig(&trio.rig());
        Self { trio, station, rig }
    }

    /// `serve`, opened and safe.
    #[track_caller]
    fn serve(&self, logind: &Logind) -> Process {
        let serve = logind.dress(self.station.killcord(["serve"]).arg(&self.rig)).with_input().start();
        door::await_state(&self.station, "safe");
        door::await_watchdog(&self.station);
        serve
    }

    #[track_caller]
    fn arm(&self, serve: &mut Process) {
        serve.type_line("arm");
        until_true("all three instruments to be on", LONG, || self.trio.all_on());
        door::await_state(&self.station, "armed");
    }
}

#[track_caller]
fn await_unlocked(logind: &Logind) {
    until_true("the lock to be given back", SOON, || logind.locks().is_empty());
}

/// What logind waits for is shorter than the reserves of these three: it is an emergency from the start, in which a
/// successor waits until its predecessor's first command has gone out, and for no answer. So each instrument says what it
/// has received, and the record in which order it was sent.
#[track_caller]
fn assert_safe_at_once(commands: &[String], journal: &Journal) {
    let mut received: Vec<&str> = commands.iter().map(String::as_str).collect();
    let mut expected = SAFE;
    received.sort_unstable();
    expected.sort_unstable();
    assert_eq!(received, expected, "each exactly once");
    let furnaces: Vec<_> = commands.iter().filter(|command| command.starts_with("furnace")).collect();
    assert_eq!(furnaces, SAFE[1..3].iter().collect::<Vec<_>>());
    assert_eq!(journal.device("furnace")["mode"], "emergency", "the order is the whole one otherwise");
    let first_byte = |device: &str| {
        let at = &journal.device(device)["first_byte"];
        (at["secs"].as_u64().unwrap(), at["nanos"].as_u64().unwrap())
    };
    let times = ["pace", "furnace", "cryocon"].map(first_byte);
    assert!(times.is_sorted(), "{times:?}");
}

/// A rig that stays open is on record a moment after it is safe: no sleep waits for the disk.
#[track_caller]
fn await_suspend_on_record(station: &Station, rig: &Path) -> Journal {
    until("the suspend to be on record", SOON, || {
        let journal = Journal::read(station, rig);
        (journal.last()["cause"] == "suspend").then_some(journal)
    })
}

#[test]
fn a_sleep_waits_for_three_instruments_and_nothing_arms_before_the_machine_is_awake() {
    let (bench, logind) = (Bench::new(), Logind::granting(USUAL));
    let mut serve = bench.serve(&logind);
    assert_eq!(logind.locks(), [], "nothing is armed: nothing is delayed");
    bench.arm(&mut serve);
    let Lock { what, who, why, mode } = logind.locks().pop().expect("armed without a lock");
    assert_eq!((what.as_str(), who.as_str(), mode.as_str()), ("sleep:shutdown", "Killcord", "delay"));
    assert!(why.contains("Three peers"), "{why}");

    let before = bench.trio.commands().len();
    logind.sleep(true);
    await_unlocked(&logind);
    assert!(bench.trio.all_off(), "the machine would sleep with outputs on");
    let journal = await_suspend_on_record(&bench.station, &bench.rig);
    assert_safe_at_once(&bench.trio.command_texts()[before..], &journal);

    door::await_state(&bench.station, "safe");
    serve.type_line("arm");
    serve.await_line("why it does not arm", SOON, |line| line.text.contains("about to sleep"));
    assert!(bench.trio.all_off());

    let refused = || door::ask(&bench.station, "status", SOON).unwrap()["rig"]["arm_refused"].clone();
    assert_eq!(refused()[0]["code"], "system_stops");
    logind.sleep(false);
    until_true("arming to be allowed again", SOON, || refused().as_array().is_none_or(Vec::is_empty));
    bench.arm(&mut serve);
    assert_eq!(logind.locks().len(), 1, "a new lock");
    serve.signal(Signal::TERM);
    assert_eq!(serve.wait(LONG).code(), Some(0), "{}", serve.output().all());
    assert_eq!(logind.locks(), []);
}

#[test]
fn a_shutdown_waits_until_three_instruments_are_safe_released_and_on_record() {
    let (bench, logind) = (Bench::new(), Logind::granting(USUAL));
    let mut serve = bench.serve(&logind);
    bench.arm(&mut serve);
    let before = bench.trio.commands().len();
    logind.shutdown();
    await_unlocked(&logind);
    assert!(bench.trio.all_off(), "the machine would go down with outputs on");
    let journal = Journal::read(&bench.station, &bench.rig);
    assert_safe_at_once(&bench.trio.command_texts()[before..], &journal);
    assert_eq!(journal.last()["cause"], "shutdown");
    for device in ["pace", "furnace", "cryocon"] {
        assert_eq!(journal.status(device), "safe_verified");
        assert_eq!(journal.device(device)["released"], true);
    }
    assert_eq!(serve.wait(LONG).code(), Some(0), "{}", serve.output().all());
}

#[test]
fn a_way_down_that_is_longer_than_the_system_waits_becomes_an_emergency_in_time() {
    let (instrument, station) = (Instrument::start(), Station::new());
    let granted = Duration::from_secs(3);
    let logind = Logind::granting(granted);
    let safe = r#"[{ wait = "20s" }, "OUTP OFF"]"#;
    let text = rigs::head("60s", "") + &rigs::supply("psu", &instrument, r#"["OUTP ON"]"#, safe, "");
    // Emergency and verify need two of these; what is left of 3 s is cut by 0.5 s, and by 0.5 s for the record.
    let rig = station.rig(&text.replace("timeout = \"500ms\"", "timeout = \"200ms\""));
    let start = logind.dress(station.killcord(["serve", "--arm"]).arg(&rig)).start();
    until_true("the supply to be on", LONG, || instrument.value("OUTP").as_deref() == Some("ON"));
    door::await_state(&station, "armed");
    // The way down at the start was a whole one; this one is cut short.
    let announced = Instant::now();
    logind.sleep(true);
    await_unlocked(&logind);
    let took = announced.elapsed();
    assert_eq!(instrument.value("OUTP").as_deref(), Some("OFF"));
    assert!(took < granted, "logind would have gone on after {granted:?}; it took {took:?}");
    let journal = await_suspend_on_record(&station, &rig);
    assert_eq!(
        (journal.status("psu"), &journal.device("psu")["mode"]),
        ("safe_verified", &"emergency".into())
    );
    drop(start);
}

#[test]
fn a_logind_that_gives_no_lock_keeps_the_rig_from_arming_and_says_why() {
    let (instrument, station, logind) = (Instrument::start(), Station::new(), Logind::refusing());
    let rig = station.rig(&(rigs::head("5s", "") + &rigs::switch("psu", &instrument)));
    let mut serve = logind.dress(station.killcord(["serve"]).arg(&rig)).with_input().start();
    door::await_state(&station, "safe");
    door::await_watchdog(&station);
    serve.type_line("arm");
    serve.await_line("why it does not arm", SOON, |line| line.text.contains("cannot be delayed"));
    assert!(!instrument.commands().contains(&"OUTP ON".into()), "{:?}", instrument.commands());
    let doctor = logind.dress(station.killcord(["doctor"])).run(SOON);
    assert!(doctor.stdout.contains("gives no delay lock"), "{}", doctor.stdout);
}

#[test]
fn a_rig_that_holds_through_a_suspend_delays_the_shutdown_alone() {
    let (instrument, station, logind) = (Instrument::start(), Station::new(), Logind::granting(USUAL));
    let head = rigs::head("5s", "on_suspend = \"hold\"");
    let rig = station.rig(&(head + &rigs::switch("psu", &instrument)));
    let mut serve = logind.dress(station.killcord(["serve", "--arm"]).arg(&rig)).start();
    door::await_state(&station, "armed");
    assert_eq!(logind.locks()[0].what, "shutdown");
    logind.sleep(true);
    logind.sleep(false);
    // Behind those two on the same connection.
    logind.shutdown();
    assert_eq!(serve.wait(LONG).code(), Some(0), "{}", serve.output().all());
    let causes: Vec<_> = Journal::read(&station, &rig)
        .teardowns()
        .iter()
        .map(|teardown| teardown["cause"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(causes, ["shutdown", "start"]);
}

#[test]
fn a_logind_or_a_bus_that_goes_away_takes_nothing_along_and_no_arming_waits_for_it() {
    for with_its_bus in [false, true] {
        let (instrument, station, mut logind) =
            (Instrument::start(), Station::new(), Logind::granting(USUAL));
        let rig = station.rig(&(rigs::head("5s", "") + &rigs::switch("psu", &instrument)));
        let mut serve = logind.dress(station.killcord(["serve", "--arm"]).arg(&rig)).with_input().start();
        door::await_state(&station, "armed");
        logind.end();
        if with_its_bus {
            drop(logind);
        }
        assert_eq!(instrument.value("OUTP").as_deref(), Some("ON"));
        serve.type_line("safe");
        until_true("the supply to be off", SOON, || instrument.value("OUTP").as_deref() == Some("OFF"));
        door::await_state(&station, "safe");
        serve.type_line("arm");
        door::await_state(&station, "armed");
    }
}

/// A service manager's socket.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
    heard: Vec<String>,
}

impl Manager {
    fn new(station: &Station) -> Self {
        let path = station.path("run").join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(SOON)).unwrap();
        Self { socket, path, heard: Vec::new() }
    }

    fn dress(&self, launch: Launch) -> Launch {
        launch.env("NOTIFY_SOCKET", &self.path).env("WATCHDOG_USEC", "400000")
    }

    /// Hears until something says this; everything heard so far is kept.
    #[track_caller]
    fn await_word(&mut self, word: &str) {
        let mut block = [0; 256];
        loop {
            let n = self
                .socket
                .recv(&mut block)
                .unwrap_or_else(|error| panic!("{word}: {error}: {:?}", self.heard));
            let text = String::from_utf8_lossy(&block[..n]).into_owned();
            let found = text.lines().any(|line| line == word);
            self.heard.push(text);
            if found {
                return;
            }
        }
    }
}

#[test]
fn a_service_manager_hears_ready_when_the_rig_is_safe_then_beats_then_stopping() {
    let (instrument, station) = (Instrument::start(), Station::new());
    let mut manager = Manager::new(&station);
    let rig = station.rig(&(rigs::head("5s", "") + &rigs::switch("psu", &instrument)));
    // As systemd starts it: nobody is behind its input, and the end of that ends nothing.
    let mut serve = manager.dress(station.killcord(["serve"]).arg(&rig)).start();
    manager.await_word("READY=1");
    assert_eq!(instrument.commands().last().map(String::as_str), Some("OUTP OFF"));
    manager.heard.clear();
    for _ in 0..3 {
        manager.await_word("WATCHDOG=1");
    }
    assert_eq!(manager.heard.len(), 3, "{:?}", manager.heard);
    serve.signal(Signal::TERM);
    manager.await_word("STOPPING=1");
    assert_eq!(serve.wait(SOON).code(), Some(0), "{}", serve.output().all());
}

#[test]
fn the_unit_is_one_that_systemd_takes() {
    let unit = std::fs::read_to_string(place::root().join("packaging/systemd/killcord@.service")).unwrap();
    let station = Station::new();
    // Where it is installed it is there; here it is in the folder of the build.
    let here = unit.replace("/usr/bin/killcord", &place::program("killcord").display().to_string());
    let path = station.path("run").join("killcord@.service");
    std::fs::write(&path, here).unwrap();
    let ended = Launch::new(place::system("systemd-analyze"))
        .args(["verify", "--man=no", "--recursive-errors=one"])
        .arg(&path)
        .run(SOON);
    assert!(ended.status.success() && ended.stderr.is_empty(), "{}", ended.stderr);
}
