//! Prints each command and each change, one line each; drops lines rather than stop an instrument.

use std::{
    io::{BufWriter, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TryRecvError, sync_channel},
    },
    thread,
};

use crate::snapshot::{Change, Command};

/// Lines that wait for a slow reader.
const WAITING: usize = 1024;

/// Where the simulator prints. A reader that does not keep up loses lines and is told how many; an
/// instrument never waits for it.
#[derive(Debug, Default)]
pub struct Printer {
    out: Option<Out>,
    quiet: bool,
}

#[derive(Debug)]
struct Out {
    lines: SyncSender<String>,
    lost: Arc<AtomicU64>,
}

impl Printer {
    /// Prints nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Prints to `to`, from a thread of its own.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn to(to: impl Write + Send + 'static) -> std::io::Result<Self> {
        let (lines, waiting) = sync_channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&lost);
        // Not joined at the end: it may stand in a write to a full pipe, and nobody waits for that.
        thread::Builder::new().name("printer".into()).spawn(move || print(to, &waiting, &counter))?;
        Ok(Self { out: Some(Out { lines, lost }), quiet: false })
    }

    /// Leaves queries out: what is polled five times a second hides what matters.
    #[must_use]
    pub fn without_queries(mut self) -> Self {
        self.quiet = true;
        self
    }

    pub(crate) fn command(&self, command: &Command, query: bool) {
        if self.out.is_some() && !(query && self.quiet) {
            let Command { unix_ms, instrument, text, connection, .. } = command;
            self.line(format!(
                "{} {instrument:<12} < {}   [{connection}]",
                clock(*unix_ms),
                text.escape_debug()
            ));
        }
    }

    pub(crate) fn change(&self, change: &Change) {
        if self.out.is_some() {
            let Change { instrument, output, from, to, .. } = change;
            self.line(format!(
                "{} {instrument:<12} = {output}: {from} -> {to}",
                clock(crate::record::unix_ms())
            ));
        }
    }

    fn line(&self, line: String) {
        if let Some(out) = &self.out
            && out.lines.try_send(line).is_err()
        {
            out.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn print(to: impl Write, waiting: &Receiver<String>, lost: &AtomicU64) {
    let mut to = BufWriter::new(to);
    while let Ok(first) = waiting.recv() {
        let mut next = Ok(first);
        while let Ok(line) = next {
            let missing = lost.swap(0, Ordering::Relaxed);
            let noted = if missing > 0 { writeln!(to, "({missing} lines lost)") } else { Ok(()) };
            if noted.and_then(|()| writeln!(to, "{line}")).is_err() {
                return; // the reader is gone; so is the point of printing
            }
            next = waiting.try_recv();
        }
        if to.flush().is_err() || next == Err(TryRecvError::Disconnected) {
            return;
        }
    }
}

/// The time of day in UTC.
fn clock(unix_ms: u64) -> String {
    let (ms, s) = (unix_ms % 1000, unix_ms / 1000);
    format!("{:02}:{:02}:{:02}.{ms:03}Z", s / 3600 % 24, s / 60 % 60, s % 60)
}
