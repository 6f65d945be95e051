//! What a page shows of a rig.

use killcord_core::{
    DeviceState, Value,
    policy::{OnLast, OnLost},
    rig::Needs,
};
use serde::{Deserialize, Serialize};

use crate::{WatchdogAct, WatchdogView};

/// The host's clocks at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Moment {
    /// Milliseconds since the host started, monotonic.
    #[cfg_attr(feature = "generate", ts(type = "number"))]
    pub host_ms: u64,
    /// Milliseconds since 1970 by the host's wall clock.
    #[cfg_attr(feature = "generate", ts(type = "number"))]
    pub unix_ms: u64,
}

/// What a page has to know of `[session]` and `[safety]`; times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct PolicyView {
    /// How often it beats.
    #[cfg_attr(feature = "generate", ts(type = "number"))]
    pub beat_ms: u64,
    /// Silence after which its lease is over.
    #[cfg_attr(feature = "generate", ts(type = "number"))]
    pub expire_after_ms: u64,
    /// Within which a reload comes back.
    #[cfg_attr(feature = "generate", ts(type = "number"))]
    pub reload_grace_ms: u64,
    /// The longest a whole teardown may take.
    #[cfg_attr(feature = "generate", ts(type = "number"))]
    pub deadline_ms: u64,
    /// What becomes of the hardware when this session loses control and others remain.
    pub on_control_lost: OnLost,
    /// What becomes of it when this session was the last.
    pub on_last_session: OnLast,
    /// The longest that it is left running without an operator.
    #[cfg_attr(feature = "generate", ts(type = "number"))]
    pub hold_for_ms: u64,
}

/// The rig as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RigState {
    /// Being opened: devices are connected, identified and made safe.
    Opening,
    /// Every device that can act is confirmed safe.
    Safe,
    /// The arm sequences run.
    Arming,
    /// Devices may act.
    Armed,
    /// A teardown runs.
    MakingSafe,
    /// A device is not confirmed safe.
    NotSafe,
    /// Handed back; the next session opens it again.
    Released,
}

/// Everything there is to show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct RigView {
    /// `[rig] name`.
    pub name: String,
    /// The rig file, as it was named.
    pub file: String,
    /// Where it stands.
    pub state: RigState,
    /// Why it cannot be armed; empty when it can.
    pub arm_refused: Vec<ArmRefusal>,
    /// Whether this rig has anything to arm.
    pub arms: bool,
    /// What tripped, until acknowledged.
    pub trip: Option<Trip>,
    /// The run before did not end cleanly, until acknowledged.
    pub unclean: Option<UncleanRun>,
    /// What covers a killed or hung host.
    pub watchdog: WatchdogView,
    /// The wrapped app; absent where the rig has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional))]
    pub app: Option<AppView>,
    /// What a person should know: full disk, journal not written.
    pub notices: Vec<String>,
    /// In file order.
    pub devices: Vec<DeviceView>,
}

/// The wrapped app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct AppView {
    /// Where it stands.
    pub state: AppState,
    /// What was seen of its end by itself, in words.
    pub why: Option<String>,
}

/// Where the wrapped app stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AppState {
    /// Not started yet: the rig is being made safe first.
    Waiting,
    /// Started; does not answer yet.
    Starting,
    /// It answers.
    Ready,
    /// It is being stopped, or what it left behind is being ended.
    Stopping,
    /// Stopped by a teardown.
    Stopped,
    /// It ended by itself, and stays down.
    Exited,
    /// It ended by itself, or was stopped, and is started anew.
    Restarting,
}

/// What has changed of a [`RigView`]; absent fields are as before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS))]
#[cfg_attr(feature = "generate", ts(optional_fields))]
#[allow(clippy::option_option)]
pub struct RigPatch {
    /// [`RigView::state`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<RigState>,
    /// [`RigView::arm_refused`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm_refused: Option<Vec<ArmRefusal>>,
    /// [`RigView::trip`]; `null` for none.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "nullable")]
    #[cfg_attr(feature = "generate", ts(type = "Trip | null"))]
    pub trip: Option<Option<Trip>>,
    /// [`RigView::unclean`]; `null` for none.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "nullable")]
    #[cfg_attr(feature = "generate", ts(type = "UncleanRun | null"))]
    pub unclean: Option<Option<UncleanRun>>,
    /// [`RigView::watchdog`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watchdog: Option<WatchdogView>,
    /// [`RigView::app`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppView>,
    /// [`RigView::notices`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notices: Option<Vec<String>>,
    /// States of devices by their place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(type = "Array<[number, DeviceState]>"))]
    pub devices: Option<Vec<(u16, DeviceState)>>,
    /// [`DeviceView::identity`] by the device's place, once it said what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(type = "Array<[number, string]>"))]
    pub identities: Option<Vec<(u16, String)>>,
    /// [`ControlView::setpoint`] by the device's place and the control's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(type = "Array<[number, string, boolean | number | string | null]>"))]
    pub setpoints: Option<Vec<(u16, String, Option<Value>)>>,
}

