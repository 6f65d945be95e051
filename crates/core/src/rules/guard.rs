//! The watchdog as the rules see it: whether there is one, whether it answers, and what its absence means.
//!
//! The host's side of a mutual watch. The rules beat, because a beat has to come from what would be missed;
//! they judge the watchdog's silence as it judges theirs: by a clock whose lateness is credited.

use std::time::Duration;

use super::{Effect, Event, State};
use crate::{Cause, Extent, Mode, Time, policy::Watchdog};

/// An armed rig is made safe when there was no watchdog for so long (DESIGN.md, section 7).
pub const WATCHDOG_WITHIN: Duration = Duration::from_secs(5);
/// Why a watchdog is given up that was not heard of in time.
pub const SILENT: &str = "it did not answer";
/// Time between two beats, at least.
pub(super) const BEAT_EVERY: Duration = Duration::from_millis(200);

/// Whether a watchdog covers this host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Guard {
    /// The rig does without (`watchdog = "off"`).
    Off,
    /// There is none: it is being started, or was lost.
    Missing {
        /// Since when.
        since: Time,
        /// What became of the last one; `None` before the first.
        why: Option<String>,
    },
    /// It has the rig.
    Watching {
        /// When it was last heard of.
        heard: Time,
        /// Lateness of our own since then, at most `hang_after`.
        credit: Duration,
        /// When it was last sent a beat.
        beaten: Time,
        /// The number of that beat.
        n: u64,
    },
}

/// What is heard of a watchdog.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum News {
    /// It has the rig, and the drivers that the rig needs.
    Ready,
    /// It has answered a beat.
    Beat,
    /// It is gone, or could not be started.
    Gone {
        /// What was seen, in words.
        why: String,
    },
}

impl Guard {
    pub(super) const fn new(policy: Watchdog, now: Time) -> Self {
        match policy {
            Watchdog::Off => Self::Off,
            Watchdog::Required => Self::Missing { since: now, why: None },
        }
    }

    /// Whether a killed host is covered now.
    #[must_use]
    pub const fn is_watching(&self) -> bool {
        matches!(self, Self::Watching { .. })
    }

    /// When something is due if nothing is heard.
    fn due_at(&self, hang_after: Duration) -> Option<Time> {
        match self {
            Self::Off => None,
            Self::Missing { since, .. } => Some(*since + WATCHDOG_WITHIN),
            Self::Watching { heard, credit, .. } => Some(*heard + hang_after.saturating_add(*credit)),
        }
    }
}

impl State {
    /// Whether a watchdog covers this host.
    #[must_use]
    pub const fn guard(&self) -> &Guard {
        &self.guard
    }

    /// The first watchdog is on its way, and may still come.
    pub(super) fn guard_is_coming(&self) -> bool {
        matches!(self.guard, Guard::Missing { since, why: None } if self.now.mono.since(since) < WATCHDOG_WITHIN)
    }

    pub(super) fn watchdog(&mut self, news: News, fx: &mut Vec<Effect>) {
        let now = self.now.mono;
        match (news, &mut self.guard) {
            (_, Guard::Off) => return,
            (News::Beat, Guard::Watching { heard, credit, .. }) => {
                *heard = now;
                *credit = Duration::ZERO;
                return;
            }
            (News::Beat, Guard::Missing { .. }) => return,
            (News::Ready, guard) => {
                *guard = Guard::Watching { heard: now, credit: Duration::ZERO, beaten: now, n: 0 };
                self.record(Event::WatchdogReady, fx);
            }
            (News::Gone { why }, guard) => {
                let since = match guard {
                    Guard::Missing { since, .. } => *since,
                    _ => now,
                };
                let news = Some(&why)
                    != match guard {
                        Guard::Missing { why, .. } => why.as_ref(),
                        _ => None,
                    };
                *guard = Guard::Missing { since, why: Some(why.clone()) };
                if news {
                    self.record(Event::WatchdogLost { why }, fx);
                }
            }
        }
        fx.push(Effect::Changed);
    }

    pub(super) fn guard_late(&mut self, by: Duration) {
        let most = self.rig.policy.safety.hang_after;
        if let Guard::Watching { credit, .. } = &mut self.guard {
            *credit = credit.saturating_add(by).min(most);
        }
    }

    /// When the guard wants to be looked at.
    pub(super) fn guard_wakes(&self, at: &mut impl FnMut(Time)) {
        let due = self.guard.due_at(self.rig.policy.safety.hang_after);
        let idle = matches!(self.guard, Guard::Missing { .. }) && !self.acts();
        if let Some(due) = due.filter(|_| !idle) {
            at(due);
        }
    }

    /// The queue was read to its end: the watchdog hears of it, and is judged.
    pub(super) fn guard_due(&mut self, fx: &mut Vec<Effect>) {
        let now = self.now.mono;
        let due = self.guard.due_at(self.rig.policy.safety.hang_after).is_some_and(|at| at <= now);
        let acts = self.acts();
        match &mut self.guard {
            Guard::Watching { .. } if due => {
                fx.push(Effect::ReplaceWatchdog);
                self.watchdog(News::Gone { why: SILENT.into() }, fx);
            }
            Guard::Watching { beaten, n, .. } if now.since(*beaten) >= BEAT_EVERY => {
                *beaten = now;
                *n += 1;
                fx.push(Effect::Beat(*n));
            }
            Guard::Missing { .. } if due && acts => {
                self.teardown(Cause::WatchdogLost, Mode::Safe, Extent::Stay, None, fx);
            }
            _ => {}
        }
    }
}
