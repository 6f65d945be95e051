//! The life of a device, as everybody is told it.

use serde::{Deserialize, Serialize};

/// Where a device stands.
///
/// `Disconnected → Connecting → Safe → Arming → Armed → MakingSafe → Safe → Releasing → Released`, and
/// `Fault` from any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeviceState {
    /// No link; nothing was tried yet, or it is tried again later.
    #[default]
    Disconnected,
    /// Being opened and identified.
    Connecting,
    /// In its safe state, or one that never acts and is connected.
    Safe,
    /// Its arm sequence runs.
    Arming,
    /// It may act.
    Armed,
    /// Its safe sequence runs.
    MakingSafe,
    /// It is being handed back.
    Releasing,
    /// Handed back and disconnected.
    Released,
    /// Something is wrong; owned by the host until it is safe.
    Fault(Fault),
}

impl DeviceState {
    /// The stable words of all states, each fault being one.
    pub const CODES: [&'static str; 12] = [
        "disconnected",
        "connecting",
        "safe",
        "arming",
        "armed",
        "making_safe",
        "releasing",
        "released",
        "unreachable",
        "wrong_identity",
        "failed",
        "not_safe",
    ];

    /// A stable word for it, as in metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Disconnected => "disconnected",
            Self::Connecting => "connecting",
            Self::Safe => "safe",
            Self::Arming => "arming",
            Self::Armed => "armed",
            Self::MakingSafe => "making_safe",
            Self::Releasing => "releasing",
            Self::Released => "released",
            Self::Fault(Fault::Unreachable { .. }) => "unreachable",
            Self::Fault(Fault::WrongIdentity { .. }) => "wrong_identity",
            Self::Fault(Fault::Failed { .. }) => "failed",
            Self::Fault(Fault::NotSafe { .. }) => "not_safe",
        }
    }

    /// Whether bytes of ours may have made the device act, or may be doing so.
    #[must_use]
    pub const fn may_act(&self) -> bool {
        matches!(self, Self::Arming | Self::Armed | Self::MakingSafe | Self::Fault(_))
    }
}

/// What is wrong with a device.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// It cannot be reached.
    Unreachable {
        /// What was seen, in words.
        why: String,
    },
    /// Another instrument answers there: nothing is sent to it.
    WrongIdentity {
        /// What it answered.
        found: String,
    },
    /// A step failed while the line was up.
    Failed {
        /// What was seen, in words.
        why: String,
    },
    /// A teardown ended and it is not confirmed safe.
    NotSafe {
        /// What was seen, in words.
        why: String,
    },
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreachable { why } => write!(f, "unreachable: {why}"),
            Self::WrongIdentity { found } => write!(f, "another instrument answers: {found}"),
            Self::Failed { why } => write!(f, "failed: {why}"),
            Self::NotSafe { why } => write!(f, "not confirmed safe: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words;

    #[test]
    fn every_state_and_every_fault_is_in_the_list_of_their_words() {
        let mut all = words::of::<DeviceState>(r#""none""#);
        assert_eq!(all.pop().as_deref(), Some("fault"));
        all.extend(words::of::<Fault>(r#"{"fault":"none"}"#));
        assert_eq!(all, DeviceState::CODES);
    }
}
