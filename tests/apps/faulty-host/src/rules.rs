//! A fault in the rules' own thread: whoever listens to its log is called on it.

use std::sync::atomic::{AtomicU8, Ordering};

use tracing::{Event, Metadata, Subscriber, span};

/// What the next event on the rules' thread does.
static DUE: AtomicU8 = AtomicU8::new(0);
const PANIC: u8 = 1;
const BLOCK: u8 = 2;

/// The next event on the rules' thread panics.
pub(crate) fn panic_next() {
    DUE.store(PANIC, Ordering::SeqCst);
}

/// The next event on the rules' thread never returns.
pub(crate) fn never_return() {
    DUE.store(BLOCK, Ordering::SeqCst);
}

/// Listens to all logs, and keeps none.
pub(crate) struct Listener;

impl Subscriber for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, _: &Event<'_>) {
        if std::thread::current().name() != Some("killcord-rules") {
            return;
        }
        match DUE.swap(0, Ordering::SeqCst) {
            PANIC => panic!("the rules' thread panics, as it was asked to"),
            BLOCK => loop {
                std::thread::park();
            },
            _ => {}
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
