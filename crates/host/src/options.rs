//! What a host is started with, besides its rig.

use std::{path::PathBuf, time::Duration};

use killcord_device::Registry;

use crate::{RigLock, StartError, lock::LockError, paths};

/// Settings of a host. `Options::new(file)` has the platform's folders and the built-in drivers.
#[derive(Clone)]
pub struct Options {
    /// The rig file: names the rig's lock, journal and local door.
    pub file: PathBuf,
    /// Where lock and journal live.
    pub state_dir: PathBuf,
    /// Where the local door's socket lives.
    pub runtime_dir: PathBuf,
    /// The drivers that this program has.
    pub drivers: Registry,
    /// How long to wait for a lock that another process is about to give up.
    pub wait_for_lock: Duration,
}

impl Options {
    /// The platform's folders, the built-in drivers, no waiting.
    #[must_use]
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            state_dir: paths::state_dir(),
            runtime_dir: paths::runtime_dir(),
            drivers: Registry::default(),
            wait_for_lock: Duration::ZERO,
        }
    }

    /// Moves lock and journal (`--state-dir`). `None` leaves them where they are.
    #[must_use]
    pub fn state_dir(mut self, dir: Option<PathBuf>) -> Self {
        if let Some(dir) = dir {
            self.state_dir = dir;
        }
        self
    }

    /// Other drivers than the built-in ones.
    #[must_use]
    pub fn drivers(mut self, drivers: Registry) -> Self {
        self.drivers = drivers;
        self
    }

    /// Waits so long for a lock that is held.
    #[must_use]
    pub const fn wait_for_lock(mut self, wait: Duration) -> Self {
        self.wait_for_lock = wait;
        self
    }

    /// Takes the rig's lock: who has it may start the host.
    ///
    /// # Errors
    /// [`StartError::Held`] when another process has it, [`StartError::Lock`] when its file cannot be opened.
    pub fn lock(&self) -> Result<RigLock, StartError> {
        let (folder, key) = (self.rig_dir(), paths::rig_key(&self.file));
        RigLock::take([&folder, &self.runtime_dir], &key, self.wait_for_lock).map_err(|error| match error {
            LockError::Held { by } => StartError::Held { by },
            error @ LockError::File { .. } => StartError::Lock(error),
        })
    }

    /// The folder of this rig's lock and journal.
    #[must_use]
    pub fn rig_dir(&self) -> PathBuf {
        self.state_dir.join(paths::rig_key(&self.file))
    }

    /// The socket of this rig's local door.
    #[must_use]
    pub fn door(&self) -> PathBuf {
        self.runtime_dir.join(format!("{}.sock", paths::rig_key(&self.file)))
    }
}
