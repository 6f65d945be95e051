//! Leases: the host owns expiry. A session that has not renewed its lease is dead, whatever it believes.

use std::time::Duration;

use super::{Arrival, Effect, Event, Phase, State, Warning};
use crate::{
    Now, Role, SessionEnd, SessionId, SessionKind, Time,
    policy::{self, Liveness},
};

/// A page whose main thread has not answered for so many beats does not respond.
const HANGS: u32 = 3;
/// A page that has not beaten for so many beats is silent, and one that was is no steady page for so many more.
const SILENT: u32 = 2;

/// One attached GUI.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Session {
    /// What it is.
    pub kind: SessionKind,
    /// The role that it would like.
    pub want: Role,
    /// Whether it may ever be operator.
    pub may_operate: bool,
    /// How sure the host is of it.
    pub liveliness: Liveliness,
    /// When its lease was renewed last.
    pub renewed: Time,
    /// Lateness of our own since then, its reader's included where it has no connection; at most `expire_after`.
    pub credit: Duration,
    /// The part of it that is the rules' own clock's: over `expire_after`, the host starves.
    pub(super) late: Duration,
    /// When it last beat, or said hello.
    pub(super) beaten: Time,
    /// When it beat again after it had been silent.
    pub(super) thawed: Option<Time>,
    /// When its page's main thread last answered.
    pub main: Time,
    /// It was told that its page does not respond.
    pub(super) hangs: bool,
    /// When its browser last answered a ping.
    pub answered: Option<Time>,
    /// When the person last gave input.
    pub input: Time,
    pub(super) idle_warned: bool,
    /// Since when its reader has owed an answer: its time is past, and something may lie unread.
    pub(super) asked: Option<Time>,
}

/// How sure the host is of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Liveliness {
    /// Attached.
    Live,
    /// Its connection is gone; the lease runs on.
    Suspect,
    /// Its browser answers pings and its page does not beat: it is frozen, and has no control.
    Frozen,
    /// It said goodbye and may be reloading. Its commands are refused.
    Grace {
        /// Until then (before credit).
        until: Time,
        /// But no longer than what was left to it when it said goodbye (before credit).
        last: Time,
        /// What it ends with.
        reason: SessionEnd,
    },
}

impl Session {
    /// When it ends if nothing more is heard.
    #[must_use]
    pub fn ends_at(&self, policy: &policy::Session) -> Time {
        self.last(policy) + self.credit
    }

    /// The same without the credit.
    fn last(&self, policy: &policy::Session) -> Time {
        match self.liveliness {
            Liveliness::Grace { until, last, .. } => until.min(last),
            Liveliness::Frozen => {
                let answered = self.answered.unwrap_or(self.renewed);
                self.frozen_until(policy).min(answered + policy.expire_after)
            }
            _ => self.renewed + policy.expire_after,
        }
    }

    /// When the person is warned, and when the session ends for want of input.
    pub(super) fn idle_at(&self, policy: &policy::Session) -> Option<(Time, Time)> {
        // Nobody can be asked to press a button in a terminal.
        if self.kind == SessionKind::Terminal {
            return None;
        }
        let end = self.input + policy.idle_after?;
        Some((end - policy.idle_warning, end))
    }

    /// Whether its page beats, and did all along.
    fn is_steady(&self, now: Time, policy: &policy::Session) -> bool {
        let silent = policy.beat * SILENT;
        now <= self.beaten + silent && self.thawed.is_none_or(|at| now > at + silent)
    }

    /// It was alive then.
    fn renew(&mut self, then: Time) {
        if then >= self.renewed {
            self.renewed = then;
            (self.credit, self.late) = (Duration::ZERO, Duration::ZERO);
            self.asked = None;
        }
    }
}

