//! What is started, and in which surroundings.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Ended, Output, Process, Stream, death, mark, output};

/// What to start.
pub struct Launch {
    name: String,
    command: Command,
    captured: [bool; 2],
}

impl Launch {
    /// A program by its path.
    #[must_use]
    pub fn new(program: impl AsRef<Path>) -> Self {
        let program = program.as_ref();
        let name = program.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let mut command = Command::new(program);
        command.stdin(Stdio::null());
        Self { name, command, captured: [true, true] }
    }

    /// One argument more.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// A variable of its environment.
    #[must_use]
    pub fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    /// Variables of its environment.
    #[must_use]
    pub fn envs(mut self, vars: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        self.command.envs(vars);
        self
    }

    /// Without this variable.
    #[must_use]
    pub fn without_env(mut self, key: &str) -> Self {
        self.command.env_remove(key);
        self
    }

    /// Its working folder.
    #[must_use]
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Its standard input is a pipe that [`Process::type_line`] writes to and [`Process::end_input`] ends.
    #[must_use]
    pub fn with_input(mut self) -> Self {
        self.command.stdin(Stdio::piped());
        self
    }

    /// Its standard input, output and error are these; nothing of them is kept.
    #[must_use]
    pub fn on_terminal(mut self, input: Stdio, output: Stdio, error: Stdio) -> Self {
        self.command.stdin(input).stdout(output).stderr(error);
        self.captured = [false, false];
        self
    }

    /// Its standard output is a pipe that is full and that nobody reads, as a terminal that was stopped is.
    ///
    /// # Panics
    /// When there is no pipe to be had.
    #[must_use]
    #[track_caller]
    pub fn unread(mut self) -> Self {
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::NONBLOCK).expect("no pipe");
        while rustix::io::write(&writer, &[b'.'; 4096]).is_ok() {}
        rustix::io::ioctl_fionbio(&writer, false).expect("the pipe cannot be made to block");
        // Open for as long as the tests are: it is no closed one.
        std::mem::forget(reader);
        self.command.stdout(writer);
        self.captured[0] = false;
        self
    }

    /// Its standard error goes there and is not kept.
    #[must_use]
    pub fn stderr(mut self, stderr: Stdio) -> Self {
        self.command.stderr(stderr);
        self.captured[1] = false;
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    #[track_caller]
    pub fn start(mut self) -> Process {
        let mark = mark::new();
        self.command.env(mark::VARIABLE, &mark);
        if self.captured[0] {
            self.command.stdout(Stdio::piped());
        }
        if self.captured[1] {
            self.command.stderr(Stdio::piped());
        }
        std::os::unix::process::CommandExt::process_group(&mut self.command, 0);
        death::with_parent(&mut self.command);
        let mut child =
            self.command.spawn().unwrap_or_else(|error| panic!("cannot start {}: {error}", self.name));
        let output = Arc::new(Output::default());
        if let Some(stdout) = child.stdout.take() {
            output::keep(&output, Stream::Out, stdout);
        }
        if let Some(stderr) = child.stderr.take() {
            output::keep(&output, Stream::Err, stderr);
        }
        let input = child.stdin.take();
        Process { name: self.name, child, mark, output, input, started: Instant::now() }
    }

    /// Starts it, awaits its end and gives everything it said.
    ///
    /// # Panics
    /// When it cannot be started, or has not ended `within` the limit.
    #[track_caller]
    pub fn run(self, within: Duration) -> Ended {
        let mut process = self.start();
        let status = process.wait(within);
        process.output.finish();
        Ended { status, stdout: process.output.text(Stream::Out), stderr: process.output.text(Stream::Err) }
    }
}
