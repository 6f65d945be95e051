//! What both machines of this module share: what is asked for, what is reported, and how they are driven.

use std::{
    collections::BTreeSet,
    hash::{Hash, Hasher},
    ops::Deref,
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{Failure, Next, Plan, StepResult};
use crate::{
    Cause, DeviceIx, DeviceState, Extent, Mode, Time,
    report::{Exchange, Phase, Status},
};

/// A result that has not come so long after its dispatch's deadline never will: the link's thread is stuck,
/// and whatever it says later is ignored.
pub const SLACK: Duration = Duration::from_millis(250);

/// The longest that opening a device may take.
pub const OPEN_WITHIN: Duration = Duration::from_secs(5);

/// The longest that closing a device may take.
pub const CLOSE_WITHIN: Duration = Duration::from_millis(500);

/// The most entries that are read from an instrument's error queue.
pub(super) const MOST_ERRORS: u8 = 32;

/// What a teardown is asked to do. Raised by later ones, never lowered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Order {
    /// Which sequence.
    pub mode: Mode,
    /// How far.
    pub extent: Extent,
    /// When it has to be over.
    pub deadline: Time,
    /// Which devices; what is no device of the plan is ignored.
    pub devices: Vec<DeviceIx>,
    /// Why.
    pub cause: Cause,
    /// Verified twice, one `timeout` apart: another process had the lines before.
    pub twice: bool,
    /// The app may run: what it drives is made safe at once, and again once
    /// [`app_gone`](super::Teardown::app_gone) says that nothing of it is left.
    pub after_app: bool,
}

impl Order {
    /// Every device of the plan, within its deadline from `now`.
    #[must_use]
    pub fn whole(plan: &Plan, mode: Mode, extent: Extent, cause: Cause, now: Time) -> Self {
        Self {
            mode,
            extent,
            deadline: now + plan.deadline,
            devices: (0..plan.devices.len()).map(DeviceIx::from).collect(),
            cause,
            twice: false,
            after_app: false,
        }
    }
}

/// What happened, for those who watch.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Progress {
    /// A device stands elsewhere now. The last one of a device is where the machine left it.
    State {
        /// Which.
        device: DeviceIx,
        /// Where.
        state: DeviceState,
    },
    /// A device is done with: made safe, or given up.
    Settled {
        /// Which.
        device: DeviceIx,
        /// How it ended.
        status: Status,
    },
    /// A device is in another of its sequences.
    Phase {
        /// Which.
        device: DeviceIx,
        /// Where.
        phase: Phase,
    },
    /// An exchange is done.
    Step {
        /// Which device.
        device: DeviceIx,
        /// What.
        exchange: Exchange,
    },
}

/// A machine that an executor drives: `next` until it says what to do or when to come back, `result` for
/// each dispatch.
pub trait Machine {
    /// What to do at `now`. Never answers with a time that is not after `now`.
    fn next(&mut self, now: Time) -> Next;
    /// A dispatch has ended; one that is not waited for any more is ignored.
    fn result(&mut self, now: Time, result: StepResult);
    /// What happened since the last call.
    fn drain_events(&mut self) -> Vec<Progress>;
}

/// A plan shared by a machine and its clones. Compares by content, hashes by name: a state holds many other
/// things that tell it apart.
#[derive(Clone, Debug)]
pub(crate) struct Shared(pub(crate) Arc<Plan>);

impl Deref for Shared {
    type Target = Plan;

    fn deref(&self) -> &Plan {
        &self.0
    }
}

impl PartialEq for Shared {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Eq for Shared {}

impl Hash for Shared {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.rig.hash(state);
        self.0.devices.len().hash(state);
    }
}

/// The devices of `list` that the plan has.
pub(super) fn known(plan: &Plan, list: &[DeviceIx]) -> BTreeSet<DeviceIx> {
    list.iter().copied().filter(|ix| ix.at() < plan.devices.len()).collect()
}

/// A failure after which the line owes an answer.
pub(super) const fn leaves_out_of_step(failure: &Failure) -> bool {
    matches!(failure, Failure::Timeout)
}

/// Whether an entry of an instrument's error queue says that there is none: `0,"No error"`, `+0`.
pub(super) fn is_no_error(answer: &crate::Value) -> bool {
    let text = answer.to_string();
    let code = crate::check::field_of(&text, 1).unwrap_or_default();
    crate::Number::parse(code).is_some_and(|code| code.0 == 0.0)
}
