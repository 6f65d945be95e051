//! What is asked of a device: one step is one exchange on its line.
//!
//! A rig file's sequence is a list of [`Item`]s. Items that take several exchanges or time (a ramp, a wait,
//! a check that may need asking again) are unfolded by [`crate::plan`]; a driver only ever performs a
//! [`Step`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Check, Number};

/// What a device answered, or what is written to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Value {
    /// A coil or discrete input; a toggle.
    Truth(bool),
    /// A register, scaled; a number control.
    Number(Number),
    /// A line as it came, terminator off; a choice.
    Text(String),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Truth(on) => f.write_str(if *on { "on" } else { "off" }),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// One exchange with a device.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A line is written; with `answer` a line is awaited that must equal it.
    Send {
        /// The line, terminator excluded.
        text: String,
        /// The line that confirms it (`ok` of a GRBL controller).
        answer: Option<String>,
        /// Instead of the device's `timeout`.
        timeout: Option<Duration>,
    },
    /// A line is written and its answer read.
    Query {
        /// The line, terminator excluded.
        text: String,
        /// Instead of the device's `timeout`.
        timeout: Option<Duration>,
    },
    /// Bytes written past the line queue, nothing awaited.
    Bytes(Vec<u8>),
    /// Modbus FC 5.
    WriteCoil {
        /// On the wire, from 0.
        address: u16,
        /// On or off.
        value: bool,
    },
    /// Modbus FC 6, or FC 16 where the format takes more than one register.
    WriteRegister {
        /// On the wire, from 0.
        address: u16,
        /// In the unit of the rig file, before scaling.
        value: Number,
        /// How the registers hold it.
        format: Register,
    },
    /// Modbus FC 1 to 4.
    Read {
        /// Which of the four tables.
        table: Table,
        /// On the wire, from 0.
        address: u16,
        /// How the registers hold it; of no meaning for coils and discrete inputs.
        format: Register,
    },
    /// A program in its own process group, killed at its timeout; a non-zero end fails.
    Run {
        /// Program and arguments; no shell.
        command: Vec<String>,
        /// Instead of the device's `timeout`.
        timeout: Option<Duration>,
    },
    /// A step that only the driver knows.
    Call {
        /// The driver's name for it.
        name: String,
    },
}

impl Step {
    /// A line to write, with the device's own timeout and no answer.
    #[must_use]
    pub fn send(text: impl Into<String>) -> Self {
        Self::Send { text: text.into(), answer: None, timeout: None }
    }

    /// A line to ask, with the device's own timeout.
    #[must_use]
    pub fn query(text: impl Into<String>) -> Self {
        Self::Query { text: text.into(), timeout: None }
    }

    /// The step's own limit, if the rig file gives it one.
    #[must_use]
    pub const fn timeout(&self) -> Option<Duration> {
        match self {
            Self::Send { timeout, .. } | Self::Query { timeout, .. } | Self::Run { timeout, .. } => *timeout,
            _ => None,
        }
    }

    /// Whether the step only asks and changes nothing.
    #[must_use]
    pub const fn is_query(&self) -> bool {
        matches!(self, Self::Query { .. } | Self::Read { .. })
    }
}

/// As a person reads it in a report: `OUTP OFF`, `write_coil 0 = off`.
impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Send { text, .. } | Self::Query { text, .. } => f.write_str(text),
            Self::Bytes(bytes) => {
                f.write_str("0x")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Self::WriteCoil { address, value } => {
                write!(f, "write_coil {address} = {}", if *value { "on" } else { "off" })
            }
            Self::WriteRegister { address, value, .. } => write!(f, "write_register {address} = {value}"),
            Self::Read { table, address, .. } => write!(f, "{} {address}", table.key()),
            Self::Run { command, .. } => write!(f, "run {}", command.join(" ")),
            Self::Call { name } => write!(f, "call {name}"),
        }
    }
}

/// The four tables of Modbus (Application Protocol V1.1b3, section 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// FC 1.
    Coil,
    /// FC 2.
    Discrete,
    /// FC 3.
    Register,
    /// FC 4.
    Input,
}

impl Table {
    /// The rig file's key for reading it.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Coil => "read_coil",
            Self::Discrete => "read_discrete",
            Self::Register => "read_register",
            Self::Input => "read_input",
        }
    }
}

