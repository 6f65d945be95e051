//! What the operating system announces, and what it is told.
//!
//! A system that goes to sleep or shuts down says so, waits a moment for those who hold a lock, and then does
//! it. The rules say when the lock is wanted; a thread of its own takes it and gives it back, another one
//! listens and hands what is announced to the funnel. Neither of them is ever waited for.

#[cfg(target_os = "linux")]
mod bus;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
mod files;
#[cfg(target_os = "linux")]
mod log_off;
#[cfg(target_os = "linux")]
mod logind;
#[cfg(target_os = "linux")]
mod probe;
mod service;
mod wish;

use std::sync::Arc;

use killcord_core::rules::{Input, System as Word};

#[cfg(not(target_os = "linux"))]
use self::elsewhere as keeper;
#[cfg(target_os = "linux")]
use self::logind as keeper;
pub use self::service::Service;
use self::wish::Wish;
pub(crate) use self::{files::make_room, service::Notices};
#[cfg(target_os = "linux")]
pub use self::{
    log_off::end_with_session,
    probe::{Delay, probe},
};
use crate::engine::{Item, Shared};

/// The rules' side: says whether the lock is wanted.
pub(crate) struct System {
    wish: Arc<Wish>,
    /// The number of the last word about the lock.
    asked: u64,
}

impl System {
    /// Begins to look for a system that gives locks. Until it is known whether there is one, arming waits.
    pub(crate) fn watch(shared: &Arc<Shared>) -> Self {
        let wish = Arc::new(Wish::default());
        shared.queue.push(Item::Input(Input::System(Word::Delays)));
        if let Err(error) = keeper::start(Arc::clone(shared), Arc::clone(&wish)) {
            tracing::warn!(%error, "sleep and shutdown are not noticed before they come: no thread");
            shared.queue.push(Item::Input(Input::System(Word::DelaysNothing)));
        }
        Self { wish, asked: 0 }
    }

    /// Whether the lock is wanted from now on. Answered, where it is, by [`Item::Lock`] with this word's number.
    pub(crate) fn want(&mut self, lock: bool) {
        self.asked += 1;
        self.wish.want(self.asked, lock);
    }

    /// Whether an answer is to the last word and to none before it.
    pub(crate) const fn is_current(&self, answer: u64) -> bool {
        answer == self.asked
    }
}

impl Drop for System {
    /// The lock is given back, the threads end by themselves.
    fn drop(&mut self) {
        self.wish.end();
    }
}
