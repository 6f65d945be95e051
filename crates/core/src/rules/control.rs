//! Control: at most one session operates; without one, hardware is held for a time or made safe.

use super::{Effect, Event, Liveliness, Refusal, State, TAKE_OVER_AFTER, Warning};
use crate::{Cause, Extent, Mode, SessionEnd, SessionId, Time, policy::OnLast};

/// A session waits for control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Asking {
    pub(super) session: SessionId,
    pub(super) until: Time,
}

/// Hardware is left without an operator: a lease of the host's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Hold {
    /// On the boot clock: sleep counts.
    pub(super) until: Time,
}

impl State {
    /// Gives control to a session; what the one before it sent is stale from here on.
    pub(super) fn grant(&mut self, id: SessionId, fx: &mut Vec<Effect>) {
        self.operator = Some(id);
        self.operator_renewed = self.now;
        self.asking = None;
        self.hold = None;
        // The steps of an arming go out under the epoch of whoever began it: they are fenced off here, and
        // the rig does not stay half armed.
        let arming = matches!(self.phase, super::Phase::Arming { .. });
        self.fence(fx);
        if arming {
            self.teardown(
                Cause::ControlLost { reason: SessionEnd::SignedOut },
                Mode::Safe,
                Extent::Stay,
                None,
                fx,
            );
        }
        fx.push(Effect::Control);
        fx.push(Effect::Feed(self.may_feed()));
        self.record(Event::Control { holder: Some(id) }, fx);
    }

    /// Whether instrument watchdogs are fed: a live operator's lease, or a running hold.
    pub(super) const fn may_feed(&self) -> bool {
        matches!(self.phase, super::Phase::Arming { .. } | super::Phase::Armed { .. })
            && (self.operator.is_some() || self.hold.is_some())
    }

    pub(super) fn take_control(&mut self, id: SessionId, force: bool, fx: &mut Vec<Effect>) {
        let Some(session) = self.sessions.get(&id) else { return };
        if !session.may_operate
            || matches!(session.liveliness, Liveliness::Grace { .. } | Liveliness::Frozen)
            || self.operator == Some(id)
        {
            return;
        }
        match self.operator {
            Some(holder) if !force => {
                let until = self.now.mono + TAKE_OVER_AFTER;
                if self.asking.is_none() {
                    self.asking = Some(Asking { session: id, until });
                    fx.push(Effect::Warn {
                        session: holder,
                        warning: Warning::TakeOver,
                        within: TAKE_OVER_AFTER,
                    });
                    fx.push(Effect::Control);
                }
            }
            _ => self.grant(id, fx),
        }
    }

    pub(super) fn yield_control(&mut self, id: SessionId, fx: &mut Vec<Effect>) {
        if self.operator != Some(id) {
            return;
        }
        match self.successor() {
            Some(session) => self.grant(session, fx),
            None => self.lose_control(SessionEnd::SignedOut, fx),
        }
    }

    /// The session that waits for control, if it can be given to it. It waits no more, either way.
    fn successor(&mut self) -> Option<SessionId> {
        let asking = self.asking.take()?;
        self.may_be_given(asking.session).is_ok().then_some(asking.session)
    }

    /// To that session and to no other; where that cannot be, control stays and the giver is told why.
    pub(super) fn give_control(&mut self, id: SessionId, to: SessionId, fx: &mut Vec<Effect>) {
        match self.in_control(id).and_then(|()| self.may_be_given(to)) {
            Ok(()) if id == to => {}
            Ok(()) => self.grant(to, fx),
            Err(refusal) => {
                fx.push(Effect::Reply { session: id, id: String::new(), result: Err(refusal) });
            }
        }
    }

    /// Hardware that runs is handed to somebody who is there, or to nobody.
    fn may_be_given(&self, to: SessionId) -> Result<(), Refusal> {
        let why = match self.sessions.get(&to) {
            None => "that session has ended",
            Some(session) if !session.may_operate => "that session may only observe",
            Some(session) => match session.liveliness {
                Liveliness::Live => return Ok(()),
                Liveliness::Suspect => "that session is out of reach",
                Liveliness::Frozen => "its browser has frozen that page",
                Liveliness::Grace { .. } => "that page is being closed or reloaded",
            },
        };
        Err(Refusal::NotGiven { why })
    }

    pub(super) fn grant_when_due(&mut self, fx: &mut Vec<Effect>) {
        if let Some(asking) = self.asking
            && asking.until <= self.now.mono
        {
            match self.successor() {
                Some(session) => self.grant(session, fx),
                // Whoever asked is out of reach by now: the holder, who is there, keeps it.
                None => fx.push(Effect::Control),
            }
        }
    }

    /// Nobody is in control any more.
    pub(super) fn lose_control(&mut self, reason: SessionEnd, fx: &mut Vec<Effect>) {
        self.operator = None;
        self.fence(fx);
        self.record(Event::Control { holder: None }, fx);
        if self.sessions.is_empty() {
            self.last_session(reason, fx);
        } else if let Some(session) = self.successor() {
            self.grant(session, fx);
        } else if self.energised() {
            // Steps of an arming were fenced off: there is nothing whole to hold.
            if self.holds_without_operator() && self.may_be_held() {
                self.begin_hold(fx);
            } else {
                self.teardown(Cause::ControlLost { reason }, Mode::Safe, Extent::Stay, None, fx);
            }
        }
        fx.push(Effect::Feed(self.may_feed()));
        fx.push(Effect::Control);
        fx.push(Effect::Changed);
    }

    /// No session remains.
    pub(super) fn last_session(&mut self, reason: SessionEnd, fx: &mut Vec<Effect>) {
        let cause = Cause::SessionEnded { reason };
        match self.rig.policy.safety.on_last_session {
            OnLast::Release => self.teardown(cause, Mode::Safe, Extent::Release, None, fx),
            OnLast::Hold if self.may_be_held() => self.begin_hold(fx),
            OnLast::Safe | OnLast::Hold if self.energised() => {
                self.teardown(cause, Mode::Safe, Extent::Stay, None, fx);
            }
            OnLast::Safe | OnLast::Hold => {}
        }
    }

    /// Armed, or handed to the app as a whole.
    fn may_be_held(&self) -> bool {
        match self.phase {
            super::Phase::Armed { .. } => true,
            super::Phase::Idle => self.app_may_drive(),
            _ => false,
        }
    }

    fn begin_hold(&mut self, fx: &mut Vec<Effect>) {
        // From the operator's last renewal, whoever left after it: observers do not renew a hold.
        let until = self.operator_renewed.boot + self.rig.policy.safety.hold_for;
        self.hold.get_or_insert(Hold { until });
        fx.push(Effect::Feed(self.may_feed()));
    }

    pub(super) fn hold_over(&mut self, fx: &mut Vec<Effect>) {
        if let Some(hold) = self.hold
            && hold.until <= self.now.boot
        {
            self.hold = None;
            if self.energised() {
                self.teardown(Cause::HoldOver, Mode::Safe, Extent::Stay, None, fx);
            }
        }
    }
}
