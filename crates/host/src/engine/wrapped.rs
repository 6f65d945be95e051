//! The wrapped app, as the rules want it.

use killcord_core::Time;

use super::Engine;
use crate::app::GONE_WITHIN;

impl Engine {
    pub(super) fn stop_app(&mut self, at_once: bool, kill_by: Time) {
        let until = kill_by + GONE_WITHIN;
        self.app_until = Some(self.app_until.map_or(until, |before| before.min(until)));
        match &self.app {
            Some(app) if at_once => app.kill(),
            Some(app) => app.stop(self.origin.instant(kill_by)),
            None => {}
        }
    }

    /// The host ends once the record is written and nothing is left of the app. One that does not go although it was
    /// killed is left to its reaper, and that is said.
    pub(super) fn end_once_all_is_over(&mut self) {
        if !self.recorded || self.over {
            return;
        }
        if self.state.app_lives() {
            if self.app_until.is_some_and(|until| until > self.now().mono) {
                return;
            }
            self.note("The app could not be ended in time.".into());
        }
        self.over = true;
    }
}
