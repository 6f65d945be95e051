//! The simulator's file: which instruments there are and where they listen.
//!
//! ```toml
//! witness = "127.0.0.1:0"             # port 0: any free one, reported at start
//!
//! [[instrument]]
//! name = "psu"
//! kind = "supply"                     # supply | load | furnace | scpi
//! listen = "tcp://127.0.0.1:5025"     # or "pty:///tmp/psu": a link to a pty is made there
//! faults = [{ kind = "slow", delay = "150ms", prefix = "MEAS" }]
//! ```

pub(crate) mod check;
mod file;
mod problem;
mod scripted;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

pub use self::{
    problem::Problem,
    scripted::{Answer, Language, Message, Question, Say, ScriptedConfig},
};
use crate::{fault::Fault, snapshot::OutputValue};

/// A checked set of instruments.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where the witness serves HTTP: always a loopback address.
    pub witness: SocketAddr,
    /// In the order of the file.
    pub instruments: Vec<InstrumentConfig>,
}

/// One instrument.
#[derive(Debug, Clone, PartialEq)]
pub struct InstrumentConfig {
    /// Its name in the witness and for faults.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Where it listens. Modbus instruments with the same path or the same port (not 0) share that line.
    pub listen: Listen,
    /// The faults that it has from the start.
    pub faults: Vec<Fault>,
}

/// What an instrument is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A programmable supply, SCPI.
    Supply(SupplyConfig),
    /// An electronic load, SCPI.
    Load(LoadConfig),
    /// A furnace controller, Modbus.
    Furnace(FurnaceConfig),
    /// A SCPI instrument with named values only.
    Generic(GenericConfig),
    /// An instrument made of a list of messages.
    Scripted(ScriptedConfig),
}

impl Kind {
    /// The word of the file.
    pub fn word(&self) -> &'static str {
        match self {
            Kind::Supply(_) => "supply",
            Kind::Load(_) => "load",
            Kind::Furnace(_) => "furnace",
            Kind::Generic(_) => "scpi",
            Kind::Scripted(_) => "scripted",
        }
    }

    pub(crate) fn is_modbus(&self) -> bool {
        match self {
            Kind::Furnace(_) => true,
            Kind::Scripted(make) => matches!(make.speaks, Language::Modbus { .. }),
            Kind::Supply(_) | Kind::Load(_) | Kind::Generic(_) => false,
        }
    }
}

/// A supply's make.
#[derive(Debug, Clone, PartialEq)]
pub struct SupplyConfig {
    /// The answer to `*IDN?`.
    pub idn: String,
    /// Highest setpoint, V.
    pub max_voltage: f64,
    /// Highest current limit, A.
    pub max_current: f64,
    /// How fast the output voltage follows, V/s.
    pub slew: f64,
    /// A resistor across the output, Ω.
    pub ohms: Option<f64>,
}

/// A load's make.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadConfig {
    /// The answer to `*IDN?`.
    pub idn: String,
    /// Highest current, A.
    pub max_current: f64,
    /// The supply of this file that feeds it; none: a 12 V battery.
    pub source: Option<String>,
}

/// A furnace's make.
#[derive(Debug, Clone, PartialEq)]
pub struct FurnaceConfig {
    /// Modbus unit id. None: any is answered (over TCP only).
    pub unit: Option<u8>,
    /// How slowly it warms and cools.
    pub time_constant: Duration,
    /// At the start, °C.
    pub temperature: f64,
}

/// A generic instrument's make: `NAME <value>` sets, `NAME?` answers.
#[derive(Debug, Clone, PartialEq)]
pub struct GenericConfig {
    /// The answer to `*IDN?`.
    pub idn: String,
    /// Header (short and long form as in `OUTPut`) and first value.
    pub values: Vec<(String, OutputValue)>,
}

/// Where an instrument is asked to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// A socket; port 0 is any free one.
    Tcp(SocketAddr),
    /// A pty, with a symbolic link to it at this path; none: only the pty's own path.
    Pty(Option<PathBuf>),
    /// On the line of the instrument of this name, which stands before it.
    With(String),
}

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read: check the path and its permissions.
    #[error("cannot read {}; check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file says something that cannot be; each problem names its place and a fix.
    #[error("{}", problem::render(problems))]
    Wrong {
        /// Every problem found, in the order of the file.
        problems: Vec<Problem>,
    },
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`ConfigError`]: unreadable, or wrong, with every problem's place and fix.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Checks a text; `file` is the name that problems carry.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`] with every problem's place and fix.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigError> {
        check::parse(text, file).map_err(|problems| ConfigError::Wrong { problems })
    }

    /// The same instruments, each on any free port; so is the witness. Paths of ptys stay.
    #[must_use]
    pub fn on_any_ports(mut self) -> Self {
        self.witness.set_port(0);
        for instrument in &mut self.instruments {
            if let Listen::Tcp(at) = &mut instrument.listen {
                at.set_port(0);
            }
        }
        self
    }
}
