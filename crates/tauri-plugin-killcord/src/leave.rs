//! The last part of the way out: the host has ended, now the app does.
//!
//! A thread of its own waits for the host's end, whatever brought it about. It then names on stderr what is
//! not confirmed safe, lets a person read the report where there is a person, and ends the app with the
//! outcome's status. It waits for no page and not for GTK: what does not answer in time is passed over.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError},
    time::Duration,
};

use killcord::Outcome;
use killcord_core::Cause;
use tauri::{AppHandle, Manager as _, Runtime};

use crate::{native, overlay, shell::Shell, stderr};

/// How far the app is on its way out. Only ever goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Nothing has asked for an end through this plugin.
    Running,
    /// The host was asked to end.
    Ending,
    /// The host has ended; a person reads what is not confirmed safe.
    Reported,
    /// Nothing is left to wait for.
    Leaving,
}

/// What becomes of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// It ends, with this status where the outcome's is 0.
    Exit(i32),
    /// It starts anew.
    Restart,
}

/// Where the app stands on its way out.
pub(crate) struct Leave {
    state: Mutex<State>,
    changed: Condvar,
    told: Once,
}

struct State {
    stage: Stage,
    wish: Wish,
    loop_ended: bool,
    read: bool,
}

/// The page has to answer within it to be trusted with the report.
const PAGE_ANSWERS: Duration = Duration::from_secs(1);
/// GTK has to show a dialog, or end its loop, within it.
const GTK_ANSWERS: Duration = Duration::from_secs(2);
/// Longer than any host lives.
const FOREVER: Duration = Duration::from_hours(24 * 365);

