//! The one call of the system that no safe library makes without more of them: handlers of signals.
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
