//! Read, then judge: the questions that the rules have for whoever reads pages' sockets, and takes their connections.
//!
//! A page's session ends by the clock only on the answer (`rules/reader.rs` in core). Each attachment has a place for
//! one question, and the listener one for all pages that have no connection.
//!
//! **It must never** keep a question without anybody to answer it: where nobody reads, it is answered at once; a
//! listener that goes away answers what it owes.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use killcord_core::{SessionId, Time, rules::Input};
use tokio::sync::Notify;

use crate::engine::{Item, Shared};

/// The question to the reader of one socket.
#[derive(Debug, Default)]
pub(crate) struct Question {
    asked: Mutex<Option<Unanswered>>,
    bell: Notify,
    /// Somebody has waited for it, and will again.
    read: AtomicBool,
}

impl Question {
    fn slot(&self) -> MutexGuard<'_, Option<Unanswered>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks. `false` where nobody reads.
    pub(crate) fn ask(&self, session: SessionId, asked: Time) -> bool {
        if !self.read.load(Ordering::Acquire) {
            return false;
        }
        *self.slot() = Some(Unanswered { session, asked });
        self.bell.notify_one();
        true
    }

    /// Waits until it is asked.
    pub(crate) async fn asked(&self) -> Unanswered {
        self.read.store(true, Ordering::Release);
        loop {
            let asked = self.slot().take();
            match asked {
                Some(question) => return question,
                None => self.bell.notified().await,
            }
        }
    }
}

/// The questions to whoever takes connections.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    asked: Mutex<Asked>,
    bell: Notify,
}

#[derive(Debug, Default)]
struct Asked {
    listeners: usize,
    /// At most one a session: the rules ask again only after the answer.
    open: Vec<(SessionId, Time)>,
}

impl Desk {
    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks. `false` where nobody takes connections.
    pub(crate) fn ask(&self, session: SessionId, at: Time) -> bool {
        let mut asked = self.asked();
        if asked.listeners == 0 {
            return false;
        }
        asked.open.push((session, at));
        drop(asked);
        self.bell.notify_one();
        true
    }
}

/// Answers for pages that have no connection at present. Whoever takes pages' connections has one for as long as it
/// does.
pub struct Listener {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").finish_non_exhaustive()
    }
}

impl Listener {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        shared.desk.asked().listeners += 1;
        Self { shared }
    }

    /// Waits until the rules ask whether a page has come back. To be answered once every connection and frame that had
    /// come by then was taken.
    pub async fn asked(&self) -> Questions {
        loop {
            let open = std::mem::take(&mut self.shared.desk.asked().open);
            if !open.is_empty() {
                return Questions { shared: Arc::clone(&self.shared), open, late: false };
            }
            self.shared.desk.bell.notified().await;
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut asked = self.shared.desk.asked();
        asked.listeners = asked.listeners.saturating_sub(1);
        let open = if asked.listeners == 0 { std::mem::take(&mut asked.open) } else { Vec::new() };
        drop(asked);
        drop(Questions { shared: Arc::clone(&self.shared), open, late: false });
    }
}

/// Questions that were taken and are owed an answer. Dropped, they are answered: nothing has come.
#[must_use = "dropped, it is the answer that nothing has come"]
pub struct Questions {
    shared: Arc<Shared>,
    open: Vec<(SessionId, Time)>,
    late: bool,
}

impl Questions {
    /// Nothing has come. `late`: whoever takes connections stood still shortly before, and a page may not have come back
    /// for that.
    pub fn nothing(mut self, late: bool) {
        self.late = late;
    }
}

impl std::fmt::Debug for Questions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Questions").field("open", &self.open.len()).finish_non_exhaustive()
    }
}

impl Drop for Questions {
    fn drop(&mut self) {
        for (session, asked) in self.open.drain(..) {
            self.shared.queue.push(Item::Input(Input::Quiet { session, asked, late: self.late }));
        }
    }
}

/// A question that was taken and is owed an answer: [`crate::Attachment::quiet`].
#[derive(Debug)]
#[must_use = "a question that is never answered is a hang of the host"]
pub struct Unanswered {
    /// Whose: the answer is for that session, whatever has become of it.
    pub(crate) session: SessionId,
    pub(crate) asked: Time,
}
