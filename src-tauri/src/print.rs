//! Printing beside a window: on a thread of its own, lossy, in order.
//!
//! A stopped terminal, or a full pipe, stops this thread. **It must never** be waited for: whoever has something to say
//! carries frames, or opens the bench.

use std::{
    io::{self, Write as _},
    sync::mpsc::{SyncSender, sync_channel},
    thread,
};

/// Texts that wait for a slow reader; what comes on top is dropped.
const WAITING: usize = 16;

/// Where a line goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// stdout and stderr. Clones print to the same streams.
#[derive(Clone, Debug)]
pub(crate) struct Printer(SyncSender<(Stream, String)>);

impl Printer {
    /// Takes both streams; without a thread to be had, nothing is printed.
    pub(crate) fn start() -> Self {
        let (say, texts) = sync_channel(WAITING);
        let print = move || {
            for (stream, text) in texts {
                // A closed stream is nobody who wants to know.
                match stream {
                    Stream::Out => writeln!(io::stdout(), "{text}").ok(),
                    Stream::Err => writeln!(io::stderr(), "{text}").ok(),
                };
            }
        };
        if let Err(error) = thread::Builder::new().name("killcord-print".into()).spawn(print) {
            tracing::warn!(%error, "links for browsers cannot be printed; the window's menu shows them");
        }
        Self(say)
    }

    /// One or more lines.
    pub(crate) fn say(&self, stream: Stream, text: String) {
        if self.0.try_send((stream, text)).is_err() {
            tracing::debug!("nobody reads what is printed: a line was dropped");
        }
    }
}
