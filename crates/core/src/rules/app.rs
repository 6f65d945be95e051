//! The wrapped app as the rules see it: when it is started, when it is stopped, and what its end by itself means.
//!
//! It runs from the opening of the rig on. A teardown stops it that ends the host, or that concerns a device which
//! the app drives by itself: nothing else would keep that one safe. Whatever else is made safe is behind the
//! fence, and an app that only shows it goes on.

use std::{collections::BTreeSet, time::Duration};

use super::{Effect, Event, Guard, Phase, State};
use crate::{
    Cause, DeviceIx, DeviceState, Extent, Fault, Mode, Time, app::OnCrash, plan::budget::kill_app_by,
};

/// The first pause before an app that ended by itself is started anew; doubled up to [`APP_AGAIN_MOST`].
pub const APP_AGAIN_FIRST: Duration = Duration::from_secs(1);
/// The longest such pause. One that was ready for as long begins with the first pause again.
pub const APP_AGAIN_MOST: Duration = Duration::from_secs(30);

/// Where the app stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum AppState {
    /// Not started yet: the rig is not open, or a teardown runs that would stop it.
    #[default]
    Waiting,
    /// Started; does not answer yet.
    Starting,
    /// It answers.
    Ready {
        /// Since when.
        since: Time,
    },
    /// It was told to stop, or what it left behind is being ended.
    Stopping {
        /// It ended by itself: what was seen.
        exited: Option<String>,
    },
    /// Stopped by a teardown; nothing of it is left.
    Stopped,
    /// It ended by itself, and stays down.
    Exited {
        /// What was seen.
        why: String,
    },
    /// It is started anew as soon as the rig is safe, and not before this.
    Again {
        /// When.
        at: Time,
        /// What was seen of its last end; `None` where a teardown had stopped it.
        why: Option<String>,
    },
}

/// What is heard of the app.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AppNews {
    /// It answers.
    Ready,
    /// It ended by itself, could not be started, or did not answer in time. What is left of it is being killed.
    Exited {
        /// What was seen, in words.
        why: String,
    },
    /// Nothing of it is left.
    Gone {
        /// What did not go well when it was stopped, in words.
        why: Option<String>,
    },
}

/// The app within the rules.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Wrapped {
    state: AppState,
    /// Before its next start.
    pause: Duration,
    /// When it is killed, while it is being stopped; never moved back.
    kill_by: Option<Time>,
    /// It was stopped so that a device could be tried again, and for nothing else.
    for_retry: bool,
}

impl Default for Wrapped {
    fn default() -> Self {
        Self { state: AppState::Waiting, pause: APP_AGAIN_FIRST, kill_by: None, for_retry: false }
    }
}

impl Wrapped {
    /// Whether a process of it may be there.
    const fn lives(&self) -> bool {
        matches!(self.state, AppState::Starting | AppState::Ready { .. } | AppState::Stopping { .. })
    }

    /// All times in it.
    pub(super) fn times(&mut self) -> impl Iterator<Item = &mut Time> {
        let at = match &mut self.state {
            AppState::Ready { since: at } | AppState::Again { at, .. } => Some(at),
            _ => None,
        };
        at.into_iter().chain(&mut self.kill_by)
    }
}

impl State {
    /// Where the wrapped app stands; `None` where the rig has none.
    #[must_use]
    pub fn app(&self) -> Option<&AppState> {
        self.rig.plan.app.is_some().then_some(&self.app.state)
    }

    /// Whether an app may be there that drives devices by itself: what it makes of them, nobody here knows.
    #[must_use]
    pub fn app_may_drive(&self) -> bool {
        self.app.lives() && !self.rig.plan.driven().is_empty()
    }

    /// Whether an app that may be there drives one of these.
    pub(super) fn app_drives(&self, devices: &BTreeSet<DeviceIx>) -> bool {
        self.app.lives() && !self.rig.plan.driven().is_disjoint(devices)
    }

    /// The rig is opened, for the first time or again: an app that is down is to run.
    pub(super) fn app_wanted(&mut self, fx: &mut Vec<Effect>) {
        if !self.app.lives() {
            self.app.state = AppState::Waiting;
            self.app_due(fx);
        }
    }

    /// What a teardown does to the app.
    pub(super) fn stop_app(
        &mut self,
        cause: &Cause,
        mode: Mode,
        extent: Extent,
        deadline: Time,
        devices: &BTreeSet<DeviceIx>,
    ) -> Option<Effect> {
        if extent == Extent::End && !self.app.lives() {
            self.app.state = AppState::Stopped;
        }
        if !self.app.lives() || (extent < Extent::End && !self.app_drives(devices)) {
            return None;
        }
        let at_once = mode == Mode::Emergency;
        let by = kill_app_by(&self.rig.plan, extent, self.now.mono, deadline).max(self.now.mono);
        let kill_by = self.app.kill_by.map_or(by, |before| before.min(by));
        let news = at_once || self.app.kill_by != Some(kill_by);
        self.app.kill_by = Some(kill_by);
        let stops = matches!(self.app.state, AppState::Stopping { .. });
        self.app.for_retry = matches!(cause, Cause::Retry { .. }) && (self.app.for_retry || !stops);
        if !stops {
            self.app.state = AppState::Stopping { exited: None };
        }
        news.then_some(Effect::StopApp { at_once, kill_by })
    }

