//! Devices that the app drives by itself: made safe at once, and again once nothing of the app is left.
//!
//! The first turn waits for nothing of the app. What it found counts for nothing: until it was dead, the app could
//! still say something else. **It must never** let a device behind a driven one wait for the app.

use std::{collections::BTreeSet, time::Duration};

use super::{Device, DeviceIx, Stage, Teardown, Time, advance::Moved, device::Line};
use crate::{Status, plan::budget::second_turn};

/// Whether an app drives devices beside this teardown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Driving {
    /// None did when it began.
    Nothing,
    /// As far as is known.
    Still,
    /// Nothing of it is left.
    Over,
    /// It was not gone in time: what is read back beside it is no proof.
    Left,
}

impl Teardown {
    /// Nothing of the app is left: what it drove has its second turn.
    pub fn app_gone(&mut self) {
        if self.driving == Driving::Still {
            self.driving = Driving::Over;
        }
    }

    /// An app runs. What had its turn already owes another.
    pub(super) fn app_drives(&mut self) {
        if self.driving != Driving::Nothing {
            return;
        }
        self.driving = Driving::Still;
        for ix in self.driven() {
            let Some(device) = self.devices.get_mut(&ix) else { continue };
            device.owes_turn = device.turn.is_some();
            if device.stage == Stage::Settled {
                (device.status, device.safe_at) = (None, None);
                device.stage = Stage::Again;
            }
        }
    }

    fn driven(&self) -> BTreeSet<DeviceIx> {
        self.plan.driven().into_iter().filter(|ix| self.devices.contains_key(ix)).collect()
    }

    /// Whether an app that is not gone yet talks to the device too.
    pub(super) fn is_driven_now(&self, ix: DeviceIx) -> bool {
        self.driving == Driving::Still && self.driven().contains(&ix)
    }

    /// Kept free behind the first turns as long as the app is not gone.
    pub(super) fn kept_for_second_turn(&self) -> Duration {
        if self.driving == Driving::Still { second_turn(&self.plan) } else { Duration::ZERO }
    }

    /// The second turns need what is left: they are taken beside the app.
    pub(super) fn give_up_on_app(&mut self, now: Time) {
        if self.driving == Driving::Still && now >= self.safe_end() {
            self.driving = Driving::Left;
        }
    }

    /// The deadline has come: no second turn any more, and an app that is not gone is left.
    pub(super) fn app_outlasts(&mut self) {
        if self.driving == Driving::Still {
            self.driving = Driving::Left;
        }
        self.devices.values_mut().for_each(|device| device.owes_turn = false);
    }

    /// Whether what was found is not the end of it; its second turn is prepared then.
    pub(super) fn owes_another_turn(&mut self, ix: DeviceIx) -> bool {
        let Some(device) = self.devices.get_mut(&ix).filter(|it| it.owes_turn) else { return false };
        device.stage = Stage::Again;
        // Those behind it have waited for this turn, in an emergency too.
        device.touched = true;
        true
    }

    /// Read back beside an app that is not gone: no proof, whatever it said.
    pub(super) fn beside_the_app(&mut self, ix: DeviceIx, status: Status) -> Status {
        if self.driving != Driving::Left || !self.driven().contains(&ix) {
            return status;
        }
        if let Some(device) = self.devices.get_mut(&ix) {
            device.unverifiable = false;
            device.why = Some("the app that drives it could not be ended".into());
        }
        if status == Status::SafeVerified { Status::SafeUnverified } else { status }
    }

    /// Its second turn begins, unless the app is still waited for.
    pub(super) fn advance_again(&mut self, ix: DeviceIx, now: Time) -> Moved {
        if self.driving == Driving::Still {
            return Moved::No;
        }
        let Some(device) = self.devices.get_mut(&ix) else { return Moved::No };
        device.begin_again(now);
        Moved::On
    }
}

impl Device {
    /// Whether one that is `safe_after` it need not wait for it any more.
    pub(super) fn is_ahead_of(&self, other: &Self) -> bool {
        self.settled() || self.stage == Stage::Again || (self.again && !other.again)
    }

    /// As if it had never had a turn, but for what was learned of its line and its mode.
    fn begin_again(&mut self, now: Time) {
        self.again = true;
        self.owes_turn = false;
        // Another process had the line: what it had said may arrive late.
        self.twice = true;
        self.stage = Stage::Waiting;
        self.turn = None;
        self.generation = self.generation.wrapping_add(1);
        (self.touched, self.delivered, self.reached) = (false, false, false);
        (self.heard, self.answering, self.resyncs) = (false, false, 0);
        self.why = None;
        if let Line::Down { .. } = self.line {
            // Perhaps it was the app that kept others away from it.
            (self.line, self.pause) = (Line::Down { again: now }, Duration::ZERO);
        }
    }
}
