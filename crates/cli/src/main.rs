//! `killcord`: handlers for signals first, then the command line.

use std::{io::Write as _, process::ExitCode};

use killcord::signals::Signals;

fn main() -> ExitCode {
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
