//! The demo's simulated bench: a process of its own that outlives this one.
//!
//! Kill Killcord, and the bench goes on: its witness says what the hardware did. The next demo finds it as it
//! was left, and makes it safe.

mod bench;
mod folder;

pub(crate) use self::{bench::Bench, folder::Folder};
