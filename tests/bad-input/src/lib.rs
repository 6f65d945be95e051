//! What has to hold for every input that comes from outside, whatever its bytes: a function for each reader.
//!
//! The fuzzer (`fuzz/`, `cargo xtask fuzz`) looks for bytes for which it does not; `tests/kept.rs` holds it
//! against the corpus that the fuzzer has found so far, and against all that once failed. Each function panics with
//! what does not hold, and goes the way that the program itself goes: nothing is read here by a second reader,
//! except where an answer is judged by an independent one.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure is a finding")]

mod belief;
mod far;
mod feed;
mod frame;
mod modbus;
mod modbus_far;
mod play;
mod rig;
mod scpi;
mod watchdog;

pub use frame::frame;
pub use modbus::modbus;
pub use rig::rig;
pub use scpi::scpi;
pub use watchdog::watchdog;
