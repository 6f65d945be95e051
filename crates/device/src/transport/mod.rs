//! Byte transports: how bytes get to a device and back.
//!
//! Descriptors are non-blocking; every wait is one `poll(2)` on the descriptor and the link's wake, with a
//! deadline. Nothing here calls `tcdrain`, and no `read`, `write` or `connect` is ever left to block.

mod closing;
mod holdings;
mod lock;
mod resolve;
mod serial;
mod stream;
mod tcp;
mod wire;

use std::os::fd::BorrowedFd;

use killcord_core::{LinkPlan, plan::Connect};

pub use self::{closing::let_go, holdings::Handed, lock::DeviceLock, stream::MAX_MESSAGE};
pub(crate) use self::{holdings::Holdings, stream::timespec, wire::Wire};
use self::{serial::Serial, stream::Stream, tcp::Tcp};
use crate::{Cx, DeviceError};

/// Says of what has come in so far how many bytes are one message; `None` if more is needed.
pub type MessageEnd<'a> = &'a mut dyn FnMut(&[u8]) -> Option<usize>;

/// A connection that may be there or not.
///
/// The transport that a [`crate::Driver`] is given is shared by the devices of one link, asks the fence
/// before each write and notes when the first byte had gone out.
pub trait Transport: Send {
    /// Connects if there is no connection, and discards what was queued on the line before.
    ///
    /// # Errors
    /// When nobody takes the connection by `cx.deadline`, or somebody else has the line.
    fn connect(&mut self, cx: &Cx<'_>) -> Result<(), DeviceError>;

    /// Whether there is a connection, as far as is known without asking.
    fn is_connected(&self) -> bool;

    /// Writes all of it. What was begun is completed even when the exchange is cut.
    ///
    /// # Errors
    /// [`DeviceError::Cut`] or [`DeviceError::Timeout`] only if not one byte had gone out; else the connection
    /// is dropped, because half a message stands in it.
    fn write(&mut self, bytes: &[u8], cx: &Cx<'_>) -> Result<(), DeviceError>;

    /// Reads one message; what comes behind it is kept for the next call.
    ///
    /// # Errors
    /// [`DeviceError::Endless`] when [`MAX_MESSAGE`] bytes are no message.
    fn read_until(&mut self, end: MessageEnd<'_>, cx: &Cx<'_>) -> Result<Vec<u8>, DeviceError>;

    /// Throws away what has come in and was not read. Never touches what is going out.
    ///
    /// # Errors
    /// When the connection turns out to be gone.
    fn discard(&mut self) -> Result<(), DeviceError>;

    /// Drops the connection at once; on TCP, bytes not yet sent die with it.
    fn disconnect(&mut self);

    /// Closes the connection so that what was written arrives.
    ///
    /// # Errors
    /// When it was gone already.
    fn close(&mut self, cx: &Cx<'_>) -> Result<(), DeviceError>;

    /// Calls `with` with the descriptor that tells of a hang-up, if there is one.
    fn watch(&self, with: &mut dyn FnMut(Option<BorrowedFd<'_>>)) {
        with(None);
    }
}

/// The transport of a link, by its plan, and what it holds. One that takes over begins with what it was handed.
pub(crate) fn for_link(
    link: &LinkPlan,
    takeover: bool,
    handed: Option<Handed>,
) -> (Box<dyn Transport>, Holdings) {
    let (address, lock, port) = match handed {
        Some(Handed { link: _, address, lock, port }) => (address, lock, port),
        None => (None, None, None),
    };
    let holdings = Holdings::default();
    if let Some(Ok(lock)) = lock.map(|lock| DeviceLock::adopt(lock, &link.name)) {
        // Where it is somebody else's by now, opening says so.
        holdings.keep_lock(lock);
    }
    let transport: Box<dyn Transport> = match &link.connect {
        Connect::None => Box::new(wire::NoWire),
        Connect::Tcp { host, port, protocol } => {
            let greeting = stream::greeting(protocol, takeover);
            Box::new(Stream::new(Tcp::new(host.clone(), *port, address, holdings.clone()), greeting))
        }
        Connect::Serial { path, line, protocol } => {
            let greeting = stream::greeting(protocol, takeover);
            Box::new(Stream::new(Serial::new(path.clone(), line.clone(), port, holdings.clone()), greeting))
        }
    };
    (transport, holdings)
}
