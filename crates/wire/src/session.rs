//! Sessions as an operator sees them.

use std::net::IpAddr;

use killcord_core::{Role, SessionEnd, SessionId, SessionKind};
use serde::{Deserialize, Serialize};

/// Those that have not ended, and the last that have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema))]
pub struct SessionsView {
    /// By id: the oldest first.
    pub sessions: Vec<SessionView>,
    /// The newest last; only so many are kept.
    pub ended: Vec<EndedView>,
}

/// One that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema))]
pub struct SessionView {
    /// Its id.
    pub session: SessionId,
    /// What it is.
    pub kind: SessionKind,
    /// From where a page came; absent for a window or a terminal, which are on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The role that it has.
    pub role: Role,
    /// How sure the host is of it.
    pub standing: Standing,
    /// It ends in so many milliseconds if nothing more is heard.
    pub lease_ms: u64,
    /// So many milliseconds ago its page's main thread last answered: much more than a beat is a page that hangs. Absent
    /// for a terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub main_ms: Option<u64>,
}

/// How sure the host is of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Attached.
    Live,
    /// Its connection is gone; the lease runs on.
    Suspect,
    /// Its browser answers, and has frozen its page; it has no control.
    Frozen,
    /// It said goodbye and may be reloading.
    Grace,
}

/// One that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema))]
pub struct EndedView {
    /// Its id.
    pub session: SessionId,
    /// Why.
    pub reason: SessionEnd,
}
