//! Where none of it is there yet. The host does not arm on these systems, and says why.

use std::{sync::Arc, time::Duration};

use tauri::{Runtime, Webview};

use crate::shell::Shell;

pub(crate) fn tell(_title: &str, _lines: &[String], answered: impl FnOnce() + 'static) {
    answered();
}

pub(crate) fn ask(
    _question: &str,
    _explanation: &str,
    _answers: [&str; 2],
    _within: Duration,
    _answered: impl FnOnce(bool) + 'static,
) -> bool {
    false
}

pub(crate) fn watch_display(_gone: impl Fn() -> i32 + Send + Sync + 'static) {}

pub(crate) fn watch_web_process<R: Runtime>(_webview: &Webview<R>, _shell: &Arc<Shell>) {}

pub(crate) fn end_web_process<R: Runtime>(_webview: &Webview<R>) {}
