//! What the rules' thread leaves for the lock's thread: always the last word, never a queue, never a wait.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// What was said last.
#[derive(Default)]
struct Said {
    lock: bool,
    /// The number of that word; zero before the first.
    n: u64,
    /// The system's service came or went.
    turned: bool,
    /// The connection to it broke.
    lost: bool,
    over: bool,
}

/// What the lock's thread has to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Todo {
    /// The lock is wanted; answered with this number.
    Take(u64),
    /// It is not.
    Give,
    /// Look at the system again.
    Look,
    /// The connection to it is gone.
    Reconnect,
    /// The host has ended.
    End,
}

/// The last word, and whoever waits for it.
#[derive(Default)]
pub(super) struct Wish {
    said: Mutex<Said>,
    news: Condvar,
}

impl Wish {
    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, change: impl FnOnce(&mut Said)) {
        change(&mut self.said());
        self.news.notify_all();
    }

    pub(super) fn want(&self, n: u64, lock: bool) {
        self.say(|said| (said.n, said.lock) = (n, lock));
    }

    pub(super) fn turn(&self) {
        self.say(|said| said.turned = true);
    }

    pub(super) fn lose(&self) {
        self.say(|said| said.lost = true);
    }

    pub(super) fn end(&self) {
        self.say(|said| said.over = true);
    }

    /// What is to be done behind word `seen`, which is set to the word that is answered; `None` when nothing is
    /// by `until`.
    pub(super) fn next(&self, seen: &mut u64, until: Option<Instant>) -> Option<Todo> {
        let mut said = self.said();
        loop {
            if said.over {
                return Some(Todo::End);
            }
            if std::mem::take(&mut said.lost) {
                return Some(Todo::Reconnect);
            }
            if std::mem::take(&mut said.turned) {
                return Some(Todo::Look);
            }
            if said.n != *seen {
                *seen = said.n;
                return Some(if said.lock { Todo::Take(said.n) } else { Todo::Give });
            }
            said = match until {
                None => self.news.wait(said).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left =
                        until.checked_duration_since(Instant::now()).filter(|left| *left > Duration::ZERO)?;
                    self.news.wait_timeout(said, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_word_about_the_lock_counts() {
        let (wish, mut seen) = (Wish::default(), 0);
        let now = Some(Instant::now());
        assert_eq!(wish.next(&mut seen, now), None);
        wish.want(1, true);
        wish.want(2, false);
        wish.want(3, true);
        assert_eq!(wish.next(&mut seen, now), Some(Todo::Take(3)));
        assert_eq!(wish.next(&mut seen, now), None);
        wish.want(4, false);
        wish.turn();
        assert_eq!(wish.next(&mut seen, now), Some(Todo::Look));
        assert_eq!(wish.next(&mut seen, now), Some(Todo::Give));
        wish.end();
        wish.want(5, true);
        assert_eq!(wish.next(&mut seen, now), Some(Todo::End));
    }
}
