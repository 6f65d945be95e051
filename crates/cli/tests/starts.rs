//! What does not start says why, touches nothing, and gives the documented status.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod common;

use std::{fs, os::unix::fs::PermissionsExt, process::Stdio};

use common::{Killcord, Machine};

#[test]
fn a_rig_that_another_process_holds_is_refused_by_its_name() {
    let machine = Machine::new();
    let rig = machine.rig();
    let mut first = machine.serve_armed(&rig);
    let pid = first.pid().to_string();
    for args in [&["serve"][..], &["check", "--connect"], &["safe"]] {
        let refused = machine.run(args.iter().map(AsRef::as_ref).chain([rig.as_os_str()])).assert_code(3);
        assert!(refused.stderr.contains(&pid), "{args:?}: {}", refused.stderr);
    }
    assert_eq!(machine.bench.inspect().energised("psu"), Some(true), "the first one was not disturbed");
    first.end_input();
    first.end().assert_code(0);
    machine.assert_made_safe_once();
}

#[test]
fn a_wrong_rig_file_is_refused_with_its_problems_and_nothing_is_opened() {
    let machine = Machine::new();
    let text =
        killcord_sim::demo::rig(&machine.bench.addresses()).replace("driver = \"scpi\"", "driver = \"scpy\"");
    let rig = machine.write(&text);
    for args in [&["serve", "--arm"][..], &["safe"], &["check"], &[]] {
        let refused = machine.run(args.iter().map(AsRef::as_ref).chain([rig.as_os_str()])).assert_code(2);
        assert!(
            refused.stderr.contains("scpy") && refused.stderr.contains("scpi"),
            "{args:?}: {}",
            refused.stderr
        );
    }
    assert!(machine.bench.inspect().commands.is_empty());
    let checked = machine.run(["check".as_ref(), rig.as_os_str(), "--json".as_ref()]).assert_code(2).json();
    assert_eq!(checked["ok"], false);
    assert!(checked["problems"][0]["line"].is_u64());
}

#[test]
fn a_command_line_that_makes_no_sense_is_refused() {
    let machine = Machine::new();
    for args in [&["serve"][..], &["fly", "away"], &["serve", "a", "b"], &["--port", "1"], &["token", "list"]]
    {
        machine.run(args).assert_code(2);
    }
    machine.run(["serve", "nowhere.toml"]).assert_code(2);
    let help = machine.run(["--help"]).assert_code(0).stdout;
    assert!(help.contains(
        "Killcord is not a certified safety function; it does not replace an emergency-stop circuit."
    ));
    assert!(help.contains("Opening a rig ends whatever runs on it."));
}

#[test]
fn a_rig_that_was_found_and_not_named_is_not_opened_without_a_persons_word() {
    let machine = Machine::new();
    let folder = machine.path("config/killcord");
    fs::create_dir(&folder).unwrap();
    fs::copy(machine.rig(), folder.join("rig.toml")).unwrap();
    let refused = machine.run::<&str>([]).assert_code(2);
    assert!(refused.stderr.contains("name it"), "{}", refused.stderr);
    assert!(machine.bench.inspect().commands.is_empty(), "something was sent");
}

#[test]
fn the_window_beside_the_program_is_opened_where_there_is_a_display() {
    let machine = Machine::new();
    let (killcord, desktop) = (machine.path("killcord"), machine.path("killcord-desktop"));
    fs::copy(env!("CARGO_BIN_EXE_killcord"), &killcord).unwrap();
    fs::write(&desktop, "#!/bin/sh\necho \"$@\"\nexit 4\n").unwrap();
    fs::set_permissions(&desktop, fs::Permissions::from_mode(0o755)).unwrap();
    let rig = machine.rig();
    let mut command = machine.command(&killcord);
    command.arg(&rig).args(["--state-dir", "s"]).env("DISPLAY", ":7").stdin(Stdio::null());
    let ended = Killcord::start(command).end().assert_code(4);
    assert_eq!(ended.stdout.trim(), format!("--state-dir s -- {}", rig.display()));
    // Without a display the reason is told and the terminal serves.
    let mut command = machine.command(&killcord);
    command.arg(&rig).stdin(Stdio::piped());
    let mut serve = Killcord::start(command);
    serve.await_error("there is no display");
    serve.await_words(" Safe\n");
    serve.end_input();
    serve.end().assert_code(0);
}

#[test]
fn init_writes_a_rig_file_that_checks_and_overwrites_none() {
    let machine = Machine::new();
    let file = machine.path("new.toml");
    machine.run(["init".as_ref(), file.as_os_str()]).assert_code(0);
    machine.run(["check".as_ref(), file.as_os_str()]).assert_code(0);
    let before = fs::read(&file).unwrap();
    machine.run(["init".as_ref(), file.as_os_str()]).assert_code(3);
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn doctor_says_what_is_missing_and_what_mends_it() {
    let machine = Machine::new();
    let findings = machine.run(["doctor", "--json"]).assert_code(3).json();
    let display = &findings[0];
    assert_eq!((&display["check"], &display["outcome"]), (&"display".into(), &"failed".into()));
    assert!(display["remedy"].as_str().unwrap().contains("killcord serve"));
    let watchdog = findings.as_array().unwrap().iter().find(|it| it["check"] == "watchdog").unwrap();
    assert_ne!(watchdog["outcome"], "failed", "{watchdog:#}");
    assert!(watchdog["found"].as_str().unwrap().contains("killcord"), "asked itself: {watchdog:#}");
}