impl State {
    pub(super) fn arrive(&mut self, arrival: Arrival, fx: &mut Vec<Effect>) {
        let Now { mono: now, .. } = self.now;
        if matches!(self.phase, Phase::Ended) {
            return;
        }
        if let Some(id) = arrival.resume
            && let Some(session) = self.sessions.get_mut(&id)
        {
            session.renew(now);
            session.liveliness = Liveliness::Live;
            self.note_operator_alive(id, Duration::ZERO);
            fx.push(Effect::Welcome { tag: arrival.tag, session: id, resumed: true });
            return;
        }
        let id = SessionId(self.next_session);
        self.next_session += 1;
        self.sessions.insert(
            id,
            Session {
                kind: arrival.kind,
                want: arrival.want,
                may_operate: arrival.may_operate,
                liveliness: Liveliness::Live,
                renewed: now,
                credit: Duration::ZERO,
                late: Duration::ZERO,
                beaten: now,
                thawed: None,
                main: now,
                hangs: false,
                answered: None,
                input: now,
                idle_warned: false,
                asked: None,
            },
        );
        let operates = arrival.may_operate && arrival.want == Role::Operator && self.operator.is_none();
        let role = if operates { Role::Operator } else { Role::Observer };
        self.record(Event::SessionBegan { session: id, kind: arrival.kind, role }, fx);
        if operates {
            self.grant(id, fx);
        }
        fx.push(Effect::Welcome { tag: arrival.tag, session: id, resumed: false });
        if arrival.local {
            self.auto_arm.first_session(id);
        }
        if matches!(self.phase, Phase::Released) {
            self.open(fx);
        }
    }

    /// A beat, `main_ago` after the page's main thread last answered.
    pub(super) fn beat(
        &mut self,
        id: SessionId,
        n: u64,
        main_ago: Duration,
        input_ago: Option<Duration>,
        fx: &mut Vec<Effect>,
    ) {
        let (policy, now) = (&self.rig.policy.session, self.now.mono);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        // Where the page has to be one that can be operated, its worker's word alone says nothing.
        let ago = if policy.liveness == Liveness::Operator { main_ago } else { Duration::ZERO };
        // A beat of the page that said goodbye is no resume: the goodbye came later.
        if !matches!(session.liveliness, Liveliness::Grace { .. }) {
            if session.kind == SessionKind::Page && now > session.beaten + policy.beat * SILENT {
                session.thawed = Some(now);
            }
            session.beaten = now;
            session.renew(now - ago);
            if session.liveliness != Liveliness::Frozen || ago < policy.expire_after {
                session.liveliness = Liveliness::Live;
            }
        }
        session.main = session.main.max(now - main_ago);
        let hangs = now.since(session.main) >= policy.beat * HANGS;
        if hangs && !std::mem::replace(&mut session.hangs, hangs) {
            // It is read once the page goes on.
            let warning = Warning::PageNotResponding;
            fx.push(Effect::Warn { session: id, warning, within: Duration::ZERO });
        }
        session.hangs = hangs;
        if let Some(ago) = input_ago {
            let input = session.input.max(now - ago);
            session.idle_warned &= input == session.input;
            session.input = input;
        }
        fx.push(Effect::Ack {
            session: id,
            n,
            expires_in: session.ends_at(policy).since(now),
            idle_in: session.idle_at(policy).map(|(_, end)| end.since(now)),
        });
        self.note_operator_alive(id, ago);
    }

    pub(super) fn renew(&mut self, id: SessionId) {
        let (policy, now) = (&self.rig.policy.session, self.now.mono);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        // A window that is there says nothing of the page in it.
        if session.kind == SessionKind::Window && policy.liveness == Liveness::Operator {
            return;
        }
        if !matches!(session.liveliness, Liveliness::Grace { .. }) {
            session.renew(now);
            session.liveliness = Liveliness::Live;
            self.note_operator_alive(id, Duration::ZERO);
        }
    }

    fn note_operator_alive(&mut self, id: SessionId, ago: Duration) {
        if self.operator == Some(id) {
            let Now { mono, boot } = self.now;
            let then = Now { mono: mono - ago, boot: boot - ago };
            if then.mono > self.operator_renewed.mono {
                self.operator_renewed = then;
            }
        }
    }

