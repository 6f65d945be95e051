//! Where the programs are: beside the test that runs, and in the virtual environment of the peers.

use std::path::{Path, PathBuf};

/// The workspace's root.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The folder of the profile that this test was built with: `target/fast`.
fn profile_dir() -> PathBuf {
    let me = std::env::current_exe().unwrap();
    let dir = me.parent().unwrap();
    if dir.ends_with("deps") { dir.parent().unwrap().to_owned() } else { dir.to_owned() }
}

/// A program of this workspace, built with the same profile; `KILLCORD_BIN_DIR` names another folder.
///
/// # Panics
/// When it is not built; says how to build it.
#[must_use]
#[track_caller]
pub fn program(name: &str) -> PathBuf {
    let dir = std::env::var_os("KILLCORD_BIN_DIR").map_or_else(profile_dir, PathBuf::from);
    let path = dir.join(name);
    assert!(
        path.is_file(),
        "{} is not built. Run: cargo build --profile fast -p {}",
        path.display(),
        package(name)
    );
    path
}

fn package(program: &str) -> &str {
    match program {
        "killcord" => "killcord-cli",
        other => other,
    }
}

/// A program of the instruments of others; `KILLCORD_PEERS` names another virtual environment.
///
/// # Panics
/// When it is not installed; says how to install it.
#[must_use]
#[track_caller]
pub fn peer(name: &str) -> PathBuf {
    let venv = std::env::var_os("KILLCORD_PEERS").map_or_else(|| root().join("target/peers"), PathBuf::from);
    let path = venv.join("bin").join(name);
    assert!(path.is_file(), "{} is not installed. Run: cargo xtask test --only peers", path.display());
    path
}

/// A program of the system.
///
/// # Panics
/// When it is not installed; says how to install it.
#[must_use]
#[track_caller]
pub fn system(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("`{name}` is not installed. Run: cargo xtask test --only install"))
}
