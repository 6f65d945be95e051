//! Sessions as an operator sees them.

use std::net::IpAddr;

use killcord_core::{Role, SessionEnd, SessionId, SessionKind};
use serde::{Deserialize, Serialize};

/// Those that have not ended, and the last that have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct SessionsView {
    /// By id: the oldest first.
    pub sessions: Vec<SessionView>,
    /// The newest last; only so many are kept.
    pub ended: Vec<EndedView>,
}

/// One that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct SessionView {
    /// Its id.
    #[cfg_attr(feature = "generate", ts(type = "number"))]
    pub session: SessionId,
    /// What it is.
    pub kind: SessionKind,
    /// From where a page came; absent for a window or a terminal, which are on this machine. For operators only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional, type = "string"))]
    pub address: Option<IpAddr>,
    /// Who that is: the key that its browser was let in by, or else the browser. For operators only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional))]
    pub who: Option<String>,
    /// The role that it has.
    pub role: Role,
    /// How sure the host is of it.
    pub standing: Standing,
    /// It ends in so many milliseconds if nothing more is heard.
    #[cfg_attr(feature = "generate", ts(type = "number"))]
    pub lease_ms: u64,
    /// So many milliseconds ago its page's main thread last answered: much more than a beat is a page that hangs. Absent
    /// for a terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional, type = "number"))]
    pub main_ms: Option<u64>,
}

/// How sure the host is of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema, ts_rs::TS))]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct EndedView {
    /// Its id.
    #[cfg_attr(feature = "generate", ts(type = "number"))]
    pub session: SessionId,
    /// Why.
    pub reason: SessionEnd,
    /// From where a page came, as for one that has not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional, type = "string"))]
    pub address: Option<IpAddr>,
    /// Who that was, as for one that has not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional))]
    pub who: Option<String>,
}
