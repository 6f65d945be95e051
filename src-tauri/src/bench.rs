//! From a rig file to a running host.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use killcord::{
    Host, Options, Registry, Rig, RigLock, Standby, StartError, core::policy::Watchdog, door, paths,
    signals::Signals,
};
use killcord_rig::RigFile;

use crate::{serve::Ports, stop::Stop};

/// A running window answers its door within it.
const DOOR_ANSWERS: Duration = Duration::from_secs(2);

/// Reads and checks the rig file.
pub(crate) fn check(file: &Path) -> Result<Rig, Stop> {
    let file = RigFile::read(file).map_err(Stop::Rig)?;
    let (rig, warnings) = file.check(&Registry::default().specs()).map_err(Stop::Rig)?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    Ok(rig)
}

/// A rig that this process holds and has not opened yet.
pub(crate) struct Bench {
    rig: Rig,
    options: Options,
    lock: RigLock,
    /// Started before GTK; `None` where the rig does without, or where it could not be started yet.
    watchdog: Option<Standby>,
    /// Where it is served; `None` where it is not.
    ports: Option<Ports>,
}

impl Bench {
    /// Takes the rig's lock; where another process has it, brings that one's window to the front.
    pub(crate) fn hold(rig: Rig, file: &Path, state_dir: Option<PathBuf>) -> Result<Self, Stop> {
        let options = Options::new(file).state_dir(state_dir).wait_for_watchdog(rig.plan.deadline);
        match options.lock() {
            Ok(lock) => {
                let ports = Some(Ports::of(&rig, &options.rig_dir())?);
                let required = rig.policy.safety.watchdog == Watchdog::Required;
                // The host tries again, and says why it does not arm.
                let watchdog = required.then(|| Standby::start(&options.watchdog).ok()).flatten();
                Ok(Self { rig, options, lock, watchdog, ports })
            }
            Err(StartError::Held { .. }) if raised(&options.door()) => Err(Stop::Raised),
            Err(error) => Err(error.into()),
        }
    }

    /// `[rig] name`.
    pub(crate) fn name(&self) -> &str {
        &self.rig.plan.rig
    }

    /// The rig's own name on the session bus, `identifier` being the program's: two rigs in two windows are
    /// two programs.
    pub(crate) fn bus_name(&self, identifier: &str) -> String {
        format!("{identifier}.rig_{}", paths::rig_key(&self.options.file))
    }

    /// Takes out the ports that it is to be served on.
    pub(crate) fn take_ports(&mut self) -> Option<Ports> {
        self.ports.take()
    }

    /// Opens it: from here on, whatever ends the process ends the host first.
    pub(crate) fn open(self, signals: &Signals) -> Result<Host, StartError> {
        signals.hold();
        let host = Host::start_locked(self.rig, self.options, self.lock, self.watchdog);
        match &host {
            Ok(host) => signals.deliver_to(host),
            Err(_) => signals.let_go(),
        }
        host
    }
}

/// Whether the window of the process that holds the rig has come to the front.
///
/// By its local door, with or without a session bus: the lock has decided already who is second, and the
/// door answers in time also when the first is stopped, where a call on the bus would wait.
fn raised(door: &Path) -> bool {
    matches!(door::call(door, door::Request::Raise, DOOR_ANSWERS), Ok(door::Reply::Raised { window: true }))
}
