//! `safe`: here, or through the host that holds the rig.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod common;

use common::Machine;
use killcord_sim::{Fault, FaultKind};
use rustix::process::Signal;

#[test]
fn a_bench_found_live_is_made_safe_and_released_and_that_is_on_record() {
    let machine = Machine::new();
    let rig = machine.rig();
    machine.turn_on("psu", "VOLT 12\nOUTP ON\n");
    machine.await_state("the supply to be on", |now| now.energised("psu") == Some(true));
    let report = machine.run(["safe".as_ref(), rig.as_os_str(), "--json".as_ref()]).assert_code(0).json();
    for device in report["devices"].as_array().unwrap() {
        assert_eq!(
            (&device["status"], &device["released"]),
            (&"safe_verified".into(), &true.into()),
            "{device}"
        );
    }
    let now = machine.bench.inspect();
    assert_eq!(now.energised("psu"), Some(false));
    assert_eq!(now.received("psu").iter().filter(|it| **it == "OUTP OFF").count(), 1);
    assert_eq!(now.received("load").iter().filter(|it| **it == "INP OFF").count(), 1);
    let journal = machine.run(["journal".as_ref(), rig.as_os_str(), "--json".as_ref()]).assert_code(0).json();
    assert_eq!(journal["runs"][0]["exit"], 0);
    assert_eq!(journal["teardowns"][0]["confirmed"], true);
}

#[test]
fn a_device_that_cannot_be_made_safe_is_named() {
    let machine = Machine::new();
    let rig = machine.rig();
    machine.bench.fault("furnace", Fault::new(FaultKind::Refuse).on("write_coil 0")).unwrap();
    machine.bench.fault("load", Fault::new(FaultKind::Unplugged)).unwrap();
    let ended = machine.run(["safe".as_ref(), rig.as_os_str()]).assert_code(4);
    assert!(ended.stderr.contains("load: unreachable"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("psu:"), "{}", ended.stderr);
}

#[test]
fn a_running_host_is_asked_through_its_door_and_stays() {
    let machine = Machine::new();
    let rig = machine.rig();
    let nobody = machine.run(["safe".as_ref(), rig.as_os_str(), "--through-host".as_ref()]).assert_code(3);
    assert!(nobody.stderr.contains("Leave out --through-host"), "{}", nobody.stderr);
    let mut serve = machine.serve_armed(&rig);
    let refused = machine.run(["safe".as_ref(), rig.as_os_str()]).assert_code(3);
    assert!(refused.stderr.contains("--through-host"), "{}", refused.stderr);
    machine.run(["safe".as_ref(), rig.as_os_str(), "--through-host".as_ref()]).assert_code(0);
    machine.assert_made_safe_once();
    assert!(serve.is_running());
    serve.type_line("arm");
    serve.await_words("arm: done");
    machine.await_on();
    serve.end_input();
    serve.end().assert_code(0);
    machine.assert_made_safe_once();
}

#[test]
fn if_unclean_acts_behind_a_killed_host_once_and_never_behind_a_clean_end() {
    let machine = Machine::new();
    let rig = machine.rig_without_a_watchdog();
    let if_unclean =
        || machine.run(["safe".as_ref(), rig.as_os_str(), "--if-unclean".as_ref()]).assert_code(0);
    let received = || machine.bench.inspect().received("psu").len();
    let before = received();
    assert!(if_unclean().stdout.contains("nothing to do"), "no run at all is no unclean one");
    assert_eq!(received(), before);

    let serve = machine.serve_armed(&rig);
    serve.signal(Signal::KILL);
    serve.end();
    assert_eq!(machine.bench.inspect().energised("psu"), Some(true), "nobody has made it safe yet");
    if_unclean();
    assert_eq!(machine.bench.inspect().energised("psu"), Some(false));
    let before = received();
    assert!(if_unclean().stdout.contains("nothing to do"));
    assert_eq!(received(), before, "not one byte more");

    // Nobody has looked at the bench: a start by a service manager arms nothing.
    let mut again = machine.serve(&rig, &["--arm"]);
    again.await_words("ack");
    again.type_line("status");
    again.end_input();
    again.end().assert_code(0);
    assert_eq!(machine.bench.inspect().energised("psu"), Some(false));
}
