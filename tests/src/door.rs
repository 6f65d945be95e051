//! The local door of a running host, asked as any other program of this user could: one JSON line each way.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::station::Station;
use crate::wait::{LONG, until_true};

/// Asks for something (`status`, `safe`, `shutdown`, `raise`); `None` when nobody answers within the limit.
#[must_use]
pub fn ask(station: &Station, what: &str, within: Duration) -> Option<Value> {
    let mut door = UnixStream::connect(socket(station)?).ok()?;
    door.set_read_timeout(Some(within)).ok()?;
    writeln!(door, "{}", json!({ "do": what })).ok()?;
    let mut answer = String::new();
    BufReader::new(door).read_line(&mut answer).ok()?;
    serde_json::from_str(&answer).ok()
}

/// Awaits a state of the rig: `safe`, `armed`, `making_safe`.
///
/// # Panics
/// When it does not come.
#[track_caller]
pub fn await_state(station: &Station, state: &str) {
    until_true(&format!("the rig to be {state}"), LONG, || {
        ask(station, "status", Duration::from_secs(5)).is_some_and(|answer| answer["rig"]["state"] == state)
    });
}

/// The socket of the one host that this machine has.
fn socket(station: &Station) -> Option<PathBuf> {
    let entries = std::fs::read_dir(station.path("run").join("killcord")).ok()?;
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "sock"))
}
