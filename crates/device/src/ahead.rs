//! Write ahead: before a device can be made to act, somebody outside this process knows that it may.
//!
//! Whoever would have to make it safe after our death (the watchdog) must not depend on what we still get
//! told to it. So the first byte of a step that acts waits until the record stands, for a bounded time; without
//! a record, no byte. Nothing here ever delays a step of the safe lane.

use std::time::Duration;

use killcord_core::DeviceIx;

/// How long a step that acts waits for its record; then no byte goes out (DESIGN.md section 6, "Write ahead").
///
/// Not the 50 ms that stand there: on two busy processors an echo took longer now and then, and an arming failed that
/// nothing was wrong with. The wait is safe at any length, for no byte goes out in it and a safe step cuts it short;
/// it ends before a stopped watchdog is given up (`hang_after`, 1 s at least).
pub const RECORD_WITHIN: Duration = Duration::from_millis(800);

/// What is put on record outside this process before a device can be made to act.
pub trait WriteAhead: Send + Sync {
    /// Puts on record that the device may act from now on. Never blocks. Called on the link's thread before
    /// every step of the [`crate::Lane::Act`] lane; cheap when it is on record already.
    fn announce(&self, device: DeviceIx) -> Announced;

    /// Whether it is on record by now. Asked again whenever the link was rung ([`crate::Links::ring`]).
    fn is_on_record(&self, device: DeviceIx) -> bool;

    /// A `run` step has started this process group (its leader's pid). Called right after the spawn, whatever
    /// the lane.
    fn group_started(&self, group: u32);

    /// The leader of that group has ended. Never called for one that hangs in the kernel although it was
    /// killed: its number is not given to another group until we are gone too.
    fn group_ended(&self, group: u32);
}

/// What became of an announcement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Announced {
    /// It stands; the step may go out.
    OnRecord,
    /// It was sent; the step waits for it, at most [`RECORD_WITHIN`].
    Pending,
    /// Nobody takes it, and why: the step is refused.
    Refused(String),
}

/// Nothing outside this process keeps a record: `watchdog = "off"`, tools, tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRecord;

impl WriteAhead for NoRecord {
    fn announce(&self, _: DeviceIx) -> Announced {
        Announced::OnRecord
    }

    fn is_on_record(&self, _: DeviceIx) -> bool {
        true
    }

    fn group_started(&self, _: u32) {}

    fn group_ended(&self, _: u32) {}
}
