//! Both clocks, read together, as the rules want them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use killcord_core::{Now, Time};
use rustix::time::{ClockId, clock_gettime};

/// Where the rules' time begins: the host's start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    instant: Instant,
    boot: Duration,
}

impl Origin {
    pub(crate) fn new() -> Self {
        Self { instant: Instant::now(), boot: boot() }
    }

    /// Now, for the rules.
    pub(crate) fn now(&self) -> Now {
        Now { mono: self.at(Instant::now()), boot: Time(boot().saturating_sub(self.boot)) }
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
