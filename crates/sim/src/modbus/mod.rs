//! The Modbus side of an instrument: requests, answers, exceptions.
//!
//! Source: MODBUS Application Protocol Specification V1.1b3, sections 6 and 7; frames: `tcp` and `rtu`.

mod pdu;
pub(crate) mod rtu;
pub(crate) mod tcp;

pub(crate) use self::pdu::{Request, answer, exception};

/// A data table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    Coils,
    Discrete,
    Holding,
    Input,
}

/// An exception code (section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exception {
    IllegalFunction = 1,
    IllegalAddress = 2,
    IllegalValue = 3,
    DeviceFailure = 4,
    NoSuchUnit = 11,
}

/// What an instrument with Modbus has.
pub(crate) trait Registers {
    fn bit(&self, table: Table, address: u16) -> Result<bool, Exception>;
    fn word(&self, table: Table, address: u16) -> Result<u16, Exception>;
    /// Whether a coil may be written; asked for all of them before the first is.
    fn check_bit(&self, address: u16) -> Result<(), Exception>;
    /// Whether a register may be written with this value; asked for all of them before the first is.
    fn check_word(&self, address: u16, value: u16) -> Result<(), Exception>;
    fn set_bit(&mut self, address: u16, on: bool);
    fn set_word(&mut self, address: u16, value: u16);
}
