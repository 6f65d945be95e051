//! Who has a pty open, told by inotify, and what a serial port does when nobody has.
//!
//! The simulator keeps the client's side open as well, so that the port outlives its clients. What a real
//! port does at its last close is then done here: answers nobody read are thrown away, and `TIOCEXCL` ends
//! (a pty keeps both as long as its master is open).
//!
//! The kernel queues the event of an `open` before that `open` returns. So whoever settles the events first
//! and then acts on bytes never takes a client's first command for one that came to a closed port.

use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rustix::{
    fs::inotify,
    io::Errno,
    termios::{QueueSelector, ioctl_tiocnxcl, tcflush},
};
use tokio::sync::watch;

use super::fd;
use crate::world::Shared;

/// Watches a device file.
pub(super) fn watch(device: &Path) -> io::Result<OwnedFd> {
    let events = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC)?;
    let both =
        inotify::WatchFlags::OPEN | inotify::WatchFlags::CLOSE_WRITE | inotify::WatchFlags::CLOSE_NOWRITE;
    inotify::add_watch(&events, device, both)?;
    Ok(events)
}

/// The clients of one pty.
pub(super) struct Presence<'a> {
    shared: &'a Shared,
    line: usize,
    /// The client's side, as the simulator has it open.
    slave: &'a OwnedFd,
    events: &'a OwnedFd,
    counted: Mutex<Counted>,
    /// Counts how often the last client went.
    left_alone: watch::Sender<u64>,
}

struct Counted {
    clients: usize,
    /// The number of the current opening, for the record.
    opening: u64,
}

impl<'a> Presence<'a> {
    pub(super) fn new(shared: &'a Shared, line: usize, slave: &'a OwnedFd, events: &'a OwnedFd) -> Self {
        let counted = Mutex::new(Counted { clients: 0, opening: 0 });
        Self { shared, line, slave, events, counted, left_alone: watch::Sender::new(0) }
    }

    pub(super) fn left_alone(&self) -> watch::Receiver<u64> {
        self.left_alone.subscribe()
    }

    /// What the record calls a client that sends now.
    pub(super) fn name(&self) -> String {
        format!("pty#{}", self.settle().opening)
    }

    /// Whether anybody would get an answer that is sent now.
    pub(super) fn anybody(&self) -> bool {
        self.settle().clients > 0
    }

    /// Takes in what has happened until now.
    fn settle(&self) -> MutexGuard<'_, Counted> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let before = counted.clients;
        let mut buffer = [MaybeUninit::uninit(); 1024];
        let mut reader = inotify::Reader::new(self.events.as_fd(), &mut buffer);
        loop {
            match reader.next() {
                Ok(event) if event.events().contains(inotify::ReadFlags::OPEN) => {
                    counted.clients += 1;
                    if counted.clients == 1 {
                        // Bytes that were still on their way when the last client went.
                        let _flushed = tcflush(self.slave, QueueSelector::IFlush);
                        counted.opening = self.shared.update(|world, _| world.next_connection());
                    }
                }
                Ok(_) => {
                    counted.clients = counted.clients.saturating_sub(1);
                    if counted.clients == 0 {
                        self.close();
                    }
                }
                Err(Errno::INTR) => {}
                Err(_) => break, // none left
            }
        }
        let clients = counted.clients;
        if clients != before {
            self.shared.update(|world, _| world.line(self.line).connections = clients);
        }
        counted
    }

    /// The last close. Each of these only tidies; a failure leaves things as they were.
    fn close(&self) {
        let _flushed = tcflush(self.slave, QueueSelector::IFlush);
        let _free_again = ioctl_tiocnxcl(self.slave);
        self.left_alone.send_modify(|times| *times += 1);
    }

    /// Throws away what stands in a port that nobody has open.
    fn drain(&self) {
        let counted = self.settle();
        let mut buffer = [0; 4096];
        while counted.clients == 0 && rustix::io::read(self.slave, &mut buffer).is_ok_and(|count| count > 0) {
        }
    }

    /// Keeps the count up to date for ever; the error says why it cannot.
    pub(super) async fn follow(&self) -> io::Error {
        match self.follow_until_error().await {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    async fn follow_until_error(&self) -> io::Result<std::convert::Infallible> {
        let events = fd::register(self.events.try_clone()?)?;
        let slave = fd::register(self.slave.try_clone()?)?;
        loop {
            let alone = !self.anybody();
            tokio::select! {
                ready = events.readable() => {
                    // Cleared first: an event that comes after the look sets it again.
                    ready?.clear_ready();
                    drop(self.settle());
                }
                ready = slave.readable(), if alone => {
                    ready?.clear_ready();
                    self.drain();
                }
            }
        }
    }
}
