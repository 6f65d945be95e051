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
    let connection = match super::bus::of_the_machine() {
        Ok(connection) => connection,
        Err(error) => return Delay::Nobody { why: error.to_string() },
    };
    let manager = match logind::there(&connection) {
        Ok(manager) => manager,
        Err(error) => return Delay::Nobody { why: error.to_string() },
    };
    match logind::lock(&manager, "sleep:shutdown", "Killcord looks whether it may") {
        Ok(_given_back) => Delay::Granted { at_most: logind::granted(&manager) },
        Err(error) => Delay::Refused { why: error.to_string() },
    }
}
