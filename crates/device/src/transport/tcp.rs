//! TCP.
//!
//! `SO_LINGER {1, 0}` stands from connect until a close that was asked for: when the process dies, its
//! unsent bytes die with it, and no old `OUTP ON` reaches an instrument behind the watchdog's `OUTP OFF`.

use std::{
    io,
    net::SocketAddr,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use rustix::{
    event::PollFlags,
    io::Errno,
    net::{
        self, AddressFamily, SendFlags, Shutdown, SocketFlags, SocketType,
        sockopt::{
            set_socket_keepalive, set_socket_linger, set_tcp_keepcnt, set_tcp_keepidle, set_tcp_keepintvl,
            set_tcp_nodelay, socket_error,
        },
    },
};

use super::{
    holdings::Holdings,
    lock::DeviceLock,
    resolve::Resolver,
    stream::{Port, wait},
};
use crate::{Cx, DeviceError};

/// How long a close waits for the other side to have read everything: a reply that it still owes would
/// otherwise meet a closed socket, and the reset takes what it has not read yet with it.
const GOODBYE: Duration = Duration::from_millis(100);

pub(super) struct Tcp {
    target: String,
    resolver: Resolver,
    socket: Option<OwnedFd>,
    holdings: Holdings,
}

impl Tcp {
    /// Knows `address` to be the host's already, if there is one.
    pub(super) fn new(host: String, port: u16, address: Option<SocketAddr>, holdings: Holdings) -> Self {
        let target = format!("{host}:{port}");
        let mut resolver = Resolver::new(host, port);
        if let Some(address) = address {
            resolver.remember(address);
        }
        Self { target, resolver, socket: None, holdings }
    }

    fn connect_to(&self, address: SocketAddr, cx: &Cx<'_>) -> Result<OwnedFd, DeviceError> {
        let failed = |source: io::Error| DeviceError::Connect { target: self.target.clone(), source };
        let patience = cx.left();
        let connected = || -> Result<Result<OwnedFd, DeviceError>, Errno> {
            let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let socket = net::socket_with(family, SocketType::STREAM, flags, None)?;
            set_tcp_nodelay(&socket, true)?;
            set_socket_linger(&socket, Some(Duration::ZERO))?;
            set_socket_keepalive(&socket, true)?;
            set_tcp_keepidle(&socket, Duration::from_secs(5))?;
            set_tcp_keepintvl(&socket, Duration::from_secs(2))?;
            set_tcp_keepcnt(&socket, 3)?;
            match net::connect(&socket, &address) {
                Ok(()) => {}
                Err(Errno::INPROGRESS | Errno::INTR) => {
                    if let Err(error) = wait(socket.as_fd(), PollFlags::OUT, cx, true) {
                        return Ok(Err(error));
                    }
                    socket_error(&socket)??;
                }
                Err(error) => return Err(error),
            }
            // On loopback a socket may connect to itself while nobody listens on a port of the ephemeral range.
            let (own, peer) = (net::getsockname(&socket)?, net::getpeername(&socket)?);
            if peer.is_none_or(|peer| peer == own) {
                return Err(Errno::CONNREFUSED);
            }
            Ok(Ok(socket))
        };
        match connected() {
            Ok(Ok(socket)) => Ok(socket),
            Ok(Err(DeviceError::Timeout)) => {
                Err(DeviceError::ConnectTimeout { target: self.target.clone(), within: patience })
            }
            Ok(Err(error)) => Err(error),
            Err(error) => Err(failed(error.into())),
        }
    }
}

impl Port for Tcp {
    fn target(&self) -> String {
        self.target.clone()
    }

    fn open(&mut self, cx: &Cx<'_>) -> Result<(), DeviceError> {
        let addresses = self.resolver.addresses(cx)?;
        let mut last = DeviceError::NotConnected { target: self.target.clone() };
        for (at, &address) in addresses.iter().enumerate() {
            self.holdings.take_lock(|| DeviceLock::take(&address.to_string(), &self.target))?;
            // The others must get their turn when the first one only swallows packets.
            let share = cx.left() / u32::try_from(addresses.len() - at).unwrap_or(1);
            match self.connect_to(address, &cx.within(share)) {
                Ok(socket) => {
                    self.resolver.remember(address);
                    self.holdings.keep_address(address);
                    self.socket = Some(socket);
                    return Ok(());
                }
                Err(DeviceError::Cut) => return Err(DeviceError::Cut),
                Err(error) => last = error,
            }
            if addresses.len() > 1 {
                self.holdings.release_lock();
            }
        }
        self.resolver.nobody_there();
        Err(last)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.socket.as_ref().map(AsFd::as_fd)
    }

    fn send(&self, bytes: &[u8]) -> Result<usize, Errno> {
        let socket = self.socket.as_ref().ok_or(Errno::NOTCONN)?;
        net::send(socket, bytes, SendFlags::NOSIGNAL)
    }

    fn flush_input(&self) {}

    fn drop_now(&mut self) {
        self.socket = None;
    }

    fn close(&mut self, cx: &Cx<'_>) -> Result<(), DeviceError> {
        let Some(socket) = self.socket.take() else {
            self.holdings.release_lock();
            return Err(DeviceError::NotConnected { target: self.target.clone() });
        };
        let gentle = set_socket_linger(&socket, None).and_then(|()| net::shutdown(&socket, Shutdown::Write));
        let cx = cx.within(GOODBYE);
        let mut rest = [0; 4096];
        while gentle.is_ok() && wait(socket.as_fd(), PollFlags::IN, &cx, true).is_ok() {
            if !matches!(rustix::io::read(&socket, &mut rest), Ok(1..)) || cx.left().is_zero() {
                break;
            }
        }
        drop(socket);
        self.holdings.release_lock();
        gentle.map_err(|error| DeviceError::Broken { target: self.target.clone(), source: error.into() })
    }
}
