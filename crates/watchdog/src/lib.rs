//! The watchdog: a second, small process that makes the hardware safe when the host cannot.
//!
//! It is started by the host before anything is opened, is told over a pipe what it would have to know, and
//! watches that pipe, the host's process and its beats. When the host dies, hangs or says that it dies, the host
//! is ended first and every device that it had connected is made safe, by the same executor that the host uses.
//! When it decides is [`killcord_core::watchdog`]'s word; here is what carries that out.
//!
//! The same program, started as a [`reaper`], stands between a host and the app that it wraps.
//!
//! A program with drivers of its own ships a watchdog of its own: a `main` that calls [`main`] with the same
//! registry, beside the program under the name `killcord-watchdog`.
//!
//! **Architecture Invariants.** Core and device only. One thread until it acts. Opens no device until it must
//! act; then never one beside a living host. Nothing it is told, and nobody at its door, can make it wait.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod account;
mod act;
mod door;
mod given;
pub mod pipe;
mod protect;
pub mod reaper;
mod stderr;
mod sys;
mod watch;

use std::{io::Write as _, os::fd::AsFd, process::ExitCode};

pub use killcord_device::Registry;

pub use self::stderr::{LOG, LOG_JSON};

use self::{pipe::Pipe, watch::Watch};

/// Watches over the host at the other end of standard input until it is sent home, or its work is done.
///
/// Exit status: 0 it had nothing to do, 2 it was not started by a host, 5 it had to act and every device is
/// confirmed safe, 4 a device is not.
#[must_use]
pub fn main(drivers: Registry) -> ExitCode {
    sys::close_inherited();
    if std::env::args().next_back().is_some_and(|last| last == "check") {
        return check();
    }
    let Some(pipe) = given_pipe() else {
        stderr::tell(
            "killcord-watchdog is started by Killcord itself, and has nothing to watch here. To open a rig: killcord RIG",
        );
        return ExitCode::from(2);
    };
    if std::env::args().next_back().is_some_and(|last| last == reaper::ARGUMENT) {
        reaper::serve(&pipe);
        return ExitCode::SUCCESS;
    }
    let unprotected = protect::protect();
    ExitCode::from(Watch::new(pipe, drivers, unprotected).until_over())
}

/// Says what the system does not protect it from, a line each: for `killcord doctor`.
fn check() -> ExitCode {
    let lines = protect::protect().join("\n");
    // A reader that is gone has no question any more.
    let _unread = std::io::stdout().write_all(lines.as_bytes());
    ExitCode::SUCCESS
}

/// Standard input, if it is an end of a pipe of ours.
fn given_pipe() -> Option<Pipe> {
    let socket = std::io::stdin().as_fd().try_clone_to_owned().ok()?;
    let kind = rustix::net::sockopt::socket_type(&socket).ok()?;
    (kind == rustix::net::SocketType::SEQPACKET).then(|| Pipe::from_fd(socket))
}
