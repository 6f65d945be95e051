//! The window, and the app around it.

use std::{process::ExitCode, time::Duration};

use killcord::{Cause, signals::Signals};
use tauri::{App, AppHandle, Manager as _, Runtime, WebviewUrl, WebviewWindowBuilder, plugin::TauriPlugin};
use tauri_plugin_killcord::{Builder, Progress};

use crate::{access, bench::Bench, menu, serve::Served, stop::Stop, tray};

/// What a host takes behind its teardown's deadline.
const ENDS_WITHIN: Duration = Duration::from_secs(3);

/// Opens the rig and its window, and runs until both are gone.
pub(crate) fn run(mut bench: Bench, signals: &Signals) -> Result<ExitCode, Stop> {
    let context = context();
    let title = format!("{} – Killcord", bench.name());
    let app = tauri::Builder::default()
        // Second starts end in here, before anything of the rig is touched.
        .plugin(single_instance(bench.bus_name(&context.config().identifier)))
        .invoke_handler(tauri::generate_handler![access::access])
        .menu(menu::bar)
        .on_menu_event(menu::chosen)
        .setup(move |app| {
            show(app, &title);
            Ok(())
        })
        .build(context)
        .map_err(|error| Stop::Window(error.to_string()))?;
    let ports = bench.take_ports();
    let host = bench.open(signals)?;
    #[cfg(target_os = "linux")]
    // Named as its desktop file is: by `productName`.
    if let Err(error) = killcord::system::end_with_session(&host, "Killcord") {
        tracing::warn!(%error, "a log-off shows only as a signal or a lost display");
    }
    // The panel is attached, and shows the teardown from its own frames.
    let killcord = Builder::with_host(host.clone()).windows(["main"]).progress(Progress::Events).build();
    let tied = killcord
        .map_err(|error| error.to_string())
        .and_then(|killcord| app.handle().plugin(killcord).map_err(|error| error.to_string()));
    let served = tied.and_then(|()| {
        let served = ports.map(|ports| ports.serve(&host)).transpose();
        served.map_err(|error| error.to_string())
    });
    let served = match served {
        Ok(served) => served,
        Err(why) => {
            // The rig is open by now, and nothing else would close it.
            drop(host.shutdown(Cause::Requested).wait(host.rig().plan.deadline + ENDS_WITHIN));
            return Err(Stop::Window(why));
        }
    };
    // The windows come once the loop runs, and ask both.
    app.manage(host);
    app.manage(served);
    let status = app.run_return(|_, _| {});
    Ok(ExitCode::from(u8::try_from(status).unwrap_or(1)))
}

/// Where there is a session bus, a second start that the rig's lock did not stop (it was given another state
/// folder) brings this window to the front and ends.
fn single_instance<R: Runtime>(name: String) -> TauriPlugin<R> {
    tauri_plugin_single_instance::Builder::new().callback(|app, _, _| raise(app)).dbus_id(name).build()
}

fn raise<R: Runtime>(app: &AppHandle<R>) {
    let Some(window) = app.get_webview_window("main") else { return };
    for done in [window.show(), window.unminimize(), window.set_focus()] {
        if let Err(error) = done {
            tracing::debug!(%error, "the window could not be brought up");
        }
    }
}

/// The panel and its permissions, as built in.
#[allow(
    clippy::disallowed_methods,
    reason = "the macro's own code, for a page that asks for an isolated frame"
)]
fn context() -> tauri::Context {
    tauri::generate_context!()
}

/// The windows, once the event loop runs: the plugin is there by then. Without them the app ends as it would
/// by any other way out.
fn show(app: &App, title: &str) {
    for config in &app.config().app.windows {
        let mut config = config.clone();
        if let Some(page) = app.try_state::<Option<Served>>().and_then(|served| served.as_ref()?.page()) {
            // No page of it has a command of Tauri: its origin is none of the app's own.
            config.url = WebviewUrl::External(page);
        }
        let window = WebviewWindowBuilder::from_config(app.handle(), &config)
            .and_then(|window| window.title(title).build());
        if let Err(error) = window {
            tracing::error!(%error, "there is no window; see `killcord doctor`, or use `killcord serve`");
            return app.handle().exit(3);
        }
    }
    tray::start(app.handle());
}
