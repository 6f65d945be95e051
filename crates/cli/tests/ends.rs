//! Each way in which a terminal ends makes the rig safe, once and in order. The instruments decide.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod common;

use std::process::Stdio;

use common::{Killcord, Machine};
use rustix::process::Signal;

#[test]
fn the_end_of_the_input_makes_the_rig_safe_and_is_on_record() {
    let machine = Machine::new();
    let rig = machine.rig();
    let mut serve = machine.serve_armed(&rig);
    serve.end_input();
    serve.end().assert_code(0);
    machine.assert_made_safe_once();

    let journal = machine.run(["journal".as_ref(), rig.as_os_str(), "--json".as_ref()]).assert_code(0).json();
    assert_eq!(journal["runs"][0]["exit"], 0);
    assert!(journal["runs"][0]["ended_ms"].is_u64());
    assert_eq!(journal["sessions"][0]["kind"], "terminal");
    assert_eq!(journal["sessions"][0]["role"], "operator");
    assert!(journal["sessions"][0]["ended_ms"].is_u64());
    assert_eq!(journal["teardowns"][0]["cause"], "terminal_closed");
    assert_eq!(journal["teardowns"][0]["confirmed"], true);

    let id = journal["teardowns"][0]["id"].to_string();
    let show = |more: &[&str]| {
        machine.run(["journal", "show", &id, rig.to_str().unwrap()].iter().chain(more)).assert_code(0)
    };
    let report = show(&["--json"]).json();
    for device in report["devices"].as_array().unwrap() {
        assert_eq!(device["status"], "safe_verified", "{device}");
        assert_eq!(device["released"], true, "{device}");
    }
    assert!(show(&["--csv"]).stdout.contains("psu,safe,"));
    assert!(show(&[]).stdout.contains("terminal closed"));
}

#[test]
fn each_signal_that_asks_for_an_end_makes_the_rig_safe() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
        let machine = Machine::new();
        let serve = machine.serve_armed(&machine.rig());
        serve.signal(signal);
        serve.end().assert_code(0);
        machine.assert_made_safe_once();
    }
}

#[test]
fn dev_null_has_nobody_behind_it_and_its_end_ends_nothing() {
    let machine = Machine::new();
    let mut command = machine.command(env!("CARGO_BIN_EXE_killcord"));
    command.arg("serve").arg(machine.rig()).arg("--arm").stdin(Stdio::null());
    let mut serve = Killcord::start(command);
    machine.await_on();
    let polls =
        |now: &killcord_sim::Snapshot| now.received("psu").iter().filter(|it| **it == "MEAS:VOLT?").count();
    let before = polls(&machine.bench.inspect());
    let now = machine.await_state("some more polls", |now| polls(now) > before + 5);
    assert!(serve.is_running());
    assert_eq!(now.energised("psu"), Some(true));
    serve.signal(Signal::TERM);
    serve.end().assert_code(0);
    machine.assert_made_safe_once();
}

#[test]
fn what_is_typed_is_done_and_answered() {
    let machine = Machine::new();
    let mut serve = machine.serve(&machine.rig(), &[]);
    serve.await_words(" Safe\n");
    assert_eq!(machine.bench.inspect().energised("psu"), Some(false), "nothing arms by itself");
    serve.type_line("set psu setpoint 5");
    serve.await_error("set psu setpoint 5: ");
    serve.arm();
    machine.await_on();
    serve.type_line("set psu setpoint 5");
    serve.await_words("set psu setpoint 5: done");
    machine.await_state("5 V", |now| now.number("psu", "setpoint") == Some(5.0));
    serve.type_line("set psu setpoint 500");
    serve.await_error("set psu setpoint 500: ");
    serve.type_line("status");
    serve.await_words("(set: 5 V)");
    serve.type_line("safe");
    machine.await_state("everything off", |now| now.instruments.values().all(|it| !it.energised));
    serve.type_line("fly");
    serve.await_error("type `help`");
    serve.type_line("quit");
    serve.end().assert_code(0);
}

#[test]
fn frames_come_as_json_lines_and_the_report_last() {
    let machine = Machine::new();
    let mut serve = machine.serve(&machine.rig(), &["--arm", "--json"]);
    machine.await_on();
    serve.end_input();
    let ended = serve.end().assert_code(0);
    let lines: Vec<serde_json::Value> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.first().unwrap()["t"], "welcome");
    let end = lines.last().unwrap();
    assert_eq!((&end["t"], &end["exit"]), (&"end".into(), &0.into()));
    assert_eq!(end["report"]["devices"].as_array().unwrap().len(), 3);
}
