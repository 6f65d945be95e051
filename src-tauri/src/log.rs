//! Tracing to stderr. A stderr that nobody reads stops its writer thread and nothing else: lines are then
//! dropped.
//!
//! **It must never** write down a secret: what other people's crates carry for us is not logged at all.

use gtk::glib::{self, LogLevel};
use tracing::{Level, Metadata};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::LevelFilter, filter::filter_fn, layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// Lines that wait for stderr; what comes on top is dropped.
const WAITING: usize = 2048;

/// How a line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts it. What is still waiting is written when the guard is dropped, as far as it is taken at once.
pub(crate) fn start(format: Format) -> WorkerGuard {
    let (writer, guard) = tracing_appender::non_blocking::NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(WAITING)
        .thread_name("killcord-log")
        .finish(std::io::stderr());
    let level = EnvFilter::builder()
        .with_env_var("KILLCORD_LOG")
        .with_default_directive(LevelFilter::WARN.into())
        .from_env_lossy();
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
    let lines = match format {
        Format::Text => lines.boxed(),
        Format::Json => {
            // What our own processes say on the same stderr is for the same reader.
            killcord::watchdog::speak_json();
            lines.json().boxed()
        }
    };
    tracing_subscriber::registry().with(level).with(filter_fn(is_no_secret)).with(lines).init();
    // GTK would write its complaints itself, on its own thread, and wait there.
    glib::log_set_default_handler(|domain, level, message| match level {
        LogLevel::Error | LogLevel::Critical | LogLevel::Warning => tracing::warn!(domain, "{message}"),
        LogLevel::Message | LogLevel::Info | LogLevel::Debug => tracing::debug!(domain, "{message}"),
    });
    guard
}

/// At TRACE other crates write down what they carry: a page's frames with the token to come back with.
fn is_no_secret(of: &Metadata<'_>) -> bool {
    *of.level() < Level::TRACE || of.target().contains("killcord")
}
