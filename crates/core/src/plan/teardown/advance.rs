//! What changes without an exchange: turns that come, sequences that end, takeovers, the release.

use super::{
    Device, DeviceIx, Duration, Extent, Graph, LinkIx, Mode, OnFailure, Sequence, Teardown, Time,
    device::{Line, MOST_RESYNCS, Stage},
};
use crate::{
    DeviceState, Item, Status,
    device::Fault,
    plan::{
        Connect, DevicePlan, Failure, Verify,
        budget::verify_time,
        machine::{CLOSE_WITHIN, MOST_ERRORS, Progress},
        sequence::{Entries, Failed, Todo},
    },
};

/// The entries of the sequence that a stage is in.
pub(super) fn entries<'a>(plan: &'a DevicePlan, stage: &Stage, mode: Mode) -> Entries<'a> {
    const NONE: &[Item] = &[];
    match stage {
        Stage::Commands(_) => Entries::Items(match mode {
            Mode::Safe => &plan.safe,
            Mode::Emergency => &plan.emergency,
        }),
        Stage::Verify { .. } => match &plan.verify {
            Verify::Checks(checks) => Entries::Checks(checks),
            Verify::None => Entries::Items(NONE),
        },
        Stage::Disarm(_) => {
            Entries::Items(plan.instrument_watchdog.as_ref().map_or(NONE, |watchdog| &watchdog.disarm))
        }
        Stage::HandBack(_) => Entries::Items(&plan.release),
        _ => Entries::Items(NONE),
    }
}

impl Teardown {
    /// Brings every device as far as it gets at `now`; gives the earliest time that one of them waits for.
    pub(super) fn advance(&mut self, now: Time) -> Option<Time> {
        let all: Vec<DeviceIx> = self.devices.keys().copied().collect();
        loop {
            let mut wait: Option<Time> = None;
            let mut moved = false;
            let tails = self.tails();
            for &ix in &all {
                if self.takeover_with(ix, &tails).is_some_and(|at| at <= now) {
                    self.go_over(ix);
                    moved = true;
                }
                match self.advance_device(ix, &tails, now) {
                    Moved::On => moved = true,
                    Moved::Until(at) => wait = Some(wait.map_or(at, |wait| wait.min(at))),
                    Moved::No => {}
                }
            }
            if self.devices.values().all(Device::settled) {
                moved |= self.release(now);
            }
            if self.ended.is_some() || !moved {
                return wait;
            }
        }
    }

    fn out_for(&self, ix: DeviceIx) -> bool {
        let link = self.links.get(&self.plan.devices[ix.at()].link);
        link.and_then(|link| link.out.as_ref()).is_some_and(|out| out.device == ix)
    }

    fn may_start(&self, ix: DeviceIx, device: &Device) -> bool {
        self.graph
            .before(ix)
            .iter()
            .filter_map(|before| self.devices.get(before))
            .all(|before| before.is_ahead_of(device) || (device.mode == Mode::Emergency && before.touched))
    }

    fn advance_device(&mut self, ix: DeviceIx, tails: &[Duration], now: Time) -> Moved {
        let give_up = self.give_up(ix, tails);
        let out = self.out_for(ix);
        let Some(device) = self.devices.get(&ix) else { return Moved::No };
        let plan = self.plan.0.clone();
        let plan = &plan.devices[ix.at()];
        if plan.only_measures() && !device.settled() {
            return self.advance_measuring(ix, out);
        }
        if device.stage == Stage::Again {
            return self.advance_again(ix, now);
        }
        if device.stage == Stage::Waiting && self.may_start(ix, device) {
            let up = device.line == Line::Up;
            let driven = self.is_driven_now(ix);
            if let Some(device) = self.devices.get_mut(&ix) {
                device.owes_turn = driven;
                device.turn = Some(now);
                device.stage = Stage::Commands(Sequence::new(OnFailure::Continue));
            }
            if up {
                self.announce(ix, DeviceState::MakingSafe);
            }
            return Moved::On;
        }
        if device.settled() && !device.releasing() {
            return Moved::No;
        }
        if !device.settled() && device.line != Line::Up {
            if device.turn.is_some() && !out && (now >= give_up || device.line == Line::Lost) {
                self.settle_unverified(ix, false, now);
                return Moved::On;
            }
            return match device.line {
                Line::Down { again } if again > now => Moved::Until(again),
                _ => Moved::No,
            };
        }
        if out {
            return Moved::No;
        }
        self.advance_stage(ix, plan, now)
    }

