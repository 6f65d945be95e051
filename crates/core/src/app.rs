//! The wrapped app: `[app]`, a web app that is the rig's GUI and runs as a child of the host.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::DeviceIx;

/// `[app]`, checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct App {
    /// The program and its arguments; `{port}` and `{host}`, or `{socket}`, are filled in when it is started.
    pub command: Vec<String>,
    /// Where it is started.
    pub directory: PathBuf,
    /// The path that answers a GET once it can be used.
    pub ready: String,
    /// How long that may take; then it has failed.
    pub ready_within: Duration,
    /// The path that is POSTed before it is stopped.
    pub before_stop: Option<String>,
    /// How it is stopped.
    pub stop: Stop,
    /// What its end by itself does.
    pub on_crash: OnCrash,
    /// Devices that it talks to by itself, past the host.
    pub drives: Vec<DeviceIx>,
}

/// `stop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stop {
    /// Sent to it first.
    pub signal: StopSignal,
    /// `before_stop` and what it does upon the signal take at most so long together; then its whole process tree
    /// is killed.
    pub within: Duration,
}

/// `stop.signal`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum StopSignal {
    Hup,
    Int,
    Quit,
    Term,
}

/// `on_crash`. The rig is made safe either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnCrash {
    /// It stays down until the rig is opened anew.
    Safe,
    /// It is started anew once the rig is safe, on a rig that is not armed.
    Restart,
}
