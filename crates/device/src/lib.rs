//! Devices: transports, drivers, the threads of links, and the executor of teardowns.
//!
//! **Architecture Invariants.** std threads and `poll(2)`; no tokio, no TOML, no SQLite, no HTTP. Knows no
//! session and no window. Every wait has a deadline and a wake. The fence is compared immediately before each
//! write that is not a safe one. No answer on a line that is out of step ever passes for a good one.

mod ahead;
mod cancel;
mod clock;
mod device;
pub mod drivers;
mod error;
pub mod execute;
mod fence;
mod link;
mod registry;
mod sys;
pub mod testing;
mod transport;

pub use self::{
    ahead::{Announced, NoRecord, RECORD_WITHIN, WriteAhead},
    cancel::{Cancel, Cx, Wake},
    clock::{Clock, SystemClock},
    device::{Device, Driver, Identity, Setup},
    error::DeviceError,
    execute::{Event, Executor, Lines, Orders, Timeline, execute},
    fence::Fence,
    link::{Done, Events, Job, Lane, LinkEvent, Links, Poll, PollId, Reply, Shared, StartError, Tally},
    registry::Registry,
    transport::{DeviceLock, Handed, MAX_MESSAGE, MessageEnd, Transport, let_go},
};
