//! The drill: every cause in turn, at a rig's simulated twin.
#![allow(dead_code)]
mod twin;
