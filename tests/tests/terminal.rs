//! A rig without a window: its session is the terminal, and each way in which a terminal ends makes it safe.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;

use killcord_tests::instrument::Instrument;
use killcord_tests::journal::Journal;
use killcord_tests::process::Process;
use killcord_tests::station::Station;
use killcord_tests::terminal::{Keyboard, Terminal};
use killcord_tests::wait::{LONG, SOON, until_true};
use killcord_tests::{place, rigs};
use rustix::process::Signal;

struct Armed {
    instrument: Instrument,
    station: Station,
    rig: PathBuf,
}

impl Armed {
    fn new() -> Self {
        let instrument = Instrument::start();
        let station = Station::new();
        let rig = station.rig(&(rigs::head("5s", "") + &rigs::switch("psu", &instrument)));
        Self { instrument, station, rig }
    }

    /// `serve --arm` on a pipe, armed.
    fn serve(&self) -> Process {
        let serve = self.station.killcord(["serve", "--arm"]).arg(&self.rig).with_input().start();
        self.await_on();
        serve
    }

    /// `serve --arm` in a terminal, armed.
    fn serve_in(&self, terminal: Terminal) -> (Process, Keyboard) {
        let started = terminal.start(&place::program("killcord"), |launch| {
            self.station.dress(launch).args(["serve", "--arm"]).arg(&self.rig)
        });
        self.await_on();
        started
    }

    #[track_caller]
    fn await_on(&self) {
        until_true("the supply to be on", LONG, || self.instrument.value("OUTP").as_deref() == Some("ON"));
    }

    #[track_caller]
    fn ended_safe(&self, process: &mut Process, cause: &str) {
        let status = process.wait(SOON);
        assert_eq!(status.code(), Some(0), "{status}: {}", process.output().all());
        let commands = self.instrument.commands();
        let after_arm = commands.iter().rposition(|line| line == "OUTP ON").unwrap();
        assert_eq!(&commands[after_arm + 1..], ["OUTP OFF"], "exactly once");
        let journal = Journal::read(&self.station, &self.rig);
        assert_eq!(journal.last()["cause"], cause);
        assert_eq!(journal.status("psu"), "safe_verified");
    }
}

#[test]
fn the_end_of_the_input_makes_the_rig_safe() {
    let armed = Armed::new();
    let mut serve = armed.serve();
    serve.end_input();
    armed.ended_safe(&mut serve, "terminal_closed");
}

#[test]
fn ctrl_c_makes_the_rig_safe() {
    let armed = Armed::new();
    let (mut serve, mut keyboard) = armed.serve_in(Terminal::open());
    keyboard.press(b"\x03");
    armed.ended_safe(&mut serve, "signal");
}

#[test]
fn a_terminal_that_hangs_up_makes_the_rig_safe() {
    let armed = Armed::new();
    let (mut serve, keyboard) = armed.serve_in(Terminal::open());
    drop(keyboard);
    let status = serve.wait(SOON);
    assert_eq!(status.code(), Some(0), "{status}");
    assert_eq!(armed.instrument.value("OUTP").as_deref(), Some("OFF"));
    assert_eq!(Journal::read(&armed.station, &armed.rig).status("psu"), "safe_verified");
}

#[test]
fn each_signal_that_asks_for_an_end_makes_the_rig_safe() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
        let armed = Armed::new();
        let mut serve = armed.serve();
        serve.signal(signal);
        armed.ended_safe(&mut serve, "signal");
    }
}

#[test]
fn signals_that_only_stop_a_job_are_ignored() {
    let armed = Armed::new();
    let mut serve = armed.serve();
    for signal in [Signal::TSTP, Signal::TTIN, Signal::TTOU] {
        serve.signal(signal);
    }
    let state = std::fs::read_to_string(format!("/proc/{}/stat", serve.pid())).unwrap();
    let state = state.rsplit_once(") ").unwrap().1.chars().next().unwrap();
    assert_ne!(state, 'T', "the host was stopped with the rig armed");
    serve.end_input();
    armed.ended_safe(&mut serve, "terminal_closed");
}

#[test]
fn a_second_signal_shortens_the_end_and_skips_no_safe_command() {
    let armed = Armed::new();
    let text = rigs::head("30s", "")
        + &rigs::supply(
            "psu",
            &armed.instrument,
            r#"["VOLT 12", "OUTP ON"]"#,
            r#"[{ ramp = "VOLT {}", from = "VOLT?", to = 0, per_second = 0.6 }, "OUTP OFF"]"#,
            "budget = \"25s\"\nemergency = [\"OUTP OFF\"]",
        );
    std::fs::write(&armed.rig, text).unwrap();
    let mut serve = armed.serve();
    serve.signal(Signal::TERM);
    until_true("the ramp to be under way", LONG, || {
        armed.instrument.commands().iter().filter(|line| line.starts_with("VOLT ")).count() > 3
    });
    let again = std::time::Instant::now();
    serve.signal(Signal::TERM);
    let status = serve.wait(LONG);
    let took = again.elapsed();
    assert_eq!(status.code(), Some(0), "{status}: {}", serve.output().all());
    assert!(took.as_secs() < 10, "the ramp of 20 s was not cut short: {took:?}");
    assert_eq!(armed.instrument.commands().last().map(String::as_str), Some("OUTP OFF"));
}
