//! The process that draws the page: started again when it dies, said when it hangs, ended before the app.

use std::sync::Arc;

use tauri::{Runtime, Webview, Window};
use webkit2gtk::{WebProcessTerminationReason, WebView, WebViewExt as _};

use super::dialog;
use crate::{leave::Stage, shell::Shell};

/// Added to a window's title while its page hangs.
const NOT_RESPONDING: &str = " (page not responding; closing still makes the hardware safe)";
/// Added to a window's title once its page is not loaded any more.
const CRASHED: &str = " (page crashed; closing still makes the hardware safe)";
/// Told then: the window is blank.
const GIVEN_UP: [&str; 2] = [
    "It crashed as often as it was loaded again, and stays away. Its session runs out now; what becomes of the \
     hardware then is what the rig file says.",
    "Close the window, which makes the hardware safe, and start anew.",
];

/// Watches the web process of a webview from now on.
pub(crate) fn watch_web_process<R: Runtime>(webview: &Webview<R>, shell: &Arc<Shell>) {
    let (window, shell) = (webview.window(), Arc::clone(shell));
    let watched = webview.with_webview(move |platform| {
        let (view, titled) = (platform.inner(), window.clone());
        view.connect_is_web_process_responsive_notify(move |view| responsive(&titled, view));
        view.connect_web_process_terminated(move |view, reason| terminated(&shell, &window, view, reason));
    });
    if let Err(error) = watched {
        tracing::warn!(%error, "a crash of the page's process will only be noticed as silence");
    }
}

/// Ends the web process of a webview; one that hangs would outlive the app.
pub(crate) fn end_web_process<R: Runtime>(webview: &Webview<R>) {
    drop(webview.with_webview(|platform| platform.inner().terminate_web_process()));
}

/// The session's lease runs on; the page is loaded again.
fn terminated<R: Runtime>(
    shell: &Shell,
    window: &Window<R>,
    view: &WebView,
    reason: WebProcessTerminationReason,
) {
    if shell.leave.stage() == Stage::Leaving {
        return;
    }
    let label = window.label();
    if shell.windows.crashed(label) {
        tracing::warn!(window = label, ?reason, "the page's process has died; the page is loaded again");
        view.reload();
    } else {
        tracing::error!(window = label, "the page's process dies again and again; its session runs out");
        entitle(window, CRASHED);
        dialog::tell("The page of this window has crashed", &GIVEN_UP.map(str::to_owned), || {});
    }
}

/// Shown, and nothing more: a page that hangs does not end its session.
fn responsive<R: Runtime>(window: &Window<R>, view: &WebView) {
    let responsive = view.is_web_process_responsive();
    tracing::warn!(window = window.label(), responsive, "page_not_responding");
    entitle(window, if responsive { "" } else { NOT_RESPONDING });
}

/// Says in the title how the page is doing.
fn entitle<R: Runtime>(window: &Window<R>, how: &str) {
    let shown = window.title().and_then(|title| {
        let bare = [NOT_RESPONDING, CRASHED].iter().find_map(|old| title.strip_suffix(old));
        window.set_title(&format!("{}{how}", bare.unwrap_or(&title)))
    });
    if let Err(error) = shown {
        tracing::debug!(%error, "the title could not be changed");
    }
}
