//! Stable codes of what is refused.

use serde::{Deserialize, Serialize};

/// Why a command or frame was refused. The words beside it may change, these do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// Not a frame of this protocol.
    BadFrame,
    /// Another version of the protocol: reload the page.
    Version,
    /// A hello has to come first, and only once.
    HelloFirst,
    /// The epoch is not the present one: control or hardware state has changed since.
    StaleEpoch,
    /// The session is not the operator.
    NotOperator,
    /// Control cannot be given to that session: it stays where it is.
    NotGiven,
    /// The session is in its grace period: commands are refused until it is back.
    InGrace,
    /// The rig cannot be armed now.
    ArmRefused,
    /// Arming did not go through; the rig is being made safe.
    ArmFailed,
    /// The control needs an armed rig.
    NotArmed,
    /// The device is not connected.
    NotConnected,
    /// No such device or control.
    Unknown,
    /// The value is not one that the control takes.
    BadValue,
    /// The device did not do it.
    DeviceFailed,
    /// Too much at once.
    Busy,
    /// The host is stopping.
    Stopping,
}
