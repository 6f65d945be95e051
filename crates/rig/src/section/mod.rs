//! The sections that concern the whole rig.

mod app;
mod messages;
mod not_yet;
mod remote;
mod rig;
mod safety;
mod session;
mod ui;
mod unknown;

pub(crate) use self::{
    app::read as app,
    messages::read as messages,
    not_yet::value as not_yet,
    remote::read as remote,
    rig::read as rig,
    safety::{Safety, read as safety},
    session::read as session,
    ui::read as ui,
    unknown::section as unknown,
};
