//! What a process says, line by line, each with the time at which it came.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Shared, lines};

/// Which of its two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// One line.
#[derive(Clone, Debug)]
pub struct Line {
    /// When it was read.
    pub at: Instant,
    /// On which stream.
    pub stream: Stream,
    /// Without its line end.
    pub text: String,
}

#[derive(Default)]
struct Kept {
    lines: Vec<Line>,
    open: usize,
}

/// Everything that a process has said.
#[derive(Default)]
pub struct Output(Shared<Kept>);

/// More than this is no longer kept: a process that talks without end must not fill the memory.
const MOST: usize = 500_000;

/// Keeps what comes from `from`, on a thread that ends with it.
pub(super) fn keep(output: &Arc<Output>, stream: Stream, from: impl Read + Send + 'static) {
    let output = Arc::clone(output);
    output.0.0.lock().unwrap().open += 1;
    let reader = move || {
        for text in lines(from) {
            let mut kept = output.0.0.lock().unwrap();
            if kept.lines.len() < MOST {
                kept.lines.push(Line { at: Instant::now(), stream, text });
            }
            output.0.1.notify_all();
        }
        output.0.0.lock().unwrap().open -= 1;
        output.0.1.notify_all();
    };
    std::thread::Builder::new().name("output".into()).spawn(reader).unwrap();
}

impl Output {
    /// Awaits a line; `None` when there is none `within` the limit or before the end.
    pub fn await_line(&self, within: Duration, wanted: impl Fn(&Line) -> bool) -> Option<Line> {
        let end = Instant::now() + within;
        let mut seen = 0;
        let mut kept = self.0.0.lock().unwrap();
        loop {
            if let Some(line) = kept.lines[seen..].iter().find(|line| wanted(line)) {
                return Some(line.clone());
            }
            seen = kept.lines.len();
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || kept.open == 0 {
                return None;
            }
            kept = self.0.1.wait_timeout(kept, left).unwrap().0;
        }
    }

    /// The lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.0.0.lock().unwrap().lines.clone()
    }

    /// The text of one stream so far.
    #[must_use]
    pub fn text(&self, stream: Stream) -> String {
        self.lines().into_iter().filter(|line| line.stream == stream).map(|line| line.text + "\n").collect()
    }

    /// The text of both so far.
    #[must_use]
    pub fn all(&self) -> String {
        self.lines().into_iter().map(|line| line.text + "\n").collect()
    }

    /// Awaits that all of it is read, after the process has ended. One of its own children may still hold
    /// the pipe: then what is there by now is all there is.
    pub fn finish(&self) {
        let end = Instant::now() + Duration::from_secs(2);
        let mut kept = self.0.0.lock().unwrap();
        while kept.open > 0 {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            kept = self.0.1.wait_timeout(kept, left).unwrap().0;
        }
    }
}
