//! One host per rig: an advisory lock on a file, held by an open file description.
//!
//! The description is what holds the lock, not the process: handed to a watchdog, it outlives the host.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::fd::{AsFd, OwnedFd},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

/// Who holds a rig, as it wrote it down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBy {
    /// Its process.
    pub pid: u32,
    /// The program's name.
    pub program: String,
}

/// The lock on a rig, until dropped.
#[derive(Debug)]
pub struct RigLock {
    file: File,
    path: PathBuf,
}

/// Why the lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else has it.
    #[error("the rig is held by {}", match by { Some(by) => format!("{} (process {})", by.program, by.pid), None => "another process".into() })]
    Held {
        /// Who, if it could be read.
        by: Option<HeldBy>,
    },
    /// The file could not be made or opened.
    #[error(
        "cannot open the lock file {path}; check that its folder can be written, or move it with --state-dir"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl RigLock {
    /// Takes the lock of a rig: the file `lock` in its state folder, or, where that cannot be written (a
    /// full disk, a read-only folder), in the runtime folder.
    ///
    /// # Errors
    /// [`LockError`]; `Held` after `wait`.
    pub fn take(folders: [&Path; 2], name: &str, wait: Duration) -> Result<Self, LockError> {
        let [state, runtime] = folders;
        match Self::take_in(state, wait) {
            Err(LockError::File { .. }) => Self::take_in(&runtime.join(name), wait),
            other => other,
        }
    }

    fn take_in(folder: &Path, wait: Duration) -> Result<Self, LockError> {
        let path = folder.join("lock");
        let open = || {
            private_folder(folder)?;
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path)
        };
        let mut file = open().map_err(|source| LockError::File { path: path.clone(), source })?;
        let until = Instant::now() + wait;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < until => {
                    // Nothing tells when a lock becomes free without blocking for ever on it.
                    #[allow(clippy::disallowed_methods)]
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    return Err(LockError::Held { by: read_holder(&mut file) });
                }
                Err(error) => return Err(LockError::File { path, source: error.into() }),
            }
        }
        let lock = Self { file, path };
        // Who holds it is for people; a full disk must not keep a rig from being made safe.
        if let Err(error) = lock.write_holder() {
            tracing::warn!(path = %lock.path.display(), %error, "the holder could not be written into the lock file");
        }
        Ok(lock)
    }

    fn write_holder(&self) -> io::Result<()> {
        let program = std::env::current_exe()
            .ok()
            .and_then(|exe| Some(exe.file_name()?.to_string_lossy().into_owned()));
        let holder =
            HeldBy { pid: std::process::id(), program: program.unwrap_or_else(|| "killcord".into()) };
        let mut file = &self.file;
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&serde_json::to_vec(&holder)?)
    }

    /// A second descriptor of the same open file description: whoever gets it holds the lock too.
    ///
    /// # Errors
    /// When the process is out of descriptors.
    pub fn share(&self) -> io::Result<OwnedFd> {
        self.file.as_fd().try_clone_to_owned()
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn read_holder(file: &mut File) -> Option<HeldBy> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(4096).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// Whether there is such a process that has not ended.
pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // Behind the name, which may hold anything: the state. A zombie's descriptors are closed.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Makes a folder that only its user can enter.
pub(crate) fn private_folder(folder: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rig_is_held_by_one_and_the_other_is_told_who() {
        let dir = tempfile::tempdir().unwrap();
        let folders = [dir.path(), dir.path()];
        let lock = RigLock::take(folders, "rig", Duration::ZERO).unwrap();
        let Err(LockError::Held { by: Some(by) }) = RigLock::take(folders, "rig", Duration::ZERO) else {
            panic!("two hosts hold one rig");
        };
        assert_eq!(by.pid, std::process::id());
        let handed = lock.share().unwrap();
        drop(lock);
        assert!(
            RigLock::take(folders, "rig", Duration::ZERO).is_err(),
            "the description holds it, not the process"
        );
        drop(handed);
        RigLock::take(folders, "rig", Duration::ZERO).unwrap();
    }

    #[test]
    fn a_state_folder_that_cannot_be_made_falls_back_to_the_runtime_folder() {
        let dir = tempfile::tempdir().unwrap();
        let blocked = dir.path().join("file");
        std::fs::write(&blocked, "").unwrap();
        let lock = RigLock::take([&blocked.join("state"), dir.path()], "rig", Duration::ZERO).unwrap();
        assert_eq!(lock.path(), dir.path().join("rig/lock"));
    }
}
