//! Whether to close while others are attached: asked once, for fifteen seconds.

use std::{sync::Arc, time::Duration};

use killcord_core::Cause;
use tauri::{AppHandle, Manager as _, Runtime};

use crate::{events, native, shell::Shell};

/// Without an answer for so long it is closed.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// Asks. `false` if the question is already on the screen: a second close is an answer.
pub(crate) fn begins<R: Runtime>(app: &AppHandle<R>, shell: &Shell) -> bool {
    let rig = shell.host.view().name.clone();
    let question = format!("Close {rig}?");
    let app = app.clone();
    native::ask(
        &question,
        "Others are attached. Closing makes the hardware safe, hands it back and ends their sessions too. \
         Without an answer it is closed after 15 s.",
        ["Keep it open", "Close"],
        ANSWER_WITHIN,
        move |close| {
            if close {
                drop(events::quit(&app.state::<Arc<Shell>>(), Cause::WindowClosed));
            }
        },
    )
}
