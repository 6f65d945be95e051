//! The lines that instruments listen on: sockets and ptys.
//!
//! A connection is three stages with bounded queues between them: **read** notes each frame as it arrives,
//! **perform** does one after the other, **write** sends the answers in order, when they are due. So a busy
//! instrument still knows when the bytes came, and a client that does not read its answers is felt as from a
//! real one: by its own connection alone.

mod connection;
mod fd;
mod framing;
mod presence;
pub(crate) mod pty;
mod stream;
pub(crate) mod tcp;

pub(crate) use self::framing::Speaks;
