//! What cannot be recorded never keeps the hardware from being made safe, and is named.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::os::fd::OwnedFd;
use std::process::Stdio;

use killcord_tests::instrument::Instrument;
use killcord_tests::process::{Launch, Process};
use killcord_tests::station::Station;
use killcord_tests::storage::{self, Disk};
use killcord_tests::wait::{LONG, SOON, until_true};
use killcord_tests::{place, rigs};

struct Bench {
    instrument: Instrument,
    station: Station,
}

impl Bench {
    fn new() -> Self {
        Self { instrument: Instrument::start(), station: Station::new() }
    }

    fn rig(&self) -> std::path::PathBuf {
        self.station.rig(&(rigs::head("5s", "") + &rigs::switch("psu", &self.instrument)))
    }

    fn serve_on(&self, disk: Disk) -> Process {
        let launch = storage::launch(disk, &self.station.state(), &place::program("killcord"));
        self.station.dress(launch).args(["serve", "--arm"]).arg(self.rig()).with_input().start()
    }

    fn is(&self, output: &str) -> bool {
        self.instrument.value("OUTP").as_deref() == Some(output)
    }
}

#[test]
fn a_disk_that_fills_up_while_armed_does_not_keep_the_rig_from_being_made_safe() {
    let bench = Bench::new();
    let mut serve = bench.serve_on(Disk::Small(2048));
    until_true("the supply to be on", LONG, || bench.is("ON"));
    storage::fill(&serve, &bench.station.state());
    serve.end_input();
    let status = serve.wait(SOON);
    serve.output().finish();
    assert!(bench.is("OFF"));
    let said = serve.output().all().to_lowercase();
    assert!(said.contains("record") || said.contains("journal"), "not a word of what is lost:\n{said}");
    assert_eq!(status.code(), Some(0), "the hardware is confirmed safe: {said}");
}

/// With nowhere to write from the start, a rig may be refused or opened; what is not allowed is silence, or
/// hardware that stays on.
fn nowhere_to_write(disk: Disk) {
    let bench = Bench::new();
    let mut serve = bench.serve_on(disk);
    let mut was_on = false;
    until_true("the rig to be armed or refused", LONG, || {
        was_on |= bench.is("ON");
        was_on || serve.ended().is_some()
    });
    serve.end_input();
    let status = serve.wait(SOON);
    serve.output().finish();
    let said = serve.output().all().to_lowercase();
    assert!(
        said.contains("journal") || said.contains("record") || said.contains("state"),
        "{disk:?}:\n{said}"
    );
    if was_on {
        assert!(bench.is("OFF"), "{disk:?}");
        assert_eq!(status.code(), Some(0), "{disk:?}: {said}");
    } else {
        assert_eq!(status.code(), Some(3), "{disk:?}: {said}");
    }
}

#[test]
fn a_full_disk_at_the_start_is_named() {
    nowhere_to_write(Disk::Full);
}

#[test]
fn a_read_only_state_folder_is_named() {
    nowhere_to_write(Disk::ReadOnly);
}

#[test]
fn safe_works_with_a_read_only_state_folder() {
    let bench = Bench::new();
    let launch = storage::launch(Disk::ReadOnly, &bench.station.state(), &place::program("killcord"));
    let ended = bench.station.dress(launch).arg("safe").arg(bench.rig()).run(SOON);
    assert!(bench.is("OFF"), "{ended:?}");
    assert_eq!(ended.code(), Some(0), "{ended:?}");
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

#[test]
fn a_full_pipe_at_stderr_delays_no_teardown() {
    let bench = Bench::new();
    let (_reader, stderr) = full_pipe();
    let serve: Launch = bench.station.killcord(["serve", "--arm"]).arg(bench.rig()).env("RUST_LOG", "trace");
    let mut serve = serve.with_input().stderr(stderr).start();
    until_true("the supply to be on", LONG, || bench.is("ON"));
    serve.end_input();
    until_true("the supply to be off", SOON, || bench.is("OFF"));
    assert_eq!(serve.wait(SOON).code(), Some(0));
}
