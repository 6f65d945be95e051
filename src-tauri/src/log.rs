//! Tracing to stderr. A stderr that nobody reads stops its writer thread and nothing else: lines are then
//! dropped.

use gtk::glib::{self, LogLevel};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// Lines that wait for stderr; what comes on top is dropped.
const WAITING: usize = 2048;

/// Starts it. What is still waiting is written when the guard is dropped, as far as it is taken at once.
pub(crate) fn start() -> WorkerGuard {
    let (writer, guard) = tracing_appender::non_blocking::NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(WAITING)
        .thread_name("killcord-log")
        .finish(std::io::stderr());
    let filter = EnvFilter::builder()
        .with_env_var("KILLCORD_LOG")
        .with_default_directive(LevelFilter::WARN.into())
        .from_env_lossy();
    tracing_subscriber::fmt().with_writer(writer).with_env_filter(filter).with_ansi(false).init();
    // GTK would write its complaints itself, on its own thread, and wait there.
    glib::log_set_default_handler(|domain, level, message| match level {
        LogLevel::Error | LogLevel::Critical | LogLevel::Warning => tracing::warn!(domain, "{message}"),
        LogLevel::Message | LogLevel::Info | LogLevel::Debug => tracing::debug!(domain, "{message}"),
    });
    guard
}
