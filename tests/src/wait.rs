//! Waiting for a state of something foreign, with a limit. Never a guessed sleep: a state that is already
//! there is seen at once, one that comes is seen within [`PAUSE`], one that never comes fails with its name.

use std::time::{Duration, Instant};

/// Between two looks at a foreign state.
pub const PAUSE: Duration = Duration::from_millis(10);

/// The limit for what takes a moment on a quiet machine.
pub const SOON: Duration = Duration::from_secs(20);

/// The limit for what may take long on a loaded machine: a window that opens, an interpreter that starts.
pub const LONG: Duration = Duration::from_secs(90);

/// Looks until `look` finds something.
///
/// # Panics
/// When it finds nothing `within` the limit; `what` says what was waited for.
#[track_caller]
pub fn until<T>(what: &str, within: Duration, look: impl FnMut() -> Option<T>) -> T {
    maybe(within, look).unwrap_or_else(|| panic!("waited {within:?} in vain for {what}"))
}

/// Looks until `look` is true.
///
/// # Panics
/// As [`until`].
#[track_caller]
pub fn until_true(what: &str, within: Duration, mut look: impl FnMut() -> bool) {
    until(what, within, || look().then_some(()));
}

/// Looks until `look` finds something, or `within` is over.
pub fn maybe<T>(within: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + within;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        pause(PAUSE);
    }
}

/// Between two looks. Not a way to wait for anything.
#[allow(clippy::disallowed_methods)] // There is nothing that a foreign state could wake us by.
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Lets a drawn time go by. It is part of the moment that is tested, and never a guess at how long something takes.
pub fn let_pass(drawn: Duration) {
    pause(drawn);
}
