//! Instruments that nobody here wrote, as processes on free ports, each with a witness from outside.

mod furnace;
mod julabo;
mod pty;
mod scpi;
mod trio;

pub use furnace::{Furnace, Register};
pub use julabo::Julabo;
pub use pty::PtyPair;
pub use scpi::{Scpi, ask};
pub use trio::{SAFE, Trio};

/// A command that an instrument has received, as its own log tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// By the wall clock, as logged: texts that sort as their times do.
    pub logged: String,
    /// `pace`, `cryocon` or `furnace`.
    pub instrument: String,
    /// As a person reads it.
    pub command: String,
}

impl std::fmt::Display for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.instrument, self.command)
    }
}
