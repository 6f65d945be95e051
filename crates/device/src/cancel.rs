//! How an exchange in flight is told to stop, and whether its bytes may be written at all.
//!
//! A link has one [`Wake`]: a descriptor that every wait of its thread polls beside the line's own. A cut is
//! a level, not an edge: it stays asked for until the thread has taken up the next job.

use std::{
    cell::Cell,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use killcord_core::Epoch;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};

use crate::{Clock, DeviceError, Fence, WriteAhead, transport::timespec};

/// Wakes a link's thread out of any wait.
#[derive(Debug)]
pub struct Wake {
    bell: OwnedFd,
    cut: AtomicBool,
}

impl Wake {
    /// A wake of its own.
    ///
    /// # Errors
    /// When the process is out of descriptors.
    pub fn new() -> io::Result<Self> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { bell, cut: AtomicBool::new(false) })
    }

    /// Makes the thread look up from its wait.
    pub fn ring(&self) {
        // A full counter means that it has been rung already.
        let _already_rung = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }

    /// Asks the exchange in flight to end, and rings.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        self.ring();
    }

    /// Takes back a cut that was meant for an earlier exchange.
    pub fn uncut(&self) {
        self.cut.store(false, Ordering::SeqCst);
    }

    /// Makes the bell silent again, so that a poll waits.
    pub fn hush(&self) {
        let mut count = [0; 8];
        let _not_rung = rustix::io::read(&self.bell, &mut count);
    }

    fn is_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst)
    }
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

/// What one exchange has to heed: a cut, and the fence; and who is told of the programs that it starts.
#[derive(Default)]
pub struct Cancel {
    wake: Option<Arc<Wake>>,
    uncuttable: bool,
    held: Cell<bool>,
    gate: Option<(Arc<Fence>, Epoch)>,
    ahead: Option<Arc<dyn WriteAhead>>,
    written: Cell<Option<Instant>>,
}

impl Cancel {
    /// Never cut, never fenced: for a command line tool and for tests.
    #[must_use]
    pub fn never() -> Self {
        Self::default()
    }

    /// Cut when `wake` says so.
    #[must_use]
    pub fn by(wake: Arc<Wake>) -> Self {
        Self { wake: Some(wake), ..Self::default() }
    }

    /// Woken, but not cut: a safe step.
    #[must_use]
    pub const fn uncuttable(mut self) -> Self {
        self.uncuttable = true;
        self
    }

    /// Nothing is written once `fence` has left `epoch`.
    #[must_use]
    pub fn fenced(mut self, fence: Arc<Fence>, epoch: Epoch) -> Self {
        self.gate = Some((fence, epoch));
        self
    }

    /// Programs that the exchange starts are put on record there.
    #[must_use]
    pub fn recorded(mut self, ahead: Arc<dyn WriteAhead>) -> Self {
        self.ahead = Some(ahead);
        self
    }

    /// It is over: between two exchanges a cut counts on every line.
    pub(crate) fn end(&self) {
        self.held.set(false);
    }

    /// Whether the exchange is to end now.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        !self.uncuttable && !self.held.get() && self.wake.as_deref().is_some_and(Wake::is_cut)
    }

    /// The descriptor to poll beside the line's own.
    #[must_use]
    pub fn wake(&self) -> Option<&Wake> {
        self.wake.as_deref()
    }

    /// Another exchange of the same job begins: nothing of it has gone out yet. Held, it is not cut: on a
    /// half-duplex line it is waited for.
    pub(crate) fn begin(&self, held: bool) {
        self.written.set(None);
        self.held.set(held);
    }

    /// When the exchange's first byte had gone out.
    #[must_use]
    pub fn written(&self) -> Option<Instant> {
        self.written.get()
    }
}

impl std::fmt::Debug for Cancel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cancel")
            .field("cut", &self.is_cut())
            .field("gate", &self.gate)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

/// What a driver is given with every call.
#[derive(Clone, Copy)]
pub struct Cx<'a> {
    /// The call ends by then, with [`DeviceError::Timeout`] at the latest.
    pub deadline: Instant,
    /// Whether it is to end sooner.
    pub cancel: &'a Cancel,
    /// The time.
    pub clock: &'a dyn Clock,
}

impl<'a> Cx<'a> {
    /// What is left until the deadline.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(self.clock.now())
    }

    /// The same with a deadline at most `limit` from now.
    #[must_use]
    pub fn within(&self, limit: Duration) -> Self {
        let sooner = self.clock.now().checked_add(limit).map_or(self.deadline, |at| at.min(self.deadline));
        Self { deadline: sooner, ..*self }
    }

    /// Waits so long; a cut ends it.
    ///
    /// # Errors
    /// [`DeviceError::Cut`], or [`DeviceError::Timeout`] where the deadline comes first.
    pub fn pause(&self, long: Duration) -> Result<(), DeviceError> {
        let until = self.within(long).deadline;
        self.wait_for(|| false, until)?;
        if until < self.deadline { Ok(()) } else { Err(DeviceError::Timeout) }
    }

    /// Waits until `holds`, which is asked again whenever the link was rung; a cut ends the wait. Whether it
    /// held by `until`.
    pub(crate) fn wait_for(&self, holds: impl Fn() -> bool, until: Instant) -> Result<bool, DeviceError> {
        loop {
            if self.cancel.is_cut() {
                return Err(DeviceError::Cut);
            }
            if holds() {
                return Ok(true);
            }
            let left = until.saturating_duration_since(self.clock.now());
            if left.is_zero() {
                return Ok(false);
            }
            let wake = self.cancel.wake();
            let mut fds: Vec<_> = wake.map(|wake| PollFd::new(wake, PollFlags::IN)).into_iter().collect();
            // An interrupted wait looks again.
            let _interrupted = poll(&mut fds, Some(&timespec(left)));
            drop(fds);
            if let Some(wake) = wake {
                wake.hush();
            }
        }
    }

    /// To be asked immediately before each write. A [`crate::Transport`] from a [`crate::Driver`] asks it by
    /// itself; a driver that reaches its device by other ways asks it with its own hands.
    ///
    /// # Errors
    /// [`DeviceError::Fenced`] if the fence was raised since the command was given;
    /// [`DeviceError::Cut`] if a safe step waits.
    pub fn may_write(&self) -> Result<(), DeviceError> {
        if self.cancel.gate.as_ref().is_some_and(|(fence, epoch)| !fence.allows(*epoch)) {
            return Err(DeviceError::Fenced);
        }
        if self.cancel.is_cut() { Err(DeviceError::Cut) } else { Ok(()) }
    }

    /// To be told right after a program was started as the leader of a process group of its own: should we
    /// die, whoever makes the rig safe ends the group first.
    pub fn group_started(&self, group: u32) {
        if let Some(ahead) = &self.cancel.ahead {
            ahead.group_started(group);
        }
    }

    /// To be told when the leader of that group has ended.
    pub fn group_ended(&self, group: u32) {
        if let Some(ahead) = &self.cancel.ahead {
            ahead.group_ended(group);
        }
    }

    /// Notes that the first byte has gone out; later calls change nothing.
    pub fn has_written(&self) {
        if self.cancel.written.get().is_none() {
            self.cancel.written.set(Some(self.clock.now()));
        }
    }
}

impl std::fmt::Debug for Cx<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cx").field("left", &self.left()).field("cancel", self.cancel).finish()
    }
}
