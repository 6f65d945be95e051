//! One person's machine with the demo's bench on it, and `killcord` run there as a real process.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use killcord_sim::{Running, Sim, Snapshot};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open},
};
use tempfile::TempDir;

/// Longer than anything takes on a loaded machine.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The machine: folders of its own, so that nothing of the person who runs the tests is read or written.
pub struct Machine {
    dir: TempDir,
    pub bench: Running,
}

impl Machine {
    pub fn new() -> Self {
        // Short: the path of a Unix socket has 108 bytes.
        let dir = tempfile::Builder::new().prefix("kc").tempdir().unwrap();
        for name in ["home", "state", "run", "config"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let bench = Sim::start(killcord_sim::demo::config().unwrap()).unwrap();
        Self { dir, bench }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The demo's rig on this machine's bench.
    pub fn rig(&self) -> PathBuf {
        self.write(&killcord_sim::demo::rig(&self.bench.addresses()))
    }

    /// The same with nobody who acts for a killed host.
    pub fn rig_without_a_watchdog(&self) -> PathBuf {
        let text = killcord_sim::demo::rig(&self.bench.addresses());
        self.write(&text.replacen("[safety]", "[safety]\nwatchdog = \"off\"", 1))
    }

    /// A rig file with this text.
    pub fn write(&self, text: &str) -> PathBuf {
        let path = self.path("rig.toml");
        fs::write(&path, text).unwrap();
        path
    }

    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        for (key, name) in [
            ("HOME", "home"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_RUNTIME_DIR", "run"),
            ("XDG_CONFIG_HOME", "config"),
        ] {
            command.env(key, self.path(name));
        }
        // Not where a rig file lies: one is opened only where a test means it.
        command.current_dir(self.path("home")).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        command
    }

    /// Runs `killcord` to its end, its input from `/dev/null`.
    #[track_caller]
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ended {
        let mut command = self.command(env!("CARGO_BIN_EXE_killcord"));
        command.args(args).stdin(Stdio::null());
        Killcord::start(command).end()
    }

    /// `killcord serve --arm RIG` with somebody at its input; armed when this returns.
    #[track_caller]
    pub fn serve_armed(&self, rig: &Path) -> Killcord {
        let killcord = self.serve(rig, &["--arm"]);
        self.await_on();
        killcord
    }

    #[track_caller]
    pub fn serve(&self, rig: &Path, more: &[&str]) -> Killcord {
        let mut command = self.command(env!("CARGO_BIN_EXE_killcord"));
        command.arg("serve").arg(rig).args(more).stdin(Stdio::piped());
        Killcord::start(command)
    }

    /// Speaks to an instrument as somebody else's program would.
    pub fn turn_on(&self, instrument: &str, lines: &str) {
        let at = self.bench.addresses()[instrument].tcp().unwrap();
        let mut stream = TcpStream::connect(at).unwrap();
        stream.write_all(lines.as_bytes()).unwrap();
        // Read by the instrument before it is let go of.
        stream.write_all(b"*OPC?\n").unwrap();
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).unwrap();
    }

    #[track_caller]
    pub fn await_on(&self) {
        self.await_state("everything to be on", |now| now.instruments.values().all(|it| it.energised));
    }

    #[track_caller]
    pub fn await_state(&self, what: &str, state: impl Fn(&Snapshot) -> bool) -> Snapshot {
        match self.bench.wait_until(state, LIMIT) {
            Ok(snapshot) => snapshot,
            Err(error) => panic!("waited in vain for {what}: {error}"),
        }
    }

    /// The witness's word: everything is off, in the declared order, each safe command sent exactly once
    /// since the rig was armed.
    #[track_caller]
    pub fn assert_made_safe_once(&self) {
        let now = self.bench.inspect();
        for (name, instrument) in &now.instruments {
            assert!(!instrument.energised, "{name} is on");
        }
        let mut at = Vec::new();
        for (name, on, off) in [
            ("psu", "OUTP ON", "OUTP OFF"),
            ("load", "INP ON", "INP OFF"),
            ("furnace", "write_coil 0 true", "write_coil 0 false"),
        ] {
            let own: Vec<_> = now.commands.iter().filter(|command| command.instrument == name).collect();
            let armed = own.iter().rposition(|command| command.text == on).expect("was armed");
            let offs: Vec<_> = own[armed..].iter().filter(|command| command.text == off).collect();
            assert_eq!(offs.len(), 1, "{name}: {offs:?}");
            at.push(offs[0].seq);
        }
        assert!(at[0] < at[1], "the load goes off before its supply");
    }
}

/// What a process said and how it ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    #[track_caller]
    pub fn assert_code(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{self:?}");
        self
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A running `killcord`; killed when dropped.
pub struct Killcord {
    child: Child,
    input: Option<ChildStdin>,
    out: Option<Arc<Text>>,
    err: Option<Arc<Text>>,
}

#[derive(Default)]
struct Text {
    all: Mutex<(String, bool)>,
    grown: Condvar,
}

impl Text {
    fn of(from: impl Read + Send + 'static) -> Arc<Self> {
        let text = Arc::new(Self::default());
        let growing = Arc::clone(&text);
        thread::spawn(move || {
            let mut from = BufReader::new(from);
            let mut line = Vec::new();
            while from.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                growing.all.lock().unwrap().0.push_str(&String::from_utf8_lossy(&line));
                growing.grown.notify_all();
                line.clear();
            }
            growing.all.lock().unwrap().1 = true;
            growing.grown.notify_all();
        });
        text
    }

    /// Waits until it holds `what`, or its end.
    fn until(&self, what: &str) -> String {
        let waits = |all: &mut (String, bool)| !all.1 && (what.is_empty() || !all.0.contains(what));
        let all = self.all.lock().unwrap();
        self.grown.wait_timeout_while(all, LIMIT, waits).unwrap().0.0.clone()
    }
}

impl Killcord {
    #[track_caller]
    pub fn start(mut command: Command) -> Self {
        Self::start_with(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    /// With the streams that the command has.
    #[track_caller]
    pub fn start_with(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take();
        let out = child.stdout.take().map(Text::of);
        let err = child.stderr.take().map(Text::of);
        Self { child, input, out, err }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn type_line(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Types `arm` until the rig arms: in its first moment a host still waits for its watchdog, and says so.
    #[track_caller]
    pub fn arm(&mut self) {
        const YET: &str = "there is no watchdog yet";
        for refused in 1.. {
            self.type_line("arm");
            let (out, err) = (self.out.as_ref().unwrap(), self.err.as_ref().unwrap());
            let done = || out.all.lock().unwrap().0.contains("arm: done");
            let until = Instant::now() + LIMIT;
            while !done() && err.all.lock().unwrap().0.matches(YET).count() < refused {
                assert!(Instant::now() < until, "no answer to `arm`: {}", self.said());
                // Between two looks.
                thread::park_timeout(Duration::from_millis(5));
            }
            if done() {
                return;
            }
        }
    }

    pub fn end_input(&mut self) {
        self.input = None;
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The process that acts for it when it is dead; it has one when it is armed.
    #[track_caller]
    pub fn watchdog(&self) -> Watchdog {
        // Each thread has the children that it has started.
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
        let children =
            threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("children")).unwrap());
        let children: String = children.collect();
        let is_it = |pid: &&str| {
            fs::read_to_string(format!("/proc/{pid}/comm"))
                .is_ok_and(|name| "killcord-watchdog".starts_with(name.trim()))
        };
        let pid = children.split_whitespace().find(is_it).expect("there is no watchdog");
        let pid = Pid::from_raw(pid.parse().unwrap()).unwrap();
        Watchdog(pidfd_open(pid, PidfdFlags::empty()).unwrap())
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Awaits words on its stdout.
    #[track_caller]
    pub fn await_words(&self, words: &str) {
        let said = self.out.as_ref().unwrap().until(words);
        assert!(said.contains(words), "did not say {words:?}: {said}\n{}", self.said());
    }

    /// Awaits words on its stderr.
    #[track_caller]
    pub fn await_error(&self, words: &str) -> String {
        let said = self.err.as_ref().unwrap().until(words);
        assert!(said.contains(words), "did not say {words:?}: {said}");
        said
    }

    fn said(&self) -> String {
        self.err.as_ref().map_or_else(String::new, |err| err.all.lock().unwrap().0.clone())
    }

    /// Awaits its end.
    #[track_caller]
    pub fn end(mut self) -> Ended {
        let until = Instant::now() + LIMIT;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "has not ended: {}", self.said());
            // Between two looks.
            thread::park_timeout(Duration::from_millis(5));
        };
        let text = |text: &Option<Arc<Text>>| text.as_ref().map_or_else(String::new, |text| text.until(""));
        Ended { status, stdout: text(&self.out), stderr: text(&self.err) }
    }
}

/// A watchdog's process.
pub struct Watchdog(OwnedFd);

impl Watchdog {
    /// Awaits that there is nothing left for it to do.
    #[track_caller]
    pub fn await_end(&self) {
        let limit = Timespec::try_from(LIMIT).unwrap();
        let ended = poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&limit));
        assert_eq!(ended, Ok(1), "the watchdog has not ended");
    }
}

impl Drop for Killcord {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}
