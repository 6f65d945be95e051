//! The frames themselves: `{"t": "…", …}`.

use std::collections::BTreeMap;

use killcord_core::{Cause, Epoch, Extent, Mode, Role, SessionEnd, SessionId, Status, Value};
use serde::{Deserialize, Serialize};

use crate::{ErrorCode, Moment, PolicyView, RigPatch, RigView};

/// From a page (or window, or terminal) to the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS))]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum ToHost {
    /// The first frame: who is there.
    Hello {
        /// [`crate::VERSION`].
        v: u32,
        /// The token of the session to go on with.
        #[serde(default)]
        #[cfg_attr(feature = "generate", ts(optional))]
        resume: Option<String>,
        /// Names this document; a goodbye has to carry it.
        nonce: String,
        /// The role that it would like.
        want: Role,
    },
    /// A sign of life.
    Beat {
        /// Counts up; comes back in the ack.
        #[cfg_attr(feature = "generate", ts(type = "number"))]
        n: u64,
        /// Whether the page can be seen.
        visible: bool,
        /// Since the page's main thread last answered its worker, in milliseconds.
        #[serde(default)]
        #[cfg_attr(feature = "generate", ts(optional, type = "number"))]
        main_ms: Option<u64>,
        /// Since the person last gave input, in milliseconds.
        #[serde(default)]
        #[cfg_attr(feature = "generate", ts(optional, type = "number"))]
        input_ms: Option<u64>,
    },
    /// The page is going away.
    Bye {
        /// Whose goodbye.
        #[cfg_attr(feature = "generate", ts(type = "number"))]
        session: SessionId,
        /// Of which document.
        nonce: String,
        /// It went into the browser's back/forward cache and may come back.
        persisted: bool,
    },
    /// Control is asked for.
    TakeControl {
        /// Without waiting for the holder.
        #[serde(default)]
        #[cfg_attr(feature = "generate", ts(optional, as = "Option<bool>"))]
        force: bool,
    },
    /// Control is given up: to whoever asks for it, and if nobody does to nobody.
    YieldControl {
        /// To that session and to no other. Where it cannot take it, control stays.
        #[serde(default)]
        #[cfg_attr(feature = "generate", ts(optional, type = "number"))]
        to: Option<SessionId>,
    },
    /// The person is still there (answer to an idle warning).
    Stay,
    /// Arm the rig.
    Arm {
        /// The epoch that the page believes in.
        #[cfg_attr(feature = "generate", ts(type = "string"))]
        epoch: Epoch,
        /// Names the command; seen again, it is answered and not repeated.
        id: String,
    },
    /// Make the rig safe by its controlled sequence and stay connected. Any session, any epoch.
    Safe,
    /// Safe stop, by the rig's `on_safe_stop`. Any session, any epoch.
    Stop,
    /// Set a control.
    Set {
        /// The epoch that the page believes in.
        #[cfg_attr(feature = "generate", ts(type = "string"))]
        epoch: Epoch,
        /// Names the command; seen again, it is answered and not repeated.
        id: String,
        /// The device's name.
        device: String,
        /// The control's name.
        control: String,
        /// A number, a truth value or one of its options; `true` for a button.
        #[cfg_attr(feature = "generate", ts(type = "boolean | number | string"))]
        value: Value,
    },
    /// A trip, or an unclean run, was seen by a person.
    Acknowledge {
        /// The epoch that the page believes in.
        #[cfg_attr(feature = "generate", ts(type = "string"))]
        epoch: Epoch,
    },
}

