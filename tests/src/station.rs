//! One person's machine: a home, a state folder and a runtime folder of its own, rig files, and the programs
//! started with them. Nothing of the person who runs the tests is read or written.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::place;
use crate::process::Launch;

/// The machine.
pub struct Station {
    dir: TempDir,
}

impl Default for Station {
    fn default() -> Self {
        Self::new()
    }
}

impl Station {
    /// A new one.
    #[must_use]
    pub fn new() -> Self {
        // Short: the path of a Unix socket has 108 bytes.
        let dir = tempfile::Builder::new().prefix("kc").tempdir().unwrap();
        for name in ["home", "state", "run", "config"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        let run = dir.path().join("run");
        std::fs::set_permissions(run, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        Self { dir }
    }

    /// A folder of it: `home`, `state`, `run`, `config`.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Where the programs keep journal, lock and reports.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.path("state")
    }

    /// The part of [`Self::state`] that is a rig's.
    #[must_use]
    pub fn folder(&self, rig: &Path) -> PathBuf {
        killcord::Options::new(rig).state_dir(Some(self.state().join("killcord"))).rig_dir()
    }

    /// Writes a rig file.
    #[must_use]
    pub fn rig(&self, text: &str) -> PathBuf {
        let path = self.path("rig.toml");
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A program of the workspace on this machine.
    #[must_use]
    pub fn launch(&self, program: &str) -> Launch {
        self.dress(Launch::new(place::program(program)))
    }

    /// `killcord` with these arguments.
    #[must_use]
    pub fn killcord<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Launch {
        self.launch("killcord").args(args)
    }

    /// The environment of this machine's person.
    #[must_use]
    pub fn dress(&self, launch: Launch) -> Launch {
        let vars = [
            ("HOME", "home"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_DATA_HOME", "state"),
            ("XDG_CACHE_HOME", "state"),
            ("XDG_RUNTIME_DIR", "run"),
            ("XDG_CONFIG_HOME", "config"),
        ];
        let vars = vars.map(|(key, name)| (OsString::from(key), self.path(name).into_os_string()));
        launch.envs(vars).dir(self.dir.path())
    }
}

/// The text of a path for a rig file.
#[must_use]
pub fn quoted(path: &Path) -> String {
    format!("{:?}", path.display().to_string())
}
