//! The host's last word: a process that knows that it dies says so, and is not waited for.
//!
//! A core dump of a large process keeps pipe and process open for seconds (measured: 6.9 s for 1.5 GB); the word
//! is out before it begins. From a signal's handler: one `send` of bytes that were prepared, and nothing else.
#![allow(unsafe_code)]

use std::{
    io,
    os::fd::{AsFd as _, AsRawFd as _},
    panic,
    sync::{
        Once,
        atomic::{AtomicI32, Ordering},
    },
    thread,
};

use killcord_core::watchdog::Told;
use killcord_watchdog::pipe::Pipe;

/// What ends a process by its own fault (signal(7)): the name, and the word for it as a frame.
const FATAL: [(i32, &[u8]); 6] = [
    (libc::SIGSEGV, br#"{"t":"dying","why":"SIGSEGV"}"#),
    (libc::SIGBUS, br#"{"t":"dying","why":"SIGBUS"}"#),
    (libc::SIGILL, br#"{"t":"dying","why":"SIGILL"}"#),
    (libc::SIGFPE, br#"{"t":"dying","why":"SIGFPE"}"#),
    (libc::SIGABRT, br#"{"t":"dying","why":"SIGABRT"}"#),
    (libc::SIGSYS, br#"{"t":"dying","why":"SIGSYS"}"#),
];

/// The pipe to the watchdog of the host that was started last; -1 where there is none.
static PIPE: AtomicI32 = AtomicI32::new(-1);

/// What handled each fatal signal before.
static mut BEFORE: [libc::sigaction; FATAL.len()] = {
    // SAFETY: plain data, for which all zeros is a valid value (SIG_DFL).
    unsafe { std::mem::zeroed() }
};

/// From here on a dying process says so to this watchdog.
pub(super) fn says_to(pipe: &Pipe) {
    static INSTALLED: Once = Once::new();
    PIPE.store(pipe.as_fd().as_raw_fd(), Ordering::SeqCst);
    INSTALLED.call_once(|| {
        hook_panics();
        if let Err(error) = handle_signals() {
            tracing::warn!(%error, "fatal signals are told to the watchdog by the process's end only");
        }
    });
}

/// The watchdog is gone; its number may be another file's soon.
pub(super) fn says_to_nobody() {
    PIPE.store(-1, Ordering::SeqCst);
}

/// A panic of the main thread ends the process. Others are caught where they belong: a link's is its device's
/// fault, the rules' is answered without them, a task's is its runtime's.
fn hook_panics() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if thread::current().name() == Some("main") {
            let why = format!("panicked: {}", info.to_string().replace('\n', " "));
            if let Ok(word) = serde_json::to_vec(&Told::Dying { why }) {
                say(&word);
            }
        }
        before(info);
    }));
}

fn handle_signals() -> io::Result<()> {
    for (at, (signal, _)) in FATAL.iter().enumerate() {
        // SAFETY: the structure is plain data for which all zeros is valid; the pointers live through the call;
        // `BEFORE` is written here only, once, before the handler that reads it can run. The handler calls
        // send(2), sigaction(2), signal(2) and raise(3), all safe in a handler (signal-safety(7)), and reads statics.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction =
                dying as extern "C" fn(libc::c_int, *const libc::siginfo_t, *const libc::c_void) as usize;
            action.sa_flags = libc::SA_ONSTACK | libc::SA_SIGINFO;
            let before = (&raw mut BEFORE).cast::<libc::sigaction>().add(at);
            if libc::sigaction(*signal, std::ptr::null(), before) != 0
                || libc::sigaction(*signal, &raw const action, std::ptr::null_mut()) != 0
            {
                return Err(io::Error::last_os_error());
            }
        }
    }
    Ok(())
}

/// Says it, then leaves the signal to whoever had it before: a fault comes again as soon as this returns. What a process
/// sent (its `si_code` is not positive, sigaction(2)) is sent again, and ends this one: the handler that Rust itself
/// has for SIGSEGV and SIGBUS would take it for no fault, once.
extern "C" fn dying(signal: libc::c_int, info: *const libc::siginfo_t, _: *const libc::c_void) {
    let Some(at) = FATAL.iter().position(|(fatal, _)| *fatal == signal) else { return };
    if let Some((_, word)) = FATAL.get(at) {
        say(word);
    }
    // SAFETY: `BEFORE` was written before this handler was installed, and never again; the system hands a valid
    // `info` to a handler that asks for it; sigaction(2), signal(2) and raise(3) are safe in a
    // handler.
    unsafe {
        if (*info).si_code <= 0 {
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
        } else {
            let before = (&raw const BEFORE).cast::<libc::sigaction>().add(at);
            libc::sigaction(signal, before, std::ptr::null_mut());
        }
    }
}

/// One message, or none: nobody waits in a process that dies.
fn say(word: &[u8]) {
    let pipe = PIPE.load(Ordering::SeqCst);
    if pipe >= 0 {
        // SAFETY: the bytes live through the call, and a descriptor that is closed by now is an error that
        // nobody looks at.
        unsafe {
            libc::send(pipe, word.as_ptr().cast(), word.len(), libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL);
        }
    }
}
