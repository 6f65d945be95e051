//! Where the demo's files are.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The demo's folder in the state folder: bench, rig, and which bench runs.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn of(state_dir: &Path) -> Self {
        Self(state_dir.join("demo"))
    }

    /// The rig file, with the addresses of the bench that runs.
    pub(crate) fn rig(&self) -> PathBuf {
        self.0.join("rig.toml")
    }

    /// The instruments' file.
    pub(crate) fn bench(&self) -> PathBuf {
        self.0.join("bench.toml")
    }

    /// Which bench runs; locked while one is looked for or started.
    pub(super) fn running(&self) -> PathBuf {
        self.0.join("running.json")
    }

    pub(super) fn make(&self) -> io::Result<()> {
        fs::create_dir_all(&self.0)
    }
}
