//! What the instruments do: their outputs, readings and the physics between them.
//!
//! Models know no socket and no clock: they are given how much time went by.

pub(crate) mod furnace;
pub(crate) mod generic;
pub(crate) mod load;
mod noise;
pub(crate) mod scripted;
pub(crate) mod supply;

use std::time::Instant;

use self::{furnace::Furnace, generic::Generic, load::Load, scripted::Scripted, supply::Supply};
use crate::{config::Kind, fault::Readback, scpi::ScpiModel, snapshot::OutputValue};

/// A switched output that may be stuck.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Switch {
    pub(crate) commanded: bool,
    stuck: Option<Readback>,
    /// What it really is.
    pub(crate) live: bool,
}

impl Switch {
    pub(crate) fn command(&mut self, on: bool) {
        self.commanded = on;
        self.live = on || (self.live && self.stuck.is_some());
    }

    pub(crate) fn set_stuck(&mut self, stuck: Option<Readback>) {
        self.stuck = stuck;
        self.command(self.commanded);
    }

    /// What the instrument itself says.
    pub(crate) fn readback(&self) -> bool {
        if self.stuck == Some(Readback::Commanded) { self.commanded } else { self.live }
    }
}

/// One instrument's inner life.
#[derive(Debug)]
pub(crate) enum Model {
    Supply(Supply),
    Load(Load),
    Furnace(Furnace),
    Generic(Generic),
    Scripted(Scripted),
}

impl Model {
    pub(crate) fn new(kind: &Kind, now: Instant) -> Self {
        match kind {
            Kind::Supply(make) => Model::Supply(Supply::new(make.clone(), now)),
            Kind::Load(make) => Model::Load(Load::new(make.clone())),
            Kind::Furnace(make) => Model::Furnace(Furnace::new(make.clone())),
            Kind::Generic(make) => Model::Generic(Generic::new(make)),
            Kind::Scripted(make) => Model::Scripted(Scripted::new(make.clone())),
        }
    }

    pub(crate) fn scpi(&mut self) -> Option<&mut dyn ScpiModel> {
        match self {
            Model::Supply(supply) => Some(supply),
            Model::Load(load) => Some(load),
            Model::Generic(generic) => Some(generic),
            Model::Furnace(_) | Model::Scripted(_) => None,
        }
    }

    pub(crate) fn furnace(&mut self) -> Option<&mut Furnace> {
        match self {
            Model::Furnace(furnace) => Some(furnace),
            _ => None,
        }
    }

    pub(crate) fn scripted(&mut self) -> Option<&mut Scripted> {
        match self {
            Model::Scripted(scripted) => Some(scripted),
            _ => None,
        }
    }

    pub(crate) fn set_stuck(&mut self, stuck: Option<Readback>) {
        match self {
            Model::Supply(supply) => supply.output.set_stuck(stuck),
            Model::Load(load) => load.input.set_stuck(stuck),
            Model::Furnace(furnace) => furnace.heater.set_stuck(stuck),
            Model::Generic(generic) => generic.set_stuck(stuck),
            Model::Scripted(scripted) => scripted.set_stuck(stuck.is_some()),
        }
    }

    pub(crate) fn energised(&self) -> bool {
        match self {
            Model::Supply(supply) => supply.output.live,
            Model::Load(load) => load.input.live,
            Model::Furnace(furnace) => furnace.heater.live,
            Model::Generic(generic) => generic.energised(),
            Model::Scripted(scripted) => scripted.energised(),
        }
    }

    /// Each output's name and value.
    pub(crate) fn outputs(&self, each: &mut dyn FnMut(&str, OutputValue)) {
        match self {
            Model::Supply(supply) => supply.outputs(each),
            Model::Load(load) => load.outputs(each),
            Model::Furnace(furnace) => furnace.outputs(each),
            Model::Generic(generic) => generic.outputs(each),
            Model::Scripted(scripted) => scripted.outputs(each),
        }
    }

    /// Each reading's name and true value.
    pub(crate) fn readings(&self, each: &mut dyn FnMut(&str, f64)) {
        match self {
            Model::Supply(supply) => {
                each("voltage", supply.volts);
                each("current", supply.amps);
                each("power", supply.volts * supply.amps);
            }
            Model::Load(load) => {
                each("voltage", load.volts);
                each("current", load.amps);
                each("power", load.volts * load.amps);
            }
            Model::Furnace(furnace) => {
                each("temperature", furnace.celsius);
                each("power", furnace.power * 100.0);
            }
            Model::Generic(_) | Model::Scripted(_) => {}
        }
    }
}
