//! The server against real sockets: what a browser does, and what nobody should.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod access;
mod bench;
mod beside;
mod control;
mod doors;
mod frozen;
mod goodbyes;
mod hostile;
mod metrics;
mod own_pages;
mod proxied;
mod sockets;
mod stalls;
mod tls;
