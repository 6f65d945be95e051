//! The rules of Killcord, without a clock, a socket or a thread.
//!
//! Pure machines live here: [`rules`], which decides who may act and when the hardware has to be made safe,
//! [`plan`], which says step by step how, and [`watchdog`], which decides when another process does so in the
//! host's place. [`documents`] tells a page that is closed from one that is reloaded. All are told the time; none
//! asks for it.
//!
//! **Architecture Invariant:** no tokio, no clock, no I/O, no logging. Deterministic: the same inputs give
//! the same outputs, and every state is `Clone + Eq + Hash`, so that a model check runs this very code.

pub mod app;
pub mod cause;
pub mod check;
pub mod device;
pub mod documents;
pub mod driver;
pub mod id;
pub mod number;
pub mod plan;
pub mod policy;
pub mod report;
pub mod rig;
pub mod rules;
pub mod session;
pub mod step;
pub mod time;
pub mod watchdog;
#[cfg(test)]
mod words;

pub use app::App;
pub use cause::{Cause, Extent, Mode};
pub use check::{Check, Condition, Expected, Pattern};
pub use device::{DeviceState, Fault};
pub use documents::BrowserId;
pub use id::{ControlIx, DeviceIx, Epoch, LinkIx, ReadingIx, RunId, SessionId};
pub use number::Number;
pub use plan::{DevicePlan, LinkPlan, Plan, Verify};
pub use policy::Policy;
pub use report::{DeviceReport, Report, Status};
pub use rig::{Control, ControlKind, Reading, Rig};
pub use session::{Role, SessionEnd, SessionKind};
pub use step::{Item, Step, Value};
pub use time::{Now, Time};
