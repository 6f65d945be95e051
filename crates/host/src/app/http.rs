//! One HTTP exchange with the app (HTTP/1.1, RFC 9112): a request without a body, and the status of its answer.
//!
//! That is all that readiness and `before_stop` need. **It must never** be waited for: it goes on when its socket
//! has something to say.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    path::Path,
    time::Duration,
};

use rustix::{
    event::PollFlags,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with},
};

use super::AppAddress;

/// On loopback a connection is there or refused at once; one whose queue is full is tried again.
const CONNECT_WITHIN: Duration = Duration::from_millis(100);
/// The longest status line that is read.
const LONGEST: usize = 4096;

/// A connection, which never blocks.
pub(super) enum Stream {
    Port(TcpStream),
    Socket(UnixStream),
}

impl Stream {
    fn to(address: &AppAddress) -> io::Result<Self> {
        match address {
            AppAddress::Port(address) => {
                let stream = TcpStream::connect_timeout(address, CONNECT_WITHIN)?;
                stream.set_nonblocking(true)?;
                Ok(Self::Port(stream))
            }
            AppAddress::Socket(path) => Self::to_socket(path),
        }
    }

    /// There or refused at once, as one whose queue is full is (connect(2), EAGAIN).
    fn to_socket(path: &Path) -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        connect(&socket, &SocketAddrUnix::new(path)?)?;
        Ok(Self::Socket(socket.into()))
    }

    fn io(&mut self) -> &mut dyn ReadWrite {
        match self {
            Self::Port(stream) => stream,
            Self::Socket(stream) => stream,
        }
    }
}

trait ReadWrite: Read + Write {}
impl<T: Read + Write> ReadWrite for T {}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Port(stream) => stream.as_fd(),
            Self::Socket(stream) => stream.as_fd(),
        }
    }
}

/// A request that is out.
pub(super) struct Exchange {
    stream: Stream,
    request: Vec<u8>,
    sent: usize,
    answer: Vec<u8>,
}

impl Exchange {
    /// Sends a request to the app.
    pub(super) fn begin(address: &AppAddress, method: &str, path: &str) -> io::Result<Self> {
        let stream = Stream::to(address)?;
        let host = address.names().into_iter().next().unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: killcord\r\nAccept: */*\r\n\
             Content-Length: 0\r\nConnection: close\r\n\r\n"
        );
        Ok(Self { stream, request: request.into_bytes(), sent: 0, answer: Vec::new() })
    }

    pub(super) const fn stream(&self) -> &Stream {
        &self.stream
    }

    /// What it waits for.
    pub(super) fn waits_for(&self) -> PollFlags {
        if self.sent < self.request.len() { PollFlags::OUT } else { PollFlags::IN }
    }

    /// Goes on as far as it gets; the status once it is there.
    pub(super) fn turn(&mut self) -> Option<io::Result<u16>> {
        match self.go_on() {
            Ok(status) => status.map(Ok),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(error) => Some(Err(error)),
        }
    }

    fn go_on(&mut self) -> io::Result<Option<u16>> {
        while let Some(rest) = self.request.get(self.sent..).filter(|rest| !rest.is_empty()) {
            self.sent += self.stream.io().write(rest)?;
        }
        let mut chunk = [0; 512];
        loop {
            let count = self.stream.io().read(&mut chunk)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.answer.extend_from_slice(chunk.get(..count).unwrap_or_default());
            if let Some(end) = self.answer.iter().position(|byte| *byte == b'\n') {
                return status(self.answer.get(..end).unwrap_or_default()).map(Some);
            }
            if self.answer.len() > LONGEST {
                return Err(no_http());
            }
        }
    }
}

/// The status in `HTTP/1.1 200 OK`.
fn status(line: &[u8]) -> io::Result<u16> {
    let line = std::str::from_utf8(line).map_err(|_| no_http())?;
    let mut words = line.split_ascii_whitespace();
    let http = words.next().is_some_and(|word| word.starts_with("HTTP/1."));
    let status = words.next().filter(|word| http && word.len() == 3).and_then(|word| word.parse().ok());
    status.ok_or_else(no_http)
}

fn no_http() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "what it answers is no HTTP/1")
}

/// Whether an answer to `ready` says that the app can be used: what it is, where it is, or that one has to sign on.
pub(super) const fn is_ready(status: u16) -> bool {
    matches!(status, 200..=399 | 401 | 403)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_status_is_read_from_its_line_and_nothing_else_passes_for_one() {
        for (line, wanted) in [("HTTP/1.1 200 OK\r", 200), ("HTTP/1.0 503", 503)] {
            assert_eq!(status(line.as_bytes()).unwrap(), wanted);
        }
        for line in ["", "HTTP/1.1", "HTTP/2 200", "SSH-2.0-OpenSSH 200", "HTTP/1.1 20", "HTTP/1.1 abc"] {
            assert!(status(line.as_bytes()).is_err(), "{line}");
        }
    }

    #[test]
    fn an_answer_without_end_is_given_up() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = AppAddress::Port(listener.local_addr().unwrap());
        let mut exchange = Exchange::begin(&address, "GET", "/").unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        peer.write_all(&[b'x'; 3 * LONGEST]).unwrap();
        drop(peer);
        let outcome = loop {
            if let Some(outcome) = exchange.turn() {
                break outcome;
            }
        };
        assert!(outcome.is_err());
    }
}
