//! One state for all that differ in the time at which they are, so that a model check (`tests/model`) ends.

use std::time::Duration;

use super::{Phase, State};
use crate::Time;

impl State {
    /// The same state told `by` earlier: it does the same, all times moved back by as much.
    /// Once it acts, the host's silence is forgotten.
    #[must_use]
    pub fn representative(&self, by: Duration) -> Self {
        let mut state = self.clone();
        let back = |time: &mut Time| *time = *time - by;
        back(&mut state.now);
        back(&mut state.heard);
        state.wake.iter_mut().for_each(back);
        state.teardown.iter_mut().for_each(|(_, until)| back(until));
        if let Phase::Resting { until, .. } = &mut state.phase {
            back(until);
        }
        if state.phase != Phase::Watching {
            (state.heard, state.credit) = (state.now, Duration::ZERO);
        }
        state
    }
}
