//! Interlocks: a reading outside its limits, or without a good value for too long, makes the rig safe and
//! latches until a person acknowledges it.

use std::collections::BTreeSet;

use super::{Effect, Event, Phase, State};
use crate::{
    Cause, DeviceState, Extent, Mode, Number, Reading, ReadingIx, Time,
    rig::{OnLimit, While},
};

/// What tripped first; later ones are recorded as causes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Trip {
    /// Interlock or stale reading.
    pub cause: Cause,
    /// Of which reading.
    pub reading: ReadingIx,
    /// Its last good value.
    pub value: Option<Number>,
    /// When.
    pub at: Time,
}

/// What is remembered of a reading with limits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Watch {
    limited: bool,
    value: Option<Number>,
    /// When the last good value came, or since when one is due.
    good: Option<Time>,
    outside: Option<Time>,
    /// Tripped or warned about, until a good value comes or a person acknowledges.
    told: bool,
}

impl Watch {
    pub(super) const fn new(reading: &Reading) -> Self {
        Self { limited: reading.limits.is_some(), value: None, good: None, outside: None, told: false }
    }

    /// The moments that it remembers.
    pub(super) fn times(&mut self) -> impl Iterator<Item = &mut Time> {
        self.good.iter_mut().chain(&mut self.outside)
    }
}

impl State {
    pub(super) fn reading(&mut self, ix: ReadingIx, value: Option<Number>, _fx: &mut Vec<Effect>) {
        let now = self.now.mono;
        let Some(reading) = self.rig.readings.get(ix.at()) else { return };
        let (Some(limits), watch) = (&reading.limits, &mut self.limits[ix.at()]) else { return };
        let Some(value) = value.filter(|value| !value.0.is_nan()) else { return };
        watch.value = Some(value);
        watch.good = Some(now);
        if limits.allow(value.0) {
            watch.outside = None;
            watch.told = false;
        } else {
            watch.outside.get_or_insert(now);
        }
    }

    /// What was stale or outside while nobody counted it is no reproach now: it is watched from here on.
    pub(super) fn limits_count_from_now(&mut self) {
        let now = self.now.mono;
        for (watch, reading) in self.limits.iter_mut().zip(&self.rig.readings) {
            if reading.limits.as_ref().is_some_and(|limits| limits.r#while == While::Armed) {
                watch.good = Some(watch.good.map_or(now, |good| good.max(now)));
                watch.told = false;
                if watch.outside.is_some() {
                    watch.outside = Some(now);
                }
            }
        }
    }

    /// A person has acknowledged: what is still outside its limits trips again.
    pub(super) fn limits_acknowledged(&mut self) {
        self.limits.iter_mut().for_each(|watch| watch.told = false);
    }

    /// A device was connected: its readings are due from now on.
    pub(super) fn limits_of_device_from_now(&mut self, device: crate::DeviceIx) {
        let now = self.now.mono;
        for (watch, reading) in self.limits.iter_mut().zip(&self.rig.readings) {
            if reading.device == device && watch.limited {
                *watch = Watch { good: Some(now), ..Watch::new(reading) };
            }
        }
    }

    /// When the limits of a reading are passed, if nothing comes: outside for long enough, or stale.
    fn limit_due(&self, at: usize) -> Option<(Time, Cause)> {
        let (reading, watch) = (&self.rig.readings[at], &self.limits[at]);
        let limits = reading.limits.as_ref()?;
        let counts = match limits.r#while {
            While::Armed => {
                let armed = matches!(self.phase, Phase::Arming { .. } | Phase::Armed { .. });
                armed || self.app_drives(&BTreeSet::from([reading.device]))
            }
            While::Always => matches!(
                self.devices[reading.device.at()],
                DeviceState::Safe | DeviceState::Arming | DeviceState::Armed
            ),
        };
        let busy = matches!(self.phase, Phase::Teardown(_) | Phase::Ended | Phase::Released);
        if !counts || busy {
            return None;
        }
        let ix = ReadingIx::from(at);
        let outside = watch.outside.map(|since| (since + limits.r#for, Cause::Interlock { reading: ix }));
        let stale = watch.good.map(|good| (good + reading.stale_after, Cause::Stale { reading: ix }));
        outside.into_iter().chain(stale).min_by_key(|(time, _)| *time)
    }

    pub(super) fn limit_wakes(&self, at: &mut impl FnMut(Time)) {
        for ix in (0..self.limits.len()).filter(|&ix| self.limits[ix].limited && !self.limits[ix].told) {
            if let Some((time, _)) = self.limit_due(ix) {
                at(time);
            }
        }
    }

    pub(super) fn watch_limits(&mut self, fx: &mut Vec<Effect>) {
        for ix in 0..self.limits.len() {
            if !self.limits[ix].limited || self.limits[ix].told {
                continue;
            }
            let Some((time, cause)) = self.limit_due(ix) else { continue };
            if time > self.now.mono {
                continue;
            }
            let reading = ReadingIx::from(ix);
            let safe = self.rig.readings[ix].limits.as_ref().is_some_and(|limits| limits.on == OnLimit::Safe);
            self.limits[ix].told = true;
            if safe {
                self.trip_on(cause, reading, fx);
            } else {
                self.record(Event::LimitWarning { reading }, fx);
                fx.push(Effect::Changed);
            }
        }
    }

    fn trip_on(&mut self, cause: Cause, reading: ReadingIx, fx: &mut Vec<Effect>) {
        let value = self.limits[reading.at()].value;
        let first = self.trip.is_none();
        if first {
            self.trip = Some(Trip { cause: cause.clone(), reading, value, at: self.now.mono });
            fx.push(Effect::Changed);
        }
        // An interlock that stays tripped on a safe rig has nothing more to do.
        if first || self.energised() {
            self.teardown(cause, Mode::Safe, Extent::Stay, None, fx);
        }
    }
}
