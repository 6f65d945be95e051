//! Read, then judge: before the clock ends a page's session, whoever reads its socket is asked whether anything has
//! come.
//!
//! The rules hear of everything that waits in their own queue before they look at a clock. What a page sent may lie
//! in front of the host all the same: another thread reads it, and that may be late. So a page's session ends on
//! the reader's answer, and a reader that owes one for longer than a fifth of `hang_after` is a part of the host that
//! does not answer.
//!
//! **It must never** end a session because a reader is silent: that is a hang, and the watchdog's business; where
//! there is none, the hardware is made safe and the session stays.

use std::time::Duration;

use super::{Effect, Liveliness, State};
use crate::{Cause, Extent, Mode, SessionEnd, SessionId, SessionKind, Time};

/// Whoever takes connections and answers later than this was late: far above a busy machine's pauses, far below any
/// grace.
pub const READER_LATE: Duration = Duration::from_millis(100);

/// The part of `hang_after` that a reader has for its answer.
const ANSWERS: u32 = 5;

impl State {
    /// The lease of each session whose time is past: pages' readers are asked, the others have none.
    pub(super) fn expire(&mut self, fx: &mut Vec<Effect>) {
        let (policy, now) = (&self.rig.policy.session, self.now.mono);
        let mut over = Vec::new();
        for (&id, session) in &mut self.sessions {
            if session.asked.is_some() || session.ends_at(policy) > now {
                continue;
            }
            if session.kind == SessionKind::Page {
                session.asked = Some(now);
                fx.push(Effect::Ask { session: id, asked: now });
            } else {
                over.push(id);
            }
        }
        for id in over {
            self.lease_over(id, fx);
        }
    }

    /// A reader's answer: nothing has come of that session since it was asked.
    pub(super) fn quiet(&mut self, id: SessionId, asked: Time, late: bool, fx: &mut Vec<Effect>) {
        let (policy, now) = (&self.rig.policy.session, self.now.mono);
        let Some(session) = self.sessions.get_mut(&id).filter(|session| session.asked == Some(asked)) else {
            return;
        };
        session.asked = None;
        if session.ends_at(policy) > now {
            return;
        }
        // A page without a connection comes back by another one, in several steps, and could not while nobody took
        // it: it has the grace of a reload once more, as far as there is credit.
        let waited = now.since(asked);
        let connected = matches!(session.liveliness, Liveliness::Live | Liveliness::Frozen);
        if !connected && (late || waited > READER_LATE) {
            let credit = session.credit.saturating_add(waited).saturating_add(policy.reload_grace);
            session.credit = credit.min(policy.expire_after);
            if session.ends_at(policy) > now {
                return;
            }
        }
        self.lease_over(id, fx);
    }

    fn lease_over(&mut self, id: SessionId, fx: &mut Vec<Effect>) {
        let (policy, now) = (&self.rig.policy.session, self.now.mono);
        let Some(session) = self.sessions.get(&id) else { return };
        let reason = match session.liveliness {
            Liveliness::Grace { reason, .. } => reason,
            Liveliness::Live if session.is_frozen(policy) => return self.freeze(id, fx),
            Liveliness::Frozen if session.frozen_until(policy) + session.credit <= now => SessionEnd::Frozen,
            _ => SessionEnd::Expired,
        };
        self.end_session(id, reason, fx);
    }

    /// Since when a reader owes an answer.
    fn unread_since(&self) -> Option<Time> {
        self.sessions.values().filter_map(|session| session.asked).min()
    }

    /// Whether every reader answers in its time. While one does not, the watchdog hears nothing of the host. That some
    /// answer is owed says nothing: where many pages come and go there always is one.
    #[must_use]
    pub fn readers_answer(&self) -> bool {
        let most = self.rig.policy.safety.hang_after / ANSWERS;
        self.unread_since().is_none_or(|since| self.now.mono.since(since) < most)
    }

    /// When hardware that no watchdog covers is made safe because a reader hangs.
    fn unread_until(&self) -> Option<Time> {
        let counts = !self.guard.is_watching() && self.acts();
        let since = self.unread_since().filter(|_| counts)?;
        Some(since + self.rig.policy.safety.hang_after)
    }

    pub(super) fn reader_wakes(&self, at: &mut impl FnMut(Time)) {
        self.unread_until().into_iter().for_each(at);
    }

    /// A part of the host hangs, and no watchdog is there to end it.
    pub(super) fn reader_due(&mut self, fx: &mut Vec<Effect>) {
        if self.unread_until().is_some_and(|until| until <= self.now.mono) {
            self.teardown(Cause::HostStarved, Mode::Safe, Extent::Stay, None, fx);
        }
    }
}
