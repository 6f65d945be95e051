//! Two ends of a simulated serial line (socat).

use std::path::PathBuf;

use tempfile::TempDir;

use crate::place;
use crate::process::{Launch, Process};
use crate::wait::{SOON, until};

/// Two ptys joined back to back.
pub struct PtyPair {
    _process: Process,
    dir: TempDir,
}

impl PtyPair {
    /// Makes one.
    #[must_use]
    pub fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let end = |name: &str| format!("pty,raw,echo=0,link={}/{name}", dir.path().display());
        let process = Launch::new(place::system("socat")).arg(end("a")).arg(end("b")).start();
        let pair = Self { _process: process, dir };
        until("both ends of a pty pair", SOON, || (pair.a().exists() && pair.b().exists()).then_some(()));
        pair
    }

    /// One end.
    #[must_use]
    pub fn a(&self) -> PathBuf {
        self.dir.path().join("a")
    }

    /// The other.
    #[must_use]
    pub fn b(&self) -> PathBuf {
        self.dir.path().join("b")
    }
}
