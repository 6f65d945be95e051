//! The executor's time: distances from an origin for the machines, instants for the links.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use killcord_core::Time;

use crate::{Clock, SystemClock};

/// A clock and the origin that every [`Time`] of a host is counted from.
#[derive(Clone)]
pub struct Timeline {
    clock: Arc<dyn Clock>,
    origin: Instant,
}

impl Timeline {
    /// Counts from `origin` on `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, origin: Instant) -> Self {
        Self { clock, origin }
    }

    /// The system's clock, counted from now.
    #[must_use]
    pub fn starting_now() -> Self {
        Self { clock: Arc::new(SystemClock), origin: Instant::now() }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Time {
        self.time(self.clock.now())
    }

    /// An instant as a distance from the origin; one before it is the origin.
    #[must_use]
    pub fn time(&self, instant: Instant) -> Time {
        Time(instant.saturating_duration_since(self.origin))
    }

    /// A distance from the origin as an instant; one beyond what the clock holds is a day from the origin.
    #[must_use]
    pub fn instant(&self, time: Time) -> Instant {
        self.origin.checked_add(time.0).unwrap_or_else(|| self.origin + Duration::from_hours(24))
    }

    /// How long it is until `time`; zero if it has come.
    #[must_use]
    pub fn until(&self, time: Time) -> Duration {
        time.since(self.now())
    }
}

impl std::fmt::Debug for Timeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Timeline").field("origin", &self.origin).finish_non_exhaustive()
    }
}
