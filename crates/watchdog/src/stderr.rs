//! What the watchdog tells the person at the terminal: a few lines, and never at the cost of a wait.

use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// A pipe that can be written at all takes so much at once (`PIPE_BUF`, pipe(7)).
const MOST: usize = 4096;

/// Prints a line if standard error takes it now.
pub(crate) fn tell(line: &str) {
    let stderr = std::io::stderr();
    let mut ready = [PollFd::from_borrowed_fd(stderr.as_fd(), PollFlags::OUT)];
    let takes = matches!(poll(&mut ready, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(1))
        && ready.iter().all(|fd| fd.revents() == PollFlags::OUT);
    if takes {
        let mut text = String::from(line);
        text.truncate(text.floor_char_boundary(MOST - 1));
        text.push('\n');
        // Whoever closed the other end does not want to know.
        let _closed = rustix::io::write(stderr.as_fd(), text.as_bytes());
    }
}

/// Lets go of it: whoever reads the other end has been told all there is, and may wait for its end.
pub(crate) fn close() {
    if let Ok(null) = std::fs::File::options().write(true).open("/dev/null") {
        let _kept = rustix::stdio::dup2_stderr(&null);
    }
}
