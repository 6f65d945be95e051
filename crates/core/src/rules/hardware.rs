//! The hardware as the rules see it: devices, the running teardown, what is owed until it is safe.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{Demand, Effect, Event, Refusal, State};
use crate::{
    Cause, DeviceIx, DeviceReport, DeviceState, Extent, Fault, Mode, Report, SessionId, Status, Time,
    plan::{Connect, Failure, Graph, Order, Plan, budget},
};

/// The first pause before a device that is not safe is tried again; doubled up to [`RETRY_MOST`].
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// The longest such pause.
const RETRY_MOST: Duration = Duration::from_secs(30);

/// Causes that a teardown remembers when they raise nothing any more.
const MOST_CAUSES: usize = 64;

/// Where the rig stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Nothing runs and nothing is armed.
    Idle,
    /// The arm sequences run.
    Arming {
        /// Who asked for it.
        by: SessionId,
        /// The command that is answered when it is done.
        id: String,
        /// The first step was ordered; until then it waits for the system's delay lock.
        begun: bool,
    },
    /// Devices may act.
    Armed {
        /// Since when.
        since: Time,
    },
    /// A teardown runs.
    Teardown(Running),
    /// Handed back; the next session opens it again.
    Released,
    /// The last teardown is done; nothing begins any more.
    Ended,
}

/// The running teardown: everything about it only ever goes up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Running {
    /// In the order they came; the first one names it.
    pub causes: Vec<Cause>,
    /// The sequence that is due.
    pub mode: Mode,
    /// How far it goes.
    pub extent: Extent,
    /// When it is over at the latest.
    pub deadline: Time,
    /// Which devices it concerns.
    pub devices: BTreeSet<DeviceIx>,
    /// Orders that no report has answered yet: one that came as the executor was finishing is a run of its
    /// own there, and the teardown is over when the last of them is.
    pub open_orders: usize,
    /// Reports of earlier runs of this teardown, by device.
    pub reported: BTreeMap<DeviceIx, DeviceReport>,
}

impl Running {
    fn raised_by(&self, mode: Mode, extent: Extent, deadline: Time, devices: &BTreeSet<DeviceIx>) -> bool {
        mode > self.mode
            || extent > self.extent
            || deadline < self.deadline
            || !devices.is_subset(&self.devices)
    }
}

/// A device that is owed its safe state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Retry {
    pub(super) at: Time,
    pause: Duration,
}

impl State {
    pub(super) fn open(&mut self, fx: &mut Vec<Effect>) {
        let cause = if self.unclean { Cause::Recovery } else { Cause::Start };
        self.phase = Phase::Idle;
        self.teardown(cause, Mode::Safe, Extent::Stay, None, fx);
        self.app_wanted(fx);
    }

    /// A cause from outside.
    pub(super) fn demand(&mut self, demand: Demand, fx: &mut Vec<Effect>) {
        // The funnel has raised the fence before it queued this; numbers given since are never reused.
        self.epoch.n = self.epoch.n.max(demand.epoch);
        let Demand { cause, mode, extent, mut deadline, .. } = demand;
        if let (Cause::Signal { .. }, Phase::Teardown(running)) = (&cause, &self.phase) {
            let again = running.causes.iter().any(|cause| matches!(cause, Cause::Signal { .. }));
            if again {
                // A second signal shortens the deadline to what the emergency sequences need, no further.
                let shortest = self.now.mono + shortest(&self.rig.plan);
                deadline = Some(deadline.map_or(shortest, |deadline| deadline.min(shortest)));
            }
        }
        self.teardown(cause, mode, extent, deadline, fx);
    }

