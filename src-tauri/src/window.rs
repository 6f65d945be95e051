//! The window, and the app around it.

use std::process::ExitCode;

use killcord::Host;
use tauri::{App, WebviewWindowBuilder};
use tauri_plugin_killcord::{Builder, Progress};

use crate::{menu, stop::Stop, tray};

/// Runs the window until it is gone. The host has ended by then.
pub(crate) fn run(host: Host) -> Result<ExitCode, Stop> {
    let title = format!("{} – Killcord", host.view().name);
    // The panel is attached, and shows the teardown from its own frames.
    let killcord = Builder::with_host(host).windows(["main"]).progress(Progress::Events).build();
    let killcord = killcord.map_err(|error| Stop::Window(error.to_string()))?;
    let app = tauri::Builder::default()
        .plugin(killcord)
        .menu(menu::bar)
        .on_menu_event(menu::chosen)
        .setup(move |app| Ok(open(app, &title)?))
        .build(context())
        .map_err(|error| Stop::Window(error.to_string()))?;
    let status = app.run_return(|_, _| {});
    Ok(ExitCode::from(u8::try_from(status).unwrap_or(1)))
}

/// The panel and its permissions, as built in.
#[allow(
    clippy::disallowed_methods,
    reason = "the macro's own code, for a page that asks for an isolated frame"
)]
fn context() -> tauri::Context {
    tauri::generate_context!()
}

fn open(app: &mut App, title: &str) -> tauri::Result<()> {
    for config in &app.config().app.windows {
        WebviewWindowBuilder::from_config(app.handle(), config)?.title(title).build()?;
    }
    tray::start(app.handle());
    Ok(())
}