/// From the host to a page (or window, or terminal).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS))]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum ToPage {
    /// The answer to a hello.
    Welcome {
        /// The session's id.
        #[cfg_attr(feature = "generate", ts(type = "number"))]
        session: SessionId,
        /// The token to go on with after a reload; another one at each welcome.
        resume: String,
        /// The role that it has.
        role: Role,
        /// The epoch to give with commands.
        #[cfg_attr(feature = "generate", ts(type = "string"))]
        epoch: Epoch,
        /// Whether the session goes on from an earlier page.
        resumed: bool,
        /// The times that the page has to know.
        policy: PolicyView,
        /// The rig's own words, HTML, by their keys in the rig file. An element with `data-killcord` of `time` or
        /// `hardware` is filled in by the page, as text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "generate", ts(optional, type = "Partial<Record<string, string>>"))]
        messages: Option<BTreeMap<String, String>>,
        /// Everything there is to show.
        rig: Box<RigView>,
        /// The host's clocks.
        now: Moment,
    },
    /// The answer to a beat.
    Ack {
        /// Of that beat.
        #[cfg_attr(feature = "generate", ts(type = "number"))]
        n: u64,
        /// The lease ends so many milliseconds from now if nothing more is heard.
        #[cfg_attr(feature = "generate", ts(type = "number"))]
        expires_ms: u64,
        /// The session ends so many milliseconds from now if the person gives no input.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "generate", ts(optional, type = "number"))]
        idle_ms: Option<u64>,
    },
    /// What has changed of the rig.
    Rig {
        /// Only what is other than before.
        #[serde(flatten)]
        patch: Box<RigPatch>,
    },
    /// New values.
    Readings {
        /// In the order they came.
        readings: Vec<ReadingUpdate>,
    },
    /// Who is in control.
    Control {
        /// The operator's session.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "generate", ts(optional, type = "number"))]
        holder: Option<SessionId>,
        /// The session that asks for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "generate", ts(optional, type = "number"))]
        asking: Option<SessionId>,
        /// The reader's own role.
        role: Role,
        /// The epoch to give with commands.
        #[cfg_attr(feature = "generate", ts(type = "string"))]
        epoch: Epoch,
    },
    /// Something will happen unless the person acts.
    Warning {
        /// What.
        kind: WarningKind,
        /// In so many milliseconds.
        #[cfg_attr(feature = "generate", ts(type = "number"))]
        in_ms: u64,
    },
    /// A teardown runs, or has just ended (`done`).
    Teardown {
        /// The first cause.
        cause: Cause,
        /// The cause in words.
        text: String,
        /// The sequence that is due.
        mode: Mode,
        /// How far it goes.
        extent: Extent,
        /// At the latest so many milliseconds from now.
        #[cfg_attr(feature = "generate", ts(type = "number"))]
        deadline_ms: u64,
        /// Each device that it concerns.
        devices: Vec<TeardownDevice>,
        /// Over: every device's `status` is final.
        done: bool,
    },
    /// The session has ended; nothing more comes.
    Ended {
        /// Why.
        reason: SessionEnd,
        /// What the host knows of the hardware at this moment.
        hardware: Hardware,
        /// The rig's own words for it, as in the welcome, time and hardware filled in; empty where the rig has none.
        message: String,
    },
    /// A command was done.
    Done {
        /// The command's id.
        id: String,
    },
    /// A command or frame was refused.
    Error {
        /// The command's id, where it had one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "generate", ts(optional))]
        id: Option<String>,
        /// Stable.
        code: ErrorCode,
        /// What to do next, in words.
        message: String,
    },
}

/// One new value of a reading or of a control's readback.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS))]
pub struct ReadingUpdate {
    /// The device's place in [`RigView::devices`].
    pub device: u16,
    /// The reading's, or control's, name.
    pub name: String,
    /// A readback of a control rather than a reading.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "generate", ts(optional, as = "Option<bool>"))]
    pub control: bool,
    /// When it was read, in milliseconds of the host's clock ([`Moment::host_ms`]).
    #[cfg_attr(feature = "generate", ts(type = "number"))]
    pub at_ms: u64,
    /// The value; absent when none could be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional, type = "boolean | number | string"))]
    pub value: Option<Value>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional))]
    pub error: Option<String>,
    /// Outside its limits.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "generate", ts(optional, as = "Option<bool>"))]
    pub outside: bool,
}

/// What a warning is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum WarningKind {
    /// The session ends for want of input.
    Idle,
    /// Another session gets control.
    TakeOver,
    /// A hold ends.
    HoldOver,
    /// The page's process died or hangs.
    PageNotResponding,
}

/// One device of a running or finished teardown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct TeardownDevice {
    /// The device's place in [`RigView::devices`].
    pub device: u16,
    /// What it is doing, in words: `waiting for psu`, `OUTP OFF`, `verified`.
    pub doing: String,
    /// How it ended, once it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional))]
    pub status: Option<Status>,
    /// The end counts as safe: verified, or declared as one that nothing can be read from.
    pub confirmed: bool,
    /// Handed back and closed.
    pub released: bool,
    /// What a person should know or check.
    pub remarks: Vec<String>,
}

/// What the host knows of the hardware when a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Hardware {
    /// Every device is confirmed safe.
    Safe,
    /// Armed: others are in control, or it is held.
    Armed,
    /// Being made safe.
    MakingSafe,
    /// At least one device is not confirmed safe.
    NotSafe,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_reads_as_documented() {
        let hello: ToHost =
            serde_json::from_str(r#"{"t":"hello","v":1,"nonce":"a","want":"operator"}"#).unwrap();
        assert!(matches!(hello, ToHost::Hello { v: 1, resume: None, .. }));
        let set: ToHost = serde_json::from_str(
            r#"{"t":"set","epoch":"3.4","id":"x","device":"psu","control":"setpoint","value":12.5}"#,
        )
        .unwrap();
        assert!(matches!(set, ToHost::Set { value: Value::Number(n), .. } if n.0 == 12.5));
        for text in [r#"{"t":"safe"}"#, r#"{"t":"stop"}"#, r#"{"t":"take_control"}"#] {
            serde_json::from_str::<ToHost>(text).unwrap();
        }
    }

    #[test]
    fn an_unknown_frame_is_an_error_and_no_panic() {
        for text in
            ["", "{}", "[]", r#"{"t":"fire"}"#, r#"{"t":"arm"}"#, r#"{"t":"arm","epoch":"x","id":"1"}"#]
        {
            assert!(serde_json::from_str::<ToHost>(text).is_err(), "{text}");
        }
    }
}
