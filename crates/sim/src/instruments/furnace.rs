//! A furnace with its controller, over Modbus. Its register map stands at the top of the crate.

use crate::{
    config::FurnaceConfig,
    modbus::{Exception, Registers, Table},
    snapshot::OutputValue,
};

use super::Switch;

const IDENTITY: u16 = 4711;
/// Room temperature, °C.
const AMBIENT: f64 = 25.0;
/// Full power would end this far above room temperature, °C.
const GAIN: f64 = 900.0;
/// Full power is given this far below the setpoint, °C.
const BAND: f64 = 20.0;
const HIGHEST_SETPOINT: i16 = 6000;
const MAPPED: u16 = 128;

#[derive(Debug)]
pub(crate) struct Furnace {
    make: FurnaceConfig,
    setpoint: i16,
    limit: i16,
    fan: bool,
    identity: u16,
    pub(crate) heater: Switch,
    pub(crate) celsius: f64,
    /// 0 to 1.
    pub(crate) power: f64,
}

impl Furnace {
    pub(crate) fn new(make: FurnaceConfig) -> Self {
        Self {
            celsius: make.temperature,
            make,
            setpoint: 0,
            limit: 4500,
            fan: false,
            identity: IDENTITY,
            heater: Switch::default(),
            power: 0.0,
        }
    }

    pub(crate) fn unit(&self) -> Option<u8> {
        self.make.unit
    }

    /// Shows another identity for one answer.
    pub(crate) fn disguise(&mut self, disguised: bool) {
        self.identity = if disguised { 1234 } else { IDENTITY };
    }

    /// Lets `dt` seconds go by: first order, the controller proportional with feed-forward.
    pub(crate) fn step(&mut self, dt: f64) {
        let setpoint = f64::from(self.setpoint) / 10.0;
        self.power = if self.heater.live {
            ((setpoint - AMBIENT) / GAIN + (setpoint - self.celsius) / BAND).clamp(0.0, 1.0)
        } else {
            0.0
        };
        let cooling = if self.fan { 5.0 } else { 1.0 };
        let slope =
            (self.power * GAIN - (self.celsius - AMBIENT) * cooling) / self.make.time_constant.as_secs_f64();
        self.celsius = (self.celsius + slope * dt).clamp(-50.0, AMBIENT + GAIN);
    }

    fn tenths(&self) -> i16 {
        (self.celsius * 10.0).round() as i16
    }

    fn over_temperature(&self) -> bool {
        self.tenths() > self.limit
    }

    pub(crate) fn outputs(&self, each: &mut dyn FnMut(&str, OutputValue)) {
        each("heater", OutputValue::Switch(self.heater.live));
        each("setpoint", OutputValue::Number(f64::from(self.setpoint) / 10.0));
        each("fan", OutputValue::Switch(self.fan));
        each("over_temperature", OutputValue::Switch(self.over_temperature()));
    }
}

impl Registers for Furnace {
    fn bit(&self, table: Table, address: u16) -> Result<bool, Exception> {
        match (table, address) {
            (Table::Coils, 0) => Ok(self.heater.readback()),
            (Table::Coils, 1) => Ok(self.fan),
            (Table::Discrete, 0) => Ok(self.over_temperature()),
            (Table::Discrete, 1) => Ok(self.heater.live),
            (_, ..MAPPED) => Ok(false),
            _ => Err(Exception::IllegalAddress),
        }
    }

    fn word(&self, table: Table, address: u16) -> Result<u16, Exception> {
        let float = (self.celsius as f32).to_bits();
        match (table, address) {
            (Table::Holding, 100) => Ok(self.setpoint.cast_unsigned()),
            (Table::Holding, 101) => Ok(self.limit.cast_unsigned()),
            (_, 0) => Ok(self.identity),
            (_, 11) => Ok(self.tenths().cast_unsigned()),
            (_, 12) => Ok((self.power * 1000.0).round() as u16),
            (_, 20) => Ok((float >> 16) as u16),
            (_, 21) => Ok((float & 0xFFFF) as u16),
            (_, ..MAPPED) => Ok(0),
            _ => Err(Exception::IllegalAddress),
        }
    }

    fn check_bit(&self, address: u16) -> Result<(), Exception> {
        if address <= 1 { Ok(()) } else { Err(Exception::IllegalAddress) }
    }

    fn check_word(&self, address: u16, value: u16) -> Result<(), Exception> {
        match (address, value.cast_signed()) {
            (100, 0..=HIGHEST_SETPOINT) | (101, _) => Ok(()),
            (100, _) => Err(Exception::IllegalValue),
            _ => Err(Exception::IllegalAddress),
        }
    }

    fn set_bit(&mut self, address: u16, on: bool) {
        match address {
            0 => self.heater.command(on),
            1 => self.fan = on,
            _ => {}
        }
    }

    fn set_word(&mut self, address: u16, value: u16) {
        match address {
            100 => self.setpoint = value.cast_signed(),
            101 => self.limit = value.cast_signed(),
            _ => {}
        }
    }
}
