//! The error messages of SCPI-99 volume 2, 21.8.9 to 21.8.11.

use std::fmt;

/// A number and a text, as `SYST:ERR?` answers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ScpiError(i16, &'static str);

impl ScpiError {
    pub(crate) const NO_ERROR: Self = Self(0, "No error");
    pub(crate) const DATA_TYPE: Self = Self(-104, "Data type error");
    pub(crate) const PARAMETER_NOT_ALLOWED: Self = Self(-108, "Parameter not allowed");
    pub(crate) const MISSING_PARAMETER: Self = Self(-109, "Missing parameter");
    pub(crate) const UNDEFINED_HEADER: Self = Self(-113, "Undefined header");
    pub(crate) const EXECUTION: Self = Self(-200, "Execution error");
    pub(crate) const SETTINGS_CONFLICT: Self = Self(-221, "Settings conflict");
    pub(crate) const OUT_OF_RANGE: Self = Self(-222, "Data out of range");
    pub(crate) const QUEUE_OVERFLOW: Self = Self(-350, "Queue overflow");
    pub(crate) const INPUT_OVERRUN: Self = Self(-363, "Input buffer overrun");
}

impl fmt::Display for ScpiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},\"{}\"", self.0, self.1)
    }
}
