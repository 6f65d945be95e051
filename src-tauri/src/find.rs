//! Which rig is opened. One that was named is; one that was found is confirmed by a person first.

use std::{
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use killcord::paths;

use crate::{dialog, stop::Stop};

/// The rig file to open. Starts the demo in this process' place when that is what is left.
pub(crate) fn rig(named: Option<PathBuf>) -> Result<PathBuf, Stop> {
    if let Some(named) = named {
        return Ok(named);
    }
    let config = paths::config_dir().join("rig.toml");
    for found in [PathBuf::from("rig.toml"), config.clone()] {
        if found.is_file() {
            return confirmed(found);
        }
    }
    demo(config)
}

/// Opening a rig ends whatever runs on it: not without a person's word.
fn confirmed(found: PathBuf) -> Result<PathBuf, Stop> {
    let shown = found.canonicalize().unwrap_or_else(|_| found.clone());
    let explanation = format!(
        "{}\n\nIts devices are connected and made safe: whatever runs on them now is ended.",
        shown.display()
    );
    match dialog::ask("Open this bench?", &explanation, ["Leave it alone", "Open"]) {
        Some(true) => Ok(found),
        Some(false) => Err(Stop::Declined),
        None => Err(Stop::Usage(format!("nobody can be asked whether to open {}: name it", shown.display()))),
    }
}

/// The command line's demo starts the simulated bench and then this program on it.
fn demo(config: PathBuf) -> Result<PathBuf, Stop> {
    let Some(killcord) = beside_this_program("killcord") else { return Err(Stop::NoRig { config }) };
    let explanation = format!(
        "There is no rig.toml here, and none at {}.\n\nThe demo opens a simulated bench: no hardware is touched.",
        config.display()
    );
    match dialog::ask("Open the demo?", &explanation, ["Quit", "Open the demo"]) {
        Some(true) => Err(Stop::Demo(Command::new(killcord).arg("demo").exec())),
        Some(false) => Err(Stop::Declined),
        None => Err(Stop::NoRig { config }),
    }
}

fn beside_this_program(name: &str) -> Option<PathBuf> {
    let here = std::env::current_exe().ok()?;
    let program = here.parent().map(|folder| folder.join(name))?;
    Path::is_file(&program).then_some(program)
}
