//! Whether this thread goes round: the server's answer for pages that have no connection at present.
//!
//! A page comes back in several steps, each a turn of the runtime. While the runtime stands still none of them
//! happens, and that is no silence of the page.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{task::yield_now, time::MissedTickBehavior};

use crate::server::Shared;

/// How often it is looked whether the thread goes round.
const EVERY: Duration = Duration::from_millis(100);
/// A turn that took so much longer was a standstill.
const STANDSTILL: Duration = Duration::from_millis(100);
/// How long a page may need, after a standstill, to be back.
const SETTLES: Duration = Duration::from_secs(1);

/// Answers until the server ends.
pub(crate) async fn answer(shared: Arc<Shared>) {
    let listener = shared.host.listener();
    let mut pulse = Pulse::new(Instant::now());
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let questions = tokio::select! {
            () = shared.stop.cancelled() => return,
            _ = tick.tick() => {
                pulse.turn(Instant::now());
                continue;
            }
            questions = listener.asked() => questions,
        };
        // The runtime asks the system what has come, and whatever that wakes runs before this goes on.
        yield_now().await;
        questions.nothing(pulse.late(Instant::now()));
    }
}

/// When the thread went round last, and when it last stood still.
struct Pulse {
    turned: Instant,
    stood: Option<Instant>,
}

impl Pulse {
    const fn new(now: Instant) -> Self {
        Self { turned: now, stood: None }
    }

    fn turn(&mut self, now: Instant) {
        if now.saturating_duration_since(self.turned) > EVERY + STANDSTILL {
            self.stood = Some(now);
        }
        self.turned = now;
    }

    /// Whether it stood still until a short while ago.
    fn late(&mut self, now: Instant) -> bool {
        self.turn(now);
        self.stood.is_some_and(|until| now.saturating_duration_since(until) < SETTLES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standstill_is_remembered_until_a_page_has_had_time_to_be_back() {
        let start = Instant::now();
        let mut pulse = Pulse::new(start);
        let most = EVERY + STANDSTILL;
        assert!(!pulse.late(start + most));
        let stood = start + most * 2 + Duration::from_nanos(1);
        assert!(pulse.late(stood));
        let mut now = stood;
        while now + EVERY < stood + SETTLES {
            now += EVERY;
            assert!(pulse.late(now));
        }
        assert!(!pulse.late(stood + SETTLES));
    }
}
