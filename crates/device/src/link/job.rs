//! What a link's thread is handed, and what it gives back.

use std::time::Instant;

use killcord_core::{
    DeviceIx, Epoch, LinkIx, Value,
    plan::{Failure, Work},
};

use super::PollId;

/// One thing to do for a device.
pub struct Job {
    /// For whom.
    pub device: DeviceIx,
    /// What.
    pub work: Work,
    /// How urgent it is, and whether it may still be done.
    pub lane: Lane,
    /// The thread gives up then. A step is also limited by its own or its device's `timeout`.
    pub deadline: Instant,
    /// Is told how it went, on the link's thread. Must not block.
    pub reply: Reply,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job")
            .field("device", &self.device)
            .field("work", &self.work)
            .field("lane", &self.lane)
            .finish_non_exhaustive()
    }
}

/// What goes first on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Ahead of everything on that link; cuts in on what is in flight.
    Safe,
    /// May make a device act: compared with the fence immediately before each write.
    Act(Epoch),
    /// Only asks.
    Query,
}

/// Is called once for each job.
pub type Reply = Box<dyn FnOnce(Done) + Send>;

/// How a job went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The answer (`None` where none is owed), or what went wrong.
    pub outcome: Result<Option<Value>, Failure>,
    /// An exchange on this connection was cut off or timed out: no answer is to be believed until a
    /// [`Work::Resync`] has succeeded.
    pub out_of_step: bool,
    /// When the first byte had gone out.
    pub written: Option<Instant>,
}

/// What happens on a link without being asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// A device was connected and identified, whoever asked for it.
    Opened {
        /// Which.
        device: DeviceIx,
        /// What it said to `id`, or what its protocol tells.
        identity: Option<String>,
    },
    /// A device could not be opened. In the background this is said once for each different failure.
    ///
    /// [`Failure::Timeout`]: it is connected, but does not say who it is; safe steps can be sent to it.
    OpenFailed {
        /// Which.
        device: DeviceIx,
        /// Why.
        failure: Failure,
    },
    /// A step of the device's `open` sequence failed; it is open all the same.
    OpenStepFailed {
        /// Which.
        device: DeviceIx,
        /// The step, as a person reads it.
        step: String,
        /// Why.
        failure: Failure,
    },
    /// An open connection is gone, or the device does not answer any more. It is tried again in the
    /// background.
    Lost {
        /// Which.
        device: DeviceIx,
        /// What was seen, in words.
        why: String,
    },
    /// The link holds another lock, port or address than before, or none: what was handed to another process
    /// ([`super::Links::handed`]) is stale.
    Holdings {
        /// Which.
        link: LinkIx,
    },
    /// A poll was answered, or was not.
    Polled {
        /// Which.
        id: PollId,
        /// When the result was in.
        at: Instant,
        /// The answer, its field taken out.
        value: Result<Value, Failure>,
    },
}
