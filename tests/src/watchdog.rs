//! The watchdog of a host under test: found as the kernel shows it, held by a descriptor of its process, so that
//! it is still the same one when its host is long dead.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, getpid, pidfd_open, pidfd_send_signal,
    set_child_subreaper, waitid,
};

use crate::process::{Process, look};
use crate::wait::{LONG, until};

/// A watchdog.
#[derive(Debug)]
pub struct Watchdog {
    pid: u32,
    process: OwnedFd,
}

impl Watchdog {
    /// The watchdog that a host has now.
    ///
    /// From here on this test's process adopts what its children leave behind: only a parent is told how a
    /// process has ended.
    #[must_use]
    pub fn of(host: &Process) -> Option<Self> {
        set_child_subreaper(Some(getpid())).unwrap();
        let pid = look::children(host.pid()).into_iter().find(|pid| is_watchdog(*pid))?;
        let process = pidfd_open(Pid::from_raw(pid.cast_signed())?, PidfdFlags::empty()).ok()?;
        // A number may have been given away between the two; a watchdog that is gone is none.
        is_watchdog(pid).then_some(Self { pid, process })
    }

    /// Awaits that a host has one.
    #[must_use]
    #[track_caller]
    pub fn await_of(host: &Process) -> Self {
        until("the host's watchdog", LONG, || Self::of(host))
    }

    /// Awaits that a host has another one than this.
    #[must_use]
    #[track_caller]
    pub fn await_next(&self, host: &Process) -> Self {
        until("another watchdog", LONG, || Self::of(host).filter(|next| next.pid != self.pid))
    }

    /// Its process id.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether it has not ended.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !self.ends_within(Duration::ZERO)
    }

    fn ends_within(&self, within: Duration) -> bool {
        let end = Instant::now() + within;
        loop {
            let left = Timespec::try_from(end.saturating_duration_since(Instant::now())).unwrap();
            match poll(&mut [PollFd::new(&self.process, PollFlags::IN)], Some(&left)) {
                Ok(ended) => return ended > 0,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => panic!("poll: {error}"),
            }
        }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        pidfd_send_signal(&self.process, signal)
            .unwrap_or_else(|error| panic!("the watchdog {}: {signal:?}: {error}", self.pid));
    }

    /// Awaits its end.
    ///
    /// # Panics
    /// When it is still there after `within`.
    #[track_caller]
    pub fn await_end(&self, within: Duration) {
        assert!(self.ends_within(within), "the watchdog {} has not ended within {within:?}", self.pid);
    }

    /// Awaits its end, and how it ended: only after its host, whose child it was.
    ///
    /// # Panics
    /// As [`Self::await_end`], and when somebody else was told.
    #[track_caller]
    pub fn status(&self, within: Duration) -> Option<i32> {
        self.await_end(within);
        let id = WaitId::PidFd(std::os::fd::AsFd::as_fd(&self.process));
        let status =
            waitid(id, WaitIdOptions::EXITED).expect("its host still lives, or its end was told before");
        status.expect("it has ended").exit_status()
    }
}

fn is_watchdog(pid: u32) -> bool {
    let words = look::command_line(pid);
    if words.last().is_some_and(|word| word == "app") {
        // The same program, between a host and its app.
        return false;
    }
    let named = words.first().is_some_and(|program| program.ends_with("-watchdog"));
    named || words.get(1).is_some_and(|word| word == "watchdog")
}
