//! A host under test: a process of its own, in folders of its own, and its watchdog.

use std::{
    fs::{self, File},
    io,
    os::{fd::OwnedFd, unix::process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use killcord::{Options, door, wire::RigView};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, kill_process, kill_process_group, pidfd_open, pidfd_send_signal},
};
use tempfile::TempDir;

use super::pty::Pty;

/// Within which the local door answers that it lives.
const DOOR: Duration = Duration::from_secs(2);
/// Of what a host said, so much is repeated.
const LAST_WORDS: usize = 4;

/// The folders of one run. Dropped, they are removed.
#[derive(Debug)]
pub(super) struct Folders {
    root: TempDir,
    /// The rig file that hosts open: in these folders, or the real one.
    pub(super) rig: PathBuf,
}

impl Folders {
    /// Makes them; `rig` is the file that hosts open, `rig.toml` in them if not given.
    pub(super) fn make(rig: Option<&Path>) -> io::Result<Self> {
        // Short: the path of a Unix socket has 108 bytes.
        let root = tempfile::Builder::new().prefix("kcd").tempdir()?;
        for name in ["state", "run"] {
            fs::create_dir(root.path().join(name))?;
        }
        let rig = rig.map_or_else(|| root.path().join("rig.toml"), Path::to_path_buf);
        Ok(Self { root, rig })
    }

    pub(super) fn path(&self) -> &Path {
        self.root.path()
    }

    fn state(&self) -> PathBuf {
        self.root.path().join("state")
    }

    /// The settings of the host that runs here.
    pub(super) fn options(&self) -> Options {
        let mut options = Options::new(&self.rig).state_dir(Some(self.state()));
        options.runtime_dir = self.root.path().join("run/killcord");
        options
    }

    fn command(&self, program: &Path, bus: Option<&str>) -> Command {
        let mut command = Command::new(program);
        command.env("XDG_RUNTIME_DIR", self.root.path().join("run"));
        // A second window of this program on the person's own session bus would only raise the first.
        command.env_remove("DBUS_SESSION_BUS_ADDRESS");
        if let Some(bus) = bus {
            command.env("DBUS_SYSTEM_BUS_ADDRESS", bus);
        }
        command
    }

    /// What hosts said last, for a person to read.
    pub(super) fn last_words(&self) -> Option<String> {
        let text = fs::read(self.root.path().join("host.err")).ok()?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let last = lines[lines.len().saturating_sub(LAST_WORDS)..].join(" ");
        (!last.is_empty()).then_some(last)
    }

    fn streams(&self, command: &mut Command) -> io::Result<()> {
        let said = |name: &str| File::options().create(true).append(true).open(self.root.path().join(name));
        command.stdout(said("host.out")?).stderr(said("host.err")?);
        Ok(())
    }
}

/// What a host is started as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// `serve --arm`.
    Armed,
    /// `serve`: the start after an unclean end.
    Plain,
    /// `serve --arm` as the leader of a terminal's session.
    OnTerminal,
    /// The desktop window.
    Window,
}

/// A host that runs. Dropped, whatever is left of it is killed.
#[derive(Debug)]
pub(super) struct Host {
    child: Child,
    pid: Pid,
    pidfd: OwnedFd,
    door: PathBuf,
    group: bool,
    terminal: Option<Pty>,
    /// Its watchdogs so far: killed with it where one is left.
    watchdogs: Vec<Process>,
}

impl Host {
    pub(super) fn start(
        folders: &Folders,
        programs: &Programs,
        start: Start,
        bus: Option<&str>,
    ) -> io::Result<Self> {
        let mut terminal = None;
        let mut command = match start {
            Start::Armed | Start::Plain => folders.command(&programs.killcord, bus),
            Start::OnTerminal => {
                // Makes the terminal the session's own, then becomes the host.
                let mut command = folders.command(Path::new("setsid"), bus);
                command.arg("--ctty").arg(&programs.killcord);
                command
            }
            Start::Window => folders.command(&programs.desktop, bus),
        };
        if start != Start::Window {
            command.arg("serve");
        }
        command.arg("--state-dir").arg(folders.state()).arg(&folders.rig);
        if matches!(start, Start::Armed | Start::OnTerminal) {
            command.arg("--arm");
        }
        match start {
            Start::OnTerminal => {
                let (keyboard, screen) = Pty::open()?;
                command.stdin(screen.try_clone()?).stdout(screen.try_clone()?).stderr(screen);
                terminal = Some(keyboard);
            }
            Start::Armed | Start::Plain | Start::Window => {
                folders.streams(&mut command)?;
                // Somebody is at the input for as long as this process lives.
                command.stdin(Stdio::piped()).process_group(0);
            }
        }
        let child = command.spawn()?;
        let pid = Pid::from_child(&child);
        let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
        let door = folders.options().door();
        let group = start != Start::OnTerminal;
        Ok(Self { child, pid, pidfd, door, group, terminal, watchdogs: Vec::new() })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How the rig stands, by the host's own word.
    pub(super) fn view(&self) -> Option<RigView> {
        match door::call(&self.door, door::Request::Status, DOOR) {
            Ok(door::Reply::Status { rig, .. }) => Some(*rig),
            Ok(_) | Err(_) => None,
        }
    }

    /// Asks for a safe stop, and does not wait for what comes of it.
    pub(super) fn safe_stop(&self) {
        let door = self.door.clone();
        let ask = move || {
            if let Err(error) = door::call(&door, door::Request::Safe, DOOR) {
                // What came of it, the instruments say.
                tracing::debug!(%error, "the safe stop was not answered in time");
            }
        };
        if let Err(error) = std::thread::Builder::new().name("killcord-drill-stop".into()).spawn(ask) {
            tracing::error!(%error, "the system gives no thread to ask for a safe stop");
        }
    }

    /// Sends it a signal; one that has ended needs none.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        match pidfd_send_signal(&self.pidfd, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends the signal to it and to all that it started in its group.
    pub(super) fn signal_group(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process_group(self.pid, signal)?)
    }

