//! States in words.

use std::time::Duration;

use killcord::{
    core::DeviceState,
    wire::{RigState, RigView, WatchdogAct, WatchdogState, WatchdogView},
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
    let title = |device: u16| {
        rig.devices.get(usize::from(device)).map_or_else(|| String::from("?"), |device| device.title.clone())
    };
    let watchdog = run.by_watchdog.as_ref().map_or_else(String::new, |act| by_watchdog(act, title));
    Some(format!(
        "The run before ({}) did not end cleanly: last heard of at {}{armed}.{watchdog} The rig is made safe \
         first; nothing arms until that is acknowledged: type `ack`.",
        run.run,
        moment::local(run.last_unix_ms)
    ))
}

/// What the watchdog did, as sentences that follow others.
fn by_watchdog(act: &WatchdogAct, title: impl Fn(u16) -> String) -> String {
    let when = moment::local(act.at_unix_ms);
    let not_safe: Vec<_> =
        act.devices.iter().filter(|device| !device.confirmed).map(|device| title(device.device)).collect();
    match &*not_safe {
        [] => {
            let within = act.safe_ms.map_or_else(String::new, |ms| {
                format!(", confirmed {} s later", Duration::from_millis(ms).as_secs_f64())
            });
            format!(" At {when} {}; the watchdog made the rig safe{within}.", act.why)
        }
        names => format!(
            " At {when} {}; the watchdog acted, and could NOT confirm as safe: {}. Check by hand.",
            act.why,
            names.join(", ")
        ),
    }
}

/// What is to be said of the watchdog, a line each: nothing while it stands by with all its protections.
pub(super) fn watchdog(view: &WatchdogView) -> Vec<String> {
    let stays = "If this process is killed or hangs, the hardware stays as it is until the next start.";
    let why = view.why.as_ref().map_or_else(String::new, |why| format!(" {why}"));
    let state = match view.state {
        WatchdogState::Starting | WatchdogState::Watching => None,
        WatchdogState::Missing => Some(format!("NO WATCHDOG:{why} {stays}")),
        WatchdogState::Off => Some(format!("This rig runs without a watchdog.{why} {stays}")),
    };
    let lacks = view.protections.iter().map(|lacks| format!("The watchdog lacks a protection: {lacks}"));
    state.into_iter().chain(lacks).collect()
}

/// Control characters shown, lines kept.
pub(super) fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use killcord::wire::TeardownDevice;

    use super::*;

    fn act(confirmed: [bool; 2]) -> WatchdogAct {
        let device = |(device, confirmed)| TeardownDevice {
            device,
            doing: String::new(),
            status: None,
            confirmed,
            released: false,
            remarks: Vec::new(),
        };
        WatchdogAct {
            why: "the host was killed".into(),
            at_unix_ms: 0,
            first_byte_ms: Some(8),
            safe_ms: Some(412),
            devices: (0..).zip(confirmed).map(device).collect(),
        }
    }

    #[track_caller]
    fn tells(confirmed: [bool; 2], expect: &str) {
        let told = by_watchdog(&act(confirmed), |device| format!("device {device}"));
        assert!(told.contains("the host was killed; ") && told.ends_with(expect), "{told}");
    }

    #[test]
    fn what_the_watchdog_did_is_told_with_how_fast_or_with_what_is_left_to_check() {
        tells([true, true], "the watchdog made the rig safe, confirmed 0.412 s later.");
        tells([true, false], "could NOT confirm as safe: device 1. Check by hand.");
    }

    #[test]
    fn a_watchdog_is_only_spoken_of_where_it_is_missing_or_lacks_something() {
        let view =
            |state, protections| WatchdogView { state, why: Some("It was killed.".into()), protections };
        for silent in [WatchdogState::Starting, WatchdogState::Watching] {
            assert!(watchdog(&view(silent, Vec::new())).is_empty());
        }
        let [missing] = &*watchdog(&view(WatchdogState::Missing, Vec::new())) else { panic!("one line") };
        assert!(missing.starts_with("NO WATCHDOG: It was killed. If this process is killed"), "{missing}");
        let lacks = watchdog(&view(WatchdogState::Watching, vec!["its memory is not locked".into()]));
        assert_eq!(lacks, ["The watchdog lacks a protection: its memory is not locked"]);
    }
}
