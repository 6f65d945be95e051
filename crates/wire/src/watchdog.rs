//! What a page shows of the watchdog: whether it stands by, and what it did when a host was gone.

use serde::{Deserialize, Serialize};

use crate::TeardownDevice;

/// Whether the hardware is made safe when this host is killed or hangs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct WatchdogView {
    /// Where it stands.
    pub state: WatchdogState,
    /// Why there is none, and what to do about it, in words.
    pub why: Option<String>,
    /// The protections that it lacks, each with what mends it, in words; empty if it has all.
    pub protections: Vec<String>,
}

/// Where the watchdog stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum WatchdogState {
    /// Being started, the first time or in place of one that died.
    Starting,
    /// It answers.
    Watching,
    /// There is none, although the rig requires one.
    Missing,
    /// The rig does without (`watchdog = "off"`).
    Off,
}

/// What the watchdog did when a host was gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct WatchdogAct {
    /// What had happened, in words: `the host was killed`, `the host did not answer for 5 s`.
    pub why: String,
    /// When it noticed, in milliseconds since 1970.
    #[cfg_attr(feature = "generate", ts(type = "number"))]
    pub at_unix_ms: u64,
    /// From then to its first safe byte, in milliseconds; `None` if none went out.
    #[cfg_attr(feature = "generate", ts(type = "number | null"))]
    pub first_byte_ms: Option<u64>,
    /// From then to the last of its devices confirmed safe, in milliseconds; `None` if one is not.
    #[cfg_attr(feature = "generate", ts(type = "number | null"))]
    pub safe_ms: Option<u64>,
    /// Every device that it took over.
    pub devices: Vec<TeardownDevice>,
}
