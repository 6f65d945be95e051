//! Commands that could energise: only from the operator, only under the present epoch, each answered once.

use super::{Command, CommandKind, Effect, Event, Guard, Liveliness, Phase, State};
use crate::{
    Control, ControlIx, ControlKind, DeviceIx, DeviceState, SessionId, Step, Value, check::truth,
    number::Number, plan::Failure, policy::ArmPolicy, rig::Needs,
};

/// How many commands are remembered, so that one seen before is answered and not repeated.
const REMEMBERED: usize = 64;

/// A command that was seen: whose, its name, and the answer once there is one.
pub(super) type Answered = (SessionId, String, Option<Result<(), Refusal>>);

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The session has ended.
    #[error("this session has ended; reload the page")]
    NoSession,
    /// The session said goodbye and has not come back.
    #[error("this page said goodbye; reload it")]
    InGrace,
    /// Somebody else is in control, or nobody.
    #[error("this session is not in control; take control first")]
    NotOperator,
    /// Control cannot go to the session that it was given to.
    #[error("control stays with this session: {why}")]
    NotGiven {
        /// What is the matter with the other.
        why: &'static str,
    },
    /// Control or the hardware's state has changed since the session last looked.
    #[error("the rig has changed since this page last heard of it; look again and repeat")]
    StaleEpoch,
    /// The rig cannot be armed now.
    #[error("the rig cannot be armed: {}", blocks.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Arm {
        /// Every reason.
        blocks: Vec<ArmBlock>,
    },
    /// An arm sequence failed.
    #[error("arming failed: {why}; the rig is being made safe")]
    ArmFailed {
        /// At which device.
        device: DeviceIx,
        /// What was seen.
        why: String,
    },
    /// The control needs an armed rig.
    #[error("this control works only while the rig is armed; arm it first")]
    NotArmed,
    /// The device is not connected.
    #[error("the device is not connected; look at its state")]
    NotConnected,
    /// No such control.
    #[error("there is no such control in this rig")]
    Unknown,
    /// The value is not one that the control takes.
    #[error("{why}")]
    BadValue {
        /// What it takes.
        why: String,
    },
    /// The device did not do it.
    #[error("the device did not do it: {why}")]
    DeviceFailed {
        /// What was seen.
        why: String,
    },
    /// Sleep or shutdown was announced.
    #[error("the machine is about to sleep or to shut down; wait until it is awake again")]
    SystemStops,
    /// A teardown runs, or has ended the rig.
    #[error("the hardware is being made safe; wait until it is done")]
    MakingSafe,
}

/// Why the rig cannot be armed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ArmBlock {
    /// Nothing in the rig has an arm sequence.
    #[error("no device of this rig has an arm sequence")]
    Nothing,
    /// A teardown or an arming runs.
    #[error("wait until what runs now is done")]
    Busy,
    /// An interlock tripped.
    #[error("an interlock has tripped: look at the bench, then acknowledge it")]
    Trip,
    /// The run before did not end cleanly.
    #[error("the run before did not end cleanly: look at the bench, then acknowledge it")]
    Unclean,
    /// A device that arms is not in its safe state.
    #[error("{name} is not confirmed safe")]
    NotSafe {
        /// Which.
        device: DeviceIx,
        /// Its name.
        name: String,
    },
    /// A device is missing.
    #[error("{name} is not connected")]
    Missing {
        /// Which.
        device: DeviceIx,
        /// Its name.
        name: String,
    },
    /// The rig requires a watchdog and there is none.
    #[error("there is no watchdog{}", match why { Some(why) => format!(": {why}"), None => String::from(" yet") })]
    Watchdog {
        /// What became of the last one.
        why: Option<String>,
    },
    /// Sleep or shutdown was announced.
    #[error("the machine is about to sleep or to shut down; wait until it is awake again")]
    SystemStops,
    /// The system did not give the lock that delays sleep and shutdown.
    #[error("sleep and shutdown cannot be delayed ({why}); `killcord doctor` says what to do")]
    NoDelayLock {
        /// What it said.
        why: String,
    },
}

impl ArmBlock {
    /// A stable word for it, as in the API.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Busy => "busy",
            Self::Trip => "trip",
            Self::Unclean => "unclean",
            Self::NotSafe { .. } => "not_safe",
            Self::Missing { .. } => "device_missing",
            Self::Watchdog { .. } => "watchdog",
            Self::SystemStops => "system_stops",
            Self::NoDelayLock { .. } => "no_delay_lock",
        }
    }
}

/// `arm = "on-first-session"`: at most once in a host's life, and only while nothing has gone wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum AutoArm {
    /// Waits for the first local session.
    Waiting,
    /// Waits until the rig is ready for this one.
    For(SessionId),
    /// Not any more.
    Over,
}

impl AutoArm {
    pub(super) const fn new(policy: ArmPolicy, unclean: bool) -> Self {
        match policy {
            ArmPolicy::OnFirstSession if !unclean => Self::Waiting,
            _ => Self::Over,
        }
    }

