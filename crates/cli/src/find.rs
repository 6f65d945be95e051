//! Which rig is meant where none is named, and a person's word for opening it.

use std::{
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
};

use killcord::paths;

use crate::stop::Stop;

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A rig file that nobody named.
    Default(PathBuf),
    /// None: the demo is left.
    Demo,
}

/// The rig that is meant where none is named: `./rig.toml`, then the user's config folder, then the demo.
pub(crate) fn default_rig() -> Found {
    let places = [PathBuf::from("rig.toml"), paths::config_dir().join("rig.toml")];
    places.into_iter().find(|place| place.is_file()).map_or(Found::Demo, Found::Default)
}

/// A display that a window could be opened on: X11 or Wayland.
pub(crate) fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// The desktop program, where it is installed with this one.
pub(crate) fn desktop() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?.parent()?.join("killcord-desktop");
    program.is_file().then_some(program)
}

/// Why there is no window; `None` where one can be opened.
pub(crate) fn no_window() -> Option<&'static str> {
    if !has_display() {
        Some("there is no display (DISPLAY and WAYLAND_DISPLAY are unset)")
    } else if desktop().is_none() {
        Some("killcord-desktop is not beside this program")
    } else {
        None
    }
}

/// Asks whether a rig that was found, not named, is to be opened: opening ends whatever runs on it.
pub(crate) fn confirm(file: &Path) -> Result<(), Stop> {
    let whole = file.canonicalize().unwrap_or_else(|_| file.to_path_buf());
    let shown = whole.display();
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Stop::NotConfirmed(format!(
            "{shown} was found, not named, and nobody can be asked whether to open it: name it, \
             `killcord {shown}`. Opening a rig ends whatever runs on it."
        )));
    }
    eprint!("Open {shown}? Its devices are connected and made safe: whatever runs on them is ended. [y/N] ");
    io::stderr().flush().ok();
    let mut answer = String::new();
    // One line of a terminal: the kernel bounds it.
    let read = io::stdin().lock().read_line(&mut answer);
    if read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes" | "Yes") {
        Ok(())
    } else {
        Err(Stop::NotConfirmed(String::from("Not opened; nothing was sent to any device.")))
    }
}
