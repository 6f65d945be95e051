//! The Killcord desktop app: puts rig, host, panel and window together.
//!
//! **Architecture Invariant:** wiring only. What happens to the hardware is the host's, what happens when a
//! window goes is the plugin's, what is shown is the panel's.

mod about;
mod access;
mod arguments;
mod bench;
mod dialog;
mod find;
mod log;
mod menu;
mod print;
mod serve;
mod stop;
mod tray;
mod window;

use std::process::ExitCode;

use killcord::signals::Signals;

use crate::{arguments::Arguments, bench::Bench, stop::Stop};

fn main() -> ExitCode {
    // Before GTK, and before the first thread: no moment without them.
    let signals = Signals::install();
    match signals.map_err(Stop::Signals).and_then(|signals| open(&signals)) {
        Ok(status) => status,
        Err(stop) => stop.tell(),
    }
}

/// Opens the bench and its window; returns when both are gone.
fn open(signals: &Signals) -> Result<ExitCode, Stop> {
    let arguments = Arguments::read(std::env::args_os().skip(1))?;
    let _log = log::start(arguments.log);
    let file = find::rig(arguments.rig)?;
    let rig = bench::check(&file)?;
    let bench = Bench::hold(rig, &file, arguments.state_dir)?;
    window::run(bench, signals)
}
