//! A socket or a pty's master, read and written without ever blocking the thread.

use std::{io, os::fd::OwnedFd};

use tokio::{io::unix::AsyncFd, net::TcpStream};

/// The byte side of a connection.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Pty(AsyncFd<OwnedFd>),
}

impl Stream {
    /// Waits until there is something to read, without taking it.
    pub(super) async fn readable(&self) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.readable().await,
            Stream::Pty(fd) => fd.readable().await.map(|mut guard| guard.retain_ready()),
        }
    }

    /// Takes what is there; `WouldBlock` if nothing is.
    pub(super) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.try_read(buffer),
            Stream::Pty(fd) => {
                fd.try_io(tokio::io::Interest::READABLE, |fd| Ok(rustix::io::read(fd, buffer)?))
            }
        }
    }

    /// Writes all of it, as fast as the other side takes it.
    pub(super) async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = match self {
                Stream::Tcp(stream) => {
                    stream.writable().await?;
                    stream.try_write(bytes)
                }
                Stream::Pty(fd) => {
                    let mut guard = fd.writable().await?;
                    match guard.try_io(|fd| Ok(rustix::io::write(fd, bytes)?)) {
                        Ok(result) => result,
                        Err(_would_block) => continue,
                    }
                }
            };
            match written {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
