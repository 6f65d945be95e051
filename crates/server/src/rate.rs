//! How much may come in how short a time. No clock of its own.

use std::time::{Duration, Instant};

/// A bucket that holds `most` and refills one each `every`.
#[derive(Debug)]
pub(crate) struct Rate {
    most: u32,
    every: Duration,
    left: u32,
    since: Instant,
}

impl Rate {
    pub(crate) const fn new(most: u32, every: Duration, now: Instant) -> Self {
        Self { most, every, left: most, since: now }
    }

    /// Takes one; whether there was one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        self.take_all(1, now)
    }

    /// Takes so many; whether there were as many.
    pub(crate) fn take_all(&mut self, count: u32, now: Instant) -> bool {
        self.refill(now);
        let had = self.left >= count;
        self.left = self.left.saturating_sub(count);
        had
    }

    /// Whether it is as it was in the beginning.
    pub(crate) fn is_full(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.left == self.most
    }

    fn refill(&mut self, now: Instant) {
        let nanos = now.saturating_duration_since(self.since).as_nanos() / self.every.as_nanos().max(1);
        let refilled = u32::try_from(nanos).unwrap_or(u32::MAX);
        if refilled >= self.most - self.left {
            (self.left, self.since) = (self.most, now);
        } else {
            self.left += refilled;
            self.since += self.every * refilled;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_the_rate_is_refused_until_the_moment_that_one_is_due() {
        let (start, every) = (Instant::now(), Duration::from_millis(10));
        let mut rate = Rate::new(3, every, start);
        assert_eq!(
            [rate.take(start), rate.take(start), rate.take(start), rate.take(start)],
            [true, true, true, false]
        );
        let due = start + every;
        assert!(!rate.take(due.checked_sub(Duration::from_nanos(1)).unwrap()));
        assert!(rate.take(due));
        assert!(!rate.take(due));
        let later = start + Duration::from_secs(3600);
        assert!([(); 3].iter().all(|()| rate.take(later)), "never more than it holds");
        assert!(!rate.take(later));
        let full = later + Duration::from_secs(3600);
        assert!(rate.take_all(2, full) && !rate.take_all(2, full) && !rate.take(full));
    }
}
