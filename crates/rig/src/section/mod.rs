//! The sections that concern the whole rig.

mod not_yet;
mod rig;
mod safety;
mod session;

pub(crate) use self::{
    not_yet::{section as not_yet_section, value as not_yet},
    rig::read as rig,
    safety::{Safety, read as safety},
    session::read as session,
};
