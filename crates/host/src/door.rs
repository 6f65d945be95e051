//! The local door: a Unix socket that only this user can use. One JSON line each way.
//!
//! It raises the window for a second start, says how the rig stands, and takes a safe stop or a shutdown
//! from the same machine. It never starts or arms anything.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use killcord_core::Report;
use killcord_wire::RigView;
use serde::{Deserialize, Serialize};

/// The longest line that is read, in bytes.
const LONGEST: u64 = 4096;
/// The longest answer that a caller reads, in bytes.
const LONGEST_REPLY: u64 = 16 * 1024 * 1024;
/// How long a caller may take to say what it wants.
const ASK_WITHIN: Duration = Duration::from_secs(2);
/// Callers that are answered at the same time.
const MOST_CALLERS: usize = 8;
/// How long a closing door waits for answers that are on their way out. They are a moment's work; a caller
/// that does not read its own must not hold up the end.
const ANSWERS_WITHIN: Duration = Duration::from_millis(500);

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    /// Bring the window to the front.
    Raise,
    /// How the rig stands.
    Status,
    /// Make the rig safe and stay; answered when it is done.
    Safe,
    /// Make the rig safe, release it and end; answered when it is done.
    Shutdown,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Reply {
    /// The window was asked to come to the front.
    Raised {
        /// There is one.
        window: bool,
    },
    /// How the rig stands.
    Status {
        /// The host's process.
        pid: u32,
        /// What a page would be shown.
        rig: Box<RigView>,
    },
    /// A teardown is done.
    Done {
        /// The exit status that it stands for.
        exit: u8,
        /// What was done.
        report: Box<Report>,
    },
    /// It could not be done.
    Error {
        /// What to do next, in words.
        message: String,
    },
}

/// Why a door did not answer.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// Nobody is there: no host runs this rig, or it has no door.
    #[error("no host answers at {path}")]
    Nobody {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody is there and does not answer in time, or answers nonsense.
    #[error("the host at {path} does not answer; if its window is frozen, make the bench safe by hand")]
    NoAnswer {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Asks the host behind a door and waits for its answer, at most `within`.
///
/// # Errors
/// [`DoorError`].
pub fn call(path: &Path, request: Request, within: Duration) -> Result<Reply, DoorError> {
    let mut stream =
        UnixStream::connect(path).map_err(|source| DoorError::Nobody { path: path.into(), source })?;
    let mut ask = || {
        stream.set_read_timeout(Some(within))?;
        stream.set_write_timeout(Some(within))?;
        let mut line = serde_json::to_vec(&request)?;
        line.push(b'\n');
        stream.write_all(&line)?;
        let mut answer = Vec::new();
        BufReader::new(&stream).take(LONGEST_REPLY).read_until(b'\n', &mut answer)?;
        Ok(serde_json::from_slice(&answer)?)
    };
    ask().map_err(|source| DoorError::NoAnswer { path: path.into(), source })
}

/// An open door; dropped, it is closed, its socket removed, and who was promised an answer has it: the
/// process may end right after.
pub(crate) struct Door {
    path: PathBuf,
    closed: Arc<AtomicBool>,
    callers: Arc<Callers>,
}

/// How many are being answered.
#[derive(Default)]
struct Callers {
    count: Mutex<usize>,
    fewer: Condvar,
}

impl Callers {
    /// One more, unless there are too many.
    fn come(&self) -> bool {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let room = *count < MOST_CALLERS;
        *count += usize::from(room);
        room
    }

    fn go(&self) {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.fewer.notify_all();
    }

    /// Waits until all are gone, at most `within`.
    fn all_gone(&self, within: Duration) -> bool {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.fewer.wait_timeout_while(count, within, |count| *count > 0);
        *waited.unwrap_or_else(PoisonError::into_inner).0 == 0
    }
}

impl Door {
    /// Opens it. The rig's lock is held by now: a socket that is in the way is a dead host's.
    pub(crate) fn open(
        path: &Path,
        answer: impl Fn(Request) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            crate::lock::private_folder(folder)?;
        }
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        let closed = Arc::new(AtomicBool::new(false));
        let callers = Arc::<Callers>::default();
        let door = Self { path: path.into(), closed: Arc::clone(&closed), callers: Arc::clone(&callers) };
        let answer = Arc::new(answer);
        thread::Builder::new()
            .name("killcord-door".into())
            .spawn(move || serve(&listener, &closed, &callers, &answer))?;
        Ok(door)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a caller; where nobody waits any more, nobody has to be woken.
        drop(UnixStream::connect(&self.path));
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "the local door's socket could not be removed");
        }
        if !self.callers.all_gone(ANSWERS_WITHIN) {
            tracing::debug!("a caller at the local door is left without its answer");
        }
    }
}

