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

impl Inquiry {
    /// The answer, if it is there.
    fn take(&self) -> Option<Answer> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
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

    /// Nobody takes a connection there. If an address was remembered, the name server is asked again in the
    /// meantime; its answer counts at the next try, because this one does not wait for it.
    pub(super) fn nobody_there(&mut self) {
        if self.good.is_some() && self.asked.is_none() {
            // Without a thread to spare it is asked after the next failure.
            let _next_time = self.ask();
        }
    }

    /// All addresses; the one that worked last goes first, and no name server is waited for.
    pub(super) fn addresses(&mut self, cx: &Cx<'_>) -> Result<Vec<SocketAddr>, DeviceError> {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, self.port)]);
        }
        if let Some(good) = self.good {
            let mut addresses = vec![good];
            let news = self.asked.as_ref().and_then(|inquiry| inquiry.take());
            if let Some(answer) = news {
                self.asked = None;
                addresses.extend(answer.unwrap_or_default().into_iter().filter(|other| *other != good));
            }
            return Ok(addresses);
        }
        let inquiry = match &self.asked {
            Some(inquiry) => inquiry.clone(),
            None => self.ask()?,
        };
        let answer = loop {
            inquiry.done.hush();
            if let Some(answer) = inquiry.take() {
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::{Cancel, SystemClock};

    fn addresses(resolver: &mut Resolver) -> Result<Vec<SocketAddr>, DeviceError> {
        let cancel = Cancel::never();
        let deadline = Instant::now() + Duration::from_secs(20);
        resolver.addresses(&Cx { deadline, cancel: &cancel, clock: &SystemClock })
    }

    #[test]
    fn an_address_needs_no_name_server_in_any_spelling() {
        for host in ["192.0.2.1", "::1", "[::1]"] {
            let mut resolver = Resolver::new(host.to_owned(), 5025);
            assert_eq!(addresses(&mut resolver).unwrap().len(), 1, "{host}");
            assert!(resolver.asked.is_none(), "{host}");
        }
    }

    #[test]
    fn a_remembered_address_goes_first_and_is_not_waited_for() {
        let mut resolver = Resolver::new(String::from("localhost"), 5025);
        let found = addresses(&mut resolver).unwrap();
        let good = "192.0.2.7:5025".parse().unwrap();
        resolver.remember(good);
        assert_eq!(addresses(&mut resolver).unwrap(), [good]);
        assert!(resolver.asked.is_none(), "nobody is asked while it works");
        resolver.nobody_there();
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let now = addresses(&mut resolver).unwrap();
            assert_eq!(now[0], good);
            if now.len() > 1 {
                assert_eq!(now[1..], found[..]);
                break;
            }
            assert!(Instant::now() < until);
            std::thread::yield_now();
        }
    }
}
