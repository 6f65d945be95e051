//! A close that the kernel would delay.
//!
//! The kernel lets a close of a serial port wait for its last bytes to go out: for 30 seconds when the
//! device does not take them (measured: 31 s; `tcflush` does not help). A signal to the closing thread ends
//! the wait at once, so the close gets a thread of its own.

use std::{
    io,
    mem::ManuallyDrop,
    os::fd::OwnedFd,
    sync::mpsc::{RecvTimeoutError, sync_channel},
    time::{Duration, Instant},
};

use crate::sys;

/// For the threads that only close: the watchdog's memory is locked, and every stack counts.
const STACK: usize = 128 * 1024;

/// How long a close may take when no deadline is nearer.
pub(super) const CLOSE_WITHIN: Duration = Duration::from_millis(500);
/// What a healthy close needs at most.
const PATIENCE: Duration = Duration::from_millis(100);
/// The pause between two interruptions: the first may come before the thread waits.
const AGAIN: Duration = Duration::from_millis(20);

/// Runs `close` and interrupts what it waits for, so that it ends within `limit`.
///
/// Returns whether it did; if not, the thread is left to the kernel.
pub(super) fn within(limit: Duration, close: impl FnOnce() + Send + 'static) -> io::Result<bool> {
    let began = Instant::now();
    let (done, ended) = sync_channel(1);
    let thread =
        std::thread::Builder::new().name(String::from("close")).stack_size(STACK).spawn(move || {
            close();
            // The waiter may have given up.
            let _nobody_waits = done.send(());
        })?;
    let mut patience = PATIENCE.min(limit);
    loop {
        match ended.recv_timeout(patience) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(true),
            Err(RecvTimeoutError::Timeout) if began.elapsed() >= limit => return Ok(false),
            Err(RecvTimeoutError::Timeout) => {
                sys::interrupt(&thread);
                patience = AGAIN;
            }
        }
    }
}

/// Closes a port whose close the kernel may delay, without making the caller wait: a copy of a port that was
/// handed over and is not needed any more.
///
/// Whatever holds the port is left as it is: another copy may be in use.
pub fn let_go(port: OwnedFd) {
    // Not closed with the closure if there is no thread to run it: left open is better than waited for.
    let port = ManuallyDrop::new(port);
    let _no_thread = std::thread::Builder::new().name(String::from("let go")).stack_size(STACK).spawn(|| {
        let port = ManuallyDrop::into_inner(port);
        within(CLOSE_WITHIN, move || drop(port))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_that_the_kernel_delays_is_interrupted() {
        let (reader, _writer) = rustix::pipe::pipe().unwrap();
        let began = Instant::now();
        let ended = within(Duration::from_secs(5), move || {
            // Waits for ever, as the close of a port with unsent bytes does for 30 s.
            let _interrupted = rustix::io::read(&reader, &mut [0; 1]);
        });
        assert!(ended.unwrap());
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    }

    #[test]
    fn a_close_that_nothing_ends_is_given_up_in_time() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let began = Instant::now();
        let ended =
            within(
                Duration::from_millis(200),
                move || {
                    while rustix::io::read(&reader, &mut [0; 1]).is_err() {}
                },
            );
        assert!(!ended.unwrap());
        assert!(began.elapsed() < Duration::from_secs(2));
        drop(writer);
    }
}
