//! Ties a Tauri app to [`killcord`]: every way in which its window can go ends in the host's one teardown.
//!
//! ```no_run
//! use tauri_plugin_killcord::{Builder, KillcordExt as _, OnClose, Progress};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let killcord = Builder::new("rig.toml")
//!     .windows(["main"])
//!     .on_close(OnClose::Quit)
//!     .progress(Progress::Overlay)
//!     .signals(true)
//!     .build()?;
//! tauri::Builder::default().plugin(killcord) // .run(tauri::generate_context!())
//! # ; Ok(())
//! # }
//! ```
//!
//! A close is prevented until every device is safe, released and on record; then the process ends with
//! status 0, or 4 where a device is not confirmed safe (named on stderr). None of it waits for a page: the
//! page may hang, or its process may be gone.
//!
//! **Architecture Invariant:** between an event of the window and [`killcord::Host::shutdown`] there is no
//! queue, no page and no thread. Nothing here decides what happens to the hardware.

mod ask;
mod builder;
mod command;
mod display;
mod error;
mod events;
mod ext;
mod leave;
mod native;
mod overlay;
mod pulse;
mod pump;
mod shell;
mod stderr;
mod windows;

pub use builder::{Builder, OnClose, Progress};
pub use error::Error;
pub use ext::{Killcord, KillcordExt};
