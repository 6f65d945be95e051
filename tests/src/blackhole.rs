//! A host that takes no connection and refuses none: connecting to it goes on until somebody gives up.

use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};

/// A listener whose queue is full.
pub struct Blackhole {
    _listener: OwnedFd,
    _queued: Vec<TcpStream>,
    port: u16,
}

impl Default for Blackhole {
    fn default() -> Self {
        Self::open()
    }
}

impl Blackhole {
    /// Opens one.
    ///
    /// # Panics
    /// When the system still takes connections on it.
    #[must_use]
    pub fn open() -> Self {
        let listener = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&listener, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
        listen(&listener, 0).unwrap();
        let at = std::net::SocketAddr::try_from(getsockname(&listener).unwrap()).unwrap();
        let mut queued = Vec::new();
        // The kernel drops the request of whoever comes when the queue is full.
        while let Ok(stream) = TcpStream::connect_timeout(&at, Duration::from_millis(300)) {
            queued.push(stream);
            assert!(queued.len() < 100, "the queue never fills up");
        }
        Self { _listener: listener, _queued: queued, port: at.port() }
    }

    /// Its port on loopback.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}