    /// Cuts its terminal.
    pub(super) fn close_terminal(&mut self) {
        self.terminal = None;
    }

    /// Waits until it has ended; `None` if it does not in time.
    pub(super) fn end(&mut self, within: Duration) -> io::Result<Option<ExitStatus>> {
        if gone(&self.pidfd, within)? { self.child.wait().map(Some) } else { Ok(None) }
    }

    /// A watchdog of it that lives; another one than `than`.
    pub(super) fn watchdog(&mut self, than: Option<Pid>) -> Option<Process> {
        let other = |pid: &Pid| Some(*pid) != than && is_watchdog(*pid);
        let found = children(self.pid).into_iter().find(other)?;
        let process = Process::of(found).ok()?;
        if !self.watchdogs.iter().any(|known| known.pid == found) {
            self.watchdogs.push(process.again().ok()?);
        }
        Some(process)
    }

    /// Waits until its watchdogs have ended, at most so long; true if they have.
    pub(super) fn watchdogs_gone(&self, within: Duration) -> bool {
        let until = Instant::now() + within;
        let left = || until.saturating_duration_since(Instant::now());
        self.watchdogs.iter().all(|process| gone(&process.pidfd, left()).unwrap_or(true))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let ended = matches!(self.child.try_wait(), Ok(Some(_)));
        if !ended {
            let killed = if self.group {
                kill_process_group(self.pid, Signal::KILL)
            } else {
                kill_process(self.pid, Signal::KILL)
            };
            if killed.is_ok()
                && let Err(error) = self.child.wait()
            {
                tracing::debug!(%error, "a host under test was not awaited");
            }
        }
        for watchdog in &self.watchdogs {
            // Most have ended long ago.
            watchdog.signal(Signal::KILL).ok();
        }
    }
}

/// The programs under test.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    pub(super) killcord: PathBuf,
    pub(super) desktop: PathBuf,
}

impl Programs {
    /// This program, and the desktop one beside it.
    pub(crate) fn find() -> io::Result<Self> {
        let killcord = std::env::current_exe()?;
        let desktop = killcord.with_file_name("killcord-desktop");
        Ok(Self { killcord, desktop })
    }

    /// This program: it stands in for programs of the rig as well.
    pub(crate) fn killcord(&self) -> &Path {
        &self.killcord
    }
}

/// A process that is no child of this one, by a descriptor: its number may be somebody else's a moment later.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: Pid,
    pidfd: OwnedFd,
}

impl Process {
    fn of(pid: Pid) -> io::Result<Self> {
        Ok(Self { pid, pidfd: pidfd_open(pid, PidfdFlags::empty())? })
    }

    fn again(&self) -> io::Result<Self> {
        Ok(Self { pid: self.pid, pidfd: self.pidfd.try_clone()? })
    }

    /// One that has ended needs none.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        match pidfd_send_signal(&self.pidfd, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn gone(pidfd: &OwnedFd, within: Duration) -> io::Result<bool> {
    let until = Instant::now() + within;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(pidfd, PollFlags::IN)], Some(&timeout)) {
            Ok(ready) => return Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The processes that a process has started.
fn children(parent: Pid) -> Vec<Pid> {
    let Ok(all) = fs::read_dir("/proc") else { return Vec::new() };
    let numbers = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let is_child = |pid: &i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name stands in brackets and may hold anything; state and parent follow it.
        let after = stat.rsplit_once(')').map(|(_, after)| after);
        let mut fields = after.unwrap_or_default().split_whitespace();
        let (state, of) = (fields.next(), fields.next());
        state != Some("Z") && of.and_then(|of| of.parse().ok()) == Some(parent.as_raw_nonzero().get())
    };
    numbers.filter(is_child).filter_map(Pid::from_raw).collect()
}

/// `killcord-watchdog`, or `killcord watchdog`.
fn is_watchdog(pid: Pid) -> bool {
    let line = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
    let mut words = line.split(|byte| *byte == 0);
    let program = words.next().unwrap_or_default();
    program.ends_with(b"killcord-watchdog") || words.next() == Some(b"watchdog")
}
