//! Bodies of the HTTP interface that are no frames.

use killcord_core::{Epoch, Extent, Mode, RunId, SessionId, Status, Value, report::Phase};
use serde::{Deserialize, Deserializer, Serialize};

use crate::Moment;

/// A session's number, also where it is written `17.0`: to JSON both are the same integer.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SessionId, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Number {
        Whole(u64),
        Float(f64),
    }
    /// Up to here a float holds every whole number.
    const EXACT: f64 = 9_007_199_254_740_991.0;
    match Number::deserialize(deserializer)? {
        Number::Whole(n) => Ok(SessionId(n)),
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "looked at just before")]
        Number::Float(n) if n.fract() == 0.0 && (0.0..=EXACT).contains(&n) => Ok(SessionId(n as u64)),
        Number::Float(_) => Err(serde::de::Error::custom("a session is a whole number")),
    }
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema))]
pub struct Problem {
    /// Stable: one of [`crate::ErrorCode`] for a command, else a word of HTTP's own.
    pub code: String,
    /// What to do next, in words.
    pub message: String,
}

/// A command in the name of an operator's session. HTTP holds no lease: the session's page does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ArmBody {
    /// A session of the same browser, from its welcome.
    #[serde(deserialize_with = "whole")]
    pub session: SessionId,
    /// The epoch that it believes in.
    pub epoch: Epoch,
    /// Names the command, 1 to 64 bytes; seen again, it is answered and not repeated.
    #[cfg_attr(feature = "generate", schemars(length(min = 1, max = 64)))]
    pub id: String,
}

/// A value for a control, in the name of an operator's session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SetBody {
    /// A session of the same browser, from its welcome.
    #[serde(deserialize_with = "whole")]
    pub session: SessionId,
    /// The epoch that it believes in.
    pub epoch: Epoch,
    /// Names the command, 1 to 64 bytes; seen again, it is answered and not repeated.
    #[cfg_attr(feature = "generate", schemars(length(min = 1, max = 64)))]
    pub id: String,
    /// A number, a truth value or one of its options; `true` for a button.
    pub value: Value,
}

/// The recent past of readings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema))]
pub struct ReadingsView {
    /// The host's clocks now.
    pub now: Moment,
    /// Those asked for, in file order.
    pub readings: Vec<ReadingPast>,
}

/// The recent past of one reading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema))]
pub struct ReadingPast {
    /// Its device.
    pub device: String,
    /// Its name in the rig file.
    pub name: String,
    /// A label.
    pub unit: String,
    /// Oldest first: milliseconds of the host's clock ([`Moment::host_ms`]), value. The last 600 are kept.
    pub values: Vec<(u64, f64)>,
}

/// The last teardowns, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema))]
pub struct TeardownsView {
    /// Each without its devices.
    pub teardowns: Vec<TeardownHead>,
}

/// A teardown in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema))]
pub struct TeardownHead {
    /// Its number in the journal.
    pub id: u64,
    /// In which life of the host.
    pub run: RunId,
    /// When it was over, in milliseconds since 1970.
    pub at_unix_ms: u64,
    /// The stable word of its first cause.
    pub cause: String,
    /// Whether every device is confirmed safe.
    pub confirmed: bool,
    /// How long it took.
    pub took_ms: u64,
}

/// One teardown, whole. Times are milliseconds since its first cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema))]
pub struct TeardownReport {
    /// The stable words of its causes, in the order they came.
    pub causes: Vec<TeardownCause>,
    /// The sequence that was due at the end.
    pub mode: Mode,
    /// How far it went.
    pub extent: Extent,
    /// Whether every device is confirmed safe.
    pub confirmed: bool,
    /// How long it took until it was done or out of time.
    pub took_ms: u64,
    /// Whether the deadline cut it short.
    pub out_of_time: bool,
    /// One entry a device that it concerned, in file order.
    pub devices: Vec<TeardownOfDevice>,
    /// What could not be recorded, or went wrong around the devices, in words.
    pub notes: Vec<String>,
}

/// A cause, and when it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema))]
pub struct TeardownCause {
    /// Its stable word.
    pub cause: String,
    /// When it came.
    pub at_ms: u64,
}

/// What a teardown did to one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema))]
pub struct TeardownOfDevice {
    /// Its name in the rig file.
    pub device: String,
    /// How it ended.
    pub status: Status,
    /// The end counts as safe: verified, or declared as one that nothing can be read from.
    pub confirmed: bool,
    /// The sequence that ended it.
    pub mode: Mode,
    /// Handed back and closed.
    pub released: bool,
    /// When the first safe byte had gone out.
    pub first_byte_ms: Option<u64>,
    /// When it was confirmed safe.
    pub safe_ms: Option<u64>,
    /// Every exchange, in order.
    pub exchanges: Vec<TeardownExchange>,
    /// Why it is not confirmed safe or not released, and what a person should check.
    pub remarks: Vec<String>,
}

/// One exchange with a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema))]
pub struct TeardownExchange {
    /// Part of which sequence.
    pub phase: Phase,
    /// What was sent or asked, as a person reads it.
    pub step: String,
    /// When it was handed to the link.
    pub at_ms: u64,
    /// When its result was in.
    pub done_ms: u64,
    /// The answer; absent where none is owed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Why it did not go well; absent where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_a_whole_number_however_it_is_written() {
        let body = |session: &str| {
            let text = format!(r#"{{"session":{session},"epoch":"1.2","id":"x"}}"#);
            serde_json::from_str::<ArmBody>(&text).map(|body| body.session).ok()
        };
        assert_eq!(
            (body("17"), body("17.0"), body("1.7e1")),
            (Some(SessionId(17)), Some(SessionId(17)), Some(SessionId(17)))
        );
        for bad in ["17.5", "-1", "-1.0", "1e300", "\"17\"", "null", "NaN"] {
            assert_eq!(body(bad), None, "{bad}");
        }
    }
}
