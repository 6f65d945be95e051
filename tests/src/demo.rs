//! The demo's bench, simulated in the test's own process on free ports, and its rig.

use std::time::Duration;

use killcord_sim::{Running, Sim, Snapshot};

use crate::wait::LONG;

/// The demo's bench.
pub struct Demo {
    bench: Running,
}

impl Default for Demo {
    fn default() -> Self {
        Self::start()
    }
}

impl Demo {
    /// Starts it.
    #[must_use]
    pub fn start() -> Self {
        Self { bench: Sim::start(killcord_sim::demo::config().unwrap()).unwrap() }
    }

    /// Its rig file.
    #[must_use]
    pub fn rig(&self) -> String {
        killcord_sim::demo::rig(&self.bench.addresses())
    }

    /// What the instruments say of themselves now.
    #[must_use]
    pub fn look(&self) -> Snapshot {
        self.bench.inspect()
    }

    /// The simulator.
    #[must_use]
    pub const fn bench(&self) -> &Running {
        &self.bench
    }

    /// Awaits that all three are energised.
    ///
    /// # Panics
    /// When they do not become so.
    #[track_caller]
    pub fn await_on(&self) {
        self.await_state(LONG, |snapshot| snapshot.instruments.values().all(|it| it.energised));
    }

    /// Awaits a state.
    ///
    /// # Panics
    /// When it does not come; shows what is there instead.
    #[track_caller]
    pub fn await_state(&self, within: Duration, wanted: impl Fn(&Snapshot) -> bool) {
        if let Err(error) = self.bench.wait_until(wanted, within) {
            panic!("{error}");
        }
    }

    /// Whether nothing is energised.
    #[must_use]
    pub fn all_off(&self) -> bool {
        self.look().instruments.values().all(|it| !it.energised)
    }
}