/// How registers hold a number: `raw = (value - offset) / scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Register {
    /// The raw number's type.
    pub r#type: RegisterType,
    /// Which of two registers comes first.
    pub words: WordOrder,
    /// One raw count in the rig file's unit.
    pub scale: Number,
    /// Added after scaling.
    pub offset: Number,
    /// Bits of a 16-bit register that count; when written, the others keep what was read.
    pub mask: Option<u16>,
}

impl Default for Register {
    fn default() -> Self {
        Self {
            r#type: RegisterType::U16,
            words: WordOrder::BigEndian,
            scale: Number(1.0),
            offset: Number(0.0),
            mask: None,
        }
    }
}

/// Raw types of one or two registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegisterType {
    /// One register, unsigned.
    U16,
    /// One register, two's complement.
    I16,
    /// Two registers, unsigned.
    U32,
    /// Two registers, two's complement.
    I32,
    /// Two registers, IEEE 754 single.
    F32,
}

impl RegisterType {
    /// How many registers it takes.
    #[must_use]
    pub const fn registers(self) -> u16 {
        match self {
            Self::U16 | Self::I16 => 1,
            Self::U32 | Self::I32 | Self::F32 => 2,
        }
    }
}

/// Order of the two registers of a 32-bit number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WordOrder {
    /// High register first (`words = "big"`, the default).
    #[serde(rename = "big")]
    BigEndian,
    /// Low register first (`words = "little"`).
    #[serde(rename = "little")]
    LittleEndian,
}

/// A step with one place left open for a value: `"VOLT {}"`, `{ write_register = 100 }`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// A line.
    Line {
        /// What stands before the place.
        before: String,
        /// `{:.3}` fixes the decimals, `{}` takes the shortest.
        decimals: Option<u8>,
        /// What stands behind it.
        after: String,
        /// The line that confirms it.
        answer: Option<String>,
    },
    /// Modbus FC 5 with a truth value.
    Coil {
        /// On the wire, from 0.
        address: u16,
    },
    /// Modbus FC 6 or 16 with a number.
    Register {
        /// On the wire, from 0.
        address: u16,
        /// How the registers hold it.
        format: Register,
    },
}

impl Template {
    /// The step that writes `value`.
    #[must_use]
    pub fn fill(&self, value: &Value) -> Step {
        match self {
            Self::Line { before, decimals, after, answer } => {
                let written = match (value, decimals) {
                    (Value::Number(number), Some(decimals)) => number.fixed(*decimals),
                    (Value::Truth(on), _) => String::from(if *on { "1" } else { "0" }),
                    (value, _) => value.to_string(),
                };
                Step::Send {
                    text: format!("{before}{written}{after}"),
                    answer: answer.clone(),
                    timeout: None,
                }
            }
            Self::Coil { address } => {
                let value = match value {
                    Value::Truth(on) => *on,
                    Value::Number(number) => number.0 != 0.0,
                    Value::Text(text) => crate::check::truth(text).unwrap_or(false),
                };
                Step::WriteCoil { address: *address, value }
            }
            Self::Register { address, format } => {
                let value = match value {
                    Value::Truth(on) => Number(f64::from(u8::from(*on))),
                    Value::Number(number) => *number,
                    Value::Text(text) => Number::parse(text).unwrap_or_default(),
                };
                Step::WriteRegister { address: *address, value, format: *format }
            }
        }
    }
}

/// A value brought from where it is to where it has to be, in steps due by the clock.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ramp {
    /// What each write looks like.
    pub write: Template,
    /// Asked once, at the start.
    pub from: Step,
    /// The last write is exactly this.
    pub to: Number,
    /// Rate, in the unit of the value; always positive.
    pub per_second: Number,
    /// Time between two writes.
    pub step_every: Duration,
}

/// One entry of a rig file's sequence.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// One exchange.
    Do(Step),
    /// Asked until it holds, or fails.
    Check(Check),
    /// Several writes over time.
    Ramp(Ramp),
    /// Nothing for so long.
    Wait(Duration),
}

impl Item {
    /// Whether the emergency sequence keeps it when the rig file leaves `emergency` out: ramps, waits and
    /// conditions fall away.
    #[must_use]
    pub const fn is_immediate(&self) -> bool {
        matches!(self, Self::Do(_))
    }
}
