//! Why the hardware is made safe, and how far that goes.

use serde::{Deserialize, Serialize};

use crate::{DeviceIx, ReadingIx, SessionEnd};

/// The sequence that brings a device to its safe state. Ordered: a later cause can only raise it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The controlled sequence (IEC 60204-1 stop category 1 or 2).
    Safe,
    /// The immediate one (stop category 0).
    Emergency,
}

/// How far a teardown goes. Ordered: a later cause can only raise it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// Safe, still connected.
    Stay,
    /// Safe, handed back and disconnected; the host stays.
    Release,
    /// Safe, released, and the host ends.
    End,
}

/// Why a teardown was asked for. The first cause names it, later ones are recorded with their times.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Cause {
    /// The window was closed: button, Alt-F4, tray, menu.
    WindowClosed,
    /// The last session that counted has ended for this reason.
    SessionEnded {
        /// Why it ended.
        reason: SessionEnd,
    },
    /// Nobody is in control any more, others remain.
    ControlLost {
        /// Why the operator's session ended.
        reason: SessionEnd,
    },
    /// A hold was over without anybody coming back.
    HoldOver,
    /// SIGTERM, SIGINT, SIGHUP or SIGQUIT.
    Signal {
        /// The signal's number.
        signal: i32,
    },
    /// The terminal's input ended.
    TerminalClosed,
    /// A safe stop was asked for by any session, by the local door or by the API.
    SafeStop,
    /// A reading was outside its limits.
    Interlock {
        /// Which.
        reading: ReadingIx,
    },
    /// A reading with limits had no good value for too long.
    Stale {
        /// Which.
        reading: ReadingIx,
    },
    /// A device failed while the rig was armed.
    DeviceFault {
        /// Which.
        device: DeviceIx,
    },
    /// A device that was not safe, or was missing, is to be made safe (again).
    Retry {
        /// Which.
        device: DeviceIx,
    },
    /// Arming did not go through.
    ArmFailed {
        /// At which device.
        device: DeviceIx,
    },
    /// The rig was opened, or reopened after a release.
    Start,
    /// The rig was opened after a run that did not end cleanly.
    Recovery,
    /// The machine is being shut down.
    Shutdown,
    /// The machine is going to sleep, or slept.
    Suspend,
    /// The person's desktop session ends.
    LogOff,
    /// The display server is gone.
    DisplayGone,
    /// The host was late beyond its credit.
    HostStarved,
    /// There was no watchdog for too long.
    WatchdogLost,
    /// The host died or hung; said by the watchdog.
    HostLost,
    /// The wrapped app ended.
    AppExited,
    /// A program that uses the library asked for it.
    Requested,
    /// The last handle to the host was dropped without a shutdown.
    HandleDropped,
}

impl Cause {
    /// The stable words of all causes.
    pub const CODES: [&'static str; 24] = [
        "window_closed",
        "session_ended",
        "control_lost",
        "hold_over",
        "signal",
        "terminal_closed",
        "safe_stop",
        "interlock",
        "stale",
        "device_fault",
        "retry",
        "arm_failed",
        "start",
        "recovery",
        "shutdown",
        "suspend",
        "log_off",
        "display_gone",
        "host_starved",
        "watchdog_lost",
        "host_lost",
        "app_exited",
        "requested",
        "handle_dropped",
    ];

    /// A stable word for it, as in journal and API.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::WindowClosed => "window_closed",
            Self::SessionEnded { .. } => "session_ended",
            Self::ControlLost { .. } => "control_lost",
            Self::HoldOver => "hold_over",
            Self::Signal { .. } => "signal",
            Self::TerminalClosed => "terminal_closed",
            Self::SafeStop => "safe_stop",
            Self::Interlock { .. } => "interlock",
            Self::Stale { .. } => "stale",
            Self::DeviceFault { .. } => "device_fault",
            Self::Retry { .. } => "retry",
            Self::ArmFailed { .. } => "arm_failed",
            Self::Start => "start",
            Self::Recovery => "recovery",
            Self::Shutdown => "shutdown",
            Self::Suspend => "suspend",
            Self::LogOff => "log_off",
            Self::DisplayGone => "display_gone",
            Self::HostStarved => "host_starved",
            Self::WatchdogLost => "watchdog_lost",
            Self::HostLost => "host_lost",
            Self::AppExited => "app_exited",
            Self::Requested => "requested",
            Self::HandleDropped => "handle_dropped",
        }
    }

    /// Whether a person has to acknowledge it before anything arms again.
    #[must_use]
    pub const fn trips(&self) -> bool {
        matches!(self, Self::Interlock { .. } | Self::Stale { .. })
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::WindowClosed => "window closed",
            Self::SessionEnded { reason } => return write!(f, "last session ended: {reason}"),
            Self::ControlLost { reason } => return write!(f, "operator gone: {reason}"),
            Self::HoldOver => "hold over",
            Self::Signal { signal } => {
                return match signal {
                    1 => f.write_str("SIGHUP"),
                    2 => f.write_str("SIGINT"),
                    3 => f.write_str("SIGQUIT"),
                    15 => f.write_str("SIGTERM"),
                    other => write!(f, "signal {other}"),
                };
            }
            Self::TerminalClosed => "terminal closed",
            Self::SafeStop => "safe stop",
            Self::Interlock { .. } => "interlock",
            Self::Stale { .. } => "interlock reading stale",
            Self::DeviceFault { .. } => "device fault",
            Self::Retry { .. } => "device made safe again",
            Self::ArmFailed { .. } => "arming failed",
            Self::Start => "rig opened",
            Self::Recovery => "recovery after an unclean run",
            Self::Shutdown => "system shutdown",
            Self::Suspend => "system suspend",
            Self::LogOff => "log-off",
            Self::DisplayGone => "display gone",
            Self::HostStarved => "host starved",
            Self::WatchdogLost => "watchdog lost",
            Self::HostLost => "host lost",
            Self::AppExited => "app exited",
            Self::Requested => "requested",
            Self::HandleDropped => "host dropped",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words;

    #[test]
    fn every_cause_is_in_the_list_of_their_words() {
        assert_eq!(words::of::<Cause>(r#"{"cause":"none"}"#), Cause::CODES);
    }
}
