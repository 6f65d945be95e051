//! Asking a watchdog at its door, from another process.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    time::{Duration, Instant},
};

use killcord_core::watchdog::{Answered, Asked};

use crate::lock::LockError;

/// The longest answer that is read, in bytes.
const LONGEST: u64 = 16 * 1024 * 1024;

/// A question that was asked; the answer may take a whole pass.
pub(crate) struct Question {
    stream: UnixStream,
}

impl Question {
    /// Asks.
    pub(crate) fn ask(path: &Path, asked: Asked) -> io::Result<Self> {
        let mut stream = UnixStream::connect(path)?;
        let mut line = serde_json::to_vec(&asked)?;
        line.push(b'\n');
        stream.write_all(&line)?;
        Ok(Self { stream })
    }

    /// The answer, if it comes within this time.
    pub(crate) fn answer(&self, within: Duration) -> io::Result<Answered> {
        self.stream.set_read_timeout(Some(within))?;
        let mut line = Vec::new();
        BufReader::new(&self.stream).take(LONGEST).read_until(b'\n', &mut line)?;
        Ok(serde_json::from_slice(&line)?)
    }
}

/// How long a watchdog that watches over a living host takes to say so.
const SAYS_WITHIN: Duration = Duration::from_secs(1);
/// How often the lock is looked at while a watchdog is at work.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Waits for a watchdog that is at work, asks it to give way, and takes the lock behind it. `host_is_gone`: the host
/// that signed the lock is not any more, whether or not its watchdog has noticed.
///
/// `None` where no watchdog is at work: the lock is held by somebody alive.
pub(crate) fn after<T>(
    door: &Path,
    host_is_gone: bool,
    patience: Duration,
    mut take: impl FnMut(Duration) -> Result<T, LockError>,
) -> Option<Result<T, LockError>> {
    let until = Instant::now() + patience;
    let mut asked: Option<Question> = None;
    loop {
        if asked.is_none() {
            asked = Question::ask(door, Asked::GiveWay).ok();
        }
        let lives = match asked.as_ref().map(|question| question.answer(SAYS_WITHIN.min(patience))) {
            Some(Ok(Answered::HostLives)) => true,
            // At work: it answers when the pass is done.
            Some(Err(error)) if is_late(&error) => false,
            Some(Ok(Answered::Done { .. })) => false,
            Some(Err(_)) | None => {
                asked = None;
                !host_is_gone
            }
        };
        match take(LOOK_EVERY) {
            Err(LockError::Held { .. }) if lives && !host_is_gone => return None,
            Err(LockError::Held { .. }) if Instant::now() < until => {
                if lives {
                    asked = None;
                }
            }
            taken => return Some(taken),
        }
    }
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
