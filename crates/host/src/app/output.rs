//! What the app prints: read whatever comes, so that it never waits for a reader, and logged up to a limit.

use std::{
    fs::File,
    io::{self, Read as _},
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

/// The longest line that is logged; the rest of a longer one is left out.
const LONGEST: usize = 1000;
/// The most lines that are logged in a second; further ones are counted.
const MOST: u32 = 100;
/// The most that is read at a time: one that prints without pause must not keep the app's thread here.
const TURNS: usize = 16;

/// One of the app's two outputs.
pub(super) struct Output {
    name: &'static str,
    /// `None` once it is closed.
    pipe: Option<File>,
    line: Vec<u8>,
    last: String,
    since: Instant,
    logged: u32,
    left_out: u64,
}

impl Output {
    pub(super) fn of(name: &'static str, pipe: Option<OwnedFd>) -> io::Result<Self> {
        let pipe = pipe.ok_or(io::ErrorKind::BrokenPipe)?;
        fcntl_setfl(&pipe, fcntl_getfl(&pipe)? | OFlags::NONBLOCK)?;
        let (line, last) = (Vec::new(), String::new());
        Ok(Self { name, pipe: Some(pipe.into()), line, last, since: Instant::now(), logged: 0, left_out: 0 })
    }

    /// What is to be waited for.
    pub(super) const fn open(&self) -> Option<&File> {
        self.pipe.as_ref()
    }

    /// The last line that was not empty.
    pub(super) fn last(&self) -> &str {
        &self.last
    }

    /// Takes what is there now.
    pub(super) fn take_in(&mut self) {
        let mut chunk = [0; 4096];
        for _ in 0..TURNS {
            let Some(pipe) = &mut self.pipe else { return };
            match pipe.read(&mut chunk) {
                Ok(0) => self.close(),
                Ok(count) => chunk.get(..count).into_iter().flatten().for_each(|byte| self.byte(*byte)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.close(),
            }
        }
    }

    fn close(&mut self) {
        self.pipe = None;
        self.end_line();
    }

    fn byte(&mut self, byte: u8) {
        if byte == b'\n' {
            self.end_line();
        } else if self.line.len() < LONGEST {
            self.line.push(byte);
        }
    }

    fn end_line(&mut self) {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).trim_end().to_owned();
        if line.is_empty() {
            return;
        }
        if self.since.elapsed() >= Duration::from_secs(1) {
            (self.since, self.logged) = (Instant::now(), 0);
            let left_out = std::mem::take(&mut self.left_out);
            if left_out > 0 {
                tracing::warn!(target: "app", left_out, "the app printed more than is logged");
            }
        }
        if self.logged < MOST {
            self.logged += 1;
            tracing::info!(target: "app", "{}: {line}", self.name);
        } else {
            self.left_out += 1;
        }
        self.last = line;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn output() -> (Output, io::PipeWriter) {
        let (reader, writer) = io::pipe().unwrap();
        (Output::of("stdout", Some(reader.into())).unwrap(), writer)
    }

    #[test]
    fn the_last_line_is_kept_and_an_endless_one_is_cut() {
        let (mut output, mut writer) = output();
        writer.write_all(b"one\ntwo\n\n").unwrap();
        output.take_in();
        assert_eq!(output.last(), "two");
        writer.write_all(&[b'x'; 20_000]).unwrap();
        output.take_in();
        assert_eq!(output.line.len(), LONGEST);
        drop(writer);
        output.take_in();
        assert!(output.open().is_none() && output.last().len() == LONGEST);
    }

    #[test]
    fn what_is_printed_without_end_is_read_and_not_all_of_it_logged() {
        let (mut output, mut writer) = output();
        let line = b"again and again\n".repeat(4);
        for _ in 0..1000 {
            writer.write_all(&line).unwrap();
            output.take_in();
        }
        assert!(output.logged <= MOST && output.left_out > 0);
    }
}
