//! The few calls of the system that no safe library makes.
#![allow(unsafe_code)]

use std::{
    io,
    os::{
        fd::{FromRawFd as _, OwnedFd},
        unix::process::CommandExt as _,
    },
    process::Command,
};

/// Makes a signal end nothing and stop nothing. By a handler that does nothing: one that is ignored would be
/// ignored by every program of a `run` step too, a handler is back to normal there (execve(2)).
pub(crate) fn shrug_off(signals: &[i32]) {
    extern "C" fn nothing(_: libc::c_int) {}
    for signal in signals {
        // SAFETY: the structure is plain data for which all zeros is a valid value (no flags, an empty mask),
        // the pointer lives through the call, and the handler touches nothing.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = nothing as extern "C" fn(libc::c_int) as usize;
            action.sa_flags = libc::SA_RESTART;
            libc::sigaction(*signal, &raw const action, std::ptr::null_mut());
        }
    }
}

/// Closes every descriptor but the three standard ones: what a host's libraries have left open for its children is
/// not ours to keep alive. To be called before anything was opened.
pub(crate) fn close_inherited() {
    // SAFETY: nothing of this process has opened a descriptor yet, so none that anybody owns is closed. A kernel
    // without the call (before 5.9) refuses it, and what was inherited stays open.
    unsafe {
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0);
    }
}

/// Becomes readable when a child has ended ([`drain`] makes it quiet again). SIGCHLD is blocked in this thread from
/// then on.
pub(crate) fn child_ends() -> io::Result<OwnedFd> {
    // SAFETY: the set is plain data that the calls fill in, the pointers live through them, and a descriptor that
    // signalfd(2) gives is nobody else's.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGCHLD);
        if libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) != 0 {
            return Err(io::Error::last_os_error());
        }
        match libc::signalfd(-1, &raw const set, libc::SFD_NONBLOCK | libc::SFD_CLOEXEC) {
            -1 => Err(io::Error::last_os_error()),
            fd => Ok(OwnedFd::from_raw_fd(fd)),
        }
    }
}

/// Takes what waits in a descriptor of [`child_ends`].
pub(crate) fn drain(ended: &OwnedFd) {
    let mut some = [0; 512];
    while rustix::io::read(ended, &mut some).is_ok_and(|count| count > 0) {}
}

/// Gives the command's process a session of its own, no signal blocked and no descriptor but the three standard
/// ones; and has it killed when this process dies.
pub(crate) fn tie(command: &mut Command) {
    let parent = rustix::process::getpid().as_raw_nonzero().get();
    // SAFETY: between fork and exec only system calls are made, which take no lock and no memory.
    unsafe {
        command.pre_exec(move || {
            libc::setsid();
            let mut none: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut none);
            libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            // It died before it was asked to take us along.
            if libc::getppid() != parent {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            // A kernel that lacks it leaves what was opened with O_CLOEXEC, which is all of ours.
            libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
            Ok(())
        });
    }
}
