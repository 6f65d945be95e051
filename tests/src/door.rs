//! The local door of a running host, asked as any other program of this user could: one JSON line each way.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::station::Station;
use crate::wait::{LONG, SOON, until_true};

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

/// How the rig stands, as a page would be shown it.
///
/// # Panics
/// When no host answers.
#[must_use]
#[track_caller]
pub fn rig(station: &Station) -> Value {
    ask(station, "status", SOON).expect("no host answers at the local door")["rig"].take()
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

/// Awaits that the host has a watchdog at its post.
///
/// # Panics
/// When none comes.
#[track_caller]
pub fn await_watchdog(station: &Station) {
    until_true("the watchdog to stand by", LONG, || {
        ask(station, "status", Duration::from_secs(5))
            .is_some_and(|answer| answer["rig"]["watchdog"]["state"] == "watching")
    });
}

/// The socket of the one host that this machine has.
fn socket(station: &Station) -> Option<PathBuf> {
    let entries = std::fs::read_dir(station.path("run").join("killcord")).ok()?;
    let named = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".sock") && !name.ends_with(".watchdog.sock")
    };
    entries.filter_map(|entry| Some(entry.ok()?.path())).find(named)
}
