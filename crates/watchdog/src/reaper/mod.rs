//! The reaper: the process between a host and its app, from which nothing of the app gets away.
//!
//! It is the subreaper of everything that the app starts (prctl(2)), so that a process which leaves its parent,
//! its group and its session stays below it. It ends the whole tree when it is told to, when the app ends, and when
//! the host is gone: the pipe's end says so, whether or not anybody watches over the host. **It must never** leave
//! while a process of the app is left, or let one have a descriptor of the host's.

mod frame;
mod tree;

use std::{
    io,
    os::fd::OwnedFd,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process_group, set_child_subreaper, wait},
};

pub use self::{
    frame::{FromReaper, ToReaper},
    tree::{MARK, Tree, started_at},
};
use crate::{
    pipe::{Pipe, Received},
    protect, sys,
};

/// The argument that makes a watchdog's program a reaper.
pub const ARGUMENT: &str = "app";
/// Between two looks at a tree that is being killed.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// The same once it has not gone for [`SLOW_AFTER`]: one that hangs in the kernel.
const LOOK_SELDOM: Duration = Duration::from_millis(100);
/// Most trees are gone long before.
const SLOW_AFTER: Duration = Duration::from_millis(500);

/// Serves the host at the other end of the pipe until nothing of its app is left.
pub(crate) fn serve(pipe: &Pipe) {
    protect::shrug_off_signals();
    // Fails where it leads a group already, which is a session of its own started by somebody else.
    let _leads_one = rustix::process::setsid();
    let Some(command) = first_word(pipe) else { return };
    match start(&command) {
        Ok((app, ended)) => Reaper { pipe, app: Some(app), ended, killing: None }.until_gone(),
        Err(error) => {
            let program = command.first().map_or("", String::as_str);
            let why =
                format!("`{program}` cannot be started: {error}; is it installed, and is its path right?");
            tell(pipe, &FromReaper::NotStarted { why });
        }
    }
}

/// What is to be started; `None` where the host is gone.
fn first_word(pipe: &Pipe) -> Option<Vec<String>> {
    loop {
        match pipe.receive::<ToReaper>() {
            Ok(Received::Message(ToReaper::Start { command }, _)) => return Some(command),
            Ok(Received::Nothing) => {
                let _interrupted = poll(&mut [PollFd::new(pipe, PollFlags::IN)], None);
            }
            Ok(Received::Message(..) | Received::Nonsense(_)) => {}
            Ok(Received::Ended) | Err(_) => return None,
        }
    }
}

/// Starts the app; with it comes what is readable once a child has ended.
fn start(command: &[String]) -> io::Result<(Pid, OwnedFd)> {
    let (program, arguments) = command.split_first().ok_or(io::ErrorKind::NotFound)?;
    set_child_subreaper(Some(getpid()))?;
    let ended = sys::child_ends()?;
    let mut command = Command::new(program);
    // What it prints goes where the host reads; it reads nothing.
    command.args(arguments).stdin(Stdio::null());
    sys::tie(&mut command);
    let child = command.spawn()?;
    // Behind the start: the app is not to inherit it.
    protect::last_to_be_killed().ok();
    Ok((Pid::from_child(&child), ended))
}

fn tell(pipe: &Pipe, said: &FromReaper) {
    // A host that is gone, or does not read, looks at the processes itself.
    let _unheard = pipe.send(said, &[]);
}

struct Reaper<'a> {
    pipe: &'a Pipe,
    /// `None` once it has ended: its number may be another's then.
    app: Option<Pid>,
    ended: OwnedFd,
    /// Since when.
    killing: Option<Instant>,
}

impl Reaper<'_> {
    fn until_gone(mut self) {
        let mut listens = true;
        loop {
            listens = listens && self.listen();
            if self.reap() {
                return tell(self.pipe, &FromReaper::Gone);
            }
            let within = self.killing.map(|since| {
                tree::kill_below(std::process::id());
                let pause = if since.elapsed() < SLOW_AFTER { LOOK_EVERY } else { LOOK_SELDOM };
                Timespec { tv_sec: 0, tv_nsec: i64::from(pause.subsec_nanos()) }
            });
            let mut fds = vec![PollFd::new(&self.ended, PollFlags::IN)];
            fds.extend(listens.then(|| PollFd::new(self.pipe, PollFlags::IN)));
            let _interrupted = poll(&mut fds, within.as_ref());
        }
    }

    /// Does what the host says; `false` once that is gone, or nothing it says matters any more.
    fn listen(&mut self) -> bool {
        loop {
            match self.pipe.receive::<ToReaper>() {
                Ok(Received::Message(ToReaper::Signal { signal }, _)) => self.signal(signal),
                Ok(Received::Message(ToReaper::Start { .. }, _) | Received::Nonsense(_)) => {}
                Ok(Received::Nothing) => return true,
                Ok(Received::Message(ToReaper::Kill, _) | Received::Ended) | Err(_) => {
                    self.kill();
                    return false;
                }
            }
        }
    }

    fn signal(&self, signal: i32) {
        if let (Some(app), Some(signal)) = (self.app, Signal::from_named_raw(signal)) {
            let _gone = kill_process_group(app, signal);
        }
    }

    fn kill(&mut self) {
        self.killing.get_or_insert_with(Instant::now);
    }

    /// Takes note of every process that has ended; `true` once none is left.
    fn reap(&mut self) -> bool {
        sys::drain(&self.ended);
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if self.app == Some(pid) => {
                    self.app = None;
                    self.kill();
                    tell(self.pipe, &FromReaper::Exited { how: words(status) });
                }
                Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
                Ok(None) => return false,
                Err(_) => return true,
            }
        }
    }
}

fn words(status: WaitStatus) -> String {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => format!("it ended with status {code}"),
        (None, Some(signal)) => format!("it was ended by signal {signal}"),
        (None, None) => String::from("it ended strangely"),
    }
}
