//! What a teardown did to each device, and how it ended.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Cause, DeviceIx, Extent, Mode, Time};

/// How a device ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Read back to be in its safe state.
    SafeVerified,
    /// Every safe command went out; nothing could be read back.
    SafeUnverified,
    /// It answers, and is not confirmed safe.
    Failed,
    /// No safe command reached it.
    Unreachable,
}

impl Status {
    /// A stable word for it, as in journal and API.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::SafeVerified => "safe_verified",
            Self::SafeUnverified => "safe_unverified",
            Self::Failed => "failed",
            Self::Unreachable => "unreachable",
        }
    }
}

/// One teardown.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Report {
    /// The causes in the order they came, the first one naming it.
    pub causes: Vec<(Time, Cause)>,
    /// The sequence that was due at the end.
    pub mode: Mode,
    /// How far it went.
    pub extent: Extent,
    /// When the first cause came.
    pub began: Time,
    /// How long it took until it was done or out of time.
    pub took: Duration,
    /// Whether the deadline cut it short.
    pub out_of_time: bool,
    /// One entry a device that it concerned, in file order.
    pub devices: Vec<DeviceReport>,
    /// What could not be recorded, or went wrong around the devices, in words.
    pub notes: Vec<String>,
}

impl Report {
    /// Whether every device is confirmed safe: verified, or declared as one that nothing can be read from.
    #[must_use]
    pub fn confirmed(&self) -> bool {
        self.devices.iter().all(DeviceReport::confirmed)
    }

    /// The devices that are not confirmed safe.
    pub fn unconfirmed(&self) -> impl Iterator<Item = &DeviceReport> {
        self.devices.iter().filter(|device| !device.confirmed())
    }

    /// The entry of a device.
    #[must_use]
    pub fn device(&self, device: DeviceIx) -> Option<&DeviceReport> {
        self.devices.iter().find(|entry| entry.device == device)
    }
}

/// What was done to one device.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeviceReport {
    /// Which.
    pub device: DeviceIx,
    /// Its name in the rig file.
    pub name: String,
    /// How it ended.
    pub status: Status,
    /// The rig file says that nothing can be read back (`verify = "none"`).
    pub unverifiable: bool,
    /// The sequence that ended it.
    pub mode: Mode,
    /// Handed back and closed.
    pub released: bool,
    /// When the first safe byte had gone out.
    pub first_byte: Option<Time>,
    /// When it was confirmed safe.
    pub safe_at: Option<Time>,
    /// Every exchange, in order.
    pub exchanges: Vec<Exchange>,
    /// Why it is not confirmed safe or not released, and what a person should check; empty if all is well.
    pub remarks: Vec<String>,
}

impl DeviceReport {
    /// Verified, or declared as one that nothing can be read from and every command went out.
    #[must_use]
    pub const fn confirmed(&self) -> bool {
        match self.status {
            Status::SafeVerified => true,
            Status::SafeUnverified => self.unverifiable,
            Status::Failed | Status::Unreachable => false,
        }
    }
}

/// One exchange of a report.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Exchange {
    /// Part of which sequence.
    pub phase: Phase,
    /// What was sent or asked, as a person reads it.
    pub step: String,
    /// When it was handed to the link.
    pub at: Time,
    /// When its result was in.
    pub done: Time,
    /// The answer, `None` where none is owed.
    pub answer: Option<String>,
    /// Why it did not go well.
    pub error: Option<String>,
}

/// The sequences of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Connecting and identifying.
    Open,
    /// The arm sequence, its sync and errors.
    Arm,
    /// The controlled sequence.
    Safe,
    /// The immediate sequence.
    Emergency,
    /// The instrument's own error queue.
    Errors,
    /// Bringing the line in step again.
    Resync,
    /// Reading back.
    Verify,
    /// Handing back.
    Release,
}
