//! Whether this machine's system lets its sleep and shutdown be delayed, for those who look into a machine.

use std::time::Duration;

use super::logind;

/// What came of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delay {
    /// A lock was given, and given back.
    Granted {
        /// How long the system waits for it (`InhibitDelayMaxSec` in logind.conf).
        at_most: Duration,
    },
    /// There is a service for it, and it gave none: nothing arms.
    Refused {
        /// What it said.
        why: String,
    },
    /// There is no such service: what arms is not covered.
    Nobody {
        /// What was seen instead.
        why: String,
    },
}

/// Takes a delay lock and gives it back. Waits for the system's answer, seconds at the most.
#[must_use]
pub fn probe() -> Delay {
    let asked = super::bus::of_the_machine()
        .and_then(|connection| logind::granted(&connection).map(|at_most| (connection, at_most)));
    let (connection, at_most) = match asked {
        Ok(asked) => asked,
        Err(error) => return Delay::Nobody { why: error.to_string() },
    };
    match logind::lock(&connection, "sleep:shutdown", "Killcord looks whether it may") {
        Ok(_given_back) => Delay::Granted { at_most },
        Err(error) => Delay::Refused { why: error.to_string() },
    }
}
