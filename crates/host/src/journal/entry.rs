//! How events are written down: a stable word and what belongs to it, with names instead of numbers.

use killcord_core::{ControlIx, DeviceIx, ReadingIx, Rig, rules::Event};
use serde_json::{Value, json};

use super::{Comer, What, access::MOVED};

/// A device was left to the watchdog.
pub(super) const LEFT: &str = "left_to_watchdog";

/// The word for what is written down, and its details.
pub(super) fn of(what: &What, rig: &Rig) -> (&'static str, Value) {
    match what {
        What::Event { event, by } => describe(event, by, rig),
        What::Access(entrance) => (entrance.access.code(), entrance.detail()),
        What::Moved { session, address } => (MOVED, json!({ "session": session, "address": address })),
    }
}

fn describe(event: &Event, by: &Comer, rig: &Rig) -> (&'static str, Value) {
    match event {
        Event::SessionBegan { session, kind, role } => (
            "session_began",
            json!({ "session": session, "kind": kind, "role": role, "address": by.address, "name": by.who.as_deref() }),
        ),
        Event::SessionEnded { session, reason } => {
            ("session_ended", json!({ "session": session, "reason": reason }))
        }
        Event::Control { holder } => ("control", json!({ "holder": holder })),
        Event::Arming { session } => ("arming", json!({ "session": session })),
        Event::Armed => ("armed", json!({})),
        Event::ArmFailed { device, why } => {
            ("arm_failed", json!({ "device": name(rig, *device), "why": why }))
        }
        Event::Set { session, control, value } => {
            ("set", json!({ "session": session, "control": control_name(rig, *control), "value": value }))
        }
        Event::Cause { cause, joined } => {
            ("cause", json!({ "cause": cause, "text": cause.to_string(), "joined": joined }))
        }
        Event::Teardown(report) => (
            "teardown",
            json!({
                "cause": report.causes.first().map(|(_, cause)| cause.code()),
                "confirmed": report.confirmed(),
                "took_ms": u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
                "devices": report.devices.iter().map(|device| json!({
                    "name": device.name, "status": device.status, "released": device.released,
                })).collect::<Vec<_>>(),
            }),
        ),
        Event::LimitWarning { reading } => {
            ("limit_warning", json!({ "reading": reading_name(rig, *reading) }))
        }
        Event::Acknowledged { session } => ("acknowledged", json!({ "session": session })),
        Event::WatchdogReady => ("watchdog_ready", json!({})),
        Event::WatchdogLost { why } => ("watchdog_lost", json!({ "why": why })),
        Event::LeftToWatchdog { device } => (LEFT, json!({ "device": name(rig, *device) })),
        Event::AppStarted => ("app_started", json!({})),
        Event::AppReady => ("app_ready", json!({})),
        Event::AppExited { why } => ("app_exited", json!({ "why": why })),
        Event::AppStopped { why } => ("app_stopped", json!({ "why": why })),
        Event::Opened { device, identity } => {
            ("opened", json!({ "device": name(rig, *device), "identity": identity }))
        }
        Event::Lost { device, why } => ("lost", json!({ "device": name(rig, *device), "why": why })),
    }
}

/// Whether the rig may be energised from there on; `None` where it changes nothing.
pub(super) const fn armed_after(what: &What) -> Option<bool> {
    match what {
        What::Event { event: Event::Arming { .. } | Event::Armed | Event::Set { .. }, .. } => Some(true),
        _ => None,
    }
}

fn name(rig: &Rig, device: DeviceIx) -> &str {
    rig.plan.devices.get(device.at()).map_or("", |device| &device.name)
}

fn control_name(rig: &Rig, control: ControlIx) -> String {
    rig.controls
        .get(control.at())
        .map_or_else(String::new, |control| format!("{}.{}", name(rig, control.device), control.name))
}

fn reading_name(rig: &Rig, reading: ReadingIx) -> String {
    rig.readings
        .get(reading.at())
        .map_or_else(String::new, |reading| format!("{}.{}", name(rig, reading.device), reading.name))
}
