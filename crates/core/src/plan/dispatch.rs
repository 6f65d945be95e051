//! What the machines of this module ask an executor to do, and what it tells them back.

use serde::{Deserialize, Serialize};

use crate::{DeviceIx, LinkIx, Step, Time, Value, report::Phase};

/// Names one dispatch; never reused within a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ticket(pub u64);

/// What a link's thread is asked to do for a device.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// Connect if there is no connection, identify, run the `open` items. Changes no output.
    Open,
    /// One exchange.
    Step(Step),
    /// Bring the line in step: owed replies discarded, quiet, a query with a known answer; failing that,
    /// the connection replaced.
    Resync,
    /// Hand the connection back.
    Close,
}

/// One thing to do now. At most one is out for each link.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Dispatch {
    /// Comes back with the result.
    pub ticket: Ticket,
    /// For whom.
    pub device: DeviceIx,
    /// On which line.
    pub link: LinkIx,
    /// Part of which sequence.
    pub phase: Phase,
    /// What.
    pub work: Work,
    /// The link's thread gives up then.
    pub deadline: Time,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Next {
    /// Hand these to their links, then ask again.
    Do(Vec<Dispatch>),
    /// Nothing before this time, unless a result or a raise comes first.
    Wait(Time),
    /// Over.
    Done,
}

/// How a dispatch went.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StepResult {
    /// Which dispatch.
    pub ticket: Ticket,
    /// The answer (`None` where none is owed), or what went wrong.
    pub outcome: Result<Option<Value>, Failure>,
    /// An exchange was cut off, or timed out, on this connection before it: no answer is believed until
    /// the line is in step again.
    pub out_of_step: bool,
    /// When the first byte of it had gone out.
    pub written: Option<Time>,
}

/// Why a dispatch did not go well.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "failure", content = "why", rename_all = "snake_case")]
pub enum Failure {
    /// No answer in time; the connection is out of step.
    Timeout,
    /// There is no connection, or it broke.
    Disconnected(String),
    /// Another instrument answers there; not one more byte is sent.
    WrongIdentity(String),
    /// The device answered that it will not, or with something that no answer can be.
    Refused(String),
    /// The fence was raised before the step was written: it never reached the device.
    Fenced,
    /// The driver panicked or cannot perform this step.
    Driver(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Timeout => f.write_str("no answer in time"),
            Self::Disconnected(why) => write!(f, "no connection: {why}"),
            Self::WrongIdentity(found) => write!(f, "another instrument answers: {found}"),
            Self::Refused(why) => write!(f, "refused: {why}"),
            Self::Fenced => f.write_str("fenced off before it was sent"),
            Self::Driver(why) => write!(f, "driver: {why}"),
        }
    }
}
