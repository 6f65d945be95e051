//! What the rules' thread counts of itself. Atomics, and at most twice a second a look at all sessions.

use std::time::Duration;

use killcord_core::{Time, rules::Guard};

use super::Engine;

/// How often sessions are counted: each time costs a look at every one of them.
const COUNT_EVERY: Duration = Duration::from_millis(500);

impl Engine {
    /// It wanted to look again by `wake`, and looks now.
    pub(super) fn count_lateness(&self, wake: Time) {
        let now = self.now().mono;
        if now >= wake {
            self.shared.metrics.late.observe(now.since(wake));
        }
    }

    /// It has gone round.
    pub(super) fn count_turn(&mut self) {
        let (now, metrics) = (self.now().mono, &self.shared.metrics);
        let heard = match self.state.guard() {
            Guard::Watching { heard, .. } => Some(*heard),
            Guard::Off | Guard::Missing { .. } => None,
        };
        metrics.turned(now, heard);
        metrics.energised.set(self.state.energised().into());
        metrics.dropped.set(self.dropped);
        if now.since(self.counted) >= COUNT_EVERY {
            metrics.count_sessions(self.state.sessions().values());
            self.counted = now;
        }
    }
}
