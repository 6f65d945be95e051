//! Our own stall is never a client's silence; and what is due by the clock.

use std::time::Duration;

use super::{Effect, Liveliness, Phase, State};
use crate::{Cause, Extent, Mode, Now, SessionEnd, SessionKind, Time, policy::OnSuspend};

/// The machine asks to be called at least this often, so that lateness is measured where it arises.
const GRAIN: Duration = Duration::from_millis(250);

/// Lateness below this is a timer's rounding and the turns of a busy machine. It holds up nobody's beat by more than
/// itself, however often it comes.
const LATE: Duration = Duration::from_millis(5);

/// A jump of the boot clock against the monotonic one by more than this is a suspend; less is the two
/// clocks being read one after the other.
const SUSPENDED: Duration = Duration::from_secs(1);

impl State {
    /// When it wants to be called again at the latest.
    #[must_use]
    pub fn next_wake(&self) -> Time {
        let mut wake = self.now.mono + GRAIN;
        let mut at = |time: Time| wake = wake.min(time);
        for session in self.sessions.values() {
            if session.asked.is_none() {
                at(session.ends_at(&self.rig.policy.session));
            }
            if let Some((warn, end)) = session.idle_at(&self.rig.policy.session) {
                at(if session.idle_warned { end } else { warn });
            }
        }
        if let Some(asking) = &self.asking {
            at(asking.until);
        }
        if let Some(hold) = self.hold {
            at(self.now.mono + hold.until.since(self.now.boot));
        }
        if self.may_retry() {
            self.retries.iter().flatten().for_each(|retry| at(retry.at));
        }
        self.delay.wake().into_iter().for_each(&mut at);
        self.limit_wakes(&mut at);
        self.guard_wakes(&mut at);
        self.app_wakes(&mut at);
        self.reader_wakes(&mut at);
        wake.max(self.now.mono)
    }

    /// Takes the time over: credits lateness, notices a suspend.
    pub(super) fn clocks(&mut self, now: Now, fx: &mut Vec<Effect>) {
        let asked = self.wake;
        let slept = now.boot.since(self.now.boot).saturating_sub(now.mono.since(self.now.mono));
        // The monotonic clock does not run backwards; a caller that says so is not followed.
        self.now = Now { mono: now.mono.max(self.now.mono), boot: now.boot.max(self.now.boot) };
        if slept > SUSPENDED {
            self.suspended(fx);
        } else if let Some(asked) = asked {
            self.late(self.now.mono.since(asked), fx);
            self.wake = Some(asked.max(self.now.mono));
        }
    }

    fn late(&mut self, by: Duration, fx: &mut Vec<Effect>) {
        if by.is_zero() {
            return;
        }
        self.guard_late(by);
        if by < LATE {
            return;
        }
        let most = self.rig.policy.session.expire_after;
        let mut starved = false;
        for session in self.sessions.values_mut() {
            session.credit = session.credit.saturating_add(by).min(most);
            session.late = session.late.saturating_add(by).min(most + Duration::from_nanos(1));
            // Of a frozen one nothing depends, and it gathers lateness for as long as it is.
            starved |= session.late > most && session.liveliness != Liveliness::Frozen;
        }
        if starved && self.acts() {
            self.teardown(Cause::HostStarved, Mode::Safe, Extent::Stay, None, fx);
        }
    }

    fn suspended(&mut self, fx: &mut Vec<Effect>) {
        if self.rig.policy.safety.on_suspend == OnSuspend::Hold {
            return;
        }
        if self.energised() {
            self.teardown(Cause::Suspend, Mode::Safe, Extent::Stay, None, fx);
        }
        // A window and a terminal slept with their host and are as alive as it is; a page may be anywhere.
        let pages: Vec<_> = self
            .sessions
            .iter()
            .filter(|(_, session)| session.kind == SessionKind::Page)
            .map(|(&id, _)| id)
            .collect();
        for page in pages {
            self.end_session(page, SessionEnd::Expired, fx);
        }
    }

    /// Everything whose time has come.
    pub(super) fn due(&mut self, fx: &mut Vec<Effect>) {
        if matches!(self.phase, Phase::Ended) {
            // An app may still be on its way out: no host that waits for it is a hung one.
            return self.guard_due(fx);
        }
        self.expire(fx);
        self.idle(fx);
        self.grant_when_due(fx);
        self.hold_over(fx);
        self.lock_overdue(fx);
        self.watch_limits(fx);
        self.retry_when_due(fx);
        self.auto_arm(fx);
        self.app_due(fx);
        self.reader_due(fx);
        // Last: what this turn found due has gone out before the watchdog hears that all is well.
        self.guard_due(fx);
    }
}
