//! The drill, with real hosts at twins of rigs of all kinds.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod common;

use std::{fs::File, io::Write as _, path::Path};

use common::{Ended, Killcord, Machine};
use rustix::{
    fs::{Mode, OFlags},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};
use serde_json::Value;

fn drill(machine: &Machine, text: &str, causes: &[&str]) -> (Ended, Value) {
    let rig = machine.write(text);
    let mut args = vec!["drill", rig.to_str().unwrap(), "--json"];
    args.extend(causes.iter().flat_map(|cause| ["--only", cause]));
    let ended = machine.run(args);
    let told = ended.json();
    (ended, told)
}

#[track_caller]
fn assert_all_safe(told: &Value, causes: &[&str]) {
    assert_eq!(told["safe"], true, "{told:#}");
    let rows = told["causes"].as_array().unwrap();
    assert_eq!(rows.len(), causes.len());
    for (row, cause) in rows.iter().zip(causes) {
        assert_eq!((&row["name"], &row["outcome"]), (&(*cause).into(), &"safe".into()), "{row:#}");
        let (first, safe) = (row["first_safe_byte_ms"].as_f64(), row["safe_ms"].as_f64());
        assert!(first.unwrap() <= safe.unwrap(), "{row:#}");
    }
}

const DEMO: &str = include_str!("../../../examples/demo/rig.toml");

/// One device on its own line; everything quick.
fn small(body: &str) -> String {
    format!(
        "[rig]\nname = \"Small\"\ndeadline = \"3s\"\n[safety]\nwatchdog = \"off\"\n\
         [[device]]\nname = \"psu\"\ndriver = \"scpi\"\nconnect = \"tcp://psu.nowhere.example:5025\"\n\
         timeout = \"200ms\"\narm = [\"OUTP ON\"]\n{body}"
    )
}

#[test]
fn the_demo_is_safe_whatever_asks_its_host_to_end() {
    let causes = ["sigterm", "sigint", "sighup", "sigquit", "terminal_closed"];
    let (ended, told) = drill(&Machine::new(), DEMO, &causes);
    assert_all_safe(&told, &causes);
    ended.assert_code(0);
}

#[test]
fn the_demo_is_safe_after_what_leaves_its_host_running() {
    let causes = ["safe_stop", "interlock", "stale", "device_fault"];
    let (ended, told) = drill(&Machine::new(), DEMO, &causes);
    assert_all_safe(&told, &causes);
    ended.assert_code(0);
}

#[test]
fn a_start_after_both_were_killed_makes_the_demo_safe() {
    let (ended, told) = drill(&Machine::new(), DEMO, &["both_killed"]);
    assert_all_safe(&told, &["both_killed"]);
    ended.assert_code(0);
}

#[test]
fn a_rig_without_a_watchdog_is_not_safe_from_a_kill_and_the_drill_says_so() {
    let text = small("safe = [\"OUTP OFF\"]\nverify = [{ query = \"OUTP?\", equals = false }]\n");
    let (ended, told) = drill(&Machine::new(), &text, &["host_killed"]);
    assert_eq!(told["causes"][0]["outcome"], "not_safe", "{told:#}");
    assert_eq!(told["causes"][0]["devices"][0], "psu");
    let ended = ended.assert_code(4);
    assert!(ended.stderr.contains("watchdog"), "{}", ended.stderr);
}

#[test]
fn a_check_that_cannot_hold_names_its_device() {
    let text = small(
        "safe = [\"OUTP OFF\"]\n\
         verify = [{ query = \"OUTP?\", equals = false }, { query = \"OUTP?\", equals = true }]\n",
    );
    let (ended, told) = drill(&Machine::new(), &text, &["sigterm", "sigint"]);
    assert_eq!(told["causes"][0]["outcome"], "not_armed", "{told:#}");
    assert_eq!(told["causes"][0]["devices"][0], "psu");
    assert_eq!(told["causes"][1]["outcome"], "not_run", "what does not arm is not tried again");
    let ended = ended.assert_code(4);
    assert!(ended.stderr.contains("psu: cannot come true"), "{}", ended.stderr);
}

#[test]
fn every_kind_of_wire_has_a_twin_and_no_program_of_the_rig_is_run() {
    let machine = Machine::new();
    let ran = machine.path("ran");
    let text = format!(
        r#"
[rig]
name = "All wires"
deadline = "20s"
[safety]
watchdog = "off"

[[link]]
name = "bus"
connect = "modbus+rtu:///dev/serial/by-id/usb-nowhere?baud=19200&parity=even"

[[device]]
name = "oven"
driver = "modbus"
link = "bus"
unit = 1
timeout = "500ms"
arm = [{{ write_register = 100, value = 70.5, type = "f32" }}, {{ write_coil = 0, value = true }}]
safe = [{{ write_register = 100, value = 0, type = "f32" }}, {{ write_coil = 0, value = false }}]
verify = [{{ read_coil = 0, equals = false }}, {{ read_input = 7, below = 40, type = "i16", scale = 0.1 }}]

[[device]]
name = "pump"
driver = "modbus"
link = "bus"
unit = 2
timeout = "500ms"
safe_after = ["oven"]
arm = [{{ write_register = 3, value = 4, mask = 4 }}]
safe = [{{ write_register = 3, value = 0, mask = 4 }}]
verify = [{{ read_register = 3, mask = 4, equals = 0 }}]

[[device]]
name = "valves"
driver = "modbus"
connect = "modbus+tcp://valves.nowhere.example:502"
timeout = "500ms"
arm = [{{ write_coil = 3, value = true }}]
safe = [{{ write_coil = 3, value = false }}]
verify = [{{ read_discrete = 3, equals = false }}]

[[device]]
name = "stage"
driver = "scpi"
connect = "serial:///dev/serial/by-id/usb-stage?baud=115200&term=cr&dtr=keep"
timeout = "500ms"
id = "VER?"
expect_id = "Grbl"
arm = [{{ send = "$X", answer = "ok" }}, {{ send = "M3", answer = "ok" }}]
safe = [{{ bytes = "0x18" }}, {{ send = "M5", answer = "ok" }}]
verify = [{{ query = "STAT?", matches = "^<(Idle|Hold)", field = 1 }}]

[[device]]
name = "mains"
driver = "exec"
timeout = "5s"
arm = [{{ run = ["touch", "{ran}"] }}]
safe = [{{ run = ["touch", "{ran}", "off"] }}]
verify = "none"
"#,
        ran = ran.display()
    );
    let causes = ["sigterm", "safe_stop"];
    let (ended, told) = drill(&machine, &text, &causes);
    assert_all_safe(&told, &causes);
    let ended = ended.assert_code(0);
    assert!(!ended.stderr.contains("cannot come true"), "{}", ended.stderr);
    assert!(!ran.exists(), "a drill runs no program of the rig");
}

