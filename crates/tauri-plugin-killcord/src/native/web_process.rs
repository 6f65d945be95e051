//! The process that draws the page: started again when it dies, said when it hangs, ended before the app.

use std::sync::Arc;

use tauri::{Runtime, Webview, Window};
use webkit2gtk::{WebProcessTerminationReason, WebView, WebViewExt as _};

use crate::{leave::Stage, shell::Shell};

/// Added to a window's title while its page hangs.
const NOT_RESPONDING: &str = " (page not responding; closing still makes the hardware safe)";

/// Watches the web process of a webview from now on.
pub(crate) fn watch_web_process<R: Runtime>(webview: &Webview<R>, shell: &Arc<Shell>) {
    let (label, window, shell) = (webview.label().to_owned(), webview.window(), Arc::clone(shell));
    let watched = webview.with_webview(move |platform| {
        let view = platform.inner();
        view.connect_is_web_process_responsive_notify(move |view| responsive(&window, view));
        view.connect_web_process_terminated(move |view, reason| terminated(&shell, &label, view, reason));
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
fn terminated(shell: &Shell, label: &str, view: &WebView, reason: WebProcessTerminationReason) {
    if shell.leave.stage() == Stage::Leaving {
        return;
    }
    if shell.windows.crashed(label) {
        tracing::warn!(window = label, ?reason, "the page's process has died; the page is loaded again");
        view.reload();
    } else {
        tracing::error!(window = label, "the page's process dies again and again; its session runs out");
    }
}

/// Shown, and nothing more: a page that hangs does not end its session.
fn responsive<R: Runtime>(window: &Window<R>, view: &WebView) {
    let responsive = view.is_web_process_responsive();
    tracing::warn!(window = window.label(), responsive, "page_not_responding");
    let shown = window.title().and_then(|title| {
        let bare = title.strip_suffix(NOT_RESPONDING).unwrap_or(&title);
        window.set_title(&if responsive { bare.to_owned() } else { format!("{bare}{NOT_RESPONDING}") })
    });
    if let Err(error) = shown {
        tracing::debug!(%error, "the title could not be changed");
    }
}
