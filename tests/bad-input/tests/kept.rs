//! Every input that is kept, held against what has to hold: the corpus that the fuzzer has found so far, and all that
//! once failed (`fuzz/found`). No fuzzer is needed for it.

#![allow(clippy::unwrap_used)] // helpers of tests: a failure is a failed test

use std::{
    fs,
    path::{Path, PathBuf},
};

fn inputs(kind: &str, target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(kind).join(target);
    let Ok(entries) = fs::read_dir(&folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[track_caller]
fn replay(target: &str, hold: fn(&[u8])) {
    let corpus = inputs("corpus", target);
    assert!(!corpus.is_empty(), "fuzz/corpus/{target} is empty: take it from the repository");
    for path in corpus.into_iter().chain(inputs("found", target)) {
        let bytes = fs::read(&path).unwrap();
        if std::panic::catch_unwind(|| hold(&bytes)).is_err() {
            panic!("it does not hold for {}", path.display());
        }
    }
}

#[test]
fn frames_of_pages_are_read_or_refused() {
    replay("frame", killcord_bad_input::frame);
}

#[test]
fn rig_files_are_read_or_refused_and_what_is_taken_can_be_made_safe() {
    replay("rig", killcord_bad_input::rig);
}

#[test]
fn answers_of_modbus_units_are_believed_only_where_they_are_answers() {
    replay("modbus", killcord_bad_input::modbus);
}

#[test]
fn answers_in_lines_are_believed_only_where_they_are_answers() {
    replay("scpi", killcord_bad_input::scpi);
}

#[test]
fn whatever_a_watchdog_is_told_the_host_is_ended_first_and_only_devices_of_the_plan_are_touched() {
    replay("watchdog", killcord_bad_input::watchdog);
}