    /// The one place where a teardown is ordered: begun, or the running one raised.
    pub(super) fn teardown(
        &mut self,
        cause: Cause,
        mode: Mode,
        extent: Extent,
        deadline: Option<Time>,
        fx: &mut Vec<Effect>,
    ) {
        let devices = match &cause {
            Cause::Retry { device } => BTreeSet::from([*device]),
            // What was handed back is not ours any more; everything else is, whatever we believe of it.
            _ => (0..self.devices.len())
                .filter(|&at| {
                    self.devices[at] != DeviceState::Released
                        || matches!(cause, Cause::Start | Cause::Recovery)
                })
                .map(DeviceIx::from)
                .collect(),
        };
        let deadline = deadline.unwrap_or_else(|| self.deadline()).min(self.deadline());
        let extent = match &self.phase {
            // What was handed back is handed back again.
            Phase::Released => extent.max(Extent::Release),
            // It may be a run of its own there, when the one before is just done.
            Phase::Teardown(running) => extent.max(running.extent),
            _ => extent,
        };
        let joined = match &mut self.phase {
            Phase::Ended => return,
            Phase::Teardown(running) => {
                if running.causes.len() >= MOST_CAUSES && !running.raised_by(mode, extent, deadline, &devices)
                {
                    // Safe stop pressed without end: it runs already, and memory has one.
                    return;
                }
                running.open_orders += 1;
                running.mode = running.mode.max(mode);
                running.extent = extent;
                running.deadline = running.deadline.min(deadline);
                running.devices.extend(&devices);
                running.causes.push(cause.clone());
                true
            }
            phase => {
                let begun = Phase::Teardown(Running {
                    causes: vec![cause.clone()],
                    mode,
                    extent,
                    deadline,
                    devices: devices.clone(),
                    open_orders: 1,
                    reported: BTreeMap::new(),
                });
                if let Phase::Arming { by, id, .. } = std::mem::replace(phase, begun) {
                    self.answer(by, &id, Err(Refusal::MakingSafe), fx);
                }
                false
            }
        };
        self.hold = None;
        if !matches!(cause, Cause::Start | Cause::Recovery | Cause::Retry { .. }) {
            self.auto_arm = super::command::AutoArm::Over;
        }
        self.fence(fx);
        let stop = self.stop_app(&cause, mode, extent, deadline, &devices);
        let after_app = self.app_drives(&devices);
        let devices = devices.into_iter().collect();
        let order = Effect::Teardown(Order {
            cause: cause.clone(),
            mode,
            extent,
            deadline,
            devices,
            twice: false,
            after_app,
        });
        // The order is given before anything else is told or written down. Only what could still drive a device
        // goes before an emergency.
        match stop {
            Some(stop @ Effect::StopApp { at_once: true, .. }) => fx.extend([stop, order]),
            stop => fx.extend(std::iter::once(order).chain(stop)),
        }
        fx.push(Effect::Feed(false));
        self.record(Event::Cause { cause, joined }, fx);
        fx.push(Effect::Control);
        fx.push(Effect::Changed);
    }

