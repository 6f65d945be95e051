//! Read, then judge: the questions that the rules have for whoever reads pages' sockets, and takes their connections.
//!
//! A page's session ends by the clock only on the answer (`rules/reader.rs` in core). Each attachment has a place for
//! one question, and each listener those for pages that have no connection.
//!
//! **It must never** keep a question without anybody to answer it: where nobody reads, it is answered at once; a
//! listener that goes away answers what it owes.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use killcord_core::{SessionId, Time, rules::Input};
use tokio::sync::Notify;

use crate::{
    engine::{Item, Shared},
    queue::Queue,
};

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

/// A question to all who take connections. It is answered once each of them has let go of it.
struct Open {
    queue: Arc<Queue<Item>>,
    session: SessionId,
    asked: Time,
    /// One of them stood still.
    late: AtomicBool,
}

impl Drop for Open {
    fn drop(&mut self) {
        let (session, asked, late) = (self.session, self.asked, *self.late.get_mut());
        self.queue.push(Item::Input(Input::Quiet { session, asked, late }));
    }
}

/// The questions to one of those who take connections.
#[derive(Default)]
struct Letters {
    /// At most one a session: the rules ask again only after the answer.
    open: Mutex<Vec<Arc<Open>>>,
    bell: Notify,
}

impl Letters {
    fn open(&self) -> MutexGuard<'_, Vec<Arc<Open>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The questions to whoever takes connections: a page without one may come back by any of them.
#[derive(Default)]
pub(crate) struct Desk(Mutex<Vec<Arc<Letters>>>);

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("listeners", &self.listeners().len()).finish()
    }
}

impl Desk {
    fn listeners(&self) -> MutexGuard<'_, Vec<Arc<Letters>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks. `false` where nobody takes connections.
    pub(crate) fn ask(&self, queue: &Arc<Queue<Item>>, session: SessionId, asked: Time) -> bool {
        let listeners = self.listeners();
        if listeners.is_empty() {
            return false;
        }
        let open = Arc::new(Open { queue: Arc::clone(queue), session, asked, late: AtomicBool::new(false) });
        for letters in &*listeners {
            letters.open().push(Arc::clone(&open));
            letters.bell.notify_one();
        }
        true
    }
}

/// Answers for pages that have no connection at present. Whoever takes pages' connections has one for as long as it
/// does; where there are several, all are asked.
pub struct Listener {
    shared: Arc<Shared>,
    letters: Arc<Letters>,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").finish_non_exhaustive()
    }
}

impl Listener {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let letters = Arc::<Letters>::default();
        shared.desk.listeners().push(Arc::clone(&letters));
        Self { shared, letters }
    }

    /// Waits until the rules ask whether a page has come back. To be answered once every connection and frame that had
    /// come by then was taken.
    pub async fn asked(&self) -> Questions {
        loop {
            let open = std::mem::take(&mut *self.letters.open());
            if !open.is_empty() {
                return Questions { open };
            }
            self.letters.bell.notified().await;
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.shared.desk.listeners().retain(|letters| !Arc::ptr_eq(letters, &self.letters));
        // What it owes, it has nothing to say to.
        self.letters.open().clear();
    }
}

/// Questions that were taken and are owed an answer. Dropped, they are answered: nothing has come.
#[must_use = "dropped, it is the answer that nothing has come"]
pub struct Questions {
    open: Vec<Arc<Open>>,
}

impl Questions {
    /// Nothing has come. `late`: whoever takes connections stood still shortly before, and a page may not have come back
    /// for that.
    pub fn nothing(self, late: bool) {
        if late {
            self.open.iter().for_each(|open| open.late.store(true, Ordering::Release));
        }
    }
}

impl std::fmt::Debug for Questions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Questions").field("open", &self.open.len()).finish_non_exhaustive()
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
