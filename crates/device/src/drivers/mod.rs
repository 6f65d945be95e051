//! The drivers that come with Killcord: a folder each, and one line in [`crate::Registry`].

pub mod exec;
pub mod line;
pub mod modbus;