    pub(super) fn teardown_done(&mut self, report: &Report, fx: &mut Vec<Effect>) {
        let Phase::Teardown(running) = &mut self.phase else { return };
        running.open_orders = running.open_orders.saturating_sub(report.causes.len());
        running.reported.extend(report.devices.iter().map(|entry| (entry.device, entry.clone())));
        if running.open_orders > 0 {
            return;
        }
        let extent = running.extent;
        let report = Report {
            devices: std::mem::take(&mut running.reported).into_values().collect(),
            ..report.clone()
        };
        for entry in &report.devices {
            let at = entry.device.at();
            let why = || entry.remarks.first().cloned().unwrap_or_else(|| entry.status.code().to_owned());
            self.devices[at] = match entry.status {
                Status::SafeVerified | Status::SafeUnverified if entry.released => DeviceState::Released,
                // Out of reach, it only measures: it has no safe state to be in, and stands where it was found.
                Status::SafeUnverified if self.rig.plan.devices[at].only_measures() => {
                    self.devices[at].clone()
                }
                Status::SafeVerified | Status::SafeUnverified => DeviceState::Safe,
                Status::Failed => DeviceState::Fault(Fault::NotSafe { why: why() }),
                Status::Unreachable => match &self.devices[at] {
                    DeviceState::Fault(fault @ Fault::WrongIdentity { .. }) => {
                        DeviceState::Fault(fault.clone())
                    }
                    _ => DeviceState::Fault(Fault::Unreachable { why: why() }),
                },
            };
            // One that answers is tried again, and so is one that took its safe commands and could not be read back:
            // nothing else would ever find out whether it obeyed. One out of reach is made safe when its link opens
            // again, except after a release: its link was closed and looks for nothing. A program has no link that
            // opens: one that could not be started (no process, no descriptor was left) is tried again.
            let plan = &self.rig.plan;
            let has_link = plan.links[plan.devices[at].link.at()].connect != Connect::None;
            let looked_for = (extent == Extent::Stay && has_link)
                || matches!(self.devices[at], DeviceState::Fault(Fault::WrongIdentity { .. }));
            let owed = match entry.status {
                Status::SafeVerified => false,
                Status::SafeUnverified => !entry.confirmed() && !self.rig.plan.devices[at].only_measures(),
                Status::Failed => true,
                Status::Unreachable => !looked_for,
            };
            self.retries[at] = owed.then(|| {
                let pause = self.retries[at].map_or(RETRY_FIRST, |retry| (retry.pause * 2).min(RETRY_MOST));
                Retry { at: self.now.mono + pause, pause }
            });
        }
        self.touched = false;
        self.setpoints.clear();
        self.record(Event::Teardown(Box::new(report.clone())), fx);
        self.phase = match extent {
            Extent::End => Phase::Ended,
            Extent::Release => Phase::Released,
            Extent::Stay => Phase::Idle,
        };
        fx.push(Effect::Changed);
        match extent {
            Extent::End => {
                let reason = crate::SessionEnd::HostStopping;
                for session in std::mem::take(&mut self.sessions).into_keys() {
                    fx.push(Effect::Ended { session, reason });
                    self.record(Event::SessionEnded { session, reason }, fx);
                }
                self.operator = None;
                self.asking = None;
                fx.push(Effect::End(Box::new(report)));
            }
            // Somebody came while it was being handed back.
            Extent::Release if !self.sessions.is_empty() => self.open(fx),
            _ => {}
        }
    }

    /// Whether every device was brought to an end of its first teardown.
    pub(super) fn ever_safe(&self) -> bool {
        self.devices.iter().all(|state| {
            !matches!(state, DeviceState::Disconnected | DeviceState::Connecting | DeviceState::MakingSafe)
        })
    }

    pub(super) fn opened(&mut self, device: DeviceIx, identity: Option<String>, fx: &mut Vec<Effect>) {
        let Some(state) = self.devices.get(device.at()).cloned() else { return };
        self.identities[device.at()].clone_from(&identity);
        self.record(Event::Opened { device, identity }, fx);
        fx.push(Effect::Changed);
        self.limits_of_device_from_now(device);
        let expected = matches!(&self.phase, Phase::Teardown(running) if running.devices.contains(&device));
        // Safe before it was ever found: its safe commands went out, and nothing says that it took them.
        let found = matches!(
            state,
            DeviceState::Disconnected | DeviceState::Connecting | DeviceState::Safe | DeviceState::Fault(_)
        );
        if expected || !found {
            return;
        }
        // Found again: made safe as soon as nothing else runs. Never armed by it. While the others are armed
        // (it is optional then) it waits for them: a teardown of the rig takes it along.
        self.retries[device.at()] = Some(Retry { at: self.now.mono, pause: RETRY_FIRST });
    }

    pub(super) fn open_failed(&mut self, device: DeviceIx, failure: &Failure, fx: &mut Vec<Effect>) {
        let expected = matches!(&self.phase, Phase::Teardown(running) if running.devices.contains(&device));
        let Some(state) = self.devices.get_mut(device.at()) else { return };
        match failure {
            Failure::WrongIdentity(found) => {
                *state = DeviceState::Fault(Fault::WrongIdentity { found: found.clone() });
            }
            _ if expected => return,
            failure => *state = DeviceState::Fault(Fault::Unreachable { why: failure.to_string() }),
        }
        fx.push(Effect::Changed);
    }

