//! Shows the way out in the windows, for pages that do not do so themselves.

use killcord::Outcome;
use killcord_core::DeviceState;
use serde::Serialize;
use tauri::{AppHandle, Emitter as _, Manager as _, Runtime};

use crate::{builder::Progress, shell::Shell};

/// The event that carries [`Payload`] with `Progress::Events`.
const EVENT: &str = "killcord://ending";

/// A function of the payload that draws it over the page.
const DRAW: &str = include_str!("overlay.js");

/// What is shown.
#[derive(Clone, Serialize)]
struct Payload<'a> {
    rig: &'a str,
    devices: Vec<Device<'a>>,
    /// The host has ended; nothing changes any more.
    done: bool,
    /// Every device is confirmed safe.
    confirmed: bool,
    /// What a person should know, in words.
    report: Vec<String>,
}

#[derive(Clone, Serialize)]
struct Device<'a> {
    title: &'a str,
    state: &'static str,
}

/// Shows how far it is.
pub(crate) fn show<R: Runtime>(app: &AppHandle<R>, shell: &Shell, outcome: Option<&Outcome>) {
    let view = shell.host.view();
    let devices =
        view.devices.iter().map(|device| Device { title: &device.title, state: words(&device.state) });
    let payload = Payload {
        rig: &view.name,
        devices: devices.collect(),
        done: outcome.is_some(),
        confirmed: outcome.is_some_and(|outcome| outcome.exit == 0),
        report: outcome.map(Outcome::summary).unwrap_or_default(),
    };
    let shown = match shell.settings.progress {
        Progress::Events => app.emit(EVENT, &payload),
        Progress::Overlay => draw(app, shell, &payload),
    };
    if let Err(error) = shown {
        tracing::debug!(%error, "progress could not be shown");
    }
}

fn draw<R: Runtime>(app: &AppHandle<R>, shell: &Shell, payload: &Payload<'_>) -> tauri::Result<()> {
    let script = format!("({DRAW})({})", serde_json::to_string(payload)?);
    for window in shell.settings.windows.iter().filter_map(|label| app.get_webview_window(label)) {
        window.eval(script.as_str())?;
    }
    Ok(())
}

const fn words(state: &DeviceState) -> &'static str {
    match state {
        DeviceState::Disconnected => "disconnected",
        DeviceState::Connecting => "connecting",
        DeviceState::Safe => "safe",
        DeviceState::Arming => "arming",
        DeviceState::Armed => "armed",
        DeviceState::MakingSafe => "being made safe",
        DeviceState::Releasing => "safe, being handed back",
        DeviceState::Released => "safe, handed back",
        DeviceState::Fault(_) => "NOT confirmed safe",
    }
}