fn serve(
    listener: &UnixListener,
    closed: &AtomicBool,
    callers: &Arc<Callers>,
    answer: &Arc<impl Fn(Request) -> Reply + Send + Sync + 'static>,
) {
    for stream in listener.incoming() {
        if closed.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        if !callers.come() {
            continue;
        }
        let (answer, leaving) = (Arc::clone(answer), Arc::clone(callers));
        let caller = move || {
            if let Err(error) = attend(&stream, &*answer) {
                tracing::debug!(%error, "a caller at the local door was not answered");
            }
            leaving.go();
        };
        if let Err(error) = thread::Builder::new().name("killcord-caller".into()).spawn(caller) {
            callers.go();
            tracing::warn!(%error, "no thread for a caller at the local door");
        }
    }
}

fn attend(mut stream: &UnixStream, answer: &impl Fn(Request) -> Reply) -> io::Result<()> {
    let peer = rustix::net::sockopt::socket_peercred(stream)?;
    if peer.uid != rustix::process::geteuid() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "another user"));
    }
    stream.set_read_timeout(Some(ASK_WITHIN))?;
    stream.set_write_timeout(Some(ASK_WITHIN))?;
    let mut line = Vec::new();
    BufReader::new(stream).take(LONGEST).read_until(b'\n', &mut line)?;
    let reply = serde_json::from_slice(&line).map_or_else(
        |_| Reply::Error { message: "say {\"do\":\"raise\"}, \"status\", \"safe\" or \"shutdown\"".into() },
        answer,
    );
    let mut text = serde_json::to_vec(&reply)?;
    text.push(b'\n');
    stream.write_all(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_door_answers_its_own_user_and_is_gone_when_closed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rig.sock");
        let door = Door::open(&path, |request| match request {
            Request::Raise => Reply::Raised { window: true },
            _ => Reply::Error { message: "no".into() },
        })
        .unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let within = Duration::from_secs(10);
        assert_eq!(call(&path, Request::Raise, within).unwrap(), Reply::Raised { window: true });
        drop(door);
        assert!(matches!(call(&path, Request::Raise, within), Err(DoorError::Nobody { .. })));
    }

    #[test]
    fn a_closing_door_lets_an_answer_out_that_is_under_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rig.sock");
        let (asked, is_asked) = std::sync::mpsc::sync_channel(1);
        let (go_on, may_go_on) = std::sync::mpsc::sync_channel::<()>(1);
        let may_go_on = Mutex::new(may_go_on);
        let door = Door::open(&path, move |_| {
            asked.send(()).unwrap();
            may_go_on.lock().unwrap().recv().unwrap();
            Reply::Raised { window: true }
        })
        .unwrap();
        let caller = thread::spawn(move || call(&path, Request::Safe, Duration::from_secs(10)));
        is_asked.recv().unwrap();
        go_on.send(()).unwrap();
        let callers = Arc::clone(&door.callers);
        drop(door);
        assert!(callers.all_gone(Duration::ZERO), "the door closed over an answer");
        assert_eq!(caller.join().unwrap().unwrap(), Reply::Raised { window: true });
    }

    #[test]
    fn nonsense_at_the_door_is_answered_with_what_can_be_said() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rig.sock");
        let _door = Door::open(&path, |_| Reply::Raised { window: false }).unwrap();
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.write_all(b"arm!\n").unwrap();
        let mut answer = String::new();
        BufReader::new(&stream).read_line(&mut answer).unwrap();
        assert!(answer.contains("shutdown"), "{answer}");
    }
}
