//! The other side of a line: it answers what the input says, in a time of its own.
//!
//! It gives a driver nothing but what a transport may give: bytes in pieces, silence, a connection that breaks. It
//! remembers all that it sent, so that what a driver believes can be held against it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use killcord_device::{Cancel, Clock, Cx, DeviceError, MAX_MESSAGE, MessageEnd, Transport};

use crate::feed::Feed;

/// What passes with each look at the clock: more than any pause that a driver makes between two frames, so that
/// none is ever waited for in real time.
const LOOK: Duration = Duration::from_millis(2);
/// A line that has sent so much in one run is silent from there on: it was bounded before, or never is.
const MOST: usize = 4 * MAX_MESSAGE;

/// Time that passes by being looked at.
pub(crate) struct Passing {
    began: Instant,
    passed: Mutex<Duration>,
}

impl Passing {
    fn pass(&self, to: Instant) {
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        *passed = (*passed).max(to.saturating_duration_since(self.began));
    }
}

impl Clock for Passing {
    fn now(&self) -> Instant {
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        *passed += LOOK;
        self.began + *passed
    }
}

/// Makes an answer out of the input and what was written last.
pub(crate) type Compose = fn(&mut Feed, &[u8]) -> Vec<u8>;

pub(crate) struct State {
    pub(crate) feed: Feed,
    compose: Compose,
    connected: bool,
    unread: Vec<u8>,
    /// The last that was written.
    pub(crate) written: Vec<u8>,
    /// How often something was written.
    pub(crate) writes: usize,
    /// All that came in since then.
    pub(crate) since: Vec<u8>,
    /// All that came in at all.
    pub(crate) came: Vec<u8>,
}

/// A transport to it. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Far(Arc<Mutex<State>>, Arc<Passing>);

impl Far {
    pub(crate) fn new(feed: Feed, compose: Compose) -> Self {
        let state = State {
            feed,
            compose,
            connected: false,
            unread: Vec::new(),
            written: Vec::new(),
            writes: 0,
            since: Vec::new(),
            came: Vec::new(),
        };
        Self(
            Arc::new(Mutex::new(state)),
            Arc::new(Passing { began: Instant::now(), passed: Mutex::new(Duration::ZERO) }),
        )
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn has_unread(&self) -> bool {
        !self.state().unread.is_empty()
    }

    /// One call of a driver, `limit` long at the most; that it keeps to it is looked at.
    pub(crate) fn call<T>(&self, limit: Duration, call: impl FnOnce(&Cx<'_>) -> T) -> T {
        let clock = &*self.1;
        let cancel = Cancel::never();
        let deadline = clock.now() + limit;
        let outcome = call(&Cx { deadline, cancel: &cancel, clock });
        // A few looks of its own may pass behind the last one that it took.
        let late = clock.now().saturating_duration_since(deadline);
        assert!(late <= 16 * LOOK, "the driver stayed {late:?} beyond its deadline");
        outcome
    }
}

impl State {
    fn not_connected() -> DeviceError {
        DeviceError::NotConnected { target: String::from("the far side") }
    }

    fn come(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
        self.since.extend_from_slice(bytes);
        self.came.extend_from_slice(bytes);
    }

    /// What the input says next; `None` once it is silent for good.
    fn event(&mut self) -> Option<Event> {
        if self.feed.is_empty() || self.came.len() > MOST {
            return None;
        }
        Some(match self.feed.byte() % 8 {
            0 => Event::Silence,
            1 => Event::HangUp,
            2 => Event::Bytes(self.feed.chunk()),
            3 => {
                let (filling, times) = (self.feed.byte(), usize::from(self.feed.byte()));
                Event::Bytes(vec![filling; 256 * times])
            }
            _ => Event::Bytes((self.compose)(&mut self.feed, &self.written)),
        })
    }
}

enum Event {
    Silence,
    HangUp,
    Bytes(Vec<u8>),
}

impl Transport for Far {
    fn connect(&mut self, _: &Cx<'_>) -> Result<(), DeviceError> {
        let mut state = self.state();
        if !state.connected {
            state.connected = true;
            state.unread.clear();
        }
        Ok(())
    }

    fn is_connected(&self) -> bool {
        self.state().connected
    }

    fn write(&mut self, bytes: &[u8], cx: &Cx<'_>) -> Result<(), DeviceError> {
        cx.may_write()?;
        let mut state = self.state();
        if !state.connected {
            return Err(State::not_connected());
        }
        state.written = bytes.to_vec();
        state.writes += 1;
        state.since.clear();
        cx.has_written();
        Ok(())
    }

    fn read_until(&mut self, end: MessageEnd<'_>, cx: &Cx<'_>) -> Result<Vec<u8>, DeviceError> {
        let mut late = false;
        loop {
            let mut state = self.state();
            if !state.connected {
                return Err(State::not_connected());
            }
            if let Some(count) = end(&state.unread) {
                assert!(count <= state.unread.len(), "a message ends behind what has come");
                let rest = state.unread.split_off(count);
                return Ok(std::mem::replace(&mut state.unread, rest));
            }
            if state.unread.len() >= MAX_MESSAGE {
                state.unread.clear();
                return Err(DeviceError::Endless { limit: MAX_MESSAGE });
            }
            if late {
                return Err(DeviceError::Timeout);
            }
            match state.event() {
                Some(Event::Bytes(bytes)) => state.come(&bytes),
                Some(Event::HangUp) => {
                    state.connected = false;
                    state.unread.clear();
                    return Err(DeviceError::Closed { target: String::from("the far side") });
                }
                Some(Event::Silence) | None => self.1.pass(cx.deadline),
            }
            drop(state);
            late = cx.left().is_zero();
        }
    }

    fn discard(&mut self) -> Result<(), DeviceError> {
        self.state().unread.clear();
        Ok(())
    }

    fn disconnect(&mut self) {
        let mut state = self.state();
        state.connected = false;
        state.unread.clear();
    }

    fn close(&mut self, _: &Cx<'_>) -> Result<(), DeviceError> {
        self.disconnect();
        Ok(())
    }
}
