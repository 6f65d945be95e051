//! From a rig file to a running host.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use killcord::{Host, Options, Registry, Rig, StartError, door, signals::Signals};
use killcord_rig::RigFile;

use crate::stop::Stop;

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

/// Starts the host; where another process holds the rig, brings that one's window to the front.
pub(crate) fn start(
    signals: &Signals,
    rig: Rig,
    file: &Path,
    state_dir: Option<PathBuf>,
) -> Result<Host, Stop> {
    let options = Options::new(file).state_dir(state_dir);
    let door = options.door();
    signals.hold();
    match Host::start(rig, options) {
        Ok(host) => {
            signals.deliver_to(&host);
            Ok(host)
        }
        Err(error) => {
            signals.let_go();
            Err(if matches!(error, StartError::Held { .. }) && raised(&door) {
                Stop::Raised
            } else {
                error.into()
            })
        }
    }
}

/// Whether the window of the process that holds the rig has come to the front.
///
/// By its local door, with or without a session bus: the rig's lock has decided already who is second, and
/// the door is that rig's own, where a name on the bus would be the whole program's.
fn raised(door: &Path) -> bool {
    matches!(door::call(door, door::Request::Raise, DOOR_ANSWERS), Ok(door::Reply::Raised { window: true }))
}
