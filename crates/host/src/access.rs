//! Who comes to the host's door, for the record: said by whoever keeps the door, written by the journal's thread.
//!
//! **It must never** make the caller wait, nor let strangers fill the journal: of refusals only so many are written
//! down, and how many more there were.

use std::{
    net::IpAddr,
    sync::PoisonError,
    time::{Duration, Instant},
};

use crate::{
    Host,
    engine::Item,
    journal::{Access, Entrance},
};

/// So many refusals are written down in a row, and one more after each such time.
const REFUSALS: (u32, Duration) = (20, Duration::from_secs(30));
/// The longest name that is written down, in bytes.
const LONGEST_NAME: usize = 64;

impl Host {
    /// Puts on record that somebody was let in, was not, is let in no more, or has signed out; from where, where that
    /// is known, and by the name that the token or browser has, never by its secret. Returns at once, from any thread;
    /// every one is counted, also where too many are refused to be written down.
    pub fn record_access(&self, access: Access, from: Option<IpAddr>, name: Option<&str>) {
        let shared = self.shared();
        shared.metrics.count_access(access);
        let more = match access {
            Access::Refused => {
                let mut refusals = shared.refusals.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(more) = refusals.take(Instant::now()) else { return };
                more
            }
            _ => 0,
        };
        let name = name.map(|name| name[..name.floor_char_boundary(LONGEST_NAME)].to_owned());
        shared.queue.push(Item::Access(Entrance { access, from, name, more }));
    }
}

/// Which refusals are written down.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    /// So many have been since the last pause that was long enough.
    used: u32,
    since: Option<Instant>,
    more: u64,
}

impl Refusals {
    /// Whether this one is, and how many were not since the last that was.
    fn take(&mut self, now: Instant) -> Option<u64> {
        let (most, every) = REFUSALS;
        let since = *self.since.get_or_insert(now);
        let refilled = now.saturating_duration_since(since).as_nanos() / every.as_nanos();
        let refilled = u32::try_from(refilled).unwrap_or(u32::MAX);
        if refilled >= self.used {
            (self.used, self.since) = (0, Some(now));
        } else {
            self.used -= refilled;
            self.since = Some(since + every * refilled);
        }
        if self.used >= most {
            self.more += 1;
            return None;
        }
        self.used += 1;
        Some(std::mem::take(&mut self.more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_refusals_the_journal_has_some_and_how_many_more_there_were() {
        let (start, mut refusals) = (Instant::now(), Refusals::default());
        let (most, every) = REFUSALS;
        assert!((0..most).all(|_| refusals.take(start) == Some(0)));
        assert!((0..1000).all(|_| refusals.take(start).is_none()));
        let due = start + every;
        assert_eq!(refusals.take(due.checked_sub(Duration::from_nanos(1)).unwrap()), None);
        assert_eq!(refusals.take(due), Some(1001));
        assert_eq!(refusals.take(due), None);
        let later = start + Duration::from_secs(24 * 3600);
        assert_eq!(refusals.take(later), Some(1), "and after a quiet day as at first");
        assert!((1..most).all(|_| refusals.take(later) == Some(0)));
        assert_eq!(refusals.take(later), None);
    }
}
