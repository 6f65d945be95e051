//! What the watchdog tells the person at the terminal, or the reader of a log: a few lines, and never at the cost of a
//! wait.

use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::Serialize;

/// Says how the lines are written: in the environment that a host gives its watchdog.
pub const LOG: &str = "KILLCORD_LOG_FORMAT";
/// As JSON, an object a line, with the keys of the host's own log but for the time.
pub const LOG_JSON: &str = "json";

/// A pipe that can be written at all takes so much at once (`PIPE_BUF`, pipe(7)).
const MOST: usize = 4096;
/// The longest text of a JSON line, in bytes: each of them may become six, and the rest of the line has its place.
const MOST_IN_JSON: usize = 600;

#[derive(Serialize)]
struct Line<'a> {
    level: &'a str,
    unix_ms: u64,
    fields: Fields<'a>,
    target: &'a str,
}

#[derive(Serialize)]
struct Fields<'a> {
    message: &'a str,
}

/// Prints a line if standard error takes it now.
pub(crate) fn tell(line: &str) {
    let stderr = std::io::stderr();
    let mut ready = [PollFd::from_borrowed_fd(stderr.as_fd(), PollFlags::OUT)];
    let takes = matches!(poll(&mut ready, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(1))
        && ready.iter().all(|fd| fd.revents() == PollFlags::OUT);
    if takes {
        let mut text = if std::env::var_os(LOG).is_some_and(|format| format == LOG_JSON) {
            in_json(line, crate::account::unix_ms())
        } else {
            line[..line.floor_char_boundary(MOST - 1)].to_owned()
        };
        text.push('\n');
        // Whoever closed the other end does not want to know.
        let _closed = rustix::io::write(stderr.as_fd(), text.as_bytes());
    }
}

/// What it says is always something to look at.
fn in_json(line: &str, unix_ms: u64) -> String {
    let message = &line[..line.floor_char_boundary(MOST_IN_JSON)];
    let line = Line { level: "WARN", unix_ms, fields: Fields { message }, target: "killcord_watchdog" };
    // Texts and a number: it can always be written.
    serde_json::to_string(&line).unwrap_or_default()
}

/// Lets go of it: whoever reads the other end has been told all there is, and may wait for its end.
pub(crate) fn close() {
    if let Ok(null) = std::fs::File::options().write(true).open("/dev/null") {
        let _kept = rustix::stdio::dup2_stderr(&null);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_json_is_one_line_and_fits_whatever_is_said() {
        let text = in_json(&"\u{1}\n".repeat(10_000), 7);
        assert!(text.len() < MOST && !text.contains('\n'), "{}", text.len());
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&read["level"], &read["unix_ms"]), (&"WARN".into(), &7.into()));
    }
}
