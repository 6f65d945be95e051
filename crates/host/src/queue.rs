//! The rules' inbox: a lane for causes ahead of everything else; what overflows is signs of life, oldest
//! first.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// The most that waits, besides causes. A thousand sessions beating each second leave room for seconds of
/// stall.
const MOST: usize = 8192;

/// What goes into the queue.
pub(crate) trait Weighed {
    /// A sign of life, or a value that the next one replaces: may be dropped when too much waits.
    fn is_light(&self) -> bool;
}

struct Lanes<T> {
    causes: VecDeque<T>,
    rest: VecDeque<T>,
    dropped: u64,
    closed: bool,
}

/// Two lanes under one lock that is held for a push or a pop and nothing else.
pub(crate) struct Queue<T> {
    lanes: Mutex<Lanes<T>>,
    filled: Condvar,
}

impl<T: Weighed> Queue<T> {
    pub(crate) fn new() -> Self {
        Self {
            lanes: Mutex::new(Lanes {
                causes: VecDeque::new(),
                rest: VecDeque::new(),
                dropped: 0,
                closed: false,
            }),
            filled: Condvar::new(),
        }
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes<T>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ahead of everything that is no cause. Never refused while anybody reads the queue.
    ///
    /// # Errors
    /// Gives the item back once the queue is closed.
    pub(crate) fn push_cause(&self, item: T) -> Result<(), T> {
        let mut lanes = self.lanes();
        if lanes.closed {
            return Err(item);
        }
        lanes.causes.push_back(item);
        drop(lanes);
        self.filled.notify_one();
        Ok(())
    }

    /// Nobody reads any more. Returns what was left.
    pub(crate) fn close(&self) -> Vec<T> {
        let mut lanes = self.lanes();
        lanes.closed = true;
        let causes = std::mem::take(&mut lanes.causes);
        let rest = std::mem::take(&mut lanes.rest);
        causes.into_iter().chain(rest).collect()
    }

    /// Behind what waits. When too much does, the oldest sign of life gives way; if there is none and this
    /// is one itself, it is the one that is dropped.
    pub(crate) fn push(&self, item: T) {
        let mut lanes = self.lanes();
        if lanes.closed {
            return;
        }
        if lanes.rest.len() >= MOST {
            lanes.dropped += 1;
            match lanes.rest.iter().position(Weighed::is_light) {
                Some(oldest) => drop(lanes.rest.remove(oldest)),
                None if item.is_light() => return,
                // Everything that waits matters, and so does this: results of devices and frames are
                // bounded by whoever makes them.
                None => {}
            }
        }
        lanes.rest.push_back(item);
        drop(lanes);
        self.filled.notify_one();
    }

    /// The next item; `None` when none has come by `until`.
    pub(crate) fn pop_until(&self, until: Instant) -> Option<T> {
        let mut lanes = self.lanes();
        loop {
            if let Some(item) = lanes.pop() {
                return Some(item);
            }
            let left = until.checked_duration_since(Instant::now())?;
            lanes = self.filled.wait_timeout(lanes, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The next item, if one waits.
    pub(crate) fn try_pop(&self) -> Option<T> {
        self.lanes().pop()
    }

    /// How many were dropped so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.lanes().dropped
    }
}

impl<T> Lanes<T> {
    fn pop(&mut self) -> Option<T> {
        self.causes.pop_front().or_else(|| self.rest.pop_front())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Eq)]
    enum Item {
        Beat(usize),
        Frame(usize),
        Cause,
    }

    impl Weighed for Item {
        fn is_light(&self) -> bool {
            matches!(self, Self::Beat(_))
        }
    }

    #[test]
    fn a_cause_goes_ahead_of_everything_that_waits() {
        let queue = Queue::new();
        queue.push(Item::Beat(1));
        queue.push(Item::Frame(1));
        queue.push_cause(Item::Cause).unwrap();
        assert_eq!(queue.try_pop(), Some(Item::Cause));
        assert_eq!(queue.try_pop(), Some(Item::Beat(1)));
    }

    #[test]
    fn what_overflows_is_beats_oldest_first() {
        let queue = Queue::new();
        queue.push(Item::Frame(0));
        (0..MOST - 1).for_each(|n| queue.push(Item::Beat(n)));
        queue.push(Item::Frame(1));
        queue.push_cause(Item::Cause).unwrap();
        assert_eq!(queue.dropped(), 1);
        assert_eq!(queue.try_pop(), Some(Item::Cause));
        assert_eq!(queue.try_pop(), Some(Item::Frame(0)));
        assert_eq!(queue.try_pop(), Some(Item::Beat(1)), "the oldest beat gave way");
    }

    #[test]
    fn an_empty_queue_waits_no_longer_than_it_was_told() {
        let queue = Queue::<Item>::new();
        assert_eq!(queue.pop_until(Instant::now()), None);
    }
}
