//! How a caller learns what came of a teardown: at once a handle, later the same outcome for everybody.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use killcord_core::{Report, Status};

/// What came of a teardown.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was done to each device.
    pub report: Report,
    /// The process's exit status: 0 when every device is confirmed safe, else 4.
    pub exit: u8,
}

impl Outcome {
    pub(crate) fn new(report: Report) -> Self {
        let exit = if report.confirmed() { 0 } else { 4 };
        Self { report, exit }
    }

    /// One line for each device that is not confirmed safe, or cannot be read back, and one for each note:
    /// what a person has to know before touching the bench. Empty when all is well.
    #[must_use]
    pub fn summary(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for device in &self.report.devices {
            let line = match (device.confirmed(), device.status) {
                (true, Status::SafeVerified) => continue,
                (true, _) => format!("{}: made safe; nothing can be read back from it.", device.name),
                (false, status) => {
                    let words = match status {
                        Status::SafeVerified | Status::SafeUnverified => "safe commands sent, NOT verified",
                        Status::Failed => "NOT confirmed safe",
                        Status::Unreachable => "unreachable, NOT confirmed safe",
                    };
                    format!("{}: {words}. {}", device.name, device.remarks.join(" ")).trim_end().to_owned()
                }
            };
            lines.push(line);
        }
        lines.extend(self.report.notes.iter().cloned());
        lines
    }
}

/// No teardown ever reported: nothing is known, and that is said.
pub(crate) fn never_reported() -> Report {
    Report {
        causes: Vec::new(),
        mode: killcord_core::Mode::Safe,
        extent: killcord_core::Extent::End,
        began: killcord_core::Time::ZERO,
        took: Duration::ZERO,
        out_of_time: true,
        devices: Vec::new(),
        notes: vec!["No device was reported on: check the bench by hand.".into()],
    }
}

#[derive(Default)]
struct Slot {
    outcome: Option<Arc<Outcome>>,
    wakers: Vec<Waker>,
}

#[derive(Default)]
struct Shared {
    slot: Mutex<Slot>,
    done: Condvar,
}

impl Shared {
    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of a teardown that was asked for. Clone it, await it, or wait for it: everybody gets the same
/// outcome.
#[derive(Clone, Default)]
pub struct Ending {
    shared: Arc<Shared>,
}

impl fmt::Debug for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ending").field("over", &self.outcome().is_some()).finish()
    }
}

impl Ending {
    /// Gives everybody the outcome; the first one stands.
    pub(crate) fn resolve(&self, outcome: &Arc<Outcome>) {
        let wakers = {
            let mut slot = self.shared.slot();
            slot.outcome.get_or_insert_with(|| Arc::clone(outcome));
            std::mem::take(&mut slot.wakers)
        };
        self.shared.done.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// The outcome, if it is there already.
    #[must_use]
    pub fn outcome(&self) -> Option<Arc<Outcome>> {
        self.shared.slot().outcome.clone()
    }

    /// Waits on this thread, at most so long.
    #[must_use]
    pub fn wait(&self, within: Duration) -> Option<Arc<Outcome>> {
        let until = Instant::now() + within;
        let mut slot = self.shared.slot();
        loop {
            if let Some(outcome) = &slot.outcome {
                return Some(Arc::clone(outcome));
            }
            let left = until.checked_duration_since(Instant::now())?;
            slot = self.shared.done.wait_timeout(slot, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Future for Ending {
    type Output = Arc<Outcome>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Arc<Outcome>> {
        let mut slot = self.shared.slot();
        if let Some(outcome) = &slot.outcome {
            return Poll::Ready(Arc::clone(outcome));
        }
        if !slot.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            slot.wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome() -> Arc<Outcome> {
        Arc::new(Outcome::new(Report {
            causes: Vec::new(),
            mode: killcord_core::Mode::Safe,
            extent: killcord_core::Extent::End,
            began: killcord_core::Time::ZERO,
            took: Duration::ZERO,
            out_of_time: false,
            devices: Vec::new(),
            notes: Vec::new(),
        }))
    }

    #[test]
    fn every_waiter_gets_the_same_outcome_and_the_first_one_stands() {
        let ending = Ending::default();
        assert!(ending.wait(Duration::ZERO).is_none());
        let waiting = std::thread::spawn({
            let ending = ending.clone();
            move || ending.wait(Duration::from_secs(60))
        });
        let first = outcome();
        ending.resolve(&first);
        ending.resolve(&outcome());
        assert!(Arc::ptr_eq(&waiting.join().unwrap().unwrap(), &first));
        assert!(Arc::ptr_eq(&ending.wait(Duration::ZERO).unwrap(), &first));
    }
}
