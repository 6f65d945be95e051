//! What a host is started with, besides its rig.

use std::{io, path::PathBuf, time::Duration};

use killcord_core::watchdog::{Account, Answered, Asked};
use killcord_device::Registry;

use crate::{
    RigLock, StartError,
    lock::LockError,
    paths,
    system::Service,
    watchdog::{Program, door},
};

/// As long as most rigs' deadlines; a program that knows its rig's takes that.
const WAIT_FOR_WATCHDOG: Duration = Duration::from_secs(30);

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
    /// The service manager that is told of the host's state, where one asked for it.
    pub service: Option<Service>,
    /// How long to wait for a lock that another process is about to give up.
    pub wait_for_lock: Duration,
    /// How long to wait for a watchdog that makes the rig safe after a host's death, and then gives its lock back.
    pub wait_for_watchdog: Duration,
    /// Where the watchdog's program is. It is the program that stands between host and app too.
    pub watchdog: Program,
    /// Whether the rig's app is run (`[app]`).
    pub runs_app: bool,
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
            service: None,
            wait_for_lock: Duration::ZERO,
            wait_for_watchdog: WAIT_FOR_WATCHDOG,
            watchdog: Program::Beside,
            runs_app: true,
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

    /// Tells the service manager that started this program ([`Service::from_env`]). For the program itself to
    /// decide: a library's host is not always all that a service does.
    #[must_use]
    pub fn service(mut self, service: Option<Service>) -> Self {
        self.service = service;
        self
    }

    /// Leaves the rig's app alone: for a host that only makes safe.
    #[must_use]
    pub const fn without_app(mut self) -> Self {
        self.runs_app = false;
        self
    }

    /// Waits so long for a lock that is held.
    #[must_use]
    pub const fn wait_for_lock(mut self, wait: Duration) -> Self {
        self.wait_for_lock = wait;
        self
    }

    /// Waits so long for a watchdog at work: the rig's deadline is right.
    #[must_use]
    pub const fn wait_for_watchdog(mut self, wait: Duration) -> Self {
        self.wait_for_watchdog = wait;
        self
    }

    /// Takes the rig's lock: who has it may start the host. A watchdog that has it, because its host died, is asked
    /// to give way and waited for.
    ///
    /// # Errors
    /// [`StartError::Held`] when another process has it, [`StartError::Lock`] when its file cannot be opened.
    pub fn lock(&self) -> Result<RigLock, StartError> {
        let (folder, key) = (self.rig_dir(), paths::rig_key(&self.file));
        let take = |wait| RigLock::take([&folder, &self.runtime_dir], &key, wait);
        let taken = match take(self.wait_for_lock) {
            Err(LockError::Held { by }) => {
                let gone = by.as_ref().is_some_and(|by| !crate::lock::is_alive(by.pid));
                door::after(&self.watchdog_door(), gone, self.wait_for_watchdog, take)
                    .unwrap_or(Err(LockError::Held { by }))
            }
            taken => taken,
        };
        taken.map_err(|error| match error {
            LockError::Held { by } => StartError::Held { by },
            error @ LockError::File { .. } => StartError::Lock(error),
        })
    }

    /// Tells the watchdog of a host that does not answer to end it and to make the rig safe; waits for its account, at
    /// most so long. `None`: there was nothing that it had to make safe.
    ///
    /// # Errors
    /// Nobody is there, or it did not answer in time.
    pub fn have_watchdog_take_over(&self, within: Duration) -> io::Result<Option<Account>> {
        let question = door::Question::ask(&self.watchdog_door(), Asked::TakeOver)?;
        match question.answer(within)? {
            Answered::Done { account } => Ok(account.map(|account| *account)),
            Answered::HostLives => Err(io::Error::other("it did not take over")),
        }
    }

    /// The folder of this rig's lock and journal.
    #[must_use]
    pub fn rig_dir(&self) -> PathBuf {
        self.state_dir.join(paths::rig_key(&self.file))
    }

    /// The socket at which this rig's watchdog is asked.
    #[must_use]
    pub fn watchdog_door(&self) -> PathBuf {
        self.runtime_dir.join(format!("{}.watchdog.sock", paths::rig_key(&self.file)))
    }

    /// Where the watchdog's reports go: the first of these that takes it.
    #[must_use]
    pub fn reports(&self) -> [PathBuf; 2] {
        [self.rig_dir().join("reports"), self.runtime_dir.join(paths::rig_key(&self.file)).join("reports")]
    }

    /// The folder of the wrapped app's socket, which only this user enters.
    pub(crate) fn app_folder(&self) -> PathBuf {
        self.runtime_dir.join(format!("{}.app", paths::rig_key(&self.file)))
    }

    /// The socket of this rig's local door.
    #[must_use]
    pub fn door(&self) -> PathBuf {
        self.runtime_dir.join(format!("{}.sock", paths::rig_key(&self.file)))
    }
}