#[test]
fn what_cannot_be_run_here_is_shown_with_its_reason_and_is_no_success() {
    let text = small("safe = [\"OUTP OFF\"]\nverify = [{ query = \"OUTP?\", equals = false }]\n");
    let machine = Machine::new();
    let (ended, told) = drill(&machine, &text, &["window_closed", "interlock", "watchdog_killed"]);
    for (row, why) in told["causes"].as_array().unwrap().iter().zip(["display", "limits", "no watchdog"]) {
        assert_eq!(row["outcome"], "not_run", "{row:#}");
        assert!(row["why"].as_str().unwrap().contains(why), "{row:#}");
    }
    assert_eq!(told["safe"], false);
    ended.assert_code(3);
    let shown = machine.run(["drill", machine.path("rig.toml").to_str().unwrap(), "--only", "window_closed"]);
    assert!(shown.stdout.contains("not run: no display"), "{}", shown.stdout);
}

#[test]
fn real_hardware_is_not_drilled_without_a_person_at_a_terminal() {
    let machine = Machine::new();
    let ended = machine.run(["drill", machine.rig().to_str().unwrap(), "--hardware"]).assert_code(2);
    assert!(ended.stderr.contains("typing the rig's name"), "{}", ended.stderr);
    assert_eq!(machine.bench.inspect().commands.len(), 0);
}

/// `killcord drill RIG --hardware` with a person who types this.
fn drill_hardware(machine: &Machine, rig: &Path, typed: &str, causes: &[&str]) -> Ended {
    let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&keyboard).unwrap();
    unlockpt(&keyboard).unwrap();
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let screen = rustix::fs::open(ptsname(&keyboard, Vec::new()).unwrap(), flags, Mode::empty()).unwrap();
    let mut command = machine.command(env!("CARGO_BIN_EXE_killcord"));
    command.arg("drill").arg(rig).args(["--hardware", "--json"]);
    command.args(causes.iter().flat_map(|cause| ["--only", cause]));
    command.stdin(screen.try_clone().unwrap()).stderr(screen).stdout(std::process::Stdio::piped());
    let killcord = Killcord::start_with(&mut command);
    drop(command);
    // Waits in the terminal until it is read.
    let mut keyboard = File::from(keyboard);
    writeln!(keyboard, "{typed}").unwrap();
    killcord.end()
}

#[test]
fn real_hardware_is_judged_by_the_journal_once_its_name_was_typed() {
    let machine = Machine::new();
    let ended =
        drill_hardware(&machine, &machine.rig(), "Demo bench", &["interlock", "sigterm", "both_killed"])
            .assert_code(0);
    let told = ended.json();
    assert_eq!(told["hardware"], true);
    let rows = told["causes"].as_array().unwrap();
    assert_eq!(rows[0]["outcome"], "not_run", "needs a twin: {told:#}");
    for row in &rows[1..] {
        assert_eq!(row["outcome"], "safe", "{row:#}");
        assert!(row["first_safe_byte_ms"].as_f64().unwrap() <= row["safe_ms"].as_f64().unwrap(), "{row:#}");
    }
    let now = machine.bench.inspect();
    assert!(now.received("psu").contains(&"OUTP ON"), "it was armed");
    assert!(now.instruments.values().all(|instrument| !instrument.energised));
}

#[test]
fn the_drill_of_real_hardware_ends_where_its_bench_was_left_unsafe() {
    let machine = Machine::new();
    let rig = machine.rig_without_a_watchdog();
    let ended = drill_hardware(&machine, &rig, "Demo bench", &["host_killed", "sigterm"]).assert_code(4);
    let rows = ended.json()["causes"].clone();
    assert_eq!(rows[0]["outcome"], "not_safe", "this rig has no watchdog: {rows:#}");
    assert_eq!(rows[1]["outcome"], "not_run");
    assert!(machine.bench.inspect().instruments.values().all(|it| !it.energised), "the next start did it");
}

#[test]
fn another_name_than_the_rigs_opens_nothing() {
    let machine = Machine::new();
    drill_hardware(&machine, &machine.rig(), "yes", &["sigterm"]).assert_code(2);
    assert_eq!(machine.bench.inspect().commands.len(), 0);
}

#[test]
fn the_causes_are_listed_by_their_names() {
    let listed = Machine::new().run(["drill", "--list"]).assert_code(0).stdout;
    for name in ["sigterm", "host_stopped", "both_killed", "suspend"] {
        assert!(listed.contains(name), "{listed}");
    }
}
