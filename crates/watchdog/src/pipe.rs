//! The pipe between host and watchdog: whole messages, with descriptors beside them.
//!
//! A pair of `SOCK_SEQPACKET` sockets: a message goes out whole or not at all, so that a host that dies in the
//! middle of a word, or a signal handler that says one, never leaves half of it. **It must never** make a writer
//! wait: a message that does not fit is refused at once, and what that means is the writer's to judge.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    io::Errno,
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
        SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg,
        socketpair,
    },
};
use serde::{Serialize, de::DeserializeOwned};

/// The longest message that is read, in bytes. Plans go by a memory file; what is left is small.
const LONGEST: usize = 64 * 1024;
/// The most descriptors beside one message.
const MOST_FDS: usize = 4;

/// One end of the pipe.
#[derive(Debug)]
pub struct Pipe {
    socket: OwnedFd,
}

/// What came in.
#[derive(Debug)]
pub enum Received<T> {
    /// A message and its descriptors.
    Message(T, Vec<OwnedFd>),
    /// Something that is no message of ours.
    Nonsense(String),
    /// Nothing waits.
    Nothing,
    /// The other end is closed.
    Ended,
}

impl Pipe {
    /// Two ends.
    ///
    /// # Errors
    /// When the process is out of descriptors.
    pub fn pair() -> io::Result<(Self, Self)> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (a, b) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        Ok((Self { socket: a }, Self { socket: b }))
    }

    /// The end that a process was started with.
    #[must_use]
    pub const fn from_fd(socket: OwnedFd) -> Self {
        Self { socket }
    }

    /// A second descriptor of this end.
    ///
    /// # Errors
    /// When the process is out of descriptors.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { socket: self.socket.try_clone()? })
    }

    /// Sends a message, whole, with `fds` beside it. Never waits.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when the other end does not keep up; `BrokenPipe` when it is gone.
    pub fn send(&self, message: &impl Serialize, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        let text = serde_json::to_vec(message)?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
        let mut beside = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() && !beside.push(SendAncillaryMessage::ScmRights(fds)) {
            return Err(io::Error::from(Errno::INVAL));
        }
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        loop {
            match sendmsg(&self.socket, &[IoSlice::new(&text)], &mut beside, flags) {
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Takes the next message, if one waits. Never waits.
    ///
    /// # Errors
    /// When the socket is broken: as good as [`Received::Ended`].
    pub fn receive<T: DeserializeOwned>(&self) -> io::Result<Received<T>> {
        let mut text = vec![0; LONGEST];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
        let mut beside = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let received = loop {
            match recvmsg(&self.socket, &mut [IoSliceMut::new(&mut text)], &mut beside, flags) {
                Ok(received) => break received,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(Received::Nothing),
                Err(Errno::CONNRESET) => return Ok(Received::Ended),
                Err(error) => return Err(error.into()),
            }
        };
        if received.bytes == 0 {
            return Ok(Received::Ended);
        }
        let fds = beside
            .drain()
            .filter_map(|message| match message {
                RecvAncillaryMessage::ScmRights(fds) => Some(fds),
                _ => None,
            })
            .flatten()
            .collect();
        if received.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
            return Ok(Received::Nonsense("a message was longer than any of ours".into()));
        }
        let text = text.get(..received.bytes).unwrap_or_default();
        match serde_json::from_slice(text) {
            Ok(message) => Ok(Received::Message(message, fds)),
            Err(error) => Ok(Received::Nonsense(error.to_string())),
        }
    }
}

impl AsFd for Pipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl From<Pipe> for OwnedFd {
    fn from(pipe: Pipe) -> Self {
        pipe.socket
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn a_message_arrives_whole_with_its_descriptors() {
        let (a, b) = Pipe::pair().unwrap();
        let file = tempfile::tempfile().unwrap();
        a.send(&"hello", &[file.as_fd(), a.as_fd()]).unwrap();
        let Received::Message(text, fds) = b.receive::<String>().unwrap() else { panic!("no message") };
        assert_eq!((text.as_str(), fds.len()), ("hello", 2));
        assert!(fds.iter().all(|fd| fd.as_raw_fd() != file.as_raw_fd()), "copies, not the same numbers");
    }

    #[test]
    fn a_full_pipe_refuses_and_never_waits() {
        let (a, b) = Pipe::pair().unwrap();
        let text = "x".repeat(1000);
        let refused = (0..10_000).find_map(|_| a.send(&text, &[]).err()).expect("a pipe without a bottom");
        assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);
        assert!(matches!(b.receive::<String>().unwrap(), Received::Message(..)));
    }

    #[test]
    fn the_end_of_the_other_side_comes_behind_what_it_said() {
        let (a, b) = Pipe::pair().unwrap();
        assert!(matches!(b.receive::<u8>().unwrap(), Received::Nothing));
        a.send(&7_u8, &[]).unwrap();
        drop(a);
        assert!(matches!(b.receive::<u8>().unwrap(), Received::Message(7, _)));
        assert!(matches!(b.receive::<u8>().unwrap(), Received::Ended));
    }

    #[test]
    fn nonsense_is_told_from_a_message() {
        let (a, b) = Pipe::pair().unwrap();
        a.send(&"not a number", &[]).unwrap();
        assert!(matches!(b.receive::<u8>().unwrap(), Received::Nonsense(_)));
    }
}
