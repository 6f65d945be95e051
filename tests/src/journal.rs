//! What the programs have put on record, read by the command that a person would use.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::station::Station;
use crate::wait::SOON;

/// The journal of a rig, as `killcord journal --json` shows it.
#[derive(Debug)]
pub struct Journal {
    runs: Vec<Value>,
    sessions: Vec<Value>,
    teardowns: Vec<Value>,
    report: Option<Value>,
    folder: PathBuf,
}

impl Journal {
    /// Reads it, with the whole report of the last teardown.
    ///
    /// # Panics
    /// When `killcord journal` fails.
    #[must_use]
    #[track_caller]
    pub fn read(station: &Station, rig: &Path) -> Self {
        let (most, as_json) = ("1000".as_ref(), "--json".as_ref());
        let all = json(station, &["journal".as_ref(), "--last".as_ref(), most, rig, as_json]);
        let list = |name: &str| all[name].as_array().cloned().unwrap_or_default();
        let (runs, sessions, teardowns) = (list("runs"), list("sessions"), list("teardowns"));
        let report = teardowns.first().map(|teardown| {
            let id = teardown["id"].to_string();
            json(station, &["journal".as_ref(), "show".as_ref(), id.as_ref(), rig, as_json])
        });
        Self { runs, sessions, teardowns, report, folder: station.folder(rig) }
    }

    /// The lives of the host, newest first.
    #[must_use]
    pub fn runs(&self) -> &[Value] {
        &self.runs
    }

    /// The sessions, newest first.
    #[must_use]
    pub fn sessions(&self) -> &[Value] {
        &self.sessions
    }

    /// What happened in a life of the host, oldest first: kind (`watchdog_lost`) and details.
    ///
    /// # Panics
    /// When the journal cannot be read.
    #[must_use]
    #[track_caller]
    pub fn events(&self, run: &Value) -> Vec<(String, Value)> {
        let run = serde_json::from_value(run["run"].clone()).expect("the run has no number");
        let reader = killcord::journal::Reader::open(&self.folder).expect("the journal cannot be opened");
        let entries = reader.entries(run).expect("the run's events cannot be read");
        entries.into_iter().map(|entry| (entry.kind, entry.detail)).collect()
    }

    /// The last teardown, without its report.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    #[track_caller]
    pub fn last(&self) -> &Value {
        self.teardowns.first().expect("the journal holds no teardown")
    }

    /// All teardowns, newest first.
    #[must_use]
    pub fn teardowns(&self) -> &[Value] {
        &self.teardowns
    }

    /// The whole report of the last teardown.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    #[track_caller]
    pub fn report(&self) -> &Value {
        self.report.as_ref().expect("the journal holds no teardown")
    }

    /// A device in the last report.
    ///
    /// # Panics
    /// When it is not in it.
    #[must_use]
    #[track_caller]
    pub fn device(&self, name: &str) -> &Value {
        let devices = self.report()["devices"].as_array().expect("the report lists no devices");
        devices.iter().find(|device| device["name"] == name).expect("the report lacks this device")
    }

    /// How a device ended in the last report: `safe_verified`.
    #[must_use]
    #[track_caller]
    pub fn status(&self, name: &str) -> &str {
        self.device(name)["status"].as_str().expect("the report has no status")
    }
}

#[track_caller]
fn json(station: &Station, args: &[&Path]) -> Value {
    let ended = station.killcord(args).run(SOON);
    assert!(ended.status.success(), "killcord {args:?}: {}", ended.stderr);
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{args:?}: {error}: {}", ended.stdout))
}

/// A time in a report.
///
/// # Panics
/// When it is none.
#[must_use]
#[track_caller]
pub fn time(value: &Value) -> Duration {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("no time: {value}: {error}"))
}
