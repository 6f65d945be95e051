//! One state for all that differ in the time at which they are, so that a model check (`tests/model`) ends.
//!
//! **It must never** be called by a host: what it forgets is shown to people.

use std::time::Duration;

use super::{Guard, Liveliness, Phase, State, WATCHDOG_WITHIN, guard::BEAT_EVERY};
use crate::{Now, SessionKind, Time};

impl State {
    /// The same state told `by` earlier: it does the same, all times moved back by as much. What no rule reads
    /// any more is forgotten: since when the rig is armed, the number of the last beat, when the person last
    /// gave input where nobody ends for want of it; and of what is over, how long it has been.
    #[must_use]
    pub fn representative(&self, by: Duration) -> Self {
        let mut state = self.clone();
        let back = |time: &mut Time| *time = *time - by;
        let both = |now: &mut Now| *now = Now { mono: now.mono - by, boot: now.boot - by };
        both(&mut state.now);
        let now = state.now;
        both(&mut state.operator_renewed);
        let hold_for = state.rig.policy.safety.hold_for;
        state.operator_renewed.mono = state.operator_renewed.mono.max(now.mono - hold_for);
        state.operator_renewed.boot = state.operator_renewed.boot.max(now.boot - hold_for);
        state.wake.iter_mut().for_each(back);
        for retry in state.retries.iter_mut().flatten() {
            back(&mut retry.at);
            retry.at = retry.at.max(now.mono);
        }
        state.asking.iter_mut().for_each(|asking| back(&mut asking.until));
        state.hold.iter_mut().for_each(|hold| back(&mut hold.until));
        state.trip.iter_mut().for_each(|trip| back(&mut trip.at));
        state.limits.iter_mut().for_each(|watch| watch.times().for_each(back));
        let nobody_is_idle = state.rig.policy.session.idle_after.is_none();
        for session in state.sessions.values_mut() {
            back(&mut session.renewed);
            session.asked.iter_mut().for_each(back);
            if session.kind == SessionKind::Page {
                back(&mut session.beaten);
                back(&mut session.main);
                session.answered.iter_mut().chain(&mut session.thawed).for_each(back);
            } else {
                // Only a page is frozen, and only a page has a worker that could beat while it hangs.
                (session.beaten, session.main) = (session.renewed, session.renewed);
            }
            if nobody_is_idle {
                session.input = session.renewed;
            } else {
                back(&mut session.input);
            }
            if let Liveliness::Grace { until, last, .. } = &mut session.liveliness {
                back(until);
                back(last);
            }
        }
        match &mut state.phase {
            Phase::Armed { since } => *since = now.mono,
            Phase::Teardown(running) => back(&mut running.deadline),
            _ => {}
        }
        state.app.times().for_each(back);
        match &mut state.guard {
            Guard::Off => {}
            Guard::Missing { since, .. } => {
                back(since);
                *since = (*since).max(now.mono - WATCHDOG_WITHIN);
            }
            Guard::Watching { heard, beaten, n, .. } => {
                back(heard);
                back(beaten);
                *beaten = (*beaten).max(now.mono - BEAT_EVERY);
                *n = 0;
            }
        }
        state
    }
}
