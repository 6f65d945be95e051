//! A child that does not outlive the thread that started it, however that ends.
#![allow(unsafe_code)]

use std::io::Error;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};

/// Gives the child SIGKILL when the starting thread ends.
pub(super) fn with_parent(command: &mut Command) {
    let parent = getpid();
    let prepare = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have ended between fork and prctl: then nobody would send the signal any more.
        if getppid() == Some(parent) { Ok(()) } else { Err(Error::from_raw_os_error(3)) }
    };
    // SAFETY: between fork and exec only async-signal-safe calls may be made: prctl and getppid are system
    // calls, and nothing here allocates or takes a lock.
    unsafe { command.pre_exec(prepare) };
}