    pub(super) fn app_news(&mut self, news: AppNews, fx: &mut Vec<Effect>) {
        if self.rig.plan.app.is_none() {
            return;
        }
        match (news, &self.app.state) {
            (AppNews::Ready, AppState::Starting) => {
                self.app.state = AppState::Ready { since: self.now.mono };
                self.record(Event::AppReady, fx);
            }
            (AppNews::Exited { why }, AppState::Starting | AppState::Ready { .. }) => {
                self.app_exited(why, fx)
            }
            // One that ends upon being told to has done what it was to do.
            (AppNews::Gone { why }, AppState::Stopping { exited }) => {
                let exited = exited.clone();
                self.app_gone(exited, why, fx);
            }
            // Nothing was there to be stopped, or it is the word on a life before this one.
            _ => return,
        }
        fx.push(Effect::Changed);
    }

    /// It ended by itself: the rig is made safe, whatever becomes of the app.
    fn app_exited(&mut self, why: String, fx: &mut Vec<Effect>) {
        let stood = match self.app.state {
            AppState::Ready { since } => self.now.mono.since(since),
            _ => Duration::ZERO,
        };
        if stood >= APP_AGAIN_MOST {
            self.app.pause = APP_AGAIN_FIRST;
        }
        self.app.state = AppState::Stopping { exited: Some(why.clone()) };
        self.teardown(Cause::AppExited, Mode::Safe, Extent::Stay, None, fx);
        self.record(Event::AppExited { why }, fx);
    }

    fn app_gone(&mut self, exited: Option<String>, why: Option<String>, fx: &mut Vec<Effect>) {
        self.app.kill_by = None;
        // A teardown may wait for this.
        fx.push(Effect::AppGone);
        if exited.is_none() {
            self.record(Event::AppStopped { why }, fx);
        }
        let restarts = self.rig.plan.app.as_ref().is_some_and(|app| app.on_crash == OnCrash::Restart);
        // A device may be found just behind the start of the app. That is nobody's end of it.
        let comes_back = restarts || (exited.is_none() && self.app.for_retry);
        self.app.state = match exited {
            _ if self.ends() => AppState::Stopped,
            why if comes_back => {
                let pause = if why.is_some() { self.app.pause } else { Duration::ZERO };
                if why.is_some() {
                    self.app.pause = (pause * 2).min(APP_AGAIN_MOST);
                }
                AppState::Again { at: self.now.mono + pause, why }
            }
            Some(why) => AppState::Exited { why },
            None => AppState::Stopped,
        };
        self.app_due(fx);
    }

    /// Whether the host ends, or has ended.
    const fn ends(&self) -> bool {
        match &self.phase {
            Phase::Ended => true,
            Phase::Teardown(running) => matches!(running.extent, Extent::End),
            _ => false,
        }
    }

    /// Whether the app may be started now. One that drives devices by itself: only beside a rig that is safe, with
    /// nothing left to be acknowledged, and a watchdog where the rig requires one, as for arming. One that ended by itself: only once the rig is safe behind it.
    fn may_start_app(&self) -> bool {
        let drives = !self.rig.plan.driven().is_empty();
        let watched = !matches!(self.guard, Guard::Missing { .. });
        let undisturbed =
            !drives || (watched && self.trip.is_none() && !self.unclean && !self.driven_is_not_safe());
        let rests = match self.phase {
            Phase::Idle => true,
            Phase::Released => !drives,
            _ => false,
        };
        undisturbed
            && !self.ends()
            && match self.app.state {
                AppState::Waiting => rests || !drives,
                AppState::Again { at, .. } => rests && at <= self.now.mono,
                _ => false,
            }
    }

    /// Whether a device that the app drives is to be tried again, or answers and is not safe: that would stop the app.
    fn driven_is_not_safe(&self) -> bool {
        let driven = self.rig.plan.driven();
        driven.iter().any(|ix| {
            let tried_again = self.retries.get(ix.at()).is_some_and(Option::is_some);
            let not_safe = matches!(
                self.devices.get(ix.at()),
                Some(DeviceState::Fault(Fault::NotSafe { .. } | Fault::Failed { .. }))
            );
            tried_again || not_safe
        })
    }

    /// Whether a process of the app may be there.
    #[must_use]
    pub const fn app_lives(&self) -> bool {
        self.app.lives()
    }

    /// Starts it once it may be.
    pub(super) fn app_due(&mut self, fx: &mut Vec<Effect>) {
        if self.rig.plan.app.is_some() && self.may_start_app() {
            self.app.state = AppState::Starting;
            fx.push(Effect::StartApp);
            self.record(Event::AppStarted, fx);
            fx.push(Effect::Changed);
        }
    }

    pub(super) fn app_wakes(&self, at: &mut impl FnMut(Time)) {
        if let AppState::Again { at: again, .. } = self.app.state
            && again > self.now.mono
        {
            at(again);
        }
    }
}
