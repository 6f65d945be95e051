//! What a GUI and the host say to each other: frames, views, error codes and close codes.
//!
//! The same frames go over a WebSocket and over the native window's IPC. TypeScript is generated from the
//! types of this crate (feature `generate`), so that a page cannot disagree with the host about them.
//!
//! **Architecture Invariant:** serde only. Nothing here decides anything, and nothing here does I/O.

mod access;
mod api;
mod close;
mod code;
mod frame;
mod read;
mod session;
mod view;
mod watchdog;

pub use access::{LinkBody, LinkView, PairBody, QrView, TokenView, TokensView};
pub use api::{
    ArmBody, Problem, ReadingPast, ReadingsView, SetBody, TeardownCause, TeardownExchange, TeardownHead,
    TeardownOfDevice, TeardownReport, TeardownsView,
};
pub use close::close_code;
pub use code::ErrorCode;
pub use frame::{Hardware, ReadingUpdate, TeardownDevice, ToHost, ToPage, WarningKind};
pub use read::NoFrame;
pub use session::{EndedView, SessionView, SessionsView, Standing};
pub use view::{
    AppState, AppView, ArmRefusal, ControlKindView, ControlView, DeviceView, LimitsView, Moment, PolicyView,
    ReadingView, RigPatch, RigState, RigView, Trip, UncleanRun,
};
pub use watchdog::{WatchdogAct, WatchdogState, WatchdogView};

/// The version of the protocol, as `v` in the hello. A page with another one is refused with
/// [`ErrorCode::Version`] and reloads.
pub const VERSION: u32 = 1;

/// The longest frame that a host reads, in bytes. The longest legitimate one is a `set` with a text value.
pub const MAX_FRAME: usize = 16 * 1024;