    fn advance_stage(&mut self, ix: DeviceIx, plan: &DevicePlan, now: Time) -> Moved {
        let out_of_step = self.links.get(&plan.link).is_some_and(|link| link.out_of_step);
        let safe_end = self.safe_end();
        let Some(device) = self.devices.get_mut(&ix) else { return Moved::No };
        let entries = entries(plan, &device.stage, device.mode);
        let todo = match &mut device.stage {
            Stage::Commands(sequence) => {
                if out_of_step && device.resyncs >= MOST_RESYNCS && sequence.asks(entries) {
                    // Its answers cannot be had in step: it goes on without them.
                    sequence.result(entries, &Err(Failure::Timeout), now);
                    return Moved::On;
                }
                sequence.todo(entries, plan.timeout, now)
            }
            Stage::Verify { sequence, .. } | Stage::Disarm(sequence) | Stage::HandBack(sequence) => {
                sequence.todo(entries, plan.timeout, now)
            }
            Stage::Pause(until) if now < *until => return Moved::Until(*until),
            Stage::Pause(_) => {
                device.stage = Stage::Verify { sequence: Sequence::new(OnFailure::Stop), second: true };
                return Moved::On;
            }
            Stage::Sync if plan.sync.is_none() => {
                device.stage = Stage::Errors(MOST_ERRORS);
                return Moved::On;
            }
            Stage::Errors(left) if plan.errors.is_none() || *left == 0 => {
                device.stage = Stage::Verify { sequence: Sequence::new(OnFailure::Stop), second: false };
                return Moved::On;
            }
            _ => return Moved::No,
        };
        match todo {
            Todo::Ask(..) => Moved::No,
            Todo::Wait(at) => Moved::Until(at),
            Todo::Done => {
                self.sequence_done(ix, plan, safe_end, now);
                Moved::On
            }
        }
    }

    fn sequence_done(&mut self, ix: DeviceIx, plan: &DevicePlan, safe_end: Time, now: Time) {
        let Some(device) = self.devices.get_mut(&ix) else { return };
        let first_failed: Option<Failed> = match &device.stage {
            Stage::Commands(sequence)
            | Stage::Verify { sequence, .. }
            | Stage::Disarm(sequence)
            | Stage::HandBack(sequence) => sequence.failed().first().cloned(),
            _ => None,
        };
        if let Some(failed) = &first_failed {
            device.why = Some(failed.why.clone());
        }
        match (&device.stage, device.mode) {
            (Stage::Commands(_), mode) => {
                device.resyncs = 0;
                device.touched = true;
                if first_failed.is_none() {
                    device.delivered = true;
                    device.reached = true;
                }
                match mode {
                    Mode::Safe if first_failed.is_some() => self.go_over(ix),
                    Mode::Safe => device.stage = Stage::Sync,
                    Mode::Emergency => {
                        device.stage =
                            Stage::Verify { sequence: Sequence::new(OnFailure::Stop), second: false };
                    }
                }
            }
            (Stage::Verify { .. }, _) if plan.verify == Verify::None => {
                self.settle_unverified(ix, false, now);
            }
            (Stage::Verify { second, .. }, _) => match first_failed {
                None if device.twice && !second => {
                    let latest = safe_end - verify_time(plan);
                    let until = (now + plan.timeout).min(latest.max(now));
                    device.stage = Stage::Pause(until);
                }
                None => self.settle(ix, Status::SafeVerified, now),
                Some(failed) => {
                    let answered = failed.answered || device.answering;
                    self.verify_failed(ix, answered, now);
                }
            },
            (Stage::Disarm(_), _) => {
                device.note_release(first_failed);
                device.stage = Stage::HandBack(Sequence::new(OnFailure::Continue));
            }
            (Stage::HandBack(_), _) => {
                device.note_release(first_failed);
                device.stage = Stage::Closing;
            }
            _ => {}
        }
    }

    /// It was read back and is not as it should be, or could not be read back.
    pub(super) fn verify_failed(&mut self, ix: DeviceIx, answered: bool, now: Time) {
        if self.leads_nowhere(ix, now) {
            self.go_over(ix);
            if let Some(device) = self.devices.get_mut(&ix) {
                device.line = Line::Silent;
            }
            return;
        }
        match self.devices.get(&ix).map(|device| device.mode) {
            Some(Mode::Safe) => self.go_over(ix),
            Some(Mode::Emergency) => self.settle_unverified(ix, answered, now),
            None => {}
        }
    }

    /// Whether another connection is to be tried, because nothing was ever heard on this one: an instrument
    /// that serves one client at a time may take a second one's connection and leave it mute for ever, while
    /// it still believes in the first, which is dead. Until the device is given up, as if it were out of reach.
    fn leads_nowhere(&self, ix: DeviceIx, now: Time) -> bool {
        let Some(device) = self.devices.get(&ix).filter(|device| device.unheard) else { return false };
        let link = self.plan.devices[ix.at()].link;
        let alone = self.plan.devices.iter().filter(|other| other.link == link).count() == 1;
        let socket =
            self.plan.links.get(link.at()).is_some_and(|link| matches!(link.connect, Connect::Tcp { .. }));
        alone && socket && now + device.pause < self.give_up(ix, &self.tails())
    }

