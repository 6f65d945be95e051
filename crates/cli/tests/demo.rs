//! The demo: its bench outlives a killed Killcord, and the next demo makes it safe.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod common;

use std::{path::Path, process::Stdio};

use common::{Killcord, LIMIT, Machine};
use killcord_sim::{Snapshot, Witness};
use rustix::process::{Pid, Signal, kill_process};

fn demo(machine: &Machine, more: &[&str]) -> Killcord {
    let mut command = machine.command(env!("CARGO_BIN_EXE_killcord"));
    command.args(["demo", "--terminal"]).args(more).stdin(Stdio::piped());
    Killcord::start(command)
}

/// The witness and the process of the bench, from what the demo says.
fn bench(demo: &Killcord) -> (Witness, Pid) {
    let said = demo.await_error("Its rig: ");
    let url = said.split("What the hardware does: ").nth(1).unwrap().lines().next().unwrap();
    let pid = said.split(": process ").nth(1).unwrap().split('.').next().unwrap().parse().unwrap();
    (Witness::at(url).unwrap(), Pid::from_raw(pid).unwrap())
}

fn all(on: bool) -> impl Fn(&Snapshot) -> bool {
    move |now| now.instruments.values().all(|it| it.energised == on)
}

/// The bench is ended with the test, whatever becomes of it.
struct Leftover(Pid);

impl Drop for Leftover {
    fn drop(&mut self) {
        let pid = self.0.as_raw_nonzero();
        if std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|it| it.windows(3).any(|it| it == b"sim"))
        {
            kill_process(self.0, Signal::TERM).ok();
        }
    }
}

#[test]
fn a_demo_that_ends_takes_its_bench_along() {
    let machine = Machine::new();
    let mut demo = demo(&machine, &["--arm"]);
    let (witness, pid) = bench(&demo);
    let _leftover = Leftover(pid);
    witness.wait_until(all(true), LIMIT).unwrap();
    demo.end_input();
    demo.end().assert_code(0);
    assert!(witness.inspect().is_err(), "the bench is still there");
    assert!(!Path::new(&machine.path("state/killcord/demo/running.json")).exists());
}

#[test]
fn a_killed_demo_leaves_its_bench_on_and_the_next_one_makes_it_safe() {
    let machine = Machine::new();
    let first = demo(&machine, &["--arm"]);
    let (witness, pid) = bench(&first);
    let _leftover = Leftover(pid);
    witness.wait_until(all(true), LIMIT).unwrap();
    first.signal(Signal::KILL);
    drop(first);
    assert!(all(true)(&witness.inspect().unwrap()), "the hardware knows of no death");

    let mut second = demo(&machine, &["--arm"]);
    let (again, same) = bench(&second);
    assert_eq!(same, pid, "the bench is the one that was left");
    again.wait_until(all(false), LIMIT).unwrap();
    second.await_words("did not end cleanly");
    second.await_words(" Safe\n");
    assert!(all(false)(&again.inspect().unwrap()), "nothing arms after an unclean run");
    second.end_input();
    second.end().assert_code(0);
    assert!(again.inspect().is_err(), "the bench is still there");
}

#[test]
fn a_second_demo_is_refused_and_leaves_the_bench_of_the_first_alone() {
    let machine = Machine::new();
    let mut first = demo(&machine, &["--arm"]);
    let (witness, pid) = bench(&first);
    let _leftover = Leftover(pid);
    witness.wait_until(all(true), LIMIT).unwrap();
    let second = demo(&machine, &[]).end().assert_code(3);
    assert!(second.stderr.contains("held by"), "{}", second.stderr);
    assert!(all(true)(&witness.inspect().unwrap()));
    first.end_input();
    first.end().assert_code(0);
}

#[test]
fn a_bench_that_is_kept_goes_on() {
    let machine = Machine::new();
    let mut demo = demo(&machine, &["--keep"]);
    let (witness, pid) = bench(&demo);
    let _leftover = Leftover(pid);
    demo.await_words(" Safe\n");
    demo.end_input();
    let ended = demo.end().assert_code(0);
    assert!(ended.stderr.contains("goes on"), "{}", ended.stderr);
    witness.inspect().unwrap();
}

#[test]
fn the_demos_window_is_given_the_signals_of_the_demo_and_its_bench_ends_behind_it() {
    let machine = Machine::new();
    let (killcord, desktop) = (machine.path("killcord"), machine.path("killcord-desktop"));
    std::fs::copy(env!("CARGO_BIN_EXE_killcord"), &killcord).unwrap();
    let script = "#!/bin/sh\ntrap 'echo told; exit 0' TERM\necho \"$@\"\nwhile :; do sleep 0.05; done\n";
    std::fs::write(&desktop, script).unwrap();
    std::fs::set_permissions(&desktop, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = machine.command(&killcord);
    command.arg("demo").env("DISPLAY", ":7").stdin(Stdio::null());
    let demo = Killcord::start(command);
    let (witness, pid) = bench(&demo);
    let _leftover = Leftover(pid);
    demo.await_words("demo/rig.toml");
    witness.inspect().unwrap();
    demo.signal(Signal::TERM);
    let ended = demo.end().assert_code(0);
    assert!(ended.stdout.contains("told"), "{ended:?}");
    assert!(witness.inspect().is_err(), "the bench is still there");
}
