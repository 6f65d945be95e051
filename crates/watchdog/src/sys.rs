//! The two calls of the system that no safe library makes.
#![allow(unsafe_code)]

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