    pub(super) const fn first_session(&mut self, id: SessionId) {
        if matches!(self, Self::Waiting) {
            *self = Self::For(id);
        }
    }
}

impl State {
    pub(super) fn command(&mut self, command: Command, fx: &mut Vec<Effect>) {
        let Command { session, id, epoch, kind } = command;
        if !id.is_empty()
            && let Some((.., answer)) = self.answered.iter().find(|(s, i, _)| *s == session && *i == id)
        {
            // Still running commands are answered when they are done.
            if let Some(result) = answer.clone() {
                fx.push(Effect::Reply { session, id, result });
            }
            return;
        }
        let done = match self.may_command(session, epoch) {
            Err(refusal) => Some(Err(refusal)),
            Ok(()) => match kind {
                CommandKind::Acknowledge => Some(self.acknowledge(session, fx)),
                CommandKind::Arm => self.arm(session, &id, fx).err().map(Err),
                CommandKind::Set { control, value } => {
                    self.set(session, &id, control, value, fx).err().map(Err)
                }
            },
        };
        self.remember(session, &id, done.clone());
        if let Some(result) = done {
            fx.push(Effect::Reply { session, id, result });
        }
    }

    fn may_command(&self, session: SessionId, epoch: crate::Epoch) -> Result<(), Refusal> {
        self.in_control(session)?;
        if epoch == self.epoch { Ok(()) } else { Err(Refusal::StaleEpoch) }
    }

    pub(super) fn in_control(&self, session: SessionId) -> Result<(), Refusal> {
        let known = self.sessions.get(&session).ok_or(Refusal::NoSession)?;
        if matches!(known.liveliness, Liveliness::Grace { .. }) {
            return Err(Refusal::InGrace);
        }
        if self.operator != Some(session) {
            return Err(Refusal::NotOperator);
        }
        Ok(())
    }

    fn remember(&mut self, session: SessionId, id: &str, done: Option<Result<(), Refusal>>) {
        if id.is_empty() {
            return;
        }
        if self.answered.len() == REMEMBERED {
            self.answered.pop_front();
        }
        self.answered.push_back((session, id.to_owned(), done));
    }

    /// Answers a command that took time.
    pub(super) fn answer(
        &mut self,
        session: SessionId,
        id: &str,
        result: Result<(), Refusal>,
        fx: &mut Vec<Effect>,
    ) {
        if let Some((.., done)) = self.answered.iter_mut().find(|(s, i, _)| *s == session && i == id) {
            *done = Some(result.clone());
        }
        fx.push(Effect::Reply { session, id: id.to_owned(), result });
    }

    fn acknowledge(&mut self, session: SessionId, fx: &mut Vec<Effect>) -> Result<(), Refusal> {
        if self.trip.take().is_some() | std::mem::take(&mut self.unclean) {
            self.limits_acknowledged();
            self.record(Event::Acknowledged { session }, fx);
            fx.push(Effect::Changed);
        }
        Ok(())
    }

    /// Every reason why the rig cannot be armed now; empty when it can.
    #[must_use]
    pub fn arm_blocks(&self) -> Vec<ArmBlock> {
        let plan = &self.rig.plan;
        let mut blocks = Vec::new();
        if plan.devices.iter().all(|device| device.arm.is_empty()) {
            blocks.push(ArmBlock::Nothing);
        }
        if !matches!(self.phase, Phase::Idle | Phase::Armed { .. }) {
            blocks.push(ArmBlock::Busy);
        }
        if self.trip.is_some() {
            blocks.push(ArmBlock::Trip);
        }
        if self.unclean {
            blocks.push(ArmBlock::Unclean);
        }
        if let Guard::Missing { why, .. } = &self.guard {
            blocks.push(ArmBlock::Watchdog { why: why.clone() });
        }
        if self.delay.stops() {
            blocks.push(ArmBlock::SystemStops);
        }
        for (at, device) in plan.devices.iter().enumerate() {
            let (name, ix) = (device.name.clone(), DeviceIx::from(at));
            match &self.devices[at] {
                DeviceState::Safe | DeviceState::Armed => {}
                _ if device.optional => {}
                DeviceState::Fault(crate::Fault::NotSafe { .. } | crate::Fault::Failed { .. }) => {
                    blocks.push(ArmBlock::NotSafe { device: ix, name });
                }
                DeviceState::Disconnected
                | DeviceState::Connecting
                | DeviceState::Released
                | DeviceState::Fault(_) => blocks.push(ArmBlock::Missing { device: ix, name }),
                _ => blocks.push(ArmBlock::NotSafe { device: ix, name }),
            }
        }
        blocks
    }

