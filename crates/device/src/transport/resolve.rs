//! Names to addresses, in bounded time.
//!
//! `getaddrinfo` may hang for as long as a name server pleases and cannot be interrupted, so it runs on a
//! thread of its own, at most one for each link. A numeric address needs none; the address that worked last
//! is kept, so that a reconnect on the safe path asks no name server.

use std::{
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    os::fd::AsFd,
    sync::{Arc, Mutex, PoisonError},
};

use rustix::event::PollFlags;

use super::stream::wait;
use crate::{Cx, DeviceError, cancel::Wake};

type Answer = Result<Vec<SocketAddr>, String>;

struct Inquiry {
    answer: Mutex<Option<Answer>>,
    done: Wake,
}

/// The addresses of one host.
pub(super) struct Resolver {
    host: String,
    port: u16,
    good: Option<SocketAddr>,
    asked: Option<Arc<Inquiry>>,
}

impl Resolver {
    pub(super) const fn new(host: String, port: u16) -> Self {
        Self { host, port, good: None, asked: None }
    }

    /// The address that takes connections is remembered.
    pub(super) const fn remember(&mut self, address: SocketAddr) {
        self.good = Some(address);
    }

    /// All addresses, the one that worked last alone if there is one.
    pub(super) fn addresses(&mut self, cx: &Cx<'_>) -> Result<Vec<SocketAddr>, DeviceError> {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, self.port)]);
        }
        if let Some(good) = self.good {
            return Ok(vec![good]);
        }
        let inquiry = match &self.asked {
            Some(inquiry) => inquiry.clone(),
            None => self.ask()?,
        };
        let answer = loop {
            inquiry.done.hush();
            if let Some(answer) = inquiry.answer.lock().unwrap_or_else(PoisonError::into_inner).take() {
                break answer;
            }
            match wait(inquiry.done.as_fd(), PollFlags::IN, cx, true) {
                Err(DeviceError::Timeout) => {
                    return Err(self.failed("no answer from the name server in time"));
                }
                other => other?,
            }
        };
        self.asked = None;
        match answer {
            Ok(addresses) if !addresses.is_empty() => Ok(addresses),
            Ok(_) => Err(self.failed("no address")),
            Err(why) => Err(self.failed(&why)),
        }
    }

    fn ask(&mut self) -> Result<Arc<Inquiry>, DeviceError> {
        let done = Wake::new().map_err(|error| self.failed(&error.to_string()))?;
        let inquiry = Arc::new(Inquiry { answer: Mutex::new(None), done });
        let (theirs, host, port) = (inquiry.clone(), self.host.clone(), self.port);
        // Not joined: nothing but the resolver itself can end it. It owns no device and no lock.
        std::thread::Builder::new()
            .name(format!("resolve {host}"))
            .spawn(move || {
                let answer =
                    (host.as_str(), port).to_socket_addrs().map(Iterator::collect).map_err(|e| e.to_string());
                *theirs.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
                theirs.done.ring();
            })
            .map_err(|error| self.failed(&error.to_string()))?;
        self.asked = Some(inquiry.clone());
        Ok(inquiry)
    }

    fn failed(&self, why: &str) -> DeviceError {
        DeviceError::Name { host: self.host.clone(), why: why.to_owned() }
    }
}