impl Leave {
    pub(crate) fn new() -> Self {
        let state = State { stage: Stage::Running, wish: Wish::Exit(0), loop_ended: false, read: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), told: Once::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far it is.
    pub(crate) fn stage(&self) -> Stage {
        self.state().stage
    }

    /// It is at least so far.
    pub(crate) fn reach(&self, stage: Stage) {
        let mut state = self.state();
        state.stage = state.stage.max(stage);
        if state.stage == Stage::Reported && state.read {
            state.stage = Stage::Leaving;
        }
        self.changed.notify_all();
    }

    /// A person has read the report, if there is one. The page has it a moment before this end of the app
    /// does: a click in between counts.
    pub(crate) fn acknowledge(&self) {
        let mut state = self.state();
        state.read |= state.stage >= Stage::Ending;
        if state.stage == Stage::Reported {
            state.stage = Stage::Leaving;
            self.changed.notify_all();
        }
    }

    /// What is to become of the process.
    pub(crate) fn wish(&self, wish: Wish) {
        self.state().wish = wish;
    }

    /// What becomes of the process after this outcome.
    fn wish_after(&self, outcome: &Outcome) -> Wish {
        match self.state().wish {
            Wish::Exit(_) if outcome.exit != 0 => Wish::Exit(i32::from(outcome.exit)),
            wish => wish,
        }
    }

    /// The process's exit status after this outcome, where it cannot start anew.
    pub(crate) fn status(&self, outcome: &Outcome) -> i32 {
        match self.wish_after(outcome) {
            Wish::Exit(status) => status,
            Wish::Restart => i32::from(outcome.exit),
        }
    }

    /// Names on stderr what is not confirmed safe. Once; whoever comes second waits until it is said.
    pub(crate) fn tell(&self, outcome: &Outcome) {
        self.told.call_once(|| stderr::say(&outcome.summary()));
    }

    /// GTK's loop has ended: the app goes by itself now.
    pub(crate) fn loop_ended(&self) {
        self.state().loop_ended = true;
        self.changed.notify_all();
    }

    /// Waits until it is at least so far, at most `within`. Whether it is.
    pub(crate) fn wait_for(&self, stage: Stage, within: Duration) -> bool {
        self.wait_until(within, |state| state.stage >= stage)
    }

    fn wait_until(&self, within: Duration, enough: impl Fn(&State) -> bool) -> bool {
        let waited = self.changed.wait_timeout_while(self.state(), within, |state| !enough(state));
        enough(&waited.unwrap_or_else(PoisonError::into_inner).0)
    }
}

/// Waits for the host's end, then ends the app. The body of the thread that does so.
pub(crate) fn run<R: Runtime>(app: &AppHandle<R>, shell: &Shell) {
    let Some(outcome) = shell.host.ended().wait(FOREVER) else { return };
    shell.leave.tell(&outcome);
    shell.leave.reach(Stage::Ending);
    overlay::show(app, shell, Some(&outcome));
    if outcome.exit != 0 && somebody_is_there(&outcome) && report_is_shown(app, shell, &outcome) {
        shell.leave.wait_for(Stage::Leaving, FOREVER);
    }
    end(app, shell, &outcome);
}

/// Whether the end was a person's doing. Nobody reads the report of one that the system asked for.
fn somebody_is_there(outcome: &Outcome) -> bool {
    !outcome.report.causes.iter().any(|(_, cause)| {
        matches!(
            cause,
            Cause::Signal { .. } | Cause::Shutdown | Cause::Suspend | Cause::LogOff | Cause::DisplayGone
        )
    })
}

/// Leaves the report with the page where that still answers, shows it in a dialog of its own where not.
fn report_is_shown<R: Runtime>(app: &AppHandle<R>, shell: &Shell, outcome: &Outcome) -> bool {
    shell.leave.reach(Stage::Reported);
    bring_up(app, shell);
    page_answers(app, shell) || dialog_answers(app, outcome)
}

/// Shows the first window that counts.
pub(crate) fn bring_up<R: Runtime>(app: &AppHandle<R>, shell: &Shell) {
    if let Some(window) = shell.settings.windows.iter().find_map(|label| app.get_webview_window(label)) {
        for done in [window.show(), window.unminimize(), window.set_focus()] {
            if let Err(error) = done {
                tracing::debug!(%error, "the window could not be brought up");
            }
        }
    }
}

fn page_answers<R: Runtime>(app: &AppHandle<R>, shell: &Shell) -> bool {
    shell.settings.windows.iter().filter_map(|label| app.get_webview_window(label)).any(|window| {
        let (answer, answered) = std::sync::mpsc::sync_channel(1);
        let asked = window.eval_with_callback("1", move |_| {
            answer.try_send(()).ok();
        });
        asked.is_ok() && answered.recv_timeout(PAGE_ANSWERS).is_ok()
    })
}

fn dialog_answers<R: Runtime>(app: &AppHandle<R>, outcome: &Outcome) -> bool {
    let (show, shown) = std::sync::mpsc::sync_channel(1);
    let lines = outcome.summary();
    let handle = app.clone();
    let asked = app.run_on_main_thread(move || {
        native::tell("Not confirmed safe", &lines, move || {
            handle.state::<Arc<Shell>>().leave.acknowledge();
        });
        show.try_send(()).ok();
    });
    asked.is_ok() && shown.recv_timeout(GTK_ANSWERS).is_ok()
}

/// Ends the process, or starts it anew. With GTK's thread stuck it does so without it.
fn end<R: Runtime>(app: &AppHandle<R>, shell: &Shell, outcome: &Outcome) {
    shell.leave.reach(Stage::Leaving);
    let wish = shell.leave.wish_after(outcome);
    let handle = app.clone();
    // A web process that hangs would outlive the app by ten seconds at full load.
    let gone = app.run_on_main_thread(move || {
        for window in handle.webview_windows().into_values() {
            drop(window.hide());
            native::end_web_process(window.as_ref());
        }
    });
    if let Err(error) = gone {
        tracing::debug!(%error, "the windows could not be taken down");
    }
    match wish {
        Wish::Exit(status) => app.exit(status),
        Wish::Restart => app.request_restart(),
    }
    if !shell.leave.wait_until(GTK_ANSWERS, |state| state.loop_ended) {
        tracing::warn!("the window's event loop does not answer; ending without it");
        without_the_loop(app, wish);
    }
}

/// Everything that has to be done is done, and on record: there is nothing left to unwind.
#[allow(clippy::disallowed_methods)]
fn without_the_loop<R: Runtime>(app: &AppHandle<R>, wish: Wish) -> ! {
    match wish {
        Wish::Exit(status) => std::process::exit(status),
        Wish::Restart => tauri::process::restart(&app.env()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_never_taken_back() {
        let leave = Leave::new();
        leave.reach(Stage::Leaving);
        leave.reach(Stage::Ending);
        assert_eq!(leave.stage(), Stage::Leaving);
    }

    #[test]
    fn a_report_can_only_be_acknowledged_once_the_end_has_begun() {
        let leave = Leave::new();
        leave.acknowledge();
        leave.reach(Stage::Reported);
        assert_eq!(leave.stage(), Stage::Reported);
        leave.acknowledge();
        assert!(leave.wait_for(Stage::Leaving, Duration::ZERO));
    }

    #[test]
    fn a_click_that_comes_a_moment_before_the_report_counts() {
        let leave = Leave::new();
        leave.reach(Stage::Ending);
        leave.acknowledge();
        assert_eq!(leave.stage(), Stage::Ending, "nothing is cut short by it");
        leave.reach(Stage::Reported);
        assert!(leave.wait_for(Stage::Leaving, Duration::ZERO));
    }
}
