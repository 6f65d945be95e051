//! Starting a watchdog: the program beside this one, with one end of a pipe as its standard input.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use killcord_watchdog::{LOG, LOG_JSON, pipe::Pipe};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

/// Whether watchdogs say what they say as JSON.
static JSON: AtomicBool = AtomicBool::new(false);

/// Has the watchdogs of this process say what they say on its stderr as JSON, an object a line: for a program whose own
/// log is written so. To be called before one is started.
pub fn speak_json() {
    JSON.store(true, Ordering::Relaxed);
}

/// Where the watchdog's program is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Program {
    /// Beside the running one: `killcord-watchdog`, else `killcord watchdog`.
    #[default]
    Beside,
    /// Here: for a program that ships a watchdog of its own under another name.
    At(PathBuf),
}

impl Program {
    /// The program to start and its arguments.
    ///
    /// # Errors
    /// [`StandbyError::Missing`] says where it was looked for.
    pub fn find(&self) -> Result<(PathBuf, &'static [&'static str]), StandbyError> {
        if let Self::At(path) = self {
            return Ok((path.clone(), &[]));
        }
        let folder = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.to_path_buf()));
        let folder = folder.ok_or(StandbyError::Missing { folder: PathBuf::from(".") })?;
        let (own, killcord) = (folder.join("killcord-watchdog"), folder.join("killcord"));
        match (own.is_file(), killcord.is_file()) {
            (true, _) => Ok((own, &[])),
            (false, true) => Ok((killcord, &["watchdog"])),
            (false, false) => Err(StandbyError::Missing { folder }),
        }
    }
}

/// Why there is no watchdog.
#[derive(Debug, thiserror::Error)]
pub enum StandbyError {
    /// Its program is not there.
    #[error("neither killcord-watchdog nor killcord is in {folder}; put one of them there")]
    Missing {
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// It could not be started.
    #[error("the watchdog could not be started")]
    System(#[from] io::Error),
}

/// A watchdog that was started and has no rig yet. Dropped, it leaves.
#[derive(Debug)]
pub struct Standby {
    pub(super) child: Child,
    pub(super) pipe: Pipe,
    pidfd: OwnedFd,
}

impl Standby {
    /// Starts one. To be called early: before a graphical toolkit, and before memory is short.
    ///
    /// # Errors
    /// [`StandbyError`]; the host then goes on trying, and refuses to arm meanwhile.
    pub fn start(program: &Program) -> Result<Self, StandbyError> {
        let (path, arguments) = program.find()?;
        let (pipe, its_end) = Pipe::pair()?;
        let mut command = Command::new(path);
        if JSON.load(Ordering::Relaxed) {
            command.env(LOG, LOG_JSON);
        }
        let child = command
            .args(arguments)
            .stdin(Stdio::from(OwnedFd::from(its_end)))
            .stdout(Stdio::null())
            .current_dir("/")
            .spawn()?;
        // Not waited for yet, so the number is its own.
        let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).map_err(io::Error::from)?;
        Ok(Self { child, pipe, pidfd })
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Readable once it has ended.
    pub(super) fn life(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Ends it, also when it is stopped. Its pipe stays open until it is dead: an old watchdog must not take the
    /// pipe's end for the host's.
    pub(super) fn end(&mut self) -> Option<ExitStatus> {
        let _gone = pidfd_send_signal(&self.pidfd, Signal::KILL);
        self.wait(Duration::from_secs(1))
    }

    /// Waits for its end, at most so long.
    pub(super) fn wait(&mut self, within: Duration) -> Option<ExitStatus> {
        let within = Timespec {
            tv_sec: i64::try_from(within.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(within.subsec_nanos()),
        };
        let mut life = [PollFd::new(&self.pidfd, PollFlags::IN)];
        let _late = poll(&mut life, Some(&within));
        self.child.try_wait().ok().flatten()
    }
}
