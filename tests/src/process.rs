//! A child process: its output kept line by line with times, its end awaited, and ended with the test.
//!
//! Each is the leader of a process group of its own, gets SIGKILL when the thread that started it ends, and
//! carries a mark in its environment by which what it started is found and ended too. Only marked processes
//! are ever ended here.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ExitStatus};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, kill_process_group, pidfd_open};

mod death;
mod launch;
pub mod look;
mod mark;
mod output;

pub use launch::Launch;
pub use output::{Line, Output, Stream};

/// A process that has ended, and what it said.
#[derive(Debug)]
pub struct Ended {
    /// How.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Ended {
    /// Its exit status; `None` when a signal ended it.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }
}

/// A process at work; ended, with all it started, when dropped.
pub struct Process {
    name: String,
    child: Child,
    mark: String,
    output: Arc<Output>,
    input: Option<ChildStdin>,
    started: Instant,
}

impl Process {
    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// When it was started.
    #[must_use]
    pub const fn started(&self) -> Instant {
        self.started
    }

    /// What it has said so far.
    #[must_use]
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Awaits a line that it says, also one that it has said before.
    ///
    /// # Panics
    /// When it has not said one `within` the limit, or has ended without it; shows what it said instead.
    #[track_caller]
    pub fn await_line(&self, what: &str, within: Duration, wanted: impl Fn(&Line) -> bool) -> Line {
        self.output.await_line(within, wanted).unwrap_or_else(|| {
            panic!("{} did not say within {within:?}: {what}. It said:\n{}", self.name, self.output.all())
        })
    }

    /// Types a line on its standard input.
    pub fn type_line(&mut self, line: &str) {
        let input = self.input.as_mut().expect("started without `with_input`");
        writeln!(input, "{line}").and_then(|()| input.flush()).expect("its standard input is closed");
    }

    /// Types a line on its standard input; says whether there was still somebody to read it.
    pub fn try_type(&mut self, line: &str) -> bool {
        self.input
            .as_mut()
            .is_some_and(|input| writeln!(input, "{line}").and_then(|()| input.flush()).is_ok())
    }

    /// Ends its standard input.
    pub fn end_input(&mut self) {
        self.input = None;
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.raw_pid(), signal)
            .unwrap_or_else(|error| panic!("{}: {signal:?}: {error}", self.name));
    }

    /// Sends a signal to it and to all of its process group.
    pub fn signal_group(&self, signal: Signal) {
        kill_process_group(self.raw_pid(), signal)
            .unwrap_or_else(|error| panic!("the group of {}: {signal:?}: {error}", self.name));
    }

    fn raw_pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Whether it has ended, and how.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Awaits its end; `None` when it is still there after `within`.
    pub fn try_wait(&mut self, within: Duration) -> Option<ExitStatus> {
        if let Some(status) = self.ended() {
            return Some(status);
        }
        let pidfd = pidfd_open(self.raw_pid(), PidfdFlags::empty()).unwrap();
        let end = Instant::now() + within;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(left).unwrap();
            match poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&timeout)) {
                Ok(0) => return None,
                Ok(_) => return self.ended(),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => panic!("poll: {error}"),
            }
        }
    }

    /// Awaits its end.
    ///
    /// # Panics
    /// When it is still there after `within`; shows what it said.
    #[track_caller]
    pub fn wait(&mut self, within: Duration) -> ExitStatus {
        match self.try_wait(within) {
            Some(status) => status,
            None => panic!("{} has not ended within {within:?}. It said:\n{}", self.name, self.output.all()),
        }
    }

    /// The processes that it started, themselves or through others, by their names: `WebKitWebProcess`.
    #[must_use]
    pub fn descendants(&self, name: &str) -> Vec<u32> {
        mark::marked(&self.mark)
            .into_iter()
            .filter(|pid| {
                *pid != self.pid() && mark::command_name(*pid).is_some_and(|found| name.starts_with(&found))
            })
            .collect()
    }

    /// Its resident memory, in bytes.
    #[must_use]
    pub fn resident(&self) -> u64 {
        look::resident(self.pid())
    }

    /// Its address space, in bytes: what `RLIMIT_AS` limits.
    #[must_use]
    pub fn address_space(&self) -> u64 {
        look::address_space(self.pid())
    }

    /// The processor time it has used, all its threads.
    #[must_use]
    pub fn cpu_time(&self) -> Duration {
        look::cpu_time(self.pid())
    }

    /// Ends it and all it started, now.
    pub fn kill(&mut self) {
        let marked = mark::marked(&self.mark);
        // Already gone is as good.
        let _gone = kill_process_group(self.raw_pid(), Signal::KILL);
        for pid in marked.into_iter().filter_map(|pid| Pid::from_raw(pid.cast_signed())) {
            let _gone = kill_process(pid, Signal::KILL);
        }
        let _status = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprint_tail(&self.name, &self.output);
        }
    }
}

#[allow(clippy::print_stderr)] // Shown with the failed test, where the reason is most often found.
fn eprint_tail(name: &str, output: &Output) {
    let all = output.all();
    let tail: Vec<&str> = all.lines().rev().take(25).collect();
    for line in tail.iter().rev() {
        eprintln!("[{name}] {line}");
    }
}

/// Reads lines of `from` until its end.
fn lines(from: impl Read) -> impl Iterator<Item = String> {
    BufReader::new(from)
        .split(b'\n')
        .map_while(Result::ok)
        .map(|line| String::from_utf8_lossy(&line).into_owned())
}

type Shared<T> = (Mutex<T>, Condvar);
