//! A descriptor that tokio waits on.
#![allow(unsafe_code)]

use std::{io, os::fd::OwnedFd};

use tokio::io::unix::AsyncFd;

/// Registers a non-blocking descriptor. Call inside the runtime.
pub(super) fn register(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is valid and open until it is dropped, always names the same descriptor, and is
    // owned by the `AsyncFd` from here on: nothing else can close it.
    unsafe { AsyncFd::register(fd) }.map_err(|error| error.into_parts().1)
}
