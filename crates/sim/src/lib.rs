//! Simulated instruments on real sockets and ptys, with faults on demand.
//!
//! A bench for a machine without hardware, and the hardware of the tests: a supply, an electronic load and
//! a generic SCPI instrument over TCP or a pty, a furnace over Modbus TCP or RTU. Around them a **witness**:
//! a small HTTP endpoint on loopback that shows each instrument's outputs and every command received with
//! its time, so that anyone can kill the program under test and see what the hardware did.
//!
//! **Architecture Invariant:** knows nothing of Killcord. It shares no code with what it judges; a mistake in
//! a codec there cannot be hidden by the same mistake here.
//!
//! **Architecture Invariant:** an instrument never stops for its observers. The command log is bounded, the
//! printer is lossy, a client that goes away changes no output.
//!
//! ```no_run
//! let config = killcord_sim::Config::parse(
//!     "[[instrument]]\nname = \"psu\"\nkind = \"supply\"\nlisten = \"tcp://127.0.0.1:0\"\n",
//!     "bench.toml",
//! )?;
//! let bench = killcord_sim::Sim::start(config)?;
//! println!("{}", bench.addresses()["psu"].connect()); // tcp://127.0.0.1:40713
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The furnace's registers
//!
//! Addresses as on the wire, from 0.
//!
//! | table | address | what | access |
//! | --- | --- | --- | --- |
//! | coil | 0 | heater | read, write |
//! | coil | 1 | fan: cools five times as fast, and stays as it is when the heater goes off | read, write |
//! | discrete input | 0 | over-temperature: above register 101 | read |
//! | discrete input | 1 | the heater's contactor, as it really is | read |
//! | holding, input | 0 | identity: 4711 | read |
//! | holding, input | 11 | temperature, i16, 0.1 °C | read |
//! | holding, input | 12 | heating power, u16, 0.1 % | read |
//! | holding, input | 20, 21 | temperature, f32, °C, high word first | read |
//! | holding | 100 | setpoint, i16, 0.1 °C, 0 to 600 °C | read, write |
//! | holding | 101 | over-temperature limit, i16, 0.1 °C | read, write |
//!
//! Other addresses below 128 read as 0; beyond, and for other writes, exception 02. Function codes 1 to 6,
//! 15 and 16; others get exception 01. Unit 0 is the broadcast on a serial line: performed, not answered.

#[cfg(unix)]
mod address;
#[cfg(unix)]
mod client;
#[cfg(unix)]
mod config;
#[cfg(unix)]
pub mod demo;
#[cfg(unix)]
mod duration;
#[cfg(unix)]
mod fault;
#[cfg(unix)]
mod instruments;
#[cfg(unix)]
mod line;
#[cfg(unix)]
mod modbus;
#[cfg(unix)]
mod printer;
#[cfg(unix)]
mod record;
#[cfg(unix)]
mod running;
#[cfg(unix)]
mod scpi;
#[cfg(unix)]
mod snapshot;
#[cfg(unix)]
mod witness;
#[cfg(unix)]
mod world;

#[cfg(unix)]
pub use crate::{
    address::{Address, Addresses, Place},
    client::{Witness, WitnessError},
    config::{
        Answer, Config, ConfigError, FurnaceConfig, GenericConfig, InstrumentConfig, Kind, Language, Listen,
        LoadConfig, Message, Problem, Question, Say, ScriptedConfig, SupplyConfig,
    },
    fault::{Fault, FaultError, FaultKind, Readback},
    printer::Printer,
    running::{Announcement, Running, Sim, StartError, WaitError},
    snapshot::{Change, Command, InstrumentSnapshot, OutputValue, Snapshot},
};
