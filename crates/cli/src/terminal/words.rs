//! States in words.

use killcord::{
    core::DeviceState,
    wire::{RigState, RigView},
};

use crate::{moment, text::plain};

/// The rig's state in words.
pub(super) const fn word(state: RigState) -> &'static str {
    match state {
        RigState::Opening => "Opening: devices are connected, identified and made safe",
        RigState::Safe => "Safe",
        RigState::Arming => "Arming",
        RigState::Armed => "ARMED",
        RigState::MakingSafe => "Making safe",
        RigState::NotSafe => "NOT SAFE: a device is not confirmed safe",
        RigState::Released => "Released",
    }
}

/// A device's state in words.
pub(super) fn standing(state: &DeviceState) -> String {
    match state {
        DeviceState::Disconnected => String::from("disconnected"),
        DeviceState::Connecting => String::from("connecting"),
        DeviceState::Safe => String::from("safe"),
        DeviceState::Arming => String::from("arming"),
        DeviceState::Armed => String::from("ARMED"),
        DeviceState::MakingSafe => String::from("being made safe"),
        DeviceState::Releasing => String::from("being released"),
        DeviceState::Released => String::from("released"),
        DeviceState::Fault(fault) => fault.to_string(),
    }
}

/// What is to be said of a run before that did not end cleanly.
pub(super) fn unclean(rig: &RigView) -> Option<String> {
    let run = rig.unclean.as_ref()?;
    let armed = if run.was_armed { ", armed" } else { "" };
    Some(format!(
        "The run before ({}) did not end cleanly: last heard of at {}{armed}. The rig is made safe first; nothing \
         arms until that is acknowledged: type `ack`.",
        run.run,
        moment::local(run.last_unix_ms)
    ))
}

/// Control characters shown, lines kept.
pub(super) fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}
