//! What a link holds of its line, where others can get at it to hand it to another process.
//!
//! Written by the link's thread, read by whoever hands it on. Under the lock nothing is opened, closed or
//! waited for: a close may take the kernel half a minute, and nobody who asks stands behind that.

use std::{
    io,
    net::SocketAddr,
    os::fd::OwnedFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use killcord_core::LinkIx;

use super::lock::DeviceLock;
use crate::DeviceError;

/// What another process needs to go on with a link where this one stands.
#[derive(Debug)]
pub struct Handed {
    /// Which link.
    pub link: LinkIx,
    /// Where its present connection leads, or its last one: asks no name server.
    pub address: Option<SocketAddr>,
    /// The machine-wide lock of its device: the same open file description, so it holds as long as one copy
    /// is open and nobody has given it back.
    pub lock: Option<OwnedFd>,
    /// The open port of a local device. To be closed with [`crate::let_go`].
    pub port: Option<OwnedFd>,
}

#[derive(Debug, Default)]
struct Held {
    lock: Option<DeviceLock>,
    /// Shared with the transport, which lets go of its own copy last: dropping this one closes nothing.
    port: Option<Arc<OwnedFd>>,
    address: Option<SocketAddr>,
    changes: u64,
}

/// Where a link keeps what can be handed on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holdings(Arc<Mutex<Held>>);

impl Holdings {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> MutexGuard<'_, Held> {
        let mut held = self.held();
        held.changes = held.changes.wrapping_add(1);
        held
    }

    /// Counts the changes: what was handed on at another count is stale.
    pub(crate) fn changes(&self) -> u64 {
        self.held().changes
    }

    /// A lock that is held already.
    pub(super) fn keep_lock(&self, lock: DeviceLock) {
        self.change().lock = Some(lock);
    }

    /// Takes the lock unless it is held already.
    pub(super) fn take_lock(
        &self,
        take: impl FnOnce() -> Result<DeviceLock, DeviceError>,
    ) -> Result<(), DeviceError> {
        // Asked twice instead of held through: the link's thread is the only one that takes it.
        if self.held().lock.is_none() {
            self.keep_lock(take()?);
        }
        Ok(())
    }

    /// Gives the lock back, whoever else has a copy of it.
    pub(super) fn release_lock(&self) {
        if self.held().lock.is_none() {
            return;
        }
        let lock = self.change().lock.take();
        if let Some(lock) = lock {
            lock.give_back();
        }
    }

    /// A port was opened.
    pub(super) fn keep_port(&self, port: Arc<OwnedFd>) {
        self.change().port = Some(port);
    }

    /// The port is about to be closed.
    pub(super) fn forget_port(&self) {
        self.change().port = None;
    }

    /// A connection was made to there.
    pub(super) fn keep_address(&self, address: SocketAddr) {
        if self.held().address != Some(address) {
            self.change().address = Some(address);
        }
    }

    /// Second descriptors of all that is held.
    pub(crate) fn share(&self, link: LinkIx) -> io::Result<Handed> {
        let held = self.held();
        Ok(Handed {
            link,
            address: held.address,
            lock: held.lock.as_ref().map(DeviceLock::share).transpose()?,
            port: held.port.as_ref().map(|port| port.try_clone()).transpose()?,
        })
    }
}
