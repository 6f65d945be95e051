//! The few calls of the system that no safe library makes.
#![allow(unsafe_code)]

use std::{
    io,
    os::{
        fd::{AsRawFd, BorrowedFd},
        unix::{process::CommandExt as _, thread::JoinHandleExt as _},
    },
    process::Command,
    sync::Once,
    thread::JoinHandle,
};

/// Interrupts the system call in which `thread` waits, if it does.
///
/// SIGURG is ignored by default, so a stray one harms nobody; it gets a handler that does nothing, because
/// only a handled signal interrupts. A handler that is installed already is left alone.
pub(crate) fn interrupt<T>(thread: &JoinHandle<T>) {
    static HANDLED: Once = Once::new();
    extern "C" fn nothing(_: libc::c_int) {}
    HANDLED.call_once(|| {
        // SAFETY: both structures are plain data for which all zeros is a valid value (SIG_DFL, no flags, an
        // empty mask), the pointers live through the calls, and the handler touches nothing.
        unsafe {
            let mut before: libc::sigaction = std::mem::zeroed();
            if libc::sigaction(libc::SIGURG, std::ptr::null(), &raw mut before) != 0
                || (before.sa_sigaction != libc::SIG_DFL && before.sa_sigaction != libc::SIG_IGN)
            {
                return;
            }
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = nothing as extern "C" fn(libc::c_int) as usize;
            // No SA_RESTART: the interrupted call has to end.
            libc::sigaction(libc::SIGURG, &raw const action, std::ptr::null_mut());
        }
    });
    // SAFETY: the handle is not joined yet, so the thread's identifier is valid even if it has ended.
    unsafe {
        libc::pthread_kill(thread.as_pthread_t(), libc::SIGURG);
    }
}

/// Raises or drops DTR.
pub(crate) fn set_dtr(port: BorrowedFd<'_>, on: bool) -> io::Result<()> {
    let pin = libc::TIOCM_DTR;
    let request = if on { libc::TIOCMBIS } else { libc::TIOCMBIC };
    // SAFETY: both requests read one int behind the pointer, which lives through the call.
    let result = unsafe { libc::ioctl(port.as_raw_fd(), request, &raw const pin) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Makes the command's process inherit nothing but its three standard descriptors.
pub(crate) fn inherit_nothing(command: &mut Command) {
    // SAFETY: between fork and exec only one system call is made, which takes no lock and no memory.
    unsafe {
        command.pre_exec(|| {
            // A kernel that lacks it leaves what was opened with O_CLOEXEC, which is all of ours.
            libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
            Ok(())
        });
    }
}
