//! The one connection of a link, as each of its devices holds it.

use std::{
    os::fd::BorrowedFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{MessageEnd, Transport};
use crate::{Cx, DeviceError};

struct Shared {
    transport: Box<dyn Transport>,
    /// Counts connections: a device that was identified on an earlier one has to be identified again.
    connections: u64,
    /// Other devices still use it: a close leaves it open.
    kept: bool,
}

/// A handle of the connection. All handles are used by the link's thread alone; the lock is never contended.
///
/// Here, and for every driver alike, the fence is asked before each write.
#[derive(Clone)]
pub(crate) struct Wire(Arc<Mutex<Shared>>);

impl Wire {
    pub(crate) fn new(transport: Box<dyn Transport>) -> Self {
        Self(Arc::new(Mutex::new(Shared { transport, connections: 0, kept: false })))
    }

    /// The number of the present connection; of the last one if there is none.
    pub(crate) fn connection(&self) -> u64 {
        self.shared().connections
    }

    /// Whether a close is to leave the connection to the link's other devices.
    pub(crate) fn keep(&self, kept: bool) {
        self.shared().kept = kept;
    }

    /// A driver's panic leaves the bytes in an unknown state, which is what resync is for; the lock itself is
    /// as good as before.
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Wire {
    fn connect(&mut self, cx: &Cx<'_>) -> Result<(), DeviceError> {
        let mut shared = self.shared();
        if shared.transport.is_connected() {
            return Ok(());
        }
        shared.transport.connect(cx)?;
        shared.connections += 1;
        Ok(())
    }

    fn is_connected(&self) -> bool {
        self.shared().transport.is_connected()
    }

    fn write(&mut self, bytes: &[u8], cx: &Cx<'_>) -> Result<(), DeviceError> {
        let mut shared = self.shared();
        cx.may_write()?;
        shared.transport.write(bytes, cx)?;
        cx.has_written();
        Ok(())
    }

    fn read_until(&mut self, end: MessageEnd<'_>, cx: &Cx<'_>) -> Result<Vec<u8>, DeviceError> {
        self.shared().transport.read_until(end, cx)
    }

    fn discard(&mut self) -> Result<(), DeviceError> {
        self.shared().transport.discard()
    }

    fn disconnect(&mut self) {
        self.shared().transport.disconnect();
    }

    fn close(&mut self, cx: &Cx<'_>) -> Result<(), DeviceError> {
        let mut shared = self.shared();
        if shared.kept { Ok(()) } else { shared.transport.close(cx) }
    }

    fn watch(&self, with: &mut dyn FnMut(Option<BorrowedFd<'_>>)) {
        self.shared().transport.watch(with);
    }
}

/// Where a driver needs no line: always connected, and nothing can be written.
pub(super) struct NoWire;

impl Transport for NoWire {
    fn connect(&mut self, _: &Cx<'_>) -> Result<(), DeviceError> {
        Ok(())
    }

    fn is_connected(&self) -> bool {
        true
    }

    fn write(&mut self, _: &[u8], _: &Cx<'_>) -> Result<(), DeviceError> {
        Err(no_link())
    }

    fn read_until(&mut self, _: MessageEnd<'_>, _: &Cx<'_>) -> Result<Vec<u8>, DeviceError> {
        Err(no_link())
    }

    fn discard(&mut self) -> Result<(), DeviceError> {
        Ok(())
    }

    fn disconnect(&mut self) {}

    fn close(&mut self, _: &Cx<'_>) -> Result<(), DeviceError> {
        Ok(())
    }
}

fn no_link() -> DeviceError {
    DeviceError::Setup(String::from("this device has no link; give it a `connect`"))
}
