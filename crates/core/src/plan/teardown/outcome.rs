//! What a result changes.

use super::{
    DeviceIx, Kind, LinkIx, Mode, OnFailure, Out, Sequence, Teardown, Time,
    advance::entries,
    device::{Line, MOST_RESYNCS, Stage},
};
use crate::{
    DeviceState,
    device::Fault,
    plan::{
        Failure, StepResult,
        machine::{Progress, is_no_error, leaves_out_of_step},
    },
    report::Exchange,
};

impl Teardown {
    pub(super) fn take(&mut self, now: Time, result: StepResult) {
        let found = self.links.iter().find(|(_, link)| {
            !link.stuck && link.out.as_ref().is_some_and(|out| out.ticket == result.ticket)
        });
        let Some(link) = found.map(|(ix, _)| *ix) else { return };
        let Some(out) = self.links.get_mut(&link).and_then(|link| link.out.take()) else { return };
        self.note_exchange(&out, &result, now);
        self.note_line(link, &out, &result, now);
        let ix = out.device;
        let Some(device) = self.devices.get_mut(&ix) else { return };
        let commands = matches!(device.stage, Stage::Commands(_)) && out.kind == Kind::Step;
        if out.generation != device.generation && out.kind != Kind::Open {
            // It belonged to a sequence that was given up meanwhile; what it did to the line counts.
            return;
        }
        if commands {
            device.twice |= result.out_of_step;
        }
        match out.kind {
            Kind::Open => self.opened(ix, &result, now),
            Kind::Close => self.closed(ix, &result, now),
            Kind::Resync => self.resynced(ix, &result, now),
            Kind::Step => self.stepped(ix, &result, now),
        }
    }

    fn note_exchange(&mut self, out: &Out, result: &StepResult, now: Time) {
        let exchange = Exchange {
            phase: out.phase,
            step: out.step.clone(),
            at: out.at,
            done: now,
            answer: result.outcome.as_ref().ok().and_then(Option::as_ref).map(ToString::to_string),
            error: result.outcome.as_ref().err().map(ToString::to_string),
        };
        self.events.push_back(Progress::Step { device: out.device, exchange: exchange.clone() });
        if let Some(device) = self.devices.get_mut(&out.device) {
            device.keep(exchange);
        }
    }

    /// What it says of the connection and of what has reached the device, whatever became of its sequence.
    fn note_line(&mut self, link: LinkIx, out: &Out, result: &StepResult, now: Time) {
        let fresh = out.kind == Kind::Open;
        if let Some(link) = self.links.get_mut(&link) {
            match (&result.outcome, out.kind) {
                (_, Kind::Close) | (Err(Failure::Disconnected(_)), _) => {}
                (Ok(_), Kind::Resync) => link.out_of_step = false,
                (Err(_), Kind::Resync) => link.out_of_step = true,
                (Ok(_), Kind::Open) => link.out_of_step = result.out_of_step,
                (Err(failure), _) if leaves_out_of_step(failure) => link.out_of_step = true,
                _ => link.out_of_step |= result.out_of_step,
            }
        }
        let in_step = self.links.get(&link).is_some_and(|link| !link.out_of_step);
        let Some(device) = self.devices.get_mut(&out.device) else { return };
        let commanded = matches!(out.phase, crate::report::Phase::Safe | crate::report::Phase::Emergency);
        if commanded && out.kind == Kind::Step {
            if result.outcome.is_ok() {
                device.reached = true;
            }
            if device.first_byte.is_none() {
                device.first_byte = result.written;
            }
            if out.phase == crate::report::Phase::Emergency {
                device.touched = true;
            }
        }
        if device.mode == Mode::Emergency && fresh && result.outcome.is_err() {
            device.touched = true;
        }
        let answered = matches!(result.outcome, Ok(_) | Err(Failure::Refused(_)));
        if fresh {
            device.unheard = matches!(result.outcome, Ok(None) | Err(Failure::Timeout));
        } else if out.kind == Kind::Step && out.acknowledged && answered {
            device.unheard = false;
        }
        match &result.outcome {
            Ok(_) if out.acknowledged && in_step => {
                device.heard |= device.reached;
                device.answering = true;
            }
            Ok(_) => {}
            Err(failure) => {
                device.blame(failure);
                match failure {
                    Failure::Timeout => device.timed_out = true,
                    Failure::Disconnected(_) if out.kind != Kind::Close => device.disconnected(now),
                    Failure::WrongIdentity(_) => device.line = Line::Lost,
                    Failure::Refused(_) if in_step => device.answering = true,
                    _ => {}
                }
            }
        }
    }