    pub(super) fn lost(&mut self, device: DeviceIx, why: String, fx: &mut Vec<Effect>) {
        let Some(state) = self.devices.get_mut(device.at()) else { return };
        if matches!(state, DeviceState::Released) {
            return;
        }
        self.record(Event::Lost { device, why: why.clone() }, fx);
        let expected = matches!(&self.phase, Phase::Teardown(running) if running.devices.contains(&device));
        if expected {
            return;
        }
        let was_safe_aside =
            matches!(self.devices[device.at()], DeviceState::Fault(_) | DeviceState::Disconnected);
        self.devices[device.at()] = DeviceState::Fault(Fault::Unreachable { why });
        if self.energised() && !was_safe_aside {
            self.teardown(Cause::DeviceFault { device }, Mode::Safe, Extent::Stay, None, fx);
        }
        fx.push(Effect::Changed);
    }

    pub(super) fn progress(&mut self, device: DeviceIx, state: DeviceState, fx: &mut Vec<Effect>) {
        let running = matches!(self.phase, Phase::Teardown(_) | Phase::Arming { .. });
        if let Some(known) = self.devices.get_mut(device.at())
            && running
            && *known != state
        {
            *known = state;
            fx.push(Effect::Changed);
        }
    }

    pub(super) fn armed(&mut self, fx: &mut Vec<Effect>) {
        let Phase::Arming { by, id, .. } = &self.phase else { return };
        let (by, id) = (*by, id.clone());
        for (state, device) in self.devices.iter_mut().zip(&self.rig.plan.devices) {
            if !device.arm.is_empty() && matches!(state, DeviceState::Safe | DeviceState::Arming) {
                *state = DeviceState::Armed;
            }
        }
        self.phase = Phase::Armed { since: self.now.mono };
        self.record(Event::Armed, fx);
        fx.push(Effect::Changed);
        self.answer(by, &id, Ok(()), fx);
    }

    pub(super) fn arm_failed(&mut self, device: DeviceIx, why: String, fx: &mut Vec<Effect>) {
        let Phase::Arming { by, id, .. } = &self.phase else { return };
        let (by, id) = (*by, id.clone());
        // Made safe first, told afterwards.
        self.phase = Phase::Armed { since: self.now.mono };
        self.teardown(Cause::ArmFailed { device }, Mode::Safe, Extent::Stay, None, fx);
        self.record(Event::ArmFailed { device, why: why.clone() }, fx);
        self.answer(by, &id, Err(Refusal::ArmFailed { device, why }), fx);
    }

    pub(super) const fn may_retry(&self) -> bool {
        matches!(self.phase, Phase::Idle | Phase::Released)
    }

    pub(super) fn retry_when_due(&mut self, fx: &mut Vec<Effect>) {
        for at in 0..self.retries.len() {
            let Some(retry) = self.retries[at] else { continue };
            if retry.at > self.now.mono || !(self.may_retry() || matches!(self.phase, Phase::Teardown(_))) {
                continue;
            }
            // Its pause is kept until a report says how it went; the time is moved out of the way.
            self.retries[at] = Some(Retry { at: self.now.mono + RETRY_MOST, ..retry });
            let device = DeviceIx::from(at);
            let mode = match self.devices[at] {
                DeviceState::Fault(Fault::NotSafe { .. }) => Mode::Emergency,
                _ => Mode::Safe,
            };
            let contained =
                matches!(&self.phase, Phase::Teardown(running) if running.devices.contains(&device));
            if !contained {
                self.teardown(Cause::Retry { device }, mode, Extent::Stay, None, fx);
            }
        }
    }
}

/// What a teardown needs if every device goes over to its emergency sequence at once.
fn shortest(plan: &Plan) -> Duration {
    let reserves = Graph::whole(plan).tails(|device| budget::reserve(&plan.devices[device.at()]));
    let longest = reserves.into_iter().max().unwrap_or_default();
    longest + budget::second_turn(plan) + budget::wrap_up(plan, Extent::End)
}
