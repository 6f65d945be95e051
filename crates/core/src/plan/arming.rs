//! Arming: one act for the whole rig, device after device, step after step, and not one step further once
//! anything fails.

use std::{collections::VecDeque, sync::Arc};

use super::{
    Dispatch, Next, Plan, StepResult, Ticket, Work,
    machine::{MOST_ERRORS, Machine, Progress, SLACK, Shared, is_no_error, leaves_out_of_step},
    order::arm_order,
    sequence::{Entries, OnFailure, Sequence, Todo},
};
use crate::{
    Check, DeviceIx, DeviceState, Item, Step, Time,
    report::{Exchange, Phase},
};

/// Arming stopped.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("arming stopped at device {}: {why}; the rig is made safe", .device.0)]
pub struct ArmFailed {
    /// At which device.
    pub device: DeviceIx,
    /// What was seen, in words.
    pub why: String,
}

/// The machine that arms a rig. Every dispatch of it can make a device act, and carries the epoch that its
/// executor adds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Arming {
    plan: Shared,
    /// The devices still to come, the one at work first.
    queue: VecDeque<DeviceIx>,
    stage: Stage,
    out_of_step: bool,
    resyncs: u8,
    out: Option<Out>,
    tickets: u64,
    events: VecDeque<Progress>,
    outcome: Option<Result<(), ArmFailed>>,
}

/// The dispatch that is out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Out {
    ticket: Ticket,
    at: Time,
    deadline: Time,
    step: String,
    phase: Phase,
}

/// What the device at work is at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Stage {
    Begin,
    /// An item of its arm sequence.
    Item {
        at: usize,
        sequence: Sequence,
    },
    /// The sync behind that item.
    Sync {
        at: usize,
    },
    /// Its error queue, at most so many more entries.
    Errors(u8),
    /// Its instrument watchdog is armed.
    Guard(Sequence),
    /// And read back.
    Read(Sequence),
    /// It is armed.
    Done,
}

impl Arming {
    /// Every device with an arm sequence, in arm order.
    #[must_use]
    pub fn new(plan: Arc<Plan>) -> Self {
        let order = arm_order(&plan.devices)
            .unwrap_or_else(|_| (0..plan.devices.len()).map(DeviceIx::from).collect());
        let queue = order.into_iter().filter(|ix| !plan.devices[ix.at()].arm.is_empty()).collect();
        Self {
            plan: Shared(plan),
            queue,
            stage: Stage::Begin,
            out_of_step: false,
            resyncs: 0,
            out: None,
            tickets: 0,
            events: VecDeque::new(),
            outcome: None,
        }
    }

    /// How it ended, once it has.
    #[must_use]
    pub const fn outcome(&self) -> Option<&Result<(), ArmFailed>> {
        self.outcome.as_ref()
    }

    fn fail(&mut self, device: DeviceIx, why: String) {
        let state = DeviceState::Fault(crate::device::Fault::Failed { why: why.clone() });
        self.events.push_back(Progress::State { device, state });
        self.outcome = Some(Err(ArmFailed { device, why }));
    }

