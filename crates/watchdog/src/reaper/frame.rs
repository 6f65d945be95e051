//! What host and reaper say to each other over their pipe, one JSON object a message.

use serde::{Deserialize, Serialize};

/// What the host says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum ToReaper {
    /// Start this program. Once, and first.
    Start {
        /// The program and its arguments.
        command: Vec<String>,
    },
    /// Send this signal to the app's process group.
    Signal {
        /// Its number.
        signal: i32,
    },
    /// Kill all of it.
    Kill,
}

/// What the reaper says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum FromReaper {
    /// The program could not be started; the reaper leaves.
    NotStarted {
        /// Why, in words.
        why: String,
    },
    /// The program has ended by itself. What it left behind is being killed.
    Exited {
        /// How, in words.
        how: String,
    },
    /// Nothing of it is left; the reaper leaves.
    Gone,
}
