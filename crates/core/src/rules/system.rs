//! The system that can put the machine to sleep or shut it down, and the lock that makes it wait for us.
//!
//! The lock is wanted exactly while bytes of ours may have made a device act, until the teardown that ends
//! that is over and no device has answered that it is not safe. Arm steps wait for it; what makes hardware safe waits for nothing here.

use std::time::Duration;

use super::{ArmBlock, Effect, Phase, Refusal, State};
use crate::{DeviceState, Fault, Time};

/// How long an arming waits for the lock. A system's answer takes milliseconds.
pub const LOCK_WITHIN: Duration = Duration::from_secs(2);

/// What the rules are told of the system.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum System {
    /// It gives a lock that delays sleep and shutdown, or may: whether there is one is being looked for.
    /// Arming waits for the lock.
    Delays,
    /// It gives none: nothing is waited for.
    DelaysNothing,
    /// The lock is held.
    Locked,
    /// The lock was not given.
    Refused {
        /// Why, in words.
        why: String,
    },
    /// Sleep or shutdown was announced; what is to be done about the hardware comes by the funnel.
    Stops,
    /// What was announced is over: the machine is awake.
    GoesOn,
}

/// Where the lock is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Lock {
    /// Not wanted.
    #[default]
    Free,
    /// Asked for; an arming waits until then.
    Asked(Time),
    Held,
    /// Wanted and not had. It is not asked for again before it was not wanted in between.
    Missing,
}

/// What is remembered of the system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Delay {
    delays: bool,
    lock: Lock,
    stops: bool,
}

impl Delay {
    /// Sleep or shutdown was announced and is not over.
    pub(super) const fn stops(self) -> bool {
        self.stops
    }

    /// Whether arm steps may go out now.
    pub(super) const fn lets_arm(self) -> bool {
        !self.delays || matches!(self.lock, Lock::Held)
    }

    /// A new try, where the last one failed.
    pub(super) fn ask_again(&mut self) {
        if self.lock == Lock::Missing {
            self.lock = Lock::Free;
        }
    }

    /// When the lock is not waited for any longer.
    pub(super) const fn wake(self) -> Option<Time> {
        match self.lock {
            Lock::Asked(until) => Some(until),
            _ => None,
        }
    }
}

impl State {
    pub(super) fn system(&mut self, system: System, fx: &mut Vec<Effect>) {
        match system {
            System::Delays => self.delay.delays = true,
            System::DelaysNothing => {
                self.delay.delays = false;
                self.set_stops(false, fx);
                self.arm_once_locked(fx);
            }
            System::Locked => {
                // One that comes when it is not wanted any more was given back behind it.
                if self.delay.lock != Lock::Free {
                    self.delay.lock = Lock::Held;
                    self.arm_once_locked(fx);
                }
            }
            System::Refused { why } => self.without_lock(why, fx),
            System::Stops => self.set_stops(true, fx),
            System::GoesOn => self.set_stops(false, fx),
        }
    }

    fn set_stops(&mut self, stops: bool, fx: &mut Vec<Effect>) {
        if std::mem::replace(&mut self.delay.stops, stops) != stops {
            fx.push(Effect::Changed);
        }
    }

    /// The arming that waited for the lock begins.
    fn arm_once_locked(&mut self, fx: &mut Vec<Effect>) {
        if let &Phase::Arming { by, begun: false, .. } = &self.phase {
            self.begin_arming(by, fx);
        }
    }

    /// An arming that waits for the lock waits in vain: no byte has gone out, so nothing has to be undone.
    fn without_lock(&mut self, why: String, fx: &mut Vec<Effect>) {
        if matches!(self.delay.lock, Lock::Free | Lock::Held) {
            return;
        }
        self.delay.lock = Lock::Missing;
        if let Phase::Arming { by, begun: false, id } = &self.phase {
            let (by, id) = (*by, id.clone());
            self.phase = Phase::Idle;
            let blocks = vec![ArmBlock::NoDelayLock { why }];
            self.answer(by, &id, Err(Refusal::Arm { blocks }), fx);
            fx.push(Effect::Changed);
        }
    }

    pub(super) fn lock_overdue(&mut self, fx: &mut Vec<Effect>) {
        if self.delay.wake().is_some_and(|until| until <= self.now.mono) {
            self.without_lock(format!("no answer within {} s", LOCK_WITHIN.as_secs()), fx);
        }
    }

    fn any_not_safe(&self) -> bool {
        self.devices.iter().any(|state| matches!(state, DeviceState::Fault(Fault::NotSafe { .. })))
    }

    /// The lock follows the hardware; called behind every input. At the host's end it goes with the host, not
    /// here: what it delays waits for the record too.
    pub(super) fn want_lock(&mut self, fx: &mut Vec<Effect>) {
        let had = self.delay.lock != Lock::Free;
        let wanted = self.delay.delays
            && match self.phase {
                Phase::Teardown(_) | Phase::Ended => had,
                // One that answers and is not safe is tried again: that is delayed for as well, but not twice
                // by one announcement.
                _ => self.energised() || (had && !self.delay.stops && self.any_not_safe()),
            };
        if wanted != had {
            self.delay.lock = if wanted { Lock::Asked(self.now.mono + LOCK_WITHIN) } else { Lock::Free };
            fx.push(Effect::DelayLock(wanted));
        }
    }
}
