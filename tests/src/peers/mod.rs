//! Instruments that nobody here wrote, as processes on free ports, each with a witness from outside.

mod furnace;
mod julabo;
mod pty;
mod scpi;

pub use furnace::{Furnace, Register};
pub use julabo::Julabo;
pub use pty::PtyPair;
pub use scpi::{Received, Scpi, ask};
