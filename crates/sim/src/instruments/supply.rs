//! A programmable supply.
//!
//! | command | does |
//! | --- | --- |
//! | `VOLT n`, `VOLT?` | setpoint, V |
//! | `CURR n`, `CURR?` | current limit, A |
//! | `OUTP ON\|OFF`, `OUTP?` | output |
//! | `MEAS:VOLT?`, `MEAS:CURR?`, `MEAS:POW?` | at the terminals |
//! | `OUTP:PROT:WDOG ON\|OFF`, `OUTP:PROT:WDOG?` | instrument watchdog: any command feeds it |
//! | `OUTP:PROT:WDOG:DEL n`, `…DEL?` | its time, 1 to 3600 s |
//! | `OUTP:PROT:TRIP?`, `OUTP:PROT:CLE` | whether it bit; the output stays off until cleared |
//!
//! The watchdog is modelled on Keysight's N6700 (Operating and Service Guide, "Output Watchdog Timer"):
//! volatile, cleared by `*RST`, fed by any SCPI client.

use std::time::{Duration, Instant};

use super::{Switch, noise::Noise};
use crate::{
    config::SupplyConfig,
    scpi::{ScpiError, ScpiModel, Unit, number, show_number, show_switch, switch},
    snapshot::OutputValue,
};

/// Without anything connected, the output capacitor empties this fast, V/s.
const BLEED: f64 = 20.0;
/// A load that draws 1 A empties it this much faster, V/s.
const DISCHARGE_PER_AMP: f64 = 60.0;

#[derive(Debug)]
struct Watchdog {
    on: bool,
    delay: f64,
    fed: Instant,
    bitten: bool,
}

#[derive(Debug)]
pub(crate) struct Supply {
    make: SupplyConfig,
    setpoint: f64,
    limit: f64,
    remote: bool,
    watchdog: Watchdog,
    noise: Noise,
    pub(crate) output: Switch,
    /// At the terminals, V.
    pub(crate) volts: f64,
    /// Out of the terminals, A.
    pub(crate) amps: f64,
}

impl Supply {
    pub(crate) fn new(make: SupplyConfig, now: Instant) -> Self {
        Self {
            limit: make.max_current,
            make,
            setpoint: 0.0,
            remote: false,
            watchdog: Watchdog { on: false, delay: 60.0, fed: now, bitten: false },
            noise: Noise::new(),
            output: Switch::default(),
            volts: 0.0,
            amps: 0.0,
        }
    }

    /// Any command feeds the watchdog.
    pub(crate) fn feed(&mut self, now: Instant) {
        self.watchdog.fed = now;
    }

    /// Off and latched, when nobody has said anything for the delay.
    pub(crate) fn check_watchdog(&mut self, now: Instant) {
        let limit = Duration::from_secs_f64(self.watchdog.delay);
        if self.watchdog.on
            && !self.watchdog.bitten
            && now.saturating_duration_since(self.watchdog.fed) >= limit
        {
            self.watchdog.bitten = true;
            self.output.command(false);
        }
    }

    /// Lets `dt` seconds go by with a load that wants `demand` ampere.
    pub(crate) fn step(&mut self, dt: f64, demand: f64) {
        let on = self.output.live;
        let target = if !on || demand > self.limit {
            0.0 // off, or a constant-current load that takes more than there is: the voltage collapses
        } else {
            self.make.ohms.map_or(self.setpoint, |ohms| self.setpoint.min((self.limit - demand) * ohms))
        };
        let falling =
            if on { self.make.slew } else { BLEED + DISCHARGE_PER_AMP * (demand + self.drawn_by_resistor()) };
        if self.volts < target {
            self.volts = (self.volts + self.make.slew * dt).min(target);
        } else {
            self.volts = (self.volts - falling * dt).max(target);
        }
        let drawn = demand.min(self.limit) + self.drawn_by_resistor();
        self.amps = if on { drawn.min(self.limit) } else { 0.0 };
    }

