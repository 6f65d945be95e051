//! The drill: every cause in turn, each at a fresh host, at a rig's simulated twin or at the real one.
//!
//! It judges by what the twin's instruments were told, not by what a host says of itself; where hosts and
//! instruments disagree, the worse word counts. It never lowers a time of the rig file to be done sooner.

mod fire;
mod machine;
mod past;
mod process;
mod pty;
mod row;
mod run;
mod stand_in;
mod told;
mod twin;
mod window;

pub(crate) use self::{
    process::Programs,
    row::Row,
    run::{Ground, RunError, Runner},
    stand_in::tell,
    told::{Drill, Told},
    twin::Blueprint,
};
