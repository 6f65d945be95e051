//! Both clocks, read together, as the rules want them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use killcord_core::{Now, Time};
use rustix::time::{ClockId, clock_gettime};

/// Two readings further apart than this are taken again: this thread was interrupted between them, and the rules would
/// take the difference for a sleep of the machine.
const TOGETHER: Duration = Duration::from_millis(10);
/// How often, at most: on a machine that does nothing else any more they are as they are.
const TRIES: usize = 5;

/// Where the rules' time begins: the host's start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    instant: Instant,
    boot: Duration,
}

impl Origin {
    pub(crate) fn new() -> Self {
        let (instant, boot) = together(Instant::now, boot);
        Self { instant, boot }
    }

    /// Now, for the rules.
    pub(crate) fn now(&self) -> Now {
        let (instant, boot) = together(Instant::now, boot);
        Now { mono: self.at(instant), boot: Time(boot.saturating_sub(self.boot)) }
    }

    /// A moment of the monotonic clock, for the rules.
    pub(crate) fn at(&self, instant: Instant) -> Time {
        Time(instant.saturating_duration_since(self.instant))
    }

    /// A time of the rules, for the system.
    pub(crate) fn instant(&self, time: Time) -> Instant {
        self.instant + time.0
    }
}

/// Both clocks, at one moment.
fn together(mut instant: impl FnMut() -> Instant, mut boot: impl FnMut() -> Duration) -> (Instant, Duration) {
    let mut read = || {
        let (before, boot) = (instant(), boot());
        (before, boot, instant().saturating_duration_since(before))
    };
    let mut last = read();
    for _ in 1..TRIES {
        if last.2 < TOGETHER {
            break;
        }
        last = read();
    }
    (last.0, last.1)
}

/// Since boot, sleep included.
fn boot() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Milliseconds since 1970 by the wall clock; only ever shown, never decided by.
pub(crate) fn unix_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn an_interruption_between_the_two_clocks_is_no_sleep_of_the_machine() {
        let (start, passed) = (Instant::now(), Cell::new(Duration::ZERO));
        let reads = Cell::new(0);
        let instant = || start + passed.get();
        let boot = || {
            // The thread stood still before the second clock was read, the first time.
            reads.set(reads.get() + 1);
            if reads.get() == 1 {
                passed.set(passed.get() + Duration::from_secs(2));
            }
            passed.get()
        };
        let (mono, boot) = together(instant, boot);
        assert_eq!((mono - start, reads.get()), (boot, 2));
    }

    #[test]
    fn where_each_reading_is_interrupted_there_is_one_all_the_same() {
        let (start, passed) = (Instant::now(), Cell::new(Duration::ZERO));
        let boot = || {
            passed.set(passed.get() + TOGETHER);
            passed.get()
        };
        together(|| start + passed.get(), boot);
        assert_eq!(passed.get(), TOGETHER * TRIES as u32);
    }
}
