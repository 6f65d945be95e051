//! The fence: the number that every command which could energise has to carry.
//!
//! Raising it is always right and never waits. It is compared immediately before each write that is not a
//! safe, emergency, verify or release step, on the thread that writes.

use std::sync::atomic::{AtomicU64, Ordering};

use killcord_core::{Epoch, RunId};

/// The current epoch, shared by whoever raises it and every link's thread.
#[derive(Debug)]
pub struct Fence {
    run: RunId,
    n: AtomicU64,
}

impl Fence {
    /// A fence at `run.0`.
    #[must_use]
    pub const fn new(run: RunId) -> Self {
        Self { run, n: AtomicU64::new(0) }
    }

    /// Makes every command that was given an epoch before this one stale.
    pub fn raise(&self) -> Epoch {
        Epoch { run: self.run, n: self.n.fetch_add(1, Ordering::SeqCst).wrapping_add(1) }
    }

    /// Raises it to at least `epoch`: a change of control, whose number the rules gave.
    pub fn advance(&self, epoch: Epoch) {
        self.n.fetch_max(epoch.n, Ordering::SeqCst);
    }

    /// The epoch that a command has to carry now.
    #[must_use]
    pub fn current(&self) -> Epoch {
        Epoch { run: self.run, n: self.n.load(Ordering::SeqCst) }
    }

    /// Whether a command that carries `epoch` may still be written.
    #[must_use]
    pub fn allows(&self, epoch: Epoch) -> bool {
        self.current() == epoch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raise_makes_every_earlier_epoch_stale() {
        let fence = Fence::new(RunId(3));
        let before = fence.current();
        assert!(fence.allows(before));
        let after = fence.raise();
        assert!(!fence.allows(before));
        assert!(fence.allows(after));
        assert_eq!(after.to_string(), "3.1");
        assert!(!fence.allows(Epoch { run: RunId(2), n: 1 }), "an epoch of another run is never current");
    }
}
