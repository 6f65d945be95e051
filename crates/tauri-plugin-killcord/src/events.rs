//! From Tauri's events to the host.
//!
//! They come on GTK's main thread. Each that can be the end of the GUI calls the host first and does
//! everything else afterwards; the host's calls never block.

use killcord::Ending;
use killcord_core::Cause;
use tauri::{
    AppHandle, CloseRequestApi, ExitRequestApi, Manager as _, RESTART_EXIT_CODE, RunEvent, Runtime,
    WindowEvent,
};

use crate::{
    ask,
    builder::OnClose,
    leave::{Stage, Wish},
    shell::Shell,
};

/// Passes on what concerns the host.
pub(crate) fn on_event<R: Runtime>(app: &AppHandle<R>, shell: &Shell, event: &RunEvent) {
    match event {
        RunEvent::WindowEvent { label, event: WindowEvent::CloseRequested { api, .. }, .. } => {
            close_requested(app, shell, label, api);
        }
        RunEvent::WindowEvent { label, event: WindowEvent::Destroyed, .. } => destroyed(app, shell, label),
        RunEvent::ExitRequested { code, api, .. } => exit_requested(shell, *code, api),
        RunEvent::Exit => exit(shell),
        _ => {}
    }
}

/// Begins the one way out, or joins it.
pub(crate) fn quit(shell: &Shell, cause: Cause) -> Ending {
    let ending = shell.host.shutdown(cause);
    // Asked once more while the report is there: it has been read. Asked again before, it has not.
    if shell.leave.stage() == Stage::Reported {
        shell.leave.acknowledge();
    }
    shell.leave.reach(Stage::Ending);
    ending
}

/// A person closes a window. One that counts stays until the report is in.
fn close_requested<R: Runtime>(app: &AppHandle<R>, shell: &Shell, label: &str, api: &CloseRequestApi) {
    if !shell.settings.watches(label) || others_that_count(app, shell, label) {
        return;
    }
    match (shell.leave.stage(), shell.settings.on_close) {
        (Stage::Leaving, _) => return,
        (Stage::Ending | Stage::Reported, _) | (Stage::Running, OnClose::Quit) => {
            drop(quit(shell, Cause::WindowClosed))
        }
        (Stage::Running, OnClose::SafeAndHide) => {
            drop(shell.host.make_safe(Cause::WindowClosed));
            hide(app, label);
        }
        (Stage::Running, OnClose::Ask) => {
            // The window's own, and somebody else's.
            if shell.host.metrics().attached() > 1 && ask::begins(app, shell) {
                tracing::info!("others are attached: asked before closing");
            } else {
                drop(quit(shell, Cause::WindowClosed));
            }
        }
    }
    api.prevent_close();
}

/// A window is gone, whoever did it and without asking.
fn destroyed<R: Runtime>(app: &AppHandle<R>, shell: &Shell, label: &str) {
    if shell.settings.watches(label) && !others_that_count(app, shell, label) {
        drop(quit(shell, Cause::WindowClosed));
    }
    shell.windows.closed(label);
}

/// The app is about to end: not before the hardware is safe.
fn exit_requested(shell: &Shell, code: Option<i32>, api: &ExitRequestApi) {
    match (shell.leave.stage(), code) {
        (Stage::Leaving, _) => {}
        (_, Some(RESTART_EXIT_CODE)) => last_resort(shell),
        (stage, code) => {
            api.prevent_exit();
            match code {
                Some(code) => {
                    shell.leave.wish(Wish::Exit(code));
                    drop(quit(shell, Cause::Requested));
                }
                // The last window is gone, which is on its way already where that window counts.
                None if stage == Stage::Running => drop(quit(shell, Cause::WindowClosed)),
                None => {}
            }
        }
    }
}

/// The event loop is over. After the way out there is nothing left to do; past it, this is the last moment.
fn exit(shell: &Shell) {
    shell.leave.loop_ended();
    if shell.leave.stage() != Stage::Leaving {
        last_resort(shell);
    }
}

/// What cannot be prevented is held up: the teardown runs on its own threads.
fn last_resort(shell: &Shell) {
    tracing::warn!("the app ends past `app.killcord()`; held up until the hardware is safe");
    if quit(shell, Cause::Requested).wait(shell.settings.deadline).is_none() {
        tracing::error!("the hardware was not confirmed safe within the deadline");
    }
    shell.leave.reach(Stage::Leaving);
}

fn others_that_count<R: Runtime>(app: &AppHandle<R>, shell: &Shell, label: &str) -> bool {
    let mut others = shell.settings.windows.iter().filter(|other| *other != label);
    others.any(|other| app.get_webview_window(other).is_some())
}

fn hide<R: Runtime>(app: &AppHandle<R>, label: &str) {
    if let Some(Err(error)) = app.get_webview_window(label).map(|window| window.hide()) {
        tracing::warn!(%error, "the window could not be hidden");
    }
}