/// Tells "not there" from "null", which a plain `Option<Option<T>>` does not.
mod nullable {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[allow(clippy::option_option, clippy::ref_option)]
    pub(super) fn serialize<T: Serialize, S: Serializer>(
        value: &Option<Option<T>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().and_then(Option::as_ref).serialize(serializer)
    }

    #[allow(clippy::option_option)]
    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Option<T>>, D::Error> {
        Option::deserialize(deserializer).map(Some)
    }
}

/// One reason why the rig cannot be armed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct ArmRefusal {
    /// Stable: `trip`, `not_safe`, `device_missing`, `unclean`, `watchdog`, `no_operator`, `busy`, `nothing`.
    pub code: String,
    /// What to do next, in words.
    pub message: String,
}

/// An interlock that has tripped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Trip {
    /// The reading, by device and name, and what it was: `furnace temperature 131 °C above 120 °C`.
    pub text: String,
    /// When, in milliseconds of the host's clock.
    #[cfg_attr(feature = "generate", ts(type = "number"))]
    pub at_ms: u64,
}

/// A run that ended without its teardown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct UncleanRun {
    /// Its number.
    #[cfg_attr(feature = "generate", ts(type = "number"))]
    pub run: u64,
    /// When it was last heard of, in milliseconds since 1970.
    #[cfg_attr(feature = "generate", ts(type = "number"))]
    pub last_unix_ms: u64,
    /// Whether the rig was armed then.
    pub was_armed: bool,
    /// What the watchdog did after it, if it left a report.
    pub by_watchdog: Option<WatchdogAct>,
}

/// One device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct DeviceView {
    /// Its name in the rig file.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// The driver's name.
    pub driver: String,
    /// Where it leads, as a person reads it.
    pub connect: String,
    /// What it said it is, once it did.
    pub identity: Option<String>,
    /// Where it stands.
    pub state: DeviceState,
    /// Whether it can act at all.
    pub acts: bool,
    /// In file order.
    pub readings: Vec<ReadingView>,
    /// In file order.
    pub controls: Vec<ControlView>,
}

/// One reading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct ReadingView {
    /// Its name in the rig file.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// A label.
    pub unit: String,
    /// Time between two values.
    #[cfg_attr(feature = "generate", ts(type = "number"))]
    pub every_ms: u64,
    /// Without a good value for so long it is stale.
    #[cfg_attr(feature = "generate", ts(type = "number"))]
    pub stale_after_ms: u64,
    /// The interlock on it.
    pub limits: Option<LimitsView>,
    /// The recent past, oldest first: milliseconds of the host's clock, value.
    #[cfg_attr(feature = "generate", ts(type = "Array<[number, number]>"))]
    pub history: Vec<(u64, f64)>,
}

/// An interlock's limits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct LimitsView {
    /// The least that is good.
    pub min: Option<f64>,
    /// The most that is good.
    pub max: Option<f64>,
    /// Makes the rig safe (else only warns).
    pub makes_safe: bool,
}

/// One control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct ControlView {
    /// Its name in the rig file.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// A label.
    pub unit: String,
    /// When it may be used.
    pub needs: Needs,
    /// What it takes.
    pub kind: ControlKindView,
    /// The last value sent and confirmed in this run.
    #[cfg_attr(feature = "generate", ts(type = "boolean | number | string | null"))]
    pub setpoint: Option<Value>,
    /// The last value read back.
    #[cfg_attr(feature = "generate", ts(type = "boolean | number | string | null"))]
    pub readback: Option<Value>,
}

/// What a control takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ControlKindView {
    /// A number within limits.
    Number {
        /// The least.
        min: f64,
        /// The most.
        max: f64,
    },
    /// On or off.
    Toggle,
    /// One of several words.
    Choice {
        /// The words.
        options: Vec<String>,
    },
    /// Something done.
    Button,
}
