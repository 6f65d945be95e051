//! How many exchanges each device has had, and how many of them went wrong: for whoever watches the program.
//!
//! Atomics only, added to behind an exchange: nothing here may make a link's thread wait.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::DeviceError;

/// One device's exchanges since the links were started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Steps that went out or were asked, polls among them; what is tried while it is not connected is none.
    pub exchanges: u64,
    /// Of these, such as went wrong, timeouts among them. One that a safe step cut off did not.
    pub errors: u64,
    /// Of these, such as had no answer in time.
    pub timeouts: u64,
}

/// The same as it is counted.
#[derive(Debug, Default)]
pub(super) struct Counts {
    exchanges: AtomicU64,
    errors: AtomicU64,
    timeouts: AtomicU64,
}

impl Counts {
    pub(super) fn add<T>(&self, result: &Result<T, DeviceError>) {
        let one = |count: &AtomicU64| count.fetch_add(1, Ordering::Relaxed);
        one(&self.exchanges);
        match result {
            Ok(_) | Err(DeviceError::Cut | DeviceError::Fenced) => {}
            Err(error) => {
                one(&self.errors);
                if matches!(error, DeviceError::Timeout) {
                    one(&self.timeouts);
                }
            }
        }
    }

    pub(super) fn read(&self) -> Tally {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Tally { exchanges: read(&self.exchanges), errors: read(&self.errors), timeouts: read(&self.timeouts) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_an_error_and_an_exchange_that_was_cut_off_is_none() {
        let counts = Counts::default();
        counts.add(&Ok(()));
        counts.add::<()>(&Err(DeviceError::Cut));
        counts.add::<()>(&Err(DeviceError::Timeout));
        counts.add::<()>(&Err(DeviceError::Closed { target: "psu".into() }));
        assert_eq!(counts.read(), Tally { exchanges: 4, errors: 2, timeouts: 1 });
    }
}
