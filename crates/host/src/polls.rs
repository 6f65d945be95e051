//! What the links ask by themselves: readings, controls' readbacks, instrument watchdogs' feeds.

use std::time::Duration;

use killcord_core::{ControlIx, DeviceIx, ReadingIx, Rig};
use killcord_device::{Poll, PollId};

/// How often a control is read back.
const READBACK_EVERY: Duration = Duration::from_secs(1);

/// Whose answer a poll brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Polled {
    Reading(ReadingIx),
    Readback(ControlIx),
    Feed,
}

/// All polls of a rig, in the order of their ids.
pub(crate) fn of(rig: &Rig) -> (Vec<Poll>, Vec<Polled>) {
    let mut polls = Vec::new();
    let mut whose = Vec::new();
    let mut add = |device: DeviceIx, query, field, every, polled| {
        let id = PollId(u32::try_from(polls.len()).unwrap_or(u32::MAX));
        polls.push(Poll { id, device, query, field, every, feed: polled == Polled::Feed });
        whose.push(polled);
    };
    for (at, reading) in rig.readings.iter().enumerate() {
        let polled = Polled::Reading(ReadingIx::from(at));
        add(reading.device, reading.query.clone(), reading.field, reading.every, polled);
    }
    for (at, control) in rig.controls.iter().enumerate() {
        if let Some(query) = &control.query {
            let polled = Polled::Readback(ControlIx::from(at));
            add(control.device, query.clone(), control.field, READBACK_EVERY, polled);
        }
    }
    for (at, device) in rig.plan.devices.iter().enumerate() {
        if let Some(watchdog) = &device.instrument_watchdog {
            add(DeviceIx::from(at), watchdog.feed.clone(), None, watchdog.every, Polled::Feed);
        }
    }
    (polls, whose)
}
