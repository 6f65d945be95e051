//! The command line: what a person, a script or a service manager says to Killcord.
//!
//! Each command is a thin layer over the libraries: a host is run by [`killcord`], a rig file is read by
//! [`killcord_rig`], devices are asked by [`killcord_device`].
//!
//! **Architecture Invariants.** No GTK and no webview: it runs on a headless machine. Nothing that is printed
//! while a host runs can make it wait: a reader that does not keep up loses lines.

// Printing is what a command line is for. What is printed beside a running host goes through `Console`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod command;
mod console;
mod demo;
mod drill;
mod find;
mod load;
mod log;
mod moment;
mod stop;
mod table;
mod terminal;
mod text;

use std::{ffi::OsString, io::Write as _, process::ExitCode};

use clap::Parser as _;
use killcord::signals::Signals;

use crate::{args::Cli, console::Console};

/// Does what the arguments say and gives the exit status: 0, 2, 3 or 4 as `killcord --help` lists them.
pub fn run(arguments: impl IntoIterator<Item = OsString>, signals: &Signals) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(told) => {
            let status = if told.use_stderr() { 2 } else { 0 };
            // A reader that is gone needs no help.
            told.print().ok();
            return ExitCode::from(status);
        }
    };
    let format = cli.common.log;
    let log = log::start(format);
    let console = Console::start(format);
    let status = match command::run(cli, signals, &console) {
        Ok(status) => status,
        Err(stop) => {
            console.error(stop.text());
            stop.status()
        }
    };
    console.flush();
    drop(log);
    // Whatever a library left in there; nothing of ours is.
    std::io::stdout().flush().ok();
    ExitCode::from(status)
}