    pub(super) fn socket_lost(&mut self, id: SessionId, fx: &mut Vec<Effect>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        // Whoever was asked reads no more, and may not answer.
        session.asked = None;
        if session.liveliness == Liveliness::Live {
            session.liveliness = Liveliness::Suspect;
            fx.push(Effect::Changed);
        }
    }

    pub(super) fn goodbye(&mut self, id: SessionId, reason: SessionEnd, grace: bool, fx: &mut Vec<Effect>) {
        if grace {
            self.may_return(id, reason, self.rig.policy.session.reload_grace, fx);
        } else {
            self.end_session(id, reason, fx);
        }
    }

    /// A close is a goodbye, once no other has come in its place. That of a page that had fallen silent is none: its
    /// browser had frozen it, and Chromium closes the connection of one that it thaws, often enough.
    pub(super) fn closed(&mut self, id: SessionId, wait: Duration, fx: &mut Vec<Effect>) {
        let (policy, now) = (&self.rig.policy.session, self.now.mono);
        if self.sessions.get(&id).is_some_and(|session| !session.is_steady(now, policy)) {
            return;
        }
        let wait = wait.min(policy.reload_grace);
        self.may_return(id, SessionEnd::PageClosed, wait, fx);
    }

    /// A close that still waits is a reload's: the page has the time of one. One that was no goodbye stays none.
    pub(super) fn sought(&mut self, id: SessionId) {
        let until = self.now.mono + self.rig.policy.session.reload_grace;
        if let Some(Liveliness::Grace { until: known, .. }) =
            self.sessions.get_mut(&id).map(|session| &mut session.liveliness)
        {
            *known = until.max(*known);
        }
    }

    /// It ends with that reason unless its page is back within that time. The latest of several times counts; none is
    /// longer than what was left to it, which nothing renews from here on.
    fn may_return(&mut self, id: SessionId, reason: SessionEnd, within: Duration, fx: &mut Vec<Effect>) {
        let policy = &self.rig.policy.session;
        let then = self.now.mono + within;
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let last = session.last(policy);
        match &mut session.liveliness {
            Liveliness::Grace { until, .. } => *until = then.max(*until),
            liveliness => {
                *liveliness = Liveliness::Grace { until: then, last, reason };
                session.asked = None;
                fx.push(Effect::Changed);
            }
        }
    }

    pub(super) fn stay(&mut self, id: SessionId) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.input = self.now.mono;
            session.idle_warned = false;
        }
    }

    /// Ends a session, and with it what it alone kept going.
    pub(super) fn end_session(&mut self, id: SessionId, reason: SessionEnd, fx: &mut Vec<Effect>) {
        if self.sessions.remove(&id).is_none() {
            return;
        }
        if self.asking.as_ref().is_some_and(|asking| asking.session == id) {
            self.asking = None;
        }
        if self.operator == Some(id) {
            self.lose_control(reason, fx);
        } else if self.sessions.is_empty() {
            self.last_session(reason, fx);
        } else {
            self.unattended(reason, fx);
        }
        self.answered.retain(|(session, ..)| *session != id);
        fx.push(Effect::Ended { session: id, reason });
        self.record(Event::SessionEnded { session: id, reason }, fx);
    }

    pub(super) fn idle(&mut self, fx: &mut Vec<Effect>) {
        let (policy, now) = (&self.rig.policy.session, self.now.mono);
        let mut over = Vec::new();
        for (&id, session) in &mut self.sessions {
            let Some((warn, end)) = session.idle_at(policy) else { continue };
            if end <= now {
                over.push(id);
            } else if warn <= now && !session.idle_warned {
                session.idle_warned = true;
                fx.push(Effect::Warn { session: id, warning: Warning::Idle, within: end.since(now) });
            }
        }
        for id in over {
            self.end_session(id, SessionEnd::Idle, fx);
        }
    }
}