    fn arm(&mut self, session: SessionId, id: &str, fx: &mut Vec<Effect>) -> Result<(), Refusal> {
        let blocks = match self.phase {
            Phase::Armed { .. } => return Err(Refusal::Arm { blocks: vec![ArmBlock::Busy] }),
            _ => self.arm_blocks(),
        };
        if !blocks.is_empty() {
            return Err(Refusal::Arm { blocks });
        }
        self.auto_arm = AutoArm::Over;
        self.phase = Phase::Arming { by: session, id: id.to_owned(), begun: false };
        self.limits_count_from_now();
        self.delay.ask_again();
        if self.delay.lets_arm() {
            self.begin_arming(session, fx);
        }
        fx.push(Effect::Changed);
        Ok(())
    }

    /// Has the arm steps go out.
    pub(super) fn begin_arming(&mut self, session: SessionId, fx: &mut Vec<Effect>) {
        let Phase::Arming { begun, .. } = &mut self.phase else { return };
        *begun = true;
        self.record(Event::Arming { session }, fx);
        fx.push(Effect::Feed(self.may_feed()));
        fx.push(Effect::Arm(self.epoch));
    }

    /// Arms for the first session once the rig is ready; whatever else happens first calls it off.
    pub(super) fn auto_arm(&mut self, fx: &mut Vec<Effect>) {
        let AutoArm::For(session) = self.auto_arm else { return };
        if self.operator != Some(session) || self.trip.is_some() {
            self.auto_arm = AutoArm::Over;
        } else if matches!(self.phase, Phase::Idle) && self.ever_safe() && !self.guard_is_coming() {
            self.auto_arm = AutoArm::Over;
            if let Err(refusal) = self.arm(session, "", fx) {
                fx.push(Effect::Reply { session, id: String::new(), result: Err(refusal) });
            }
        }
    }

    fn set(
        &mut self,
        session: SessionId,
        id: &str,
        control: ControlIx,
        value: Value,
        fx: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let spec = self.rig.controls.get(control.at()).ok_or(Refusal::Unknown)?;
        let step = step_of(spec, &value)?;
        match (&self.phase, spec.needs) {
            (Phase::Idle, Needs::Connected) if self.delay.stops() => return Err(Refusal::SystemStops),
            (Phase::Armed { .. }, _) | (Phase::Idle, Needs::Connected) => {}
            (Phase::Teardown(_) | Phase::Ended, _) => return Err(Refusal::MakingSafe),
            _ => return Err(Refusal::NotArmed),
        }
        match self.devices[spec.device.at()] {
            DeviceState::Safe | DeviceState::Armed => {}
            _ => return Err(Refusal::NotConnected),
        }
        // From here on bytes may go out that make the device act: whoever leaves now leaves it energised.
        self.touched = true;
        fx.push(Effect::Set { session, id: id.to_owned(), control, value, step, epoch: self.epoch });
        Ok(())
    }

    pub(super) fn set_done(
        &mut self,
        session: SessionId,
        id: &str,
        control: ControlIx,
        value: Value,
        result: Result<(), Failure>,
        fx: &mut Vec<Effect>,
    ) {
        let result = match result {
            Ok(()) => {
                self.setpoints.insert(control, value.clone());
                self.record(Event::Set { session, control, value }, fx);
                fx.push(Effect::Changed);
                Ok(())
            }
            Err(Failure::Fenced) => Err(Refusal::StaleEpoch),
            Err(failure) => Err(Refusal::DeviceFailed { why: failure.to_string() }),
        };
        self.answer(session, id, result, fx);
    }

    /// The role that a session has.
    #[must_use]
    pub fn role(&self, session: SessionId) -> crate::Role {
        if self.operator == Some(session) { crate::Role::Operator } else { crate::Role::Observer }
    }
}

/// The step that a control sends for a value, if it takes it.
fn step_of(control: &Control, value: &Value) -> Result<Step, Refusal> {
    let bad = |why: String| Refusal::BadValue { why };
    let name = control.label.as_deref().unwrap_or(&control.name);
    match &control.kind {
        ControlKind::Number { send, min, max } => {
            let number = match value {
                Value::Number(number) => Some(*number),
                Value::Text(text) => Number::parse(text),
                Value::Truth(_) => None,
            }
            .filter(|number| number.0.is_finite())
            .ok_or_else(|| bad(format!("{name} takes a number")))?;
            if number.0 < min.0 || number.0 > max.0 {
                return Err(bad(format!("{name} takes {min} to {max} {}", control.unit)
                    .trim_end()
                    .to_owned()));
            }
            Ok(send.fill(&Value::Number(number)))
        }
        ControlKind::Toggle { on, off, .. } => {
            let wanted = match value {
                Value::Truth(wanted) => Some(*wanted),
                Value::Number(number) => Some(number.0 != 0.0),
                Value::Text(text) => truth(text),
            };
            match wanted {
                Some(true) => Ok(on.clone()),
                Some(false) => Ok(off.clone()),
                None => Err(bad(format!("{name} takes on or off"))),
            }
        }
        ControlKind::Choice { send, options } => match value {
            Value::Text(text) if options.contains(text) => Ok(send.fill(value)),
            _ => Err(bad(format!("{name} takes one of: {}", options.join(", ")))),
        },
        ControlKind::Button { send } => Ok(send.clone()),
    }
}
