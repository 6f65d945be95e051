//! What goes wrong around an end is named, and keeps no other device from being made safe.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod common;

use std::{
    os::fd::OwnedFd,
    process::{Command, Stdio},
};

use common::{Killcord, Machine};
use killcord_sim::{Fault, FaultKind};

#[test]
fn one_device_that_refuses_is_named_and_the_others_are_safe() {
    let machine = Machine::new();
    let mut serve = machine.serve_armed(&machine.rig());
    let watchdog = serve.watchdog();
    machine.bench.fault("psu", Fault::new(FaultKind::Refuse).on("OUTP OFF")).unwrap();
    serve.end_input();
    let ended = serve.end().assert_code(4);
    assert!(ended.stderr.contains("psu: NOT confirmed safe"), "{}", ended.stderr);
    let now = machine.bench.inspect();
    assert_eq!(now.energised("load"), Some(false));
    assert_eq!(now.energised("furnace"), Some(false));
    for other in ["load:", "furnace:"] {
        assert!(!ended.stderr.contains(other), "{}", ended.stderr);
    }
    // The watchdog goes on where the host had to end.
    machine.bench.clear_faults("psu").unwrap();
    watchdog.await_end();
    assert_eq!(machine.bench.inspect().energised("psu"), Some(false));
}

#[test]
fn a_device_that_is_gone_is_named_as_unreachable() {
    let machine = Machine::new();
    let mut serve = machine.serve_armed(&machine.rig());
    let watchdog = serve.watchdog();
    machine.bench.fault("load", Fault::new(FaultKind::Unplugged)).unwrap();
    serve.end_input();
    let ended = serve.end().assert_code(4);
    assert!(ended.stderr.contains("load: unreachable"), "{}", ended.stderr);
    assert_eq!(machine.bench.inspect().energised("psu"), Some(false));
    // The watchdog goes on where the host had to end.
    machine.bench.clear_faults("load").unwrap();
    watchdog.await_end();
    assert_eq!(machine.bench.inspect().energised("load"), Some(false));
}

/// The writing end of a pipe that takes not one byte more.
fn full_pipe() -> (OwnedFd, Stdio) {
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    let flags = rustix::fs::fcntl_getfl(&writer).unwrap();
    rustix::fs::fcntl_setfl(&writer, flags | rustix::fs::OFlags::NONBLOCK).unwrap();
    for block in [4096, 1] {
        while rustix::io::write(&writer, &vec![b'x'; block]).is_ok() {}
    }
    rustix::fs::fcntl_setfl(&writer, flags).unwrap();
    (reader, Stdio::from(writer))
}

fn serve_with(machine: &Machine, dress: impl FnOnce(&mut Command)) -> Killcord {
    let mut command = machine.command(env!("CARGO_BIN_EXE_killcord"));
    command.arg("serve").arg(machine.rig()).arg("--arm").env("KILLCORD_LOG", "trace").stdin(Stdio::piped());
    dress(&mut command);
    Killcord::start_with(&mut command)
}

#[test]
fn a_full_pipe_at_stderr_or_stdout_delays_nothing() {
    for both in [false, true] {
        let machine = Machine::new();
        let ((_err_reader, stderr), (_out_reader, stdout)) = (full_pipe(), full_pipe());
        let mut serve = serve_with(&machine, |command| {
            command.stderr(stderr).stdout(if both { stdout } else { Stdio::null() });
        });
        machine.await_on();
        serve.end_input();
        serve.end().assert_code(0);
        machine.assert_made_safe_once();
    }
}

#[test]
fn a_state_folder_that_cannot_be_written_is_named_and_the_rig_is_made_safe() {
    let machine = Machine::new();
    std::fs::write(machine.path("state/killcord"), "in the way").unwrap();
    let mut serve = machine.serve_armed(&machine.rig());
    serve.end_input();
    let ended = serve.end().assert_code(0);
    assert!(ended.stderr.contains("journal"), "{}", ended.stderr);
    machine.assert_made_safe_once();
}