    fn opened(&mut self, ix: DeviceIx, result: &StepResult, now: Time) {
        match &result.outcome {
            Err(Failure::Disconnected(_) | Failure::WrongIdentity(_)) => self.line_lost(ix, result, now),
            // No answer to `id`, or an `open` step refused: safe is sent all the same.
            Ok(_) | Err(_) => {
                if let Some(device) = self.devices.get_mut(&ix) {
                    device.line = Line::Up;
                    match device.stage {
                        Stage::Verify { second, .. } => {
                            device.stage = Stage::Verify { sequence: Sequence::new(OnFailure::Stop), second };
                        }
                        Stage::Sync | Stage::Errors(_) => {
                            device.stage =
                                Stage::Verify { sequence: Sequence::new(OnFailure::Stop), second: false };
                        }
                        _ => {}
                    }
                }
            }
        }
    }

    /// There is no connection any more, or none that anything may be sent on.
    fn line_lost(&mut self, ix: DeviceIx, result: &StepResult, now: Time) {
        let Some(device) = self.devices.get_mut(&ix) else { return };
        let fault = match &result.outcome {
            Err(Failure::WrongIdentity(found)) => Fault::WrongIdentity { found: found.clone() },
            Err(failure) => Fault::Unreachable { why: failure.to_string() },
            Ok(_) => return,
        };
        if device.releasing() {
            device.handed_back = false;
            device.remarks.push("Not released: the connection broke.".into());
            device.stage = Stage::Closing;
            return;
        }
        let wrong = matches!(fault, Fault::WrongIdentity { .. });
        let measures = self.plan.devices[ix.at()].only_measures();
        if wrong && !measures {
            self.settle_unverified(ix, false, now);
        }
        if wrong || measures {
            self.announce(ix, DeviceState::Fault(fault));
        }
    }

    fn closed(&mut self, ix: DeviceIx, result: &StepResult, now: Time) {
        let Some(device) = self.devices.get_mut(&ix) else { return };
        if !device.releasing() {
            device.disconnected(now);
            return;
        }
        device.stage = Stage::Closed;
        match &result.outcome {
            Ok(_) => {
                device.released = device.handed_back && device.line == Line::Up;
                if device.released && device.confirmed() {
                    self.announce(ix, DeviceState::Released);
                }
            }
            Err(failure) => device.remarks.push(format!("Closing it failed: {failure}.")),
        }
    }

    fn resynced(&mut self, ix: DeviceIx, result: &StepResult, now: Time) {
        let Some(device) = self.devices.get_mut(&ix) else { return };
        match &result.outcome {
            Ok(_) => {
                if let Stage::Commands(_) | Stage::Verify { .. } = device.stage {
                    device.resyncs = device.resyncs.saturating_add(1);
                }
            }
            Err(Failure::Disconnected(_) | Failure::WrongIdentity(_)) => self.line_lost(ix, result, now),
            Err(_) => match device.stage {
                // The next question goes without a believable answer; commands go on.
                Stage::Commands(_) => device.resyncs = MOST_RESYNCS,
                Stage::Sync | Stage::Errors(_) | Stage::Verify { .. } => self.verify_failed(ix, false, now),
                _ => {}
            },
        }
    }

    fn stepped(&mut self, ix: DeviceIx, result: &StepResult, now: Time) {
        if let Err(Failure::Disconnected(_) | Failure::WrongIdentity(_)) = result.outcome {
            self.line_lost(ix, result, now);
            return;
        }
        let plan = self.plan.0.clone();
        let plan = &plan.devices[ix.at()];
        let Some(device) = self.devices.get_mut(&ix) else { return };
        let entries = entries(plan, &device.stage, device.mode);
        let unbelievable = result.out_of_step && result.outcome.is_ok();
        match &mut device.stage {
            // Asked again once the line is in step.
            Stage::Commands(sequence) if unbelievable && sequence.asks(entries) => {}
            Stage::Commands(sequence) => sequence.result(entries, &result.outcome, now),
            Stage::Sync => device.stage = Stage::Errors(crate::plan::machine::MOST_ERRORS),
            Stage::Errors(left) => {
                let more = matches!(&result.outcome, Ok(Some(entry)) if !is_no_error(entry));
                *left = if more && !unbelievable { left.saturating_sub(1) } else { 0 };
            }
            Stage::Verify { second, .. } if unbelievable => {
                let second = *second;
                if device.resyncs >= MOST_RESYNCS {
                    device.why = Some("no answer could be had in step".into());
                    self.verify_failed(ix, false, now);
                } else {
                    device.stage = Stage::Verify { sequence: Sequence::new(OnFailure::Stop), second };
                }
            }
            Stage::Verify { sequence, .. } => sequence.result(entries, &result.outcome, now),
            Stage::Disarm(sequence) | Stage::HandBack(sequence) => {
                sequence.result(entries, &result.outcome, now);
            }
            _ => {}
        }
    }
}
