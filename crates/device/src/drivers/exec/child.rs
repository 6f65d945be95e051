//! One program, from start to end or to its timeout.

use std::{
    io::{self, Read},
    os::{
        fd::OwnedFd,
        unix::process::{CommandExt as _, ExitStatusExt as _},
    },
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use killcord_core::Value;
use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open},
};

use crate::{Cx, DeviceError, sys, transport::timespec};

/// What is kept of what a program prints, of each of its two outputs.
const KEPT: usize = 16 * 1024;
/// How long a killed program may take to be gone; one that hangs in the kernel is left to it.
const GONE_WITHIN: Duration = Duration::from_millis(200);

/// Runs it; what it printed is the answer, if it printed anything.
pub(super) fn run(command: &[String], cx: &Cx<'_>) -> Result<Option<Value>, DeviceError> {
    let mut child = start(command, cx)?;
    let ended = watch(&mut child, cx);
    if matches!(ended, Ok(Some(_))) || child.kill() {
        cx.group_ended(child.child.id());
    }
    let name = || command.join(" ");
    match ended {
        Ok(Some(status)) if status.success() => {
            let text = child.out.text();
            Ok((!text.is_empty()).then_some(Value::Text(text)))
        }
        Ok(Some(status)) => Err(DeviceError::Refused(format!(
            "`{}` {}{}",
            name(),
            ending(status),
            child.err.first_line().map(|line| format!(": {line}")).unwrap_or_default()
        ))),
        Ok(None) => Err(DeviceError::Refused(format!(
            "`{}` did not end in time and was killed; give it a longer `timeout`",
            name()
        ))),
        Err(error) => Err(error),
    }
}

fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with status {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => String::from("ended strangely"),
    }
}

/// A running program and what it has printed.
struct Running {
    child: Child,
    group: Option<Pid>,
    pidfd: OwnedFd,
    out: Output,
    err: Output,
}

fn start(command: &[String], cx: &Cx<'_>) -> Result<Running, DeviceError> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(DeviceError::Setup(String::from("`run` names no program")));
    };
    let failed = |error: io::Error| {
        DeviceError::Setup(format!(
            "cannot run `{program}`: {error}; is it installed, and is its path right?"
        ))
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    sys::inherit_nothing(&mut command);
    cx.may_write()?;
    let mut child = command.spawn().map_err(failed)?;
    cx.has_written();
    cx.group_started(child.id());
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let watched = group.ok_or(io::ErrorKind::InvalidData.into()).and_then(|pid| {
        let out = Output::of(child.stdout.take().map(OwnedFd::from))?;
        let err = Output::of(child.stderr.take().map(OwnedFd::from))?;
        Ok((pidfd_open(pid, PidfdFlags::empty())?, out, err))
    });
    match watched {
        Ok((pidfd, out, err)) => Ok(Running { child, group, pidfd, out, err }),
        Err(error) => {
            // Not left running unwatched.
            let _gone = child.kill();
            let _reaped = child.wait();
            cx.group_ended(child.id());
            Err(failed(error))
        }
    }
}

/// Until it has ended (`None` if it has not in time).
fn watch(running: &mut Running, cx: &Cx<'_>) -> Result<Option<ExitStatus>, DeviceError> {
    loop {
        if cx.cancel.is_cut() {
            return Err(DeviceError::Cut);
        }
        let left = cx.left();
        let mut fds = vec![PollFd::new(&running.pidfd, PollFlags::IN)];
        fds.extend(cx.cancel.wake().map(|wake| PollFd::new(wake, PollFlags::IN)));
        fds.extend(
            running.out.open().into_iter().chain(running.err.open()).map(|fd| PollFd::new(fd, PollFlags::IN)),
        );
        // An interrupted wait looks again.
        let _interrupted = poll(&mut fds, Some(&timespec(left)));
        drop(fds);
        if let Some(wake) = cx.cancel.wake() {
            wake.hush();
        }
        running.out.take_in();
        running.err.take_in();
        let status = running.child.try_wait();
        match status.map_err(|error| DeviceError::Driver(format!("wait: {error}")))? {
            Some(status) => {
                running.out.take_in();
                running.err.take_in();
                return Ok(Some(status));
            }
            None if left.is_zero() => return Ok(None),
            None => {}
        }
    }
}

impl Running {
    /// Ends the whole group, and takes the program off the system's list. Whether it is gone.
    fn kill(&mut self) -> bool {
        if let Some(group) = self.group {
            // Nobody there is what was wanted.
            let _gone = kill_process_group(group, Signal::KILL);
        }
        let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
        let _interrupted = poll(&mut fds, Some(&timespec(GONE_WITHIN)));
        matches!(self.child.try_wait(), Ok(Some(_)))
    }
}

/// What a program prints, kept up to a limit and read to the end.
struct Output {
    pipe: Option<std::fs::File>,
    kept: Vec<u8>,
}

impl Output {
    fn of(pipe: Option<OwnedFd>) -> io::Result<Self> {
        let pipe = pipe.ok_or(io::ErrorKind::BrokenPipe)?;
        fcntl_setfl(&pipe, fcntl_getfl(&pipe)? | OFlags::NONBLOCK)?;
        Ok(Self { pipe: Some(pipe.into()), kept: Vec::new() })
    }

    fn open(&self) -> Option<&std::fs::File> {
        self.pipe.as_ref()
    }

    /// Takes what is there now, at most as much as a pipe holds: one that is filled without pause must not
    /// keep us here.
    fn take_in(&mut self) {
        let mut chunk = [0; 4096];
        for _ in 0..16 {
            let Some(pipe) = &mut self.pipe else { return };
            match pipe.read(&mut chunk) {
                Ok(0) => self.pipe = None,
                Ok(count) => {
                    let room = KEPT.saturating_sub(self.kept.len()).min(count);
                    self.kept.extend_from_slice(chunk.get(..room).unwrap_or_default());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.pipe = None,
            }
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.kept).trim().to_owned()
    }

    fn first_line(&self) -> Option<String> {
        let text = self.text();
        text.lines().next().map(|line| line.chars().take(200).collect())
    }
}
