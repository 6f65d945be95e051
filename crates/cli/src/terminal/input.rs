//! The terminal's input, on a thread of its own: lines, bounded, and its end.
//!
//! The end of a terminal, pipe or socket is somebody's going away. `/dev/null` and files have nobody behind
//! them: their end ends nothing, and is how a service manager says that there is no terminal.

use std::{os::fd::BorrowedFd, sync::mpsc::SyncSender, thread, time::Duration};

use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::{FileType, fstat},
    io::Errno,
    process::getpgrp,
    stdio::stdin,
    termios::{isatty, tcgetpgrp},
};

use super::Event;

/// The longest line that is taken, in bytes.
const LONGEST: usize = 4096;
/// How often a job in the background looks whether it is in front again.
const BACKGROUND: Duration = Duration::from_millis(200);

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// A line, its end taken off.
    Line(String),
    /// A line longer than is taken; it was dropped.
    TooLong,
    /// Whoever typed is gone.
    Over,
}

/// Reads until the end; false where the system gives no thread. Nobody waits for the thread: it stands in a
/// read.
pub(super) fn start(events: SyncSender<Event>) -> bool {
    let read = move || {
        let stdin = stdin();
        let over = read(stdin, &mut |typed| events.send(Event::Typed(typed)).is_ok());
        if over && somebody_is_behind(stdin) {
            // The loop may be over.
            events.send(Event::Typed(Typed::Over)).ok();
        }
    };
    thread::Builder::new().name("killcord-input".into()).spawn(read).is_ok()
}

/// Whether the end of this input is somebody's going away.
fn somebody_is_behind(input: BorrowedFd<'_>) -> bool {
    let Ok(stat) = fstat(input) else { return false };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Fifo | FileType::Socket => true,
        // Hung up, a terminal may not say any more that it is one; only /dev/null and its like never were.
        FileType::CharacterDevice => !is_null(stat.st_rdev),
        _ => false,
    }
}

/// `/dev/null`, `/dev/zero`, `/dev/full` and the other memory devices (major 1).
fn is_null(device: u64) -> bool {
    rustix::fs::major(device) == 1
}

/// Hands every line to `take` until the input ends (true) or nobody takes any more (false).
fn read(input: BorrowedFd<'_>, take: &mut dyn FnMut(Typed) -> bool) -> bool {
    let is_tty = isatty(input);
    let mut lines = Lines::default();
    let mut block = [0; 1024];
    loop {
        if is_tty && !in_front(input) {
            // Reading would stop the job, or, with the stop ignored, spin.
            thread::park_timeout(BACKGROUND);
            continue;
        }
        match rustix::io::read(input, &mut block) {
            Ok(0) => return lines.finish().is_none_or(take),
            Ok(n) => {
                for typed in lines.take(&block[..n]) {
                    if !take(typed) {
                        return false;
                    }
                }
            }
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                // A non-blocking descriptor of the program before us.
                poll(&mut [PollFd::new(&input, PollFlags::IN)], None).ok();
            }
            // A terminal that was hung up says EIO.
            Err(_) => return true,
        }
    }
}

/// Whether this job may read the terminal; a terminal that is gone is to be read: it says so.
fn in_front(terminal: BorrowedFd<'_>) -> bool {
    tcgetpgrp(terminal).map_or(true, |front| front == getpgrp())
}

/// Bytes to lines.
#[derive(Default)]
struct Lines {
    begun: Vec<u8>,
    too_long: bool,
}

impl Lines {
    fn take(&mut self, bytes: &[u8]) -> Vec<Typed> {
        let mut typed = Vec::new();
        for &byte in bytes {
            if byte == b'\n' {
                typed.extend(self.finish());
            } else if self.begun.len() < LONGEST {
                self.begun.push(byte);
            } else {
                self.too_long = true;
            }
        }
        typed
    }

    /// The line that was begun, if one was.
    fn finish(&mut self) -> Option<Typed> {
        let line = std::mem::take(&mut self.begun);
        if std::mem::take(&mut self.too_long) {
            return Some(Typed::TooLong);
        }
        let line = String::from_utf8_lossy(&line).trim().to_owned();
        (!line.is_empty()).then_some(Typed::Line(line))
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Write, os::fd::AsFd};

    use super::*;

    fn line(text: &str) -> Typed {
        Typed::Line(text.into())
    }

    #[test]
    fn lines_are_bounded_and_the_last_one_needs_no_end() {
        let mut lines = Lines::default();
        assert_eq!(lines.take(b"arm\r\n\n  set psu"), [line("arm")]);
        assert_eq!(lines.take(b" v 1\nquit"), [line("set psu v 1")]);
        assert_eq!(lines.finish(), Some(line("quit")));
        assert_eq!(lines.take(&vec![b'x'; LONGEST * 3]), []);
        assert_eq!(lines.take(b"\nsafe\n"), [Typed::TooLong, line("safe")]);
    }

    #[test]
    fn the_end_of_a_pipe_is_somebodys_and_that_of_a_file_or_dev_null_is_nobodys() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"arm\nsta").unwrap();
        drop(writer);
        let mut typed = Vec::new();
        assert!(read(reader.as_fd(), &mut |it| {
            typed.push(it);
            true
        }));
        assert_eq!(typed, [line("arm"), line("sta")]);
        assert!(somebody_is_behind(reader.as_fd()));
        assert!(!somebody_is_behind(File::open("/dev/null").unwrap().as_fd()));
        assert!(!somebody_is_behind(tempfile::tempfile().unwrap().as_fd()));
    }
}
