//! What the witness shows: outputs, readings, and every command received.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    address::Address,
    fault::{Fault, FaultKind},
};

/// A switched or a set output.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OutputValue {
    /// On or off.
    Switch(bool),
    /// A number, in the output's unit.
    Number(f64),
}

impl fmt::Display for OutputValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OutputValue::Switch(true) => f.write_str("on"),
            OutputValue::Switch(false) => f.write_str("off"),
            OutputValue::Number(number) => write!(f, "{number}"),
        }
    }
}

/// The whole bench at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Milliseconds since the simulator's start, monotonic.
    pub t_ms: f64,
    /// The same moment by the wall clock, milliseconds since 1970.
    pub unix_ms: u64,
    /// By name.
    pub instruments: BTreeMap<String, InstrumentSnapshot>,
    /// The commands received, oldest first: the last 10 000.
    pub commands: Vec<Arc<Command>>,
    /// The changes of outputs, oldest first: the last 10 000. `seq` is shared with the commands.
    pub changes: Vec<Arc<Change>>,
    /// Commands that were too long ago to be kept.
    pub forgotten: u64,
}

impl Snapshot {
    /// The switch of an instrument's output; `None` if there is no such output.
    pub fn switch(&self, instrument: &str, output: &str) -> Option<bool> {
        match self.instruments.get(instrument)?.outputs.get(output)? {
            OutputValue::Switch(on) => Some(*on),
            OutputValue::Number(_) => None,
        }
    }

    /// The number of an instrument's output; `None` if there is no such output.
    pub fn number(&self, instrument: &str, output: &str) -> Option<f64> {
        match self.instruments.get(instrument)?.outputs.get(output)? {
            OutputValue::Number(number) => Some(*number),
            OutputValue::Switch(_) => None,
        }
    }

    /// A reading as it physically is, without noise.
    pub fn reading(&self, instrument: &str, reading: &str) -> Option<f64> {
        self.instruments.get(instrument)?.readings.get(reading).copied()
    }

    /// Whether an instrument's output is live.
    pub fn energised(&self, instrument: &str) -> Option<bool> {
        Some(self.instruments.get(instrument)?.energised)
    }

    /// The texts that one instrument received, oldest first.
    pub fn received(&self, instrument: &str) -> Vec<&str> {
        let of_it = |command: &&Arc<Command>| command.instrument == instrument;
        self.commands.iter().filter(of_it).map(|command| command.text.as_str()).collect()
    }
}

/// One instrument at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstrumentSnapshot {
    /// `supply`, `load`, `furnace`, `scpi` or `scripted`.
    pub kind: String,
    /// Where it listens, as a rig file's `connect`.
    pub connect: Address,
    /// False while it is unplugged.
    pub listening: bool,
    /// Clients connected now. On a line that several share: of the line.
    pub connections: usize,
    /// Whether its output is live, as physics has it and whatever it says itself.
    pub energised: bool,
    /// What it was told, and its live output.
    pub outputs: BTreeMap<String, OutputValue>,
    /// What it measures, without noise.
    pub readings: BTreeMap<String, f64>,
    /// The faults that it has now.
    pub faults: Vec<Fault>,
}

/// One command received.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// From 1, without gaps together with [`Change::seq`].
    pub seq: u64,
    /// When it had arrived whole: milliseconds since the simulator's start.
    pub t_ms: f64,
    /// The same by the wall clock, milliseconds since 1970.
    pub unix_ms: u64,
    /// By whom it was received.
    pub instrument: String,
    /// As sent; for Modbus `write_coil 0 true`, `read_register 11`.
    pub text: String,
    /// Over which connection: `tcp#3`, `pty#1`.
    pub connection: String,
    /// When it was performed; `None`: not yet, or never (see `faults`).
    pub performed_ms: Option<f64>,
    /// The faults that touched it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultKind>,
}

/// One change of an output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// In one order with [`Command::seq`].
    pub seq: u64,
    /// Milliseconds since the simulator's start.
    pub t_ms: f64,
    /// Whose output.
    pub instrument: String,
    /// Which output.
    pub output: String,
    /// Before.
    pub from: OutputValue,
    /// After.
    pub to: OutputValue,
}
