//! Messages over a port: buffered reads, whole writes, both bounded in time and size.

use std::{io, os::fd::BorrowedFd, time::Duration};

use killcord_core::plan::Protocol;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use super::{MessageEnd, Transport};
use crate::{Cx, DeviceError};

/// The longest message that is taken from a device, in bytes.
pub const MAX_MESSAGE: usize = 64 * 1024;

/// A descriptor that can be opened again.
pub(super) trait Port: Send {
    /// What people call it.
    fn target(&self) -> String;
    /// Opens it; discards what was queued on it.
    fn open(&mut self, cx: &Cx<'_>) -> Result<(), DeviceError>;
    /// The open descriptor.
    fn fd(&self) -> Option<BorrowedFd<'_>>;
    /// Writes what can be written now.
    fn send(&self, bytes: &[u8]) -> Result<usize, Errno>;
    /// Throws away what the kernel holds of its input.
    fn flush_input(&self);
    /// Drops it at once.
    fn drop_now(&mut self);
    /// Closes it so that what was written arrives.
    fn close(&mut self, cx: &Cx<'_>) -> Result<(), DeviceError>;
}

/// What is written first on a line that another process may have left in the middle of a message.
pub(super) fn greeting(protocol: &Protocol, takeover: bool) -> Vec<u8> {
    match protocol {
        Protocol::Line { terminator } if takeover => terminator.bytes().to_vec(),
        _ => Vec::new(),
    }
}

pub(super) struct Stream<P> {
    port: P,
    received: Vec<u8>,
    greeting: Vec<u8>,
}

impl<P: Port> Stream<P> {
    pub(super) fn new(port: P, greeting: Vec<u8>) -> Self {
        Self { port, received: Vec::new(), greeting }
    }

    fn not_connected(&self) -> DeviceError {
        DeviceError::NotConnected { target: self.port.target() }
    }

    fn broken(&mut self, source: io::Error) -> DeviceError {
        self.disconnect();
        DeviceError::Broken { target: self.port.target(), source }
    }

    fn closed(&mut self) -> DeviceError {
        self.disconnect();
        DeviceError::Closed { target: self.port.target() }
    }

    /// Takes in what is there; `Ok(0)` if nothing is there now.
    fn fill(&mut self) -> Result<usize, DeviceError> {
        let fd = self.port.fd().ok_or_else(|| self.not_connected())?;
        let mut chunk = [0; 4096];
        match rustix::io::read(fd, &mut chunk) {
            // A tty whose other side is gone reads as its end once, then as EIO.
            Ok(0) | Err(Errno::IO) => Err(self.closed()),
            Ok(count) => {
                self.received.extend_from_slice(chunk.get(..count).unwrap_or_default());
                Ok(count)
            }
            Err(Errno::AGAIN | Errno::INTR) => Ok(0),
            Err(error) => Err(self.broken(error.into())),
        }
    }
}

impl<P: Port> Transport for Stream<P> {
    fn connect(&mut self, cx: &Cx<'_>) -> Result<(), DeviceError> {
        if self.is_connected() {
            return Ok(());
        }
        self.received.clear();
        self.port.open(cx)?;
        let greeting = std::mem::take(&mut self.greeting);
        let greeted = if greeting.is_empty() { Ok(()) } else { self.write(&greeting, cx) };
        if greeted.is_err() {
            self.greeting = greeting;
        }
        greeted
    }

    fn is_connected(&self) -> bool {
        self.port.fd().is_some()
    }

    fn write(&mut self, bytes: &[u8], cx: &Cx<'_>) -> Result<(), DeviceError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let fd = self.port.fd().ok_or_else(|| self.not_connected())?;
            match self.port.send(rest) {
                Ok(count) => {
                    cx.has_written();
                    rest = rest.get(count..).unwrap_or_default();
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let begun = rest.len() < bytes.len();
                    match wait(fd, PollFlags::OUT, cx, !begun) {
                        Ok(()) => {}
                        Err(DeviceError::Timeout) if begun => {
                            return Err(self.broken(io::Error::new(
                                io::ErrorKind::TimedOut,
                                "it stopped reading in the middle of a message",
                            )));
                        }
                        Err(error) => return Err(error),
                    }
                }
                Err(error) => return Err(self.broken(error.into())),
            }
        }
        Ok(())
    }

    fn read_until(&mut self, end: MessageEnd<'_>, cx: &Cx<'_>) -> Result<Vec<u8>, DeviceError> {
        // After the deadline one more look is taken: an answer that came while we were not running counts.
        let mut late = false;
        loop {
            if let Some(count) = end(&self.received) {
                let rest = self.received.split_off(count.min(self.received.len()));
                return Ok(std::mem::replace(&mut self.received, rest));
            }
            if self.received.len() >= MAX_MESSAGE {
                self.received.clear();
                self.port.flush_input();
                return Err(DeviceError::Endless { limit: MAX_MESSAGE });
            }
            if late {
                return Err(DeviceError::Timeout);
            }
            let fd = self.port.fd().ok_or_else(|| self.not_connected())?;
            wait(fd, PollFlags::IN, cx, true)?;
            late = cx.left().is_zero();
            self.fill()?;
        }
    }

    fn discard(&mut self) -> Result<(), DeviceError> {
        self.port.flush_input();
        // Bounded: a device that talks without pause must not keep us here.
        for _ in 0..MAX_MESSAGE / 4096 {
            if self.fill()? == 0 {
                break;
            }
        }
        self.received.clear();
        Ok(())
    }

    fn disconnect(&mut self) {
        self.received.clear();
        self.port.drop_now();
    }

    fn close(&mut self, cx: &Cx<'_>) -> Result<(), DeviceError> {
        self.received.clear();
        self.port.close(cx)
    }

    fn watch(&self, with: &mut dyn FnMut(Option<BorrowedFd<'_>>)) {
        with(self.port.fd());
    }
}

/// Waits until `fd` can do what is wanted, or hangs up, which the next read or write then tells.
pub(super) fn wait(
    fd: BorrowedFd<'_>,
    want: PollFlags,
    cx: &Cx<'_>,
    may_be_cut: bool,
) -> Result<(), DeviceError> {
    loop {
        if may_be_cut && cx.cancel.is_cut() {
            return Err(DeviceError::Cut);
        }
        let left = cx.left();
        let mut fds = vec![PollFd::from_borrowed_fd(fd, want)];
        // Where a cut changes nothing, its bell would only turn this wait into a spin.
        let wake = cx.cancel.wake().filter(|_| may_be_cut);
        fds.extend(wake.map(|wake| PollFd::new(wake, PollFlags::IN)));
        match poll(&mut fds, Some(&timespec(left))) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(DeviceError::Driver(format!("poll: {error}"))),
        }
        if fds.first().is_some_and(|fd| !fd.revents().is_empty()) {
            return Ok(());
        }
        let rung = fds.get(1).is_some_and(|fd| !fd.revents().is_empty());
        drop(fds);
        match wake {
            Some(wake) if rung => wake.hush(),
            _ if left.is_zero() => return Err(DeviceError::Timeout),
            _ => {}
        }
    }
}

/// For `poll`; an absurdly long time is cut to a day.
pub(crate) fn timespec(time: Duration) -> Timespec {
    let time = time.min(Duration::from_secs(86_400));
    Timespec { tv_sec: i64::try_from(time.as_secs()).unwrap_or(86_400), tv_nsec: time.subsec_nanos().into() }
}