    fn drawn_by_resistor(&self) -> f64 {
        self.make.ohms.map_or(0.0, |ohms| self.volts / ohms)
    }

    fn measured(&mut self, value: f64) -> f64 {
        // Nothing flows, nothing wavers: an open output is read as zero.
        let width = if value > 0.01 { 0.002 } else { 0.0 };
        value + self.noise.next() * width
    }

    pub(crate) fn outputs(&self, each: &mut dyn FnMut(&str, OutputValue)) {
        each("output", OutputValue::Switch(self.output.live));
        each("setpoint", OutputValue::Number(self.setpoint));
        each("current_limit", OutputValue::Number(self.limit));
        each("remote", OutputValue::Switch(self.remote));
        each("watchdog", OutputValue::Switch(self.watchdog.on));
        each("watchdog_tripped", OutputValue::Switch(self.watchdog.bitten));
    }
}

impl ScpiModel for Supply {
    fn idn(&self) -> &str {
        &self.make.idn
    }

    fn reset(&mut self) {
        self.output.command(false);
        self.setpoint = 0.0;
        self.limit = self.make.max_current;
        self.watchdog.on = false;
        self.watchdog.delay = 60.0;
        self.watchdog.bitten = false;
    }

    fn set_remote(&mut self, remote: bool) {
        self.remote = remote;
    }

    fn perform(&mut self, unit: &Unit, now: Instant) -> Result<Option<String>, ScpiError> {
        const VOLT: &str = "[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]";
        const CURR: &str = "[SOURce:]CURRent[:LEVel][:IMMediate][:AMPLitude]";
        const OUTP: &str = "OUTPut[:STATe]";
        const WDOG: &str = "OUTPut:PROTection:WDOG[:STATe]";
        const DELAY: &str = "OUTPut:PROTection:WDOG:DELay";
        if unit.tells(VOLT) {
            self.setpoint = number(unit.argument()?, 0.0..=self.make.max_voltage)?;
        } else if unit.asks(VOLT) {
            return Ok(show_number(self.setpoint));
        } else if unit.tells(CURR) {
            self.limit = number(unit.argument()?, 0.0..=self.make.max_current)?;
        } else if unit.asks(CURR) {
            return Ok(show_number(self.limit));
        } else if unit.tells(OUTP) {
            let on = switch(unit.argument()?)?;
            if on && self.watchdog.bitten {
                return Err(ScpiError::SETTINGS_CONFLICT); // latched: OUTP:PROT:CLE first
            }
            self.output.command(on);
        } else if unit.asks(OUTP) {
            return Ok(show_switch(self.output.readback()));
        } else if unit.asks("MEASure[:SCALar]:VOLTage[:DC]") {
            let volts = self.measured(self.volts);
            return Ok(show_number(volts));
        } else if unit.asks("MEASure[:SCALar]:CURRent[:DC]") {
            let amps = self.measured(self.amps);
            return Ok(show_number(amps));
        } else if unit.asks("MEASure[:SCALar]:POWer[:DC]") {
            return Ok(show_number(self.volts * self.amps));
        } else if unit.tells(WDOG) {
            self.watchdog.on = switch(unit.argument()?)?;
            self.feed(now);
        } else if unit.asks(WDOG) {
            return Ok(show_switch(self.watchdog.on));
        } else if unit.tells(DELAY) {
            self.watchdog.delay = number(unit.argument()?, 1.0..=3600.0)?;
            self.feed(now);
        } else if unit.asks(DELAY) {
            return Ok(show_number(self.watchdog.delay));
        } else if unit.asks("OUTPut:PROTection:TRIPped") {
            return Ok(show_switch(self.watchdog.bitten));
        } else if unit.tells("OUTPut:PROTection:CLEar") {
            self.watchdog.bitten = false;
            self.feed(now);
        } else {
            return Err(ScpiError::UNDEFINED_HEADER);
        }
        Ok(None)
    }
}
