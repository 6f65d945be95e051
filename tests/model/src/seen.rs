//! What an onlooker remembers: enough to say of a state whether it should have come to this.

use std::time::Duration;

use crate::scope::{DEADLINE, HANG_AFTER};
use killcord_core::{rules::WATCHDOG_WITHIN, watchdog::OVERDUE};

/// A device that is on and that nobody has a right to is off after so long, as long as somebody can act: the
/// silence of the host or its lease, as much again as credit for lateness, and a teardown that does not end by
/// itself.
pub const OFF_WITHIN: Duration =
    HANG_AFTER.saturating_add(HANG_AFTER).saturating_add(DEADLINE).saturating_add(OVERDUE);

/// A device that is on and whose host has no watchdog is off after so long: the silence of the last one and its
/// credit, what the rules allow without one, a teardown.
pub const UNGUARDED_WITHIN: Duration =
    HANG_AFTER.saturating_add(HANG_AFTER).saturating_add(WATCHDOG_WITHIN).saturating_add(DEADLINE);

/// What was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Seen {
    /// This host has sent a line that energises the device.
    pub acted: bool,
    /// The watchdog has sent its first line.
    pub watchdog_drives: bool,
    /// The device has executed a line of the host's after that.
    pub two_drive: bool,
    /// Some watchdog has said that it knows, and the device was not read back to be safe since.
    pub recorded: bool,
    /// A watchdog that knew is lost, and the next one does not know yet.
    pub uncovered: bool,
    /// The host was lost as well meanwhile, or the watchdog after the host: two faults, and the next start's.
    pub both_lost: bool,
    /// For so long somebody could have ended what nobody had a right to.
    pub overdue: Duration,
    /// For so long there was no watchdog, and the device on.
    pub unguarded: Duration,
    counts: (bool, bool),
}

impl Seen {
    pub(crate) fn host_lost(&mut self) {
        self.both_lost |= self.uncovered;
    }

    pub(crate) fn look(&mut self, overdue: bool, unguarded: bool) {
        self.counts = (overdue, unguarded);
        if !overdue {
            self.overdue = Duration::ZERO;
        }
        if !unguarded {
            self.unguarded = Duration::ZERO;
        }
    }

    /// Time has passed. Past its bound a count stands: it is a violation already.
    pub(crate) fn waited(&mut self, by: Duration) {
        if self.counts.0 && self.overdue <= OFF_WITHIN {
            self.overdue += by;
        }
        if self.counts.1 && self.unguarded <= UNGUARDED_WITHIN {
            self.unguarded += by;
        }
    }
}