    fn advance_measuring(&mut self, ix: DeviceIx, out: bool) -> Moved {
        let stays = self.extent == Extent::Stay;
        let Some(device) = self.devices.get_mut(&ix) else { return Moved::No };
        let status = match device.line {
            _ if out => return Moved::No,
            Line::Up => Status::SafeVerified,
            // One try where the rig stays; none where it is about to be released.
            Line::Down { .. } if stays && !device.tried => return Moved::No,
            Line::Down { .. } | Line::Silent | Line::Lost => Status::SafeUnverified,
        };
        device.status = Some(status);
        device.stage = Stage::Settled;
        if status == Status::SafeVerified {
            self.announce(ix, DeviceState::Safe);
        } else if let Some(why) = device.why.clone() {
            device.remarks.push(format!("It only measures, and is not connected: {why}."));
            if !matches!(device.state, DeviceState::Fault(_)) {
                self.announce(ix, DeviceState::Fault(Fault::Unreachable { why }));
            }
        }
        Moved::On
    }

    /// When release steps still to come are left out and every connection is closed.
    pub(super) fn closing_time(&self) -> Time {
        self.deadline - CLOSE_WITHIN
    }

    /// Every device is settled: the next one is handed back, or the teardown ends. File order reversed.
    fn release(&mut self, now: Time) -> bool {
        if self.extent == Extent::Stay {
            self.ended = Some(now);
            return true;
        }
        let hurry = now >= self.closing_time();
        let mut moved = false;
        let waiting: Vec<DeviceIx> = self.devices.keys().rev().copied().collect();
        for ix in waiting {
            let out = self.out_for(ix);
            let Some(device) = self.devices.get_mut(&ix) else { continue };
            match device.stage {
                Stage::Closed => continue,
                Stage::Closing if hurry => continue,
                Stage::Settled => {
                    let plan = &self.plan.devices[ix.at()];
                    let disarms = device.confirmed() && plan.instrument_watchdog.is_some();
                    device.stage = if device.line != Line::Up || plan.only_measures() {
                        Stage::Closing
                    } else if disarms {
                        Stage::Disarm(Sequence::new(OnFailure::Continue))
                    } else {
                        Stage::HandBack(Sequence::new(OnFailure::Continue))
                    };
                    let up = device.line == Line::Up;
                    let stuck = self.links.get(&plan.link).is_some_and(|link| link.stuck);
                    if stuck {
                        device.stage = Stage::Closed;
                        device.handed_back = false;
                    } else if up && device.confirmed() {
                        self.announce(ix, DeviceState::Releasing);
                    }
                    moved = true;
                }
                Stage::Disarm(_) | Stage::HandBack(_) if hurry && !out => {
                    device.handed_back = false;
                    device.remarks.push("Not all release steps were sent: the deadline had come.".into());
                    device.stage = Stage::Closing;
                    moved = true;
                }
                _ => {}
            }
            if !hurry {
                return moved;
            }
        }
        if self.devices.values().all(|device| device.stage == Stage::Closed) {
            self.ended = Some(now);
            moved = true;
        }
        moved
    }

    /// The link's thread is stuck: nothing more can be done on it.
    pub(super) fn abandon_link(&mut self, link: LinkIx, now: Time) {
        let on_it: Vec<DeviceIx> =
            self.devices.keys().copied().filter(|ix| self.plan.devices[ix.at()].link == link).collect();
        for ix in on_it {
            let Some(device) = self.devices.get_mut(&ix) else { continue };
            device.line = Line::Lost;
            if device.releasing() {
                device.handed_back = false;
                device.remarks.push("Not released: its link does not come back from an exchange.".into());
                device.stage = Stage::Closed;
            } else if !device.settled() {
                device.why = Some("its link does not come back from an exchange".into());
                if !self.plan.devices[ix.at()].only_measures() {
                    self.settle_unverified(ix, false, now);
                }
            }
        }
    }

    pub(super) fn announce(&mut self, ix: DeviceIx, state: DeviceState) {
        let Some(device) = self.devices.get_mut(&ix) else { return };
        if device.state != state {
            device.state = state.clone();
            self.events.push_back(Progress::State { device: ix, state });
        }
    }

    /// The graph that the turns follow.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }
}

/// What became of a device in one look.
pub(super) enum Moved {
    On,
    Until(Time),
    No,
}
