//! A page that its browser froze: pings are answered, and nothing beats. It keeps its session for `frozen_for`, and
//! nothing else.
//!
//! **It must never** let an answered ping keep control, or count for somebody who is there: whoever says nothing but
//! that for `expire_after` has neither.

use std::time::Duration;

use super::{Effect, Liveliness, Session, State};
use crate::{
    Cause, Extent, Mode, SessionEnd, SessionId, SessionKind, Time,
    policy::{self, Liveness, OnLast, OnLost},
};

impl Session {
    /// Whether its browser answered on when the page had long been silent. The last ping before a cut is answered a
    /// beat after the last beat at most: that is no browser that lives on.
    pub(super) fn is_frozen(&self, policy: &policy::Session) -> bool {
        self.kind == SessionKind::Page
            && policy.liveness != Liveness::Connection
            && policy.frozen_for > policy.expire_after
            && self.answered.is_some_and(|at| at >= self.beaten + policy.expire_after / 2)
    }

    /// When a frozen page has been frozen for too long (before credit).
    pub(super) fn frozen_until(&self, policy: &policy::Session) -> Time {
        self.renewed + policy.frozen_for
    }
}

impl State {
    /// The browser answered a ping.
    pub(super) fn pong(&mut self, id: SessionId) {
        if self.rig.policy.session.liveness == Liveness::Connection {
            return self.renew(id);
        }
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.answered = Some(self.now.mono);
        if session.liveliness == Liveliness::Frozen {
            (session.credit, session.late) = (Duration::ZERO, Duration::ZERO);
        }
    }

    /// The lease of its page is over, and its browser lives on: the session stays, its control does not.
    pub(super) fn freeze(&mut self, id: SessionId, fx: &mut Vec<Effect>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.liveliness = Liveliness::Frozen;
        if self.asking.as_ref().is_some_and(|asking| asking.session == id) {
            self.asking = None;
            fx.push(Effect::Control);
        }
        if self.operator == Some(id) {
            self.lose_control(SessionEnd::Frozen, fx);
        } else {
            self.unattended(SessionEnd::Frozen, fx);
        }
        fx.push(Effect::Changed);
    }

    /// Whether somebody is there: a session that is not frozen.
    fn attended(&self) -> bool {
        self.sessions.values().any(|session| session.liveliness != Liveliness::Frozen)
    }

    /// Whether hardware is left running without an operator while sessions remain. Frozen pages are no company: the
    /// stricter of both keys counts then.
    pub(super) fn holds_without_operator(&self) -> bool {
        let safety = &self.rig.policy.safety;
        safety.on_control_lost == OnLost::Hold && (self.attended() || safety.on_last_session == OnLast::Hold)
    }

    /// A session is gone, or frozen. If only frozen ones remain nobody is there; what was held for those who were is
    /// made safe. It is handed back when the last session has ended.
    pub(super) fn unattended(&mut self, reason: SessionEnd, fx: &mut Vec<Effect>) {
        let holds = self.rig.policy.safety.on_last_session == OnLast::Hold;
        if !self.attended() && !holds && self.energised() {
            self.teardown(Cause::SessionEnded { reason }, Mode::Safe, Extent::Stay, None, fx);
        }
    }
}
