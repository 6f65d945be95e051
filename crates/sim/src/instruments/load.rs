//! An electronic load in constant-current mode, fed by a supply of the same file or by a 12 V battery.
//!
//! | command | does |
//! | --- | --- |
//! | `CURR n`, `CURR?` | current, A |
//! | `INP ON\|OFF`, `INP?` | input |
//! | `MEAS:VOLT?`, `MEAS:CURR?`, `MEAS:POW?` | at the terminals |

use super::{Switch, noise::Noise};
use crate::{
    config::LoadConfig,
    scpi::{ScpiError, ScpiModel, Unit, number, show_number, show_switch, switch},
    snapshot::OutputValue,
};

/// Without a source in the file: a battery, V.
pub(crate) const BATTERY: f64 = 12.0;
/// Below this the load's transistor cannot draw its full current, V.
const KNEE: f64 = 0.3;

#[derive(Debug)]
pub(crate) struct Load {
    make: LoadConfig,
    current: f64,
    remote: bool,
    noise: Noise,
    pub(crate) input: Switch,
    /// At the terminals, V.
    pub(crate) volts: f64,
    /// Into the terminals, A.
    pub(crate) amps: f64,
}

impl Load {
    pub(crate) fn new(make: LoadConfig) -> Self {
        Self {
            make,
            current: 0.0,
            remote: false,
            noise: Noise::new(),
            input: Switch::default(),
            volts: 0.0,
            amps: 0.0,
        }
    }

    pub(crate) fn source(&self) -> Option<&str> {
        self.make.source.as_deref()
    }

    /// What it would draw at `volts`, A.
    pub(crate) fn demand(&self, volts: f64) -> f64 {
        if self.input.live { self.current * (volts / KNEE).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Connects it to `volts`, of a source that gives at most `share` of what it wants.
    pub(crate) fn connect(&mut self, volts: f64, share: f64) {
        self.volts = volts;
        self.amps = self.demand(volts) * share;
    }

    pub(crate) fn outputs(&self, each: &mut dyn FnMut(&str, OutputValue)) {
        each("input", OutputValue::Switch(self.input.live));
        each("current", OutputValue::Number(self.current));
        each("remote", OutputValue::Switch(self.remote));
    }
}

impl ScpiModel for Load {
    fn idn(&self) -> &str {
        &self.make.idn
    }

    fn reset(&mut self) {
        self.input.command(false);
        self.current = 0.0;
    }

    fn set_remote(&mut self, remote: bool) {
        self.remote = remote;
    }

    fn perform(&mut self, unit: &Unit, _now: std::time::Instant) -> Result<Option<String>, ScpiError> {
        const CURR: &str = "[SOURce:]CURRent[:LEVel][:IMMediate][:AMPLitude]";
        const INP: &str = "INPut[:STATe]";
        if unit.tells(CURR) {
            self.current = number(unit.argument()?, 0.0..=self.make.max_current)?;
        } else if unit.asks(CURR) {
            return Ok(show_number(self.current));
        } else if unit.tells(INP) {
            self.input.command(switch(unit.argument()?)?);
        } else if unit.asks(INP) {
            return Ok(show_switch(self.input.readback()));
        } else if unit.asks("MEASure[:SCALar]:VOLTage[:DC]") {
            return Ok(show_number(self.volts + self.noise.next() * 0.001));
        } else if unit.asks("MEASure[:SCALar]:CURRent[:DC]") {
            let width = if self.amps > 0.001 { 0.002 } else { 0.0 };
            return Ok(show_number(self.amps + self.noise.next() * width));
        } else if unit.asks("MEASure[:SCALar]:POWer[:DC]") {
            return Ok(show_number(self.volts * self.amps));
        } else {
            return Err(ScpiError::UNDEFINED_HEADER);
        }
        Ok(None)
    }
}
