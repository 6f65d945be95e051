//! The bench's process: found or started, and ended.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::sync_channel,
    thread,
    time::Duration,
};

use killcord_sim::{Announcement, Witness};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{FlockOperation, flock},
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};
use serde::{Deserialize, Serialize};

use super::Folder;

/// Within which a bench that is started says where it listens.
const STARTS_WITHIN: Duration = Duration::from_secs(20);
/// Within which one that is told to end has ended.
const ENDS_WITHIN: Timespec = Timespec { tv_sec: 3, tv_nsec: 0 };
/// The longest announcement that is read, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Why there is no bench.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// Its folder or one of its files cannot be written.
    #[error("{path} cannot be written; check the disk, or move the state with --state-dir")]
    Files {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The simulator could not be started.
    #[error("`killcord sim` cannot be started")]
    Start(#[source] io::Error),
    /// It did not say where it listens.
    #[error("`killcord sim {0}` did not come up; run it by hand to see why")]
    Silent(String),
}

/// What the file says of the bench that runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Running {
    pid: i32,
    announcement: Announcement,
}

/// A bench that runs.
#[derive(Debug)]
pub(crate) struct Bench {
    folder: Folder,
    running: Running,
    /// It ran before this program was started.
    pub(crate) found: bool,
    /// Reaped at its end, where it is a child of this process.
    child: Option<Child>,
}

impl Bench {
    /// The bench that the demo before left running, or a new one; its rig is written for it.
    pub(crate) fn find_or_start(folder: &Folder, arm: bool) -> Result<Self, BenchError> {
        let files = |path: PathBuf| move |source| BenchError::Files { path, source };
        folder.make().map_err(files(folder.running()))?;
        let path = folder.running();
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = file.map_err(files(path.clone()))?;
        // Two demos started at the same moment find one bench.
        flock(&file, FlockOperation::LockExclusive).map_err(|error| files(path.clone())(error.into()))?;
        let (running, found, child) = match living(&mut file) {
            Some(running) => (running, true, None),
            None => {
                let (running, child) = start(folder)?;
                note(&mut file, &running).map_err(files(path))?;
                (running, false, Some(child))
            }
        };
        let mut rig = killcord_sim::demo::rig(&running.announcement.instruments);
        if arm {
            rig = rig.replace("arm = \"manual\"", "arm = \"on-first-session\"");
        }
        fs::write(folder.rig(), rig).map_err(files(folder.rig()))?;
        Ok(Self { folder: folder.clone(), running, found, child })
    }

    /// The witness's URL.
    pub(crate) fn witness(&self) -> &str {
        &self.running.announcement.witness
    }

    /// The bench's process.
    pub(crate) const fn pid(&self) -> i32 {
        self.running.pid
    }

    /// Ends it and waits for that, for a moment.
    pub(crate) fn end(mut self) {
        let ours = self.child.is_some() || is_bench(self.running.pid, &self.folder.bench());
        if let Some(pid) = Pid::from_raw(self.running.pid).filter(|_| ours)
            && let Err(error) = end(pid)
        {
            tracing::debug!(%error, "the bench has ended already");
        }
        if let Some(child) = &mut self.child
            && let Err(error) = child.try_wait()
        {
            tracing::debug!(%error, "the bench was not awaited");
        }
        if let Err(error) = fs::remove_file(self.folder.running()) {
            tracing::debug!(%error, "the note of the bench was not removed");
        }
    }
}

/// By a descriptor of the process: its number may be somebody else's a moment later.
fn end(pid: Pid) -> rustix::io::Result<()> {
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    pidfd_send_signal(&process, Signal::TERM)?;
    poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&ENDS_WITHIN)).map(drop)
}

/// The bench that the file names, if it answers and is one.
fn living(file: &mut File) -> Option<Running> {
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    let running: Running = serde_json::from_str(&text).ok()?;
    let snapshot = Witness::at(&running.announcement.witness).ok()?.inspect().ok()?;
    let same = running.announcement.instruments.iter().all(|(name, address)| {
        snapshot.instruments.get(name).is_some_and(|instrument| instrument.connect == *address)
    });
    same.then_some(running)
}

fn note(file: &mut File, running: &Running) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&serde_json::to_vec(running)?)
}

/// Whether a process is the simulator of this very bench: numbers of processes are used again.
fn is_bench(pid: i32, bench: &Path) -> bool {
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let bench = bench.as_os_str().as_encoded_bytes();
    let mut arguments = arguments.split(|byte| *byte == 0);
    arguments.next().is_some()
        && arguments.next() == Some(b"sim")
        && arguments.any(|argument| argument == bench)
}

/// Starts `killcord sim` in a session of its own and reads where it listens.
fn start(folder: &Folder) -> Result<(Running, Child), BenchError> {
    let bench = folder.bench();
    fs::write(&bench, killcord_sim::demo::bench())
        .map_err(|source| BenchError::Files { path: bench.clone(), source })?;
    let program = std::env::current_exe().map_err(BenchError::Start)?;
    let mut child = Command::new(program)
        .arg("sim")
        .arg(&bench)
        .args(["--any-ports", "--quiet", "--own-session", "--json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(BenchError::Start)?;
    let pid = i32::try_from(child.id()).unwrap_or_default();
    match child.stdout.take().and_then(announcement) {
        Some(announcement) => Ok((Running { pid, announcement }, child)),
        None => {
            // Whatever it is, it is no bench.
            let ended = child.kill().and_then(|()| child.wait().map(drop));
            if let Err(error) = ended {
                tracing::debug!(%error, "the simulator has ended already");
            }
            Err(BenchError::Silent(bench.display().to_string()))
        }
    }
}

/// The first line, waited for on a thread so that a simulator that says nothing holds nobody up.
fn announcement(stdout: impl io::Read + Send + 'static) -> Option<Announcement> {
    let (line, first) = sync_channel(1);
    let read = move || {
        let mut text = String::new();
        if BufReader::new(stdout.take(LONGEST)).read_line(&mut text).is_ok() {
            line.send(text).ok();
        }
    };
    thread::Builder::new().name("killcord-bench".into()).spawn(read).ok()?;
    serde_json::from_str(&first.recv_timeout(STARTS_WITHIN).ok()?).ok()
}
