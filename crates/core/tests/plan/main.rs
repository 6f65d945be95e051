//! The plan's machines, at their exact boundaries and in a simulated world of links that fail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod app;
mod arming;
mod boundaries;
mod budgets;
mod properties;
mod rigs;
mod sequences;
mod silent;
mod teardowns;
mod world;