    /// The work that is due, or `None` and the time to come back.
    fn work(&mut self, ix: DeviceIx, now: Time) -> Result<(Work, Time), Option<Time>> {
        let plan = self.plan.0.clone();
        let plan = &plan.devices[ix.at()];
        let within = |step: &Step| now + step.timeout().unwrap_or(plan.timeout);
        let resync = (Work::Resync, now + plan.timeout.saturating_mul(2));
        loop {
            let asked = match &mut self.stage {
                Stage::Begin => {
                    let state = DeviceState::Arming;
                    self.events.push_back(Progress::State { device: ix, state });
                    self.events.push_back(Progress::Phase { device: ix, phase: Phase::Arm });
                    self.stage = Stage::Item { at: 0, sequence: Sequence::new(OnFailure::Stop) };
                    continue;
                }
                Stage::Item { at, sequence } => {
                    let Some(entries) = one(&plan.arm, *at) else {
                        self.stage = Stage::Errors(MOST_ERRORS);
                        continue;
                    };
                    let at = *at;
                    match step_of(sequence, entries, plan.timeout, now) {
                        Asked::Done => {
                            self.stage = Stage::Sync { at };
                            continue;
                        }
                        other => other,
                    }
                }
                Stage::Sync { at } => match &plan.sync {
                    Some(step) => Asked::Step(step.clone(), within(step), true),
                    None => {
                        let at = *at + 1;
                        self.stage = Stage::Item { at, sequence: Sequence::new(OnFailure::Stop) };
                        continue;
                    }
                },
                Stage::Errors(_) => match &plan.errors {
                    Some(step) => Asked::Step(step.clone(), within(step), true),
                    None => {
                        self.stage = Stage::Guard(Sequence::new(OnFailure::Stop));
                        continue;
                    }
                },
                Stage::Guard(sequence) => {
                    let Some(guard) = &plan.instrument_watchdog else {
                        self.stage = Stage::Done;
                        continue;
                    };
                    match step_of(sequence, Entries::Items(&guard.arm), plan.timeout, now) {
                        Asked::Done => {
                            self.stage = Stage::Read(Sequence::new(OnFailure::Stop));
                            continue;
                        }
                        other => other,
                    }
                }
                Stage::Read(sequence) => {
                    let checks: &[Check] = plan
                        .instrument_watchdog
                        .as_ref()
                        .map_or(&[], |guard| std::slice::from_ref(&guard.check));
                    match step_of(sequence, Entries::Checks(checks), plan.timeout, now) {
                        Asked::Done => {
                            self.stage = Stage::Done;
                            continue;
                        }
                        other => other,
                    }
                }
                Stage::Done => return Err(None),
            };
            return match asked {
                Asked::Wait(at) => Err(Some(at)),
                Asked::Step(_, _, true) if self.out_of_step => Ok(resync),
                Asked::Step(step, until, _) => Ok((Work::Step(step), until)),
                Asked::Done => Err(None),
            };
        }
    }

    fn failed_entry(&self) -> Option<String> {
        match &self.stage {
            Stage::Item { sequence, .. } | Stage::Guard(sequence) | Stage::Read(sequence) => {
                sequence.failed().first().map(|failed| failed.why.clone())
            }
            _ => None,
        }
    }

    fn take_step(&mut self, ix: DeviceIx, result: &StepResult, now: Time) {
        let plan = self.plan.0.clone();
        let plan = &plan.devices[ix.at()];
        let unbelievable = result.out_of_step && result.outcome.is_ok();
        let mut failed = None;
        match &mut self.stage {
            Stage::Item { at, sequence } => {
                if let Some(entries) = one(&plan.arm, *at)
                    && !(unbelievable && sequence.asks(entries))
                {
                    sequence.result(entries, &result.outcome, now);
                }
            }
            Stage::Sync { .. } | Stage::Errors(_) if unbelievable => {}
            Stage::Sync { at } => match &result.outcome {
                Ok(_) => {
                    let at = *at + 1;
                    self.stage = Stage::Item { at, sequence: Sequence::new(OnFailure::Stop) };
                }
                Err(failure) => failed = Some(format!("after step {}: {failure}", *at + 1)),
            },
            Stage::Errors(_) => match &result.outcome {
                Ok(Some(entry)) if is_no_error(entry) => {
                    self.stage = Stage::Guard(Sequence::new(OnFailure::Stop));
                }
                Ok(Some(entry)) => failed = Some(format!("the instrument reports {entry}")),
                Ok(None) => failed = Some("its error queue gave no answer".into()),
                Err(failure) => failed = Some(format!("its error queue: {failure}")),
            },
            Stage::Guard(sequence) => {
                let items = plan.instrument_watchdog.as_ref().map_or(&[][..], |guard| &guard.arm);
                if !(unbelievable && sequence.asks(Entries::Items(items))) {
                    sequence.result(Entries::Items(items), &result.outcome, now);
                }
            }
            Stage::Read(sequence) => {
                if let Some(guard) = &plan.instrument_watchdog
                    && !unbelievable
                {
                    let checks = std::slice::from_ref(&guard.check);
                    sequence.result(Entries::Checks(checks), &result.outcome, now);
                }
            }
            Stage::Begin | Stage::Done => {}
        }
        if let Some(why) = failed.or_else(|| self.failed_entry()) {
            self.fail(ix, why);
        }
    }
}

