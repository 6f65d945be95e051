//! The way out when the display is gone, and GTK's loop with it.
//!
//! Runs on the threads that noticed, GTK's among them, and holds each up until the host has ended: they could
//! do nothing but end the process. Nothing in here may need them.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use killcord::Ending;
use killcord_core::Cause;
use tauri::{AppHandle, Runtime};

use crate::{events, native, shell::Shell, stderr};

/// What the host takes behind its teardown's deadline: its record, and threads that do not come back.
const ENDS_WITHIN: Duration = Duration::from_secs(2);
/// The status of an end with a device that is not confirmed safe.
const NOT_CONFIRMED: i32 = 4;
/// Said when there is no report to say more.
const NOT_IN_TIME: &str =
    "The display is gone, and the teardown has not ended in time: check the bench by hand.";

/// Makes the end of the display a cause, from now on.
pub(crate) fn watch<R: Runtime>(app: &AppHandle<R>, shell: &Arc<Shell>) -> tauri::Result<()> {
    let shell = Arc::clone(shell);
    app.run_on_main_thread(move || {
        let told = OnceLock::new();
        native::watch_display(move || gone(&shell, &told));
    })
}

/// Waits for the host's end, and gives the process's exit status. The host is told once, whoever notices.
fn gone(shell: &Shell, told: &OnceLock<Ending>) -> i32 {
    let ending = told.get_or_init(|| {
        let ending = events::quit(shell, Cause::DisplayGone);
        tracing::error!("the display is gone; the app ends as soon as the hardware is safe");
        ending
    });
    match ending.wait(shell.settings.deadline + ENDS_WITHIN) {
        Some(outcome) => {
            shell.leave.tell(&outcome);
            shell.leave.status(&outcome)
        }
        None => {
            stderr::say(&[NOT_IN_TIME.to_owned()]);
            NOT_CONFIRMED
        }
    }
}
