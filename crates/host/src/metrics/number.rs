//! Numbers that one thread adds to and another reads: counter, gauge, histogram.
//!
//! **It must never** lock or allocate where something is counted: the rules' thread does it. What is read at one
//! moment may be of several; each number for itself is right.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Only ever goes up.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// How many now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long things took, in classes.
#[derive(Debug)]
pub struct Histogram {
    /// What each class but the last holds at most, rising.
    bounds: &'static [Duration],
    /// One more than there are bounds.
    classes: Box<[AtomicU64]>,
    /// In nanoseconds; enough for 584 years.
    sum: AtomicU64,
}

/// A histogram as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// All times together, in seconds.
    pub sum: f64,
    /// How many.
    pub count: u64,
    /// What each class holds at most, in seconds, and how many are in it and in none before; the last one is infinite.
    pub classes: Vec<(f64, u64)>,
}

impl Histogram {
    pub(crate) fn new(bounds: &'static [Duration]) -> Self {
        let classes = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, classes, sum: AtomicU64::new(0) }
    }

    /// Takes in one. A time that is just a class's bound is in that class.
    pub(crate) fn observe(&self, took: Duration) {
        let at = self.bounds.partition_point(|bound| *bound < took);
        if let Some(class) = self.classes.get(at) {
            class.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// All so far.
    #[must_use]
    pub fn read(&self) -> Distribution {
        let bounds = self.bounds.iter().map(Duration::as_secs_f64).chain([f64::INFINITY]);
        let counts = self.classes.iter().map(|class| class.load(Ordering::Relaxed));
        let classes: Vec<(f64, u64)> = bounds.zip(counts).collect();
        Distribution {
            sum: Duration::from_nanos(self.sum.load(Ordering::Relaxed)).as_secs_f64(),
            count: classes.iter().map(|(_, count)| count).sum(),
            classes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_is_just_a_bound_is_in_its_class_and_one_above_is_in_the_next() {
        const BOUNDS: &[Duration] = &[Duration::from_millis(2), Duration::from_millis(20)];
        let histogram = Histogram::new(BOUNDS);
        let bound = Duration::from_millis(2);
        for took in [Duration::ZERO, bound, bound + Duration::from_nanos(1), Duration::from_secs(9)] {
            histogram.observe(took);
        }
        let read = histogram.read();
        assert_eq!(read.classes, [(0.002, 2), (0.02, 1), (f64::INFINITY, 1)]);
        assert_eq!((read.count, read.sum), (4, 9.004_000_001));
    }
}