enum Asked {
    /// With whether its answer has to be believed.
    Step(Step, Time, bool),
    Wait(Time),
    Done,
}

fn step_of(sequence: &mut Sequence, entries: Entries<'_>, timeout: std::time::Duration, now: Time) -> Asked {
    match sequence.todo(entries, timeout, now) {
        Todo::Ask(step, until) => Asked::Step(step, until, sequence.asks(entries)),
        Todo::Wait(at) => Asked::Wait(at),
        Todo::Done => Asked::Done,
    }
}

fn one(items: &[Item], at: usize) -> Option<Entries<'_>> {
    items.get(at..=at).map(Entries::Items)
}

impl Machine for Arming {
    fn next(&mut self, now: Time) -> Next {
        loop {
            if self.outcome.is_some() {
                return Next::Done;
            }
            let Some(&ix) = self.queue.front() else {
                self.outcome = Some(Ok(()));
                return Next::Done;
            };
            if let Some(out) = &self.out {
                let late = out.deadline + SLACK;
                if now < late {
                    return Next::Wait(late);
                }
                self.fail(ix, "its link does not come back from an exchange".into());
                continue;
            }
            match self.work(ix, now) {
                Ok((work, deadline)) => {
                    self.tickets += 1;
                    let ticket = Ticket(self.tickets);
                    let (step, phase) = match &work {
                        Work::Step(step) => (step.to_string(), Phase::Arm),
                        _ => ("resync".into(), Phase::Resync),
                    };
                    self.out = Some(Out { ticket, at: now, deadline, step, phase });
                    let link = self.plan.devices[ix.at()].link;
                    return Next::Do(vec![Dispatch {
                        ticket,
                        device: ix,
                        link,
                        phase: Phase::Arm,
                        work,
                        deadline,
                    }]);
                }
                Err(Some(at)) => return Next::Wait(at),
                Err(None) => {
                    self.events.push_back(Progress::State { device: ix, state: DeviceState::Armed });
                    self.queue.pop_front();
                    self.stage = Stage::Begin;
                    self.out_of_step = false;
                    self.resyncs = 0;
                }
            }
        }
    }

    fn result(&mut self, now: Time, result: StepResult) {
        if self.outcome.is_some() || self.out.as_ref().is_none_or(|out| out.ticket != result.ticket) {
            return;
        }
        let (Some(Out { at, step, phase, .. }), Some(&device)) = (self.out.take(), self.queue.front()) else {
            return;
        };
        let exchange = Exchange {
            phase,
            step,
            at,
            done: now,
            answer: result.outcome.as_ref().ok().and_then(Option::as_ref).map(ToString::to_string),
            error: result.outcome.as_ref().err().map(ToString::to_string),
        };
        self.events.push_back(Progress::Step { device, exchange });
        if phase == Phase::Resync {
            self.resyncs += 1;
            match &result.outcome {
                Ok(_) if self.resyncs <= 3 => self.out_of_step = false,
                Ok(_) => self.fail(device, "its line does not stay in step".into()),
                Err(failure) => self.fail(device, format!("its line is out of step: {failure}")),
            }
            return;
        }
        self.out_of_step |=
            result.out_of_step || result.outcome.as_ref().err().is_some_and(leaves_out_of_step);
        self.take_step(device, &result, now);
    }

    fn drain_events(&mut self) -> Vec<Progress> {
        self.events.drain(..).collect()
    }
}
