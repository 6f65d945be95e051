//! The watchdog's door: a socket at which this user can ask it to take over, or to give way. One JSON line each
//! way.
//!
//! Nobody there is waited for: a caller that has not said what it wants in its first piece is sent away.

use std::{
    io::{self, Read as _, Write as _},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::{
            fs::PermissionsExt as _,
            net::{UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
    time::Duration,
};

use killcord_core::watchdog::{Answered, Asked};

/// Callers that are attended to at the same time.
const MOST_CALLERS: usize = 4;
/// How long a caller may take to read its answer. By then the hardware has been dealt with.
const READ_WITHIN: Duration = Duration::from_millis(500);

/// An open door; dropped, its socket is removed.
pub(crate) struct Door {
    path: PathBuf,
    listener: UnixListener,
    /// Have not said anything yet.
    silent: Vec<UnixStream>,
    /// Wait for what comes of what they asked for.
    waiting: Vec<UnixStream>,
}

impl Door {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        Ok(Self { path: path.into(), listener, silent: Vec::new(), waiting: Vec::new() })
    }

    /// What is to be waited for.
    pub(crate) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        std::iter::once(self.listener.as_fd()).chain(self.silent.iter().map(AsFd::as_fd))
    }

    /// What has been asked since the last look.
    pub(crate) fn look(&mut self) -> Vec<Asked> {
        while let Ok((stream, _)) = self.listener.accept() {
            let room = self.silent.len() + self.waiting.len() < MOST_CALLERS;
            if room && is_same_user(&stream) && stream.set_nonblocking(true).is_ok() {
                self.silent.push(stream);
            }
        }
        let mut asked = Vec::new();
        for mut stream in std::mem::take(&mut self.silent) {
            let mut line = [0; 256];
            match stream.read(&mut line) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.silent.push(stream),
                Ok(count @ 1..) => {
                    let line = line.get(..count).unwrap_or_default();
                    if let Ok(wish) = serde_json::from_slice(line) {
                        asked.push(wish);
                        self.waiting.push(stream);
                    }
                }
                _ => {}
            }
        }
        asked
    }

    /// Tells everybody who waits.
    pub(crate) fn answer(&mut self, answer: &Answered) {
        let Ok(mut line) = serde_json::to_vec(answer) else { return };
        line.push(b'\n');
        for mut stream in self.waiting.drain(..) {
            let limited =
                stream.set_nonblocking(false).and_then(|()| stream.set_write_timeout(Some(READ_WITHIN)));
            // Who has left does not want to know.
            let _left = limited.and_then(|()| stream.write_all(&line));
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.path);
    }
}

fn is_same_user(stream: &UnixStream) -> bool {
    rustix::net::sockopt::socket_peercred(stream).is_ok_and(|peer| peer.uid == rustix::process::geteuid())
}
