//! `check` with its plan and its devices' answers: it asks, and never tells.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod common;

use common::Machine;
use killcord_sim::{Fault, FaultKind};

fn check(machine: &Machine, more: &[&str]) -> common::Ended {
    let rig = machine.rig();
    machine.run(["check".as_ref(), rig.as_os_str()].into_iter().chain(more.iter().map(AsRef::as_ref)))
}

#[test]
fn the_plan_shows_order_sequences_and_the_worst_case() {
    let machine = Machine::new();
    let checked = check(&machine, &["--plan", "--json"]).assert_code(0).json();
    let devices = checked["plan"]["devices"].as_array().unwrap();
    let names: Vec<_> = devices.iter().map(|device| device["device"].as_str().unwrap()).collect();
    let at = |name| names.iter().position(|it| *it == name).unwrap();
    assert!(at("psu") < at("load"), "{names:?}");
    let load = &devices[at("load")];
    assert_eq!(load["safe_after"][0], "psu");
    assert_eq!(load["begins_ms"], devices[at("psu")]["ends_ms"]);
    assert_eq!(load["safe"][0], "INP OFF");
    let worst = &checked["plan"]["worst_case"];
    assert_eq!(worst["chain"], serde_json::json!(["psu", "load"]));
    assert!(worst["whole_ms"].as_u64() <= checked["plan"]["deadline_ms"].as_u64());
    let text = check(&machine, &["--plan"]).assert_code(0).stdout;
    assert!(text.contains("Worst case: psu, then load"), "{text}");
    assert!(machine.bench.inspect().commands.is_empty(), "a plan needs no device");
}

#[test]
fn connecting_asks_every_query_and_sends_nothing_else() {
    let machine = Machine::new();
    let checked = check(&machine, &["--connect", "--json"]).assert_code(0).json();
    let psu = &checked["devices"][0];
    assert!(psu["identity"].as_str().unwrap().contains("DEMO SUPPLY"));
    let asked: Vec<_> =
        psu["queries"].as_array().unwrap().iter().map(|it| it["query"].as_str().unwrap()).collect();
    for query in ["MEAS:VOLT?", "MEAS:CURR?", "OUTP?", "VOLT?"] {
        assert!(asked.contains(&query), "{asked:?}");
    }
    let verify = psu["queries"].as_array().unwrap().iter().find(|it| it["query"] == "OUTP?").unwrap();
    assert_eq!((&verify["answer"], &verify["holds"]), (&"0".into(), &true.into()));
    let now = machine.bench.inspect();
    assert!(now.commands.len() >= 10);
    for command in &now.commands {
        let asks = command.text.ends_with('?') || command.text.starts_with("read_");
        assert!(asks, "{} was sent {:?}", command.instrument, command.text);
    }
    assert!(now.changes.is_empty(), "{:?}", now.changes);
}

#[test]
fn a_device_that_is_not_there_or_does_not_answer_is_named() {
    let machine = Machine::new();
    machine.bench.fault("load", Fault::new(FaultKind::Unplugged)).unwrap();
    machine.bench.fault("furnace", Fault::new(FaultKind::Mute)).unwrap();
    let text = check(&machine, &["--connect"]).assert_code(3).stdout;
    assert!(text.contains("2 of 3 devices did not answer"), "{text}");
    let checked = check(&machine, &["--connect", "--json"]).assert_code(3).json();
    assert_eq!(checked["ok"], false);
    assert!(checked["devices"][0]["error"].is_null());
    assert!(checked["devices"][1]["error"].is_string());
    assert!(checked["devices"][2]["queries"][0]["error"].is_string());
}

#[test]
fn another_instrument_is_asked_for_its_name_and_nothing_else() {
    let machine = Machine::new();
    machine.bench.fault("psu", Fault::new(FaultKind::WrongIdentity)).unwrap();
    let text = check(&machine, &["--connect"]).assert_code(3).stdout;
    assert!(text.contains("another instrument answers"), "{text}");
    assert_eq!(machine.bench.inspect().received("psu"), ["*IDN?"]);
}

#[test]
fn a_live_bench_is_shown_as_it_is_and_left_as_it_is() {
    let machine = Machine::new();
    machine.rig();
    machine.turn_on("psu", "VOLT 7\nOUTP ON\n");
    machine.await_state("7 V", |now| now.energised("psu") == Some(true));
    let text = check(&machine, &["--connect"]).assert_code(0).stdout;
    assert!(text.contains("does NOT hold now"), "{text}");
    assert_eq!(machine.bench.inspect().energised("psu"), Some(true));
}
