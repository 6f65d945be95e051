//! Printing beside a running host: never waited for, lossy, in order.
//!
//! A full pipe, a stopped terminal or a pager that nobody scrolls stops a printer's thread and nothing else.

use std::{
    collections::VecDeque,
    fs::File,
    io::Write,
    os::fd::{AsFd, BorrowedFd},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::log::Format;

/// Texts that wait for a slow reader; what comes on top is dropped and counted.
const WAITING: usize = 4096;
/// How long the end of the process waits for readers.
const FLUSH_WITHIN: Duration = Duration::from_secs(1);

/// stdout and stderr. Clones print to the same streams.
#[derive(Clone)]
pub(crate) struct Console {
    out: Stream,
    err: Stream,
    /// How the log is written: stderr is one stream for one reader.
    log: Format,
}

impl Console {
    /// Takes both streams.
    pub(crate) fn start(log: Format) -> Self {
        let (out, err) = (std::io::stdout(), std::io::stderr());
        Self { out: Stream::start("stdout", out.as_fd()), err: Stream::start("stderr", err.as_fd()), log }
    }

    /// One or more lines to stdout.
    pub(crate) fn say(&self, text: impl Into<String>) {
        self.out.push(text.into());
    }

    /// One or more lines to stderr.
    pub(crate) fn error(&self, text: impl Into<String>) {
        match self.log {
            Format::Text => self.err.push(text.into()),
            Format::Json => tracing::error!("{}", text.into()),
        }
    }

    /// Waits until what was said is written, at most a second.
    pub(crate) fn flush(&self) {
        let until = Instant::now() + FLUSH_WITHIN;
        self.out.flush(until);
        self.err.flush(until);
    }
}

#[derive(Clone)]
struct Stream(Arc<Shared>);

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    texts: VecDeque<String>,
    lost: u64,
    writing: bool,
    /// Nobody reads any more, or there is no thread: nothing is kept.
    closed: bool,
}

impl Waiting {
    fn is_idle(&self) -> bool {
        self.closed || (self.texts.is_empty() && !self.writing)
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream {
    fn start(name: &str, fd: BorrowedFd<'_>) -> Self {
        let shared = Arc::new(Shared::default());
        let started = fd.try_clone_to_owned().and_then(|fd| {
            let shared = Arc::clone(&shared);
            // Not joined: it may stand in a write to a full pipe, and nobody waits for that.
            thread::Builder::new()
                .name(format!("killcord-{name}"))
                .spawn(move || write(&File::from(fd), &shared))
        });
        shared.waiting().closed = started.is_err();
        Self(shared)
    }

    fn push(&self, mut text: String) {
        text.push('\n');
        let mut waiting = self.0.waiting();
        if waiting.closed {
            return;
        }
        if waiting.texts.len() >= WAITING {
            waiting.lost += 1;
            return;
        }
        waiting.texts.push_back(text);
        self.0.changed.notify_all();
    }

    fn flush(&self, until: Instant) {
        let mut waiting = self.0.waiting();
        while !waiting.is_idle() {
            let Some(left) = until.checked_duration_since(Instant::now()) else { return };
            waiting = self.0.changed.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn write(mut to: &File, shared: &Shared) {
    loop {
        let text = {
            let mut waiting = shared.waiting();
            waiting.writing = false;
            shared.changed.notify_all();
            loop {
                if waiting.lost > 0 {
                    let lost = std::mem::take(&mut waiting.lost);
                    waiting
                        .texts
                        .push_back(format!("({lost} texts lost: this stream is not read fast enough)\n"));
                }
                if let Some(text) = waiting.texts.pop_front() {
                    waiting.writing = true;
                    break text;
                }
                waiting = shared.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
        };
        if to.write_all(text.as_bytes()).is_err() {
            // The reader is gone; so is the point of printing.
            let mut waiting = shared.waiting();
            waiting.closed = true;
            waiting.texts.clear();
            shared.changed.notify_all();
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn what_is_said_arrives_in_order_and_is_there_after_a_flush() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let stream = Stream::start("test", writer.as_fd());
        drop(writer);
        for n in 0..100 {
            stream.push(n.to_string());
        }
        stream.flush(Instant::now() + Duration::from_secs(60));
        let expected: String = (0..100).map(|n| format!("{n}\n")).collect();
        let mut text = vec![0; expected.len()];
        reader.read_exact(&mut text).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }

    #[test]
    fn a_pipe_that_nobody_reads_makes_nobody_wait() {
        let (reader, writer) = std::io::pipe().unwrap();
        let stream = Stream::start("test", writer.as_fd());
        for _ in 0..WAITING * 2 {
            stream.push("x".repeat(100));
        }
        let began = Instant::now();
        stream.flush(began + Duration::from_millis(50));
        assert!(began.elapsed() >= Duration::from_millis(50), "the pipe is full: the flush ends by its time");
        drop(reader);
        stream.flush(Instant::now() + Duration::from_secs(60));
        assert!(stream.0.waiting().closed, "a reader that is gone ends the printing");
    }
}
