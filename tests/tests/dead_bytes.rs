//! What a dead host had written and the instrument had not read yet dies with the host: it is never carried out
//! behind the watchdog's safe command.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::ACTED;
use killcord_tests::door;
use killcord_tests::instrument::Instrument;
use killcord_tests::rigs;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, SOON, until_true};
use killcord_tests::watchdog::Watchdog;
use rustix::process::Signal;

/// More than an instrument with a small window takes before it reads, and as much as an arm sequence may have.
const BLOCK: usize = 3900;

#[test]
fn an_arm_command_in_a_dead_hosts_buffer_is_never_carried_out() {
    let (instrument, station) = (Instrument::with_a_small_window(), Station::new());
    let arm = format!(r#"["DATA {}", "OUTP ON"]"#, "x".repeat(BLOCK));
    let supply = rigs::supply("psu", &instrument, &arm, r#"["OUTP OFF"]"#, "");
    let rig = station.rig(&(rigs::head("8s", "") + &supply));
    let mut host = station.killcord(["serve"]).arg(&rig).with_input().start();
    door::await_state(&station, "safe");
    door::await_watchdog(&station);
    let watchdog = Watchdog::await_of(&host);

    instrument.deafen();
    host.type_line("arm");
    door::await_state(&station, "armed");
    let on = || instrument.commands().iter().any(|command| command == "OUTP ON");
    assert!(!on(), "it has read the command already");
    host.signal(Signal::KILL);
    host.wait(SOON);
    assert_eq!(watchdog.status(LONG), ACTED);
    assert_eq!(instrument.value("OUTP").as_deref(), Some("OFF"));

    // Now it reads what the dead host's connection still holds.
    instrument.hear();
    until_true("the old connections to end", LONG, || instrument.connections() == 0);
    assert!(!on(), "the dead host has switched it on: {:?}", instrument.commands());
    assert_eq!(instrument.value("OUTP").as_deref(), Some("OFF"));
}
