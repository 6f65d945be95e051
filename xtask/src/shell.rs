//! Starting other programs: said aloud first, without stdin, and with an error that names the command.

use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How often it is looked whether the command has ended.
const LOOK: Duration = Duration::from_millis(200);
/// How long a pipe is still read after the command has ended, when nothing comes and when something does: a
/// process that a test left behind may hold the other end for ever, and go on writing.
const PIPE_QUIET: Duration = Duration::from_secs(1);
const PIPE_TAIL: Duration = Duration::from_secs(10);

/// A command from words; cargo's terminal colours are kept when a person is looking.
pub(crate) fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null());
    if std::io::stdout().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    command
}

/// `cargo`, the one that started us.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let program = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = command(&program, args);
    // Set by the cargo that runs us; they would follow us into crates that look at them.
    for name in ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "CARGO_PKG_VERSION", "CARGO_BIN_NAME"] {
        command.env_remove(name);
    }
    command
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let mut line = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    for arg in command.get_args() {
        let arg = arg.to_string_lossy();
        line.push(' ');
        if arg.is_empty() || arg.contains([' ', '(', ')', '\'', '*']) {
            line.push_str(&format!("'{arg}'"));
        } else {
            line.push_str(&arg);
        }
    }
    line
}

fn announce(command: &Command) {
    println!("$ {}", shown(command));
}

fn verdict(command: &Command, status: ExitStatus) -> Result<()> {
    if status.success() { Ok(()) } else { bail!("`{}` ended with {status}", shown(command)) }
}

/// Runs it with our own output, and fails when it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    announce(command);
    let status = command.status().with_context(|| format!("cannot start `{}`", shown(command)))?;
    verdict(command, status)
}

/// Runs it silently and returns what it printed; its stderr is ours.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start `{}`", shown(command)))?;
    verdict(command, output.status)?;
    String::from_utf8(output.stdout).with_context(|| format!("`{}` printed no UTF-8", shown(command)))
}

/// What it printed, or `None` when it is not there or fails.
pub(crate) fn ask(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs it with its output shown as it comes, each line also handed to `line`.
pub(crate) fn watch(command: &mut Command, mut line: impl FnMut(&str)) -> Result<ExitStatus> {
    announce(command);
    let (reader, writer) = std::io::pipe().context("no pipe to be had")?;
    let mut child = command
        .stdout(writer.try_clone().context("no pipe to be had")?)
        .stderr(writer)
        .spawn()
        .with_context(|| format!("cannot start `{}`", shown(command)))?;
    // Our own copies of the pipe's writing end live in the command: without this its end never comes.
    command.stdout(Stdio::inherit()).stderr(Stdio::inherit());

    let (send, receive) = sync_channel::<String>(256);
    std::thread::spawn(move || {
        let mut reader = BufReader::new(reader);
        let mut raw = Vec::new();
        while reader.read_until(b'\n', &mut raw).is_ok_and(|n| n > 0) {
            if send.send(String::from_utf8_lossy(&raw).into_owned()).is_err() {
                return;
            }
            raw.clear();
        }
    });

    let mut ended: Option<(ExitStatus, Instant)> = None;
    loop {
        let received = receive.recv_timeout(LOOK);
        match &received {
            Ok(text) => {
                print!("{text}");
                std::io::stdout().flush().context("our own output is closed")?;
                line(text.trim_end());
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if ended.is_none() {
            ended =
                child.try_wait().context("cannot await the command")?.map(|status| (status, Instant::now()));
        }
        // Quiet after the end, or chattering on long after it: what is left is no output of the command.
        let tail = if received.is_err() { PIPE_QUIET } else { PIPE_TAIL };
        if ended.is_some_and(|(_, at)| at.elapsed() >= tail) {
            break;
        }
    }
    match ended {
        Some((status, _)) => Ok(status),
        None => child.wait().context("cannot await the command"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        let command = command("/usr/bin/apt-get", &["install", "-y", "a b", ""]);
        assert_eq!(shown(&command), "apt-get install -y 'a b' ''");
    }

    #[test]
    fn both_streams_are_watched_in_their_order() {
        let mut seen = Vec::new();
        let mut script = command("sh", &["-c", "echo one; echo two >&2; echo three; exit 3"]);
        let status = watch(&mut script, |line| seen.push(line.to_owned())).unwrap();
        assert_eq!(seen, ["one", "two", "three"]);
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn a_process_left_behind_does_not_hold_us_up() {
        let began = Instant::now();
        let status = watch(&mut command("sh", &["-c", "sleep 30 & echo left"]), |_| {}).unwrap();
        assert!(status.success());
        assert!(began.elapsed() < Duration::from_secs(20), "we waited for the sleeper");
    }

    #[test]
    fn all_that_was_printed_before_the_end_is_seen() {
        let mut lines = 0;
        let status = watch(&mut command("sh", &["-c", "seq 20000"]), |_| lines += 1).unwrap();
        assert!(status.success());
        assert_eq!(lines, 20_000);
    }
}
