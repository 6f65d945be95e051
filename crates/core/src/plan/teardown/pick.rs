//! What goes out: at most one exchange a link, and whose turn it is where several devices share one.

use super::{
    DeviceIx, Duration, Kind, LinkIx, Mode, Out, Phase, Teardown, Ticket, Time,
    advance::entries,
    device::{Device, Line, MOST_RESYNCS, Stage},
};
use crate::{
    DeviceState, Extent, Step,
    plan::{
        Dispatch, Work,
        machine::{CLOSE_WITHIN, OPEN_WITHIN, Progress},
        sequence::Todo,
    },
};

/// An exchange that a device wants.
struct Want {
    work: Work,
    phase: Phase,
    until: Time,
}

impl Teardown {
    pub(super) fn pick(&mut self, now: Time) -> Vec<Dispatch> {
        let tails = self.tails();
        let free: Vec<LinkIx> = self
            .links
            .iter()
            .filter(|(_, link)| link.out.is_none() && !link.stuck)
            .map(|(ix, _)| *ix)
            .collect();
        let mut dispatches = Vec::new();
        for link in free {
            let mut candidates: Vec<(_, DeviceIx)> = self
                .devices
                .iter()
                .filter(|(ix, _)| self.plan.devices[ix.at()].link == link)
                .map(|(ix, device)| (rank(device), *ix))
                .collect();
            candidates.sort();
            for (_, ix) in candidates {
                if let Some(want) = self.want(ix, &tails, now) {
                    dispatches.push(self.hand_out(ix, link, want, now));
                    break;
                }
            }
        }
        dispatches
    }

    fn hand_out(&mut self, ix: DeviceIx, link: LinkIx, want: Want, now: Time) -> Dispatch {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        let Want { work, phase, until } = want;
        let (kind, step, acknowledged) = describe(&work);
        let generation = match self.devices.get_mut(&ix) {
            Some(device) => {
                device.served = self.tickets;
                device.generation
            }
            None => 0,
        };
        if kind == Kind::Open {
            self.announce(ix, DeviceState::Connecting);
        } else if phase == Phase::Safe || phase == Phase::Emergency {
            self.announce(ix, DeviceState::MakingSafe);
        }
        self.enter(ix, phase);
        let out =
            Out { ticket, device: ix, generation, phase, kind, step, acknowledged, at: now, deadline: until };
        if let Some(link) = self.links.get_mut(&link) {
            link.out = Some(out);
        }
        Dispatch { ticket, device: ix, link, phase, work, deadline: until }
    }

    fn enter(&mut self, ix: DeviceIx, phase: Phase) {
        let Some(device) = self.devices.get_mut(&ix) else { return };
        if device.phase != Some(phase) {
            device.phase = Some(phase);
            self.events.push_back(Progress::Phase { device: ix, phase });
        }
    }

    fn want(&mut self, ix: DeviceIx, tails: &[Duration], now: Time) -> Option<Want> {
        let plan = self.plan.0.clone();
        let plan = &plan.devices[ix.at()];
        let give_up = self.give_up(ix, tails);
        let end = self.takeover_with(ix, tails).map_or(self.deadline, |at| at.min(self.deadline));
        let out_of_step = self.links.get(&plan.link).is_some_and(|link| link.out_of_step);
        let (deadline, extent) = (self.deadline, self.extent);
        let device = self.devices.get_mut(&ix)?;
        if device.stage == Stage::Closing {
            return Some(Want {
                work: Work::Close,
                phase: Phase::Release,
                until: (now + CLOSE_WITHIN).min(deadline),
            });
        }
        if (device.settled() && !device.releasing()) || device.stage == Stage::Again {
            return None;
        }
        match device.line {
            Line::Up => {}
            Line::Down { again } => {
                let wanted = !plan.only_measures() || extent == Extent::Stay;
                let until = (now + OPEN_WITHIN).min(give_up).min(deadline);
                let due = wanted && !device.releasing() && now >= again && until > now;
                return due.then_some(Want { work: Work::Open, phase: Phase::Open, until });
            }
            Line::Silent => {
                let until = (now + CLOSE_WITHIN).min(deadline);
                return Some(Want { work: Work::Close, phase: Phase::Open, until });
            }
            Line::Lost => return None,
        }
        let resync = Want {
            work: Work::Resync,
            phase: Phase::Resync,
            until: (now + plan.timeout.saturating_mul(2)).min(end),
        };
        let ask = |step: &Step, phase| Want {
            work: Work::Step(step.clone()),
            phase,
            until: (now + step.timeout().unwrap_or(plan.timeout)).min(end),
        };
        let entries = entries(plan, &device.stage, device.mode);
        match &mut device.stage {
            Stage::Sync if out_of_step => Some(resync),
            Stage::Sync => plan.sync.as_ref().map(|step| ask(step, phase_of(device.mode))),
            Stage::Errors(_) if out_of_step => Some(resync),
            Stage::Errors(_) => plan.errors.as_ref().map(|step| ask(step, Phase::Errors)),
            Stage::Commands(sequence) => {
                if out_of_step && device.resyncs < MOST_RESYNCS && sequence.asks(entries) {
                    return Some(resync);
                }
                let phase = phase_of(device.mode);
                match sequence.todo(entries, plan.timeout, now) {
                    Todo::Ask(step, until) => {
                        Some(Want { work: Work::Step(step), phase, until: until.min(end) })
                    }
                    Todo::Wait(_) | Todo::Done => None,
                }
            }
            Stage::Verify { sequence, .. } => match sequence.todo(entries, plan.timeout, now) {
                Todo::Ask(..) if out_of_step => Some(resync),
                Todo::Ask(step, until) => {
                    Some(Want { work: Work::Step(step), phase: Phase::Verify, until: until.min(end) })
                }
                Todo::Wait(_) | Todo::Done => None,
            },
            Stage::Disarm(sequence) | Stage::HandBack(sequence) => {
                let closing = deadline - CLOSE_WITHIN;
                match sequence.todo(entries, plan.timeout, now) {
                    Todo::Ask(step, until) if now < closing => Some(Want {
                        work: Work::Step(step),
                        phase: Phase::Release,
                        until: until.min(closing),
                    }),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// Who goes first on a shared link: one that has timed out behind the others, one that is still to be opened
/// behind those that can be talked to, an emergency before a controlled sequence, then whoever has waited
/// longest.
fn rank(device: &Device) -> (bool, bool, bool, u64) {
    (device.timed_out, device.line != Line::Up, device.mode == Mode::Safe, device.served)
}

const fn phase_of(mode: Mode) -> Phase {
    match mode {
        Mode::Safe => Phase::Safe,
        Mode::Emergency => Phase::Emergency,
    }
}

/// Kind, words, and whether an `Ok` says that the device has it.
fn describe(work: &Work) -> (Kind, String, bool) {
    match work {
        Work::Open => (Kind::Open, "open".into(), false),
        Work::Resync => (Kind::Resync, "resync".into(), true),
        Work::Close => (Kind::Close, "close".into(), false),
        Work::Step(step) => {
            let silent = matches!(step, Step::Send { answer: None, .. } | Step::Bytes(_));
            (Kind::Step, step.to_string(), !silent)
        }
    }
}
