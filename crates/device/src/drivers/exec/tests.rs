//! Real programs.

use std::time::{Duration, Instant};

use super::*;
use crate::{Cancel, SystemClock};

fn run(limit: Duration, script: &str) -> Result<Option<Value>, DeviceError> {
    let command = ["sh", "-c", script].map(String::from).to_vec();
    let cancel = Cancel::never();
    let cx = Cx { deadline: Instant::now() + limit, cancel: &cancel, clock: &SystemClock };
    Programs.perform(&Step::Run { command, timeout: None }, &cx)
}

const LONG: Duration = Duration::from_secs(20);

#[test]
fn what_a_program_prints_is_its_answer() {
    assert_eq!(run(LONG, "echo off").unwrap(), Some(Value::Text(String::from("off"))));
    assert_eq!(run(LONG, "true").unwrap(), None);
}

#[test]
fn an_end_other_than_zero_fails_and_says_what_was_printed() {
    let error = run(LONG, "echo no such hub >&2; exit 3").unwrap_err().to_string();
    assert!(error.contains("status 3: no such hub"), "{error}");
}

#[test]
fn a_program_that_does_not_end_is_killed_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let began = Instant::now();
    let script = format!("sleep 1000 & echo $! > {}; wait", file.display());
    let error = run(Duration::from_millis(500), &script).unwrap_err().to_string();
    assert!(error.contains("was killed"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(10));
    let child = std::fs::read_to_string(file).unwrap();
    let until = Instant::now() + LONG;
    // Killed, it may still stand in the list until its new parent has looked.
    let alive = || {
        std::fs::read_to_string(format!("/proc/{}/stat", child.trim()))
            .is_ok_and(|stat| !stat.contains(") Z "))
    };
    while alive() {
        assert!(Instant::now() < until, "the program's child lives on");
        std::thread::yield_now();
    }
}

#[test]
fn a_program_that_prints_without_end_neither_fills_memory_nor_hangs() {
    let answer = run(LONG, "head -c 3000000 /dev/zero | tr '\\0' x").unwrap();
    assert!(matches!(answer, Some(Value::Text(text)) if text.len() == 16 * 1024));
}

#[test]
fn a_program_inherits_nothing_and_reads_nothing() {
    // A descriptor without O_CLOEXEC, as a careless library would leave one.
    let (reader, _writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::empty()).unwrap();
    let answer = run(LONG, "ls /proc/self/fd | tr '\\n' ' '; cat").unwrap().unwrap().to_string();
    drop(reader);
    // 3 is the folder that `ls` itself reads.
    assert_eq!(answer.trim(), "0 1 2 3");
}

#[test]
fn a_program_that_is_not_there_is_told_apart_from_one_that_fails() {
    let command = vec![String::from("no-such-program-of-killcord")];
    let cancel = Cancel::never();
    let cx = Cx { deadline: Instant::now() + LONG, cancel: &cancel, clock: &SystemClock };
    let error = Programs.perform(&Step::Run { command, timeout: None }, &cx).unwrap_err();
    assert!(matches!(&error, DeviceError::Setup(why) if why.contains("installed")), "{error}");
}
