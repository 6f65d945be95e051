//! The thread that renews the windows' leases and shows how the way out goes on.

use std::time::{Duration, Instant};

use tauri::{AppHandle, Runtime};

use crate::{leave::Stage, overlay, shell::Shell};

/// How often progress is shown.
const PROGRESS: Duration = Duration::from_millis(100);

/// Renews each beat, until the app goes. The body of the thread.
pub(crate) fn run<R: Runtime>(app: &AppHandle<R>, shell: &Shell) {
    loop {
        shell.windows.renew();
        let now = Instant::now();
        let expiry = shell.windows.next_expiry();
        let pause = expiry.map_or(shell.settings.beat, |at| shell.settings.beat.min(at.duration_since(now)));
        if !shell.leave.wait_for(Stage::Ending, pause) {
            continue;
        }
        if shell.leave.stage() == Stage::Ending {
            overlay::show(app, shell, None);
        }
        if shell.leave.wait_for(Stage::Leaving, pause.min(PROGRESS)) {
            return;
        }
    }
}
