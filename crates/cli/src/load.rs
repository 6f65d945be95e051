//! From a rig file's path to a checked rig.

use std::path::Path;

use killcord::{Registry, Rig};
use killcord_rig::{Diagnostic, RigFile, Style};

use crate::{console::Console, stop::Stop};

/// Reads and checks a rig file for the drivers that this program has.
pub(crate) fn check(file: &Path) -> Result<(Rig, Vec<Diagnostic>), Stop> {
    RigFile::read(file).and_then(|file| file.check(&Registry::default().specs())).map_err(Stop::Rig)
}

/// The same, its warnings told on stderr.
pub(crate) fn rig(file: &Path, console: &Console) -> Result<Rig, Stop> {
    let (rig, warnings) = check(file)?;
    for warning in warnings {
        console.error(warning.render(Style::of(&std::io::stderr())));
    }
    Ok(rig)
}
