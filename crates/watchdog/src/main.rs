//! `killcord-watchdog`: started by the host, never by a person.

use std::process::ExitCode;

fn main() -> ExitCode {
    killcord_watchdog::main(killcord_watchdog::Registry::default())
}
