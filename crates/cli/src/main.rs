//! `killcord`: handlers for signals first, then the command line.

use std::{io::Write as _, process::ExitCode};

use killcord::signals::Signals;

fn main() -> ExitCode {
    // Where killcord-watchdog is not beside it, this program stands in, started by a host. What ends a command line
    // does not end a watchdog: it has handlers of its own.
    if std::env::args_os().nth(1).is_some_and(|command| command == "watchdog") {
        return killcord_watchdog::main(killcord_watchdog::Registry::default());
    }
    // Before the first thread: there is no moment without them.
    match Signals::install() {
        Ok(signals) => killcord_cli::run(std::env::args_os(), &signals),
        Err(error) => {
            let told =
                writeln!(std::io::stderr(), "signals cannot be handled, so nothing was opened: {error}");
            // Whoever closed the stream does not want to know.
            drop(told);
            ExitCode::from(3)
        }
    }
}
