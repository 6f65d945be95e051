//! Tracing to stderr. A stderr that nobody reads stops its writer thread and nothing else: lines are then
//! dropped.

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// Lines that wait for stderr; what comes on top is dropped.
const WAITING: usize = 2048;

/// Starts it, at the level that `KILLCORD_LOG` says (`warn` without). What still waits is written when the
/// guard is dropped, as far as it is taken at once.
pub(crate) fn start() -> WorkerGuard {
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(WAITING)
        .thread_name("killcord-log")
        .finish(std::io::stderr());
    let filter = EnvFilter::builder()
        .with_env_var("KILLCORD_LOG")
        .with_default_directive(LevelFilter::WARN.into())
        .from_env_lossy();
    let subscriber = tracing_subscriber::fmt().with_writer(writer).with_env_filter(filter).with_ansi(false);
    // A second one in the same process: the first stays.
    subscriber.try_init().ok();
    guard
}
