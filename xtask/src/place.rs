//! Where things are: every path the chores use, relative to the workspace's root.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The profile everything is built with.
pub(crate) const PROFILE: &str = "fast";
/// The instruments of others that the tests talk to: a Python virtual environment.
pub(crate) const PEERS: &str = "target/peers";
/// The exact versions in it.
pub(crate) const PEERS_LIST: &str = "tests/peers/requirements.txt";
/// A Node of the project's own, where the machine's is too old.
pub(crate) const NODE: &str = "target/node";
/// The front end: an npm workspace of `client` and `panel`.
pub(crate) const UI: &str = "ui";
/// The packages that the tests and measurements of real processes start, built in this grouping: what is built
/// together shares features, and the command line must not be built with those that only a window needs.
pub(crate) const PROCESSES: &[&[&str]] = &[
    &["-p", "killcord-cli", "-p", "killcord-watchdog", "-p", "killcord-faulty-host"],
    &[
        "-p",
        "killcord-desktop",
        "-p",
        "killcord-example-tauri-app",
        "-p",
        "killcord-empty-window",
        "-p",
        "killcord-stuck-window",
    ],
];
/// The programs that hold those tests.
pub(crate) const TESTS: &str = "tests/tests";
/// The panel as built; the desktop app embeds it.
pub(crate) const PANEL: &str = "ui/panel/dist";

/// Makes the workspace's root the current folder, wherever cargo was started.
pub(crate) fn enter_root() -> Result<()> {
    let here = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    let root = Path::new(&here).parent().context("xtask lies in the workspace's root")?;
    std::env::set_current_dir(root).with_context(|| format!("cannot enter {}", root.display()))
}

/// A program of this workspace, as built with [`PROFILE`].
pub(crate) fn built(program: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    target.join(PROFILE).join(program)
}
