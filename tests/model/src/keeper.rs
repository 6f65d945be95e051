//! The host's thread that keeps a watchdog: starts it, tells it everything, listens, replaces it.
//!
//! Mirrors `Own::keep`, `brief`, `listen`, `hear`, `lost` and `see_off` (`crates/host/src/watchdog/keeper.rs`), and
//! the end of `Engine::leave`.

use std::time::Duration;

use killcord_core::{Time, rules::News, watchdog::Said};

use crate::{
    pipe::Pipe,
    scope::{Flaw, Scope},
    watchdog::Watchdog,
    world::World,
};

/// The pause before another start (`AGAIN`).
const AGAIN: Duration = Duration::from_millis(500);
/// How long the host's end waits for the watchdog's word, and again for its end (`LEAVES_WITHIN`).
const LEAVES_WITHIN: Duration = Duration::from_millis(500);

/// Where the thread stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Keeper {
    /// A watchdog is to be started.
    Starting,
    /// It was started and told of the rig, and is to be told the rest.
    Briefing,
    /// It is listened to.
    Listening {
        /// It is to be replaced.
        replace: bool,
    },
    /// There is none; tried again then.
    Resting {
        /// When.
        until: Time,
    },
    /// The host has said goodbye.
    SeeingOff {
        /// How long its word is waited for.
        until: Time,
    },
}

impl Keeper {
    /// The rules want another one.
    pub fn replace(&mut self) {
        if let Self::Listening { replace } = self {
            *replace = true;
        }
    }

    /// When it goes on by itself.
    #[must_use]
    pub const fn wakes(&self) -> Option<Time> {
        match self {
            Self::Resting { until } | Self::SeeingOff { until } => Some(*until),
            Self::Starting | Self::Briefing | Self::Listening { .. } => None,
        }
    }

    pub(crate) fn earlier(&mut self, by: Duration) {
        if let Self::Resting { until } | Self::SeeingOff { until } = self {
            *until = *until - by;
        }
    }
}

impl World {
    /// Whether the keeper's thread can go on now.
    pub(crate) fn keeper_is_ready(&self) -> bool {
        let Some(host) = &self.host else { return false };
        let news = !self.pipe.said.is_empty() || self.pipe.watchdog_gone;
        let goes = host.ends.is_some();
        match host.keeper {
            Keeper::Starting | Keeper::Briefing => true,
            Keeper::Listening { replace } => news || replace || host.ledger.overrun || goes,
            Keeper::Resting { until } => self.now >= until || goes,
            Keeper::SeeingOff { until } => news || self.now >= until,
        }
    }

    /// One step of the keeper's thread.
    pub(crate) fn turn_keeper(&mut self, scope: &Scope) {
        let now = self.now;
        let Some(host) = &mut self.host else { return };
        if host.ends.is_some() && !host.leaves {
            self.say_goodbye();
            return;
        }
        match host.keeper {
            Keeper::Starting if self.starts_fail => {
                host.news(News::Gone { why: "none can be started".into() });
                host.keeper = Keeper::Resting { until: now + AGAIN };
                if host.leaves {
                    self.host_is_gone();
                }
            }
            Keeper::Starting => {
                self.pipe = Pipe::default();
                self.watchdog = Some(Watchdog::new(now));
                host.ledger.overrun = false;
                host.keeper = Keeper::Briefing;
            }
            Keeper::Briefing => {
                if scope.has(Flaw::NotToldAgain) {
                    host.ledger.tell_nothing();
                } else {
                    host.ledger.tell_all(&mut self.pipe, now);
                }
                host.keeper = Keeper::Listening { replace: false };
                // From here on it is to know.
                self.seen.uncovered &= self.watchdog.is_none();
            }
            Keeper::Listening { replace } => match self.pipe.said.pop_front() {
                Some(Said::Echo { n }) => host.ledger.echo(n),
                Some(Said::Beat { .. }) => host.news(News::Beat),
                Some(Said::Ready { .. }) => host.news(News::Ready),
                Some(Said::Staying) => self.host_is_gone(),
                None if self.pipe.watchdog_gone => self.lose("it closed the pipe"),
                None if replace || host.ledger.overrun => self.lose("it did not keep up"),
                None => {
                    host.ledger.goodbye_again(&mut self.pipe);
                    host.keeper = Keeper::SeeingOff { until: now + LEAVES_WITHIN * 2 };
                }
            },
            // One that is owed a device is not left without a watchdog.
            Keeper::Resting { .. }
                if host.leaves && (scope.has(Flaw::LeftAlone) || !host.ledger.is_owed()) =>
            {
                self.host_is_gone();
            }
            Keeper::Resting { .. } => host.keeper = Keeper::Starting,
            Keeper::SeeingOff { .. } => match self.pipe.said.pop_front() {
                Some(Said::Staying) => self.host_is_gone(),
                Some(_) => {}
                None if self.pipe.watchdog_gone => self.host_is_gone(),
                None => {
                    // It has not left in time: it is ended, also when it is stopped, unless it is owed a device.
                    if scope.has(Flaw::LeftAlone) || !host.ledger.is_owed() {
                        self.end_watchdog();
                    }
                    self.host_is_gone();
                }
            },
        }
    }

    /// It is dead before the next one is started, and the pipe open until then.
    fn lose(&mut self, why: &str) {
        self.watchdog_is_lost();
        self.end_watchdog();
        let Some(host) = &mut self.host else { return };
        host.ledger.detach();
        host.news(News::Gone { why: why.into() });
        host.keeper = Keeper::Resting { until: self.now + AGAIN };
    }

    /// `Engine::leave`: links given back, then the goodbye.
    fn say_goodbye(&mut self) {
        let Some(host) = &mut self.host else { return };
        host.leaves = true;
        host.line.open = false;
        self.device.from_host.clear();
        host.ledger.goodbye(&mut self.pipe, host.ends == Some(true));
    }
}
