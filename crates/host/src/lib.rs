//! Killcord ties a GUI to the hardware it drives. When the GUI goes away, the hardware is brought to its
//! safe state and released: once, in order, in time, and with a record that says so.
//!
//! This crate is the host: it runs the rules of [`killcord_core`] on a thread of their own, talks to devices
//! through [`killcord_device`], keeps the journal, holds the rig's lock and opens the local door.
//!
//! ```no_run
//! # fn run(rig: killcord::Rig) -> Result<std::process::ExitCode, killcord::StartError> {
//! use killcord::{Cause, Host, Options};
//!
//! let host = Host::start(rig, Options::new("rig.toml"))?;
//! // … attach sessions, let people work …
//! let outcome = host.shutdown(Cause::Requested).wait(std::time::Duration::from_secs(15));
//! Ok(std::process::ExitCode::from(outcome.map_or(4, |outcome| outcome.exit)))
//! # }
//! ```
//!
//! **Architecture Invariants.** Knows no window and no HTTP. Every way out ends in [`Host::shutdown`] or
//! [`Host::make_safe`]. Frames become inputs in [`Attachment`] alone. Nothing that the rules' thread does
//! can block: link queues, `try_send` to sessions, the journal on a thread of its own.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod access;
mod app;
mod asked;
mod attachment;
mod clock;
pub mod door;
mod ending;
mod engine;
mod history;
mod host;
pub mod journal;
mod lock;
mod messages;
pub mod metrics;
mod options;
pub mod paths;
mod polls;
mod queue;
mod readers;
mod seats;
pub mod signals;
pub mod system;
mod view;
pub mod watchdog;

pub use app::AppAddress;
pub use asked::{Named, Refused};
pub use attachment::{Attachment, FrameReceiver, Visitor};
pub use ending::{Ending, Outcome};
pub use host::{Host, StartError};
pub use killcord_core::{
    self as core, Cause, Extent, Mode, Report, Rig, Role, SessionEnd, SessionKind, Status,
};
pub use killcord_device::{self as device, Registry};
pub use killcord_wire as wire;
pub use lock::{HeldBy, LockError, RigLock};
pub use options::Options;
pub use readers::{Listener, Questions, Unanswered};
pub use watchdog::Standby;
