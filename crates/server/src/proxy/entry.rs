//! Who may see the wrapped app: one-time tickets of our own page, and the cookies that they are exchanged for. In memory
//! alone: who was in before a restart comes in again by a ticket. No clock of its own.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{access::Guest, secret};

/// How long a ticket can be used: a frame asks at once.
const TICKET_LIVES: Duration = Duration::from_secs(30);
/// Tickets and cookies of one guest; the oldest goes for one more. A browser needs one for each name that it knows us by.
const EACH: usize = 8;

/// Somebody who may see the app.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) guest: Guest,
    /// The origin of the page that frames the app.
    pub(crate) shell: Arc<str>,
}

/// By the hash of a secret; the oldest first.
type Kept<T> = VecDeque<(String, T)>;

/// All of them. There are few guests, and few of each.
#[derive(Default)]
pub(crate) struct Entries {
    tickets: Kept<(Entry, Instant)>,
    cookies: Kept<Entry>,
}

impl Entries {
    /// A ticket; `None` where the system has no randomness.
    pub(super) fn ticket(&mut self, entry: Entry, now: Instant) -> Option<String> {
        let word = secret::word()?;
        self.tickets.retain(|(_, (known, until))| *until > now && !known.guest.revoked.is_cancelled());
        make_room(&mut self.tickets, |(known, _)| known.guest.id == entry.guest.id);
        self.tickets.push_back((secret::kept(&word), (entry, now + TICKET_LIVES)));
        Some(word)
    }

    /// Takes a ticket.
    pub(super) fn take(&mut self, ticket: &str, now: Instant) -> Option<Entry> {
        let kept = secret::kept(ticket);
        let at = self.tickets.iter().position(|(known, _)| *known == kept)?;
        let (_, (entry, until)) = self.tickets.remove(at)?;
        (until > now && !entry.guest.revoked.is_cancelled()).then_some(entry)
    }

    /// Lets one in; the value of its cookie.
    pub(super) fn admit(&mut self, entry: Entry) -> Option<String> {
        let word = secret::word()?;
        self.cookies.retain(|(_, known)| !known.guest.revoked.is_cancelled());
        make_room(&mut self.cookies, |known| known.guest.id == entry.guest.id);
        self.cookies.push_back((secret::kept(&word), entry));
        Some(word)
    }

    /// Whose cookie that is, as long as its browser is let in.
    pub(super) fn entry(&self, cookie: &str) -> Option<Entry> {
        let kept = secret::kept(cookie);
        let (_, entry) = self.cookies.iter().find(|(known, _)| *known == kept)?;
        (!entry.guest.revoked.is_cancelled()).then(|| entry.clone())
    }
}

/// Leaves room for one more of those.
fn make_room<T>(all: &mut Kept<T>, is_one: impl Fn(&T) -> bool) {
    let theirs = |(_, known): &&(String, T)| is_one(known);
    if all.iter().filter(theirs).count() >= EACH
        && let Some(oldest) = all.iter().position(|(_, known)| is_one(known))
    {
        all.remove(oldest);
    }
}

#[cfg(test)]
mod tests {
    use killcord::{Role, core::BrowserId};
    use tokio_util::sync::CancellationToken;

    use super::*;

    fn entry(id: u64) -> Entry {
        let guest = Guest {
            id: BrowserId(id),
            name: "browser".into(),
            who: "browser".into(),
            role: Role::Observer,
            revoked: CancellationToken::new(),
        };
        Entry { guest, shell: "http://127.0.0.1:8420".into() }
    }

    #[test]
    fn a_ticket_lets_in_once_and_within_its_time() {
        let (mut entries, now) = (Entries::default(), Instant::now());
        let (first, second) =
            (entries.ticket(entry(1), now).unwrap(), entries.ticket(entry(1), now).unwrap());
        let last = now + TICKET_LIVES - Duration::from_nanos(1);
        assert_eq!(entries.take(&first, last).unwrap().guest.id, BrowserId(1));
        assert!(entries.take(&first, last).is_none(), "it was used");
        assert!(entries.take(&second, now + TICKET_LIVES).is_none(), "it is too old");
        assert!(entries.take("", now).is_none() && entries.entry(&first).is_none());
    }

    #[test]
    fn whoever_is_revoked_is_out_with_his_tickets() {
        let (mut entries, now, guest) = (Entries::default(), Instant::now(), entry(1));
        let cookie = entries.admit(guest.clone()).unwrap();
        let ticket = entries.ticket(guest.clone(), now).unwrap();
        assert!(entries.entry(&cookie).is_some());
        guest.guest.revoked.cancel();
        assert!(entries.entry(&cookie).is_none() && entries.take(&ticket, now).is_none());
        entries.admit(entry(2)).unwrap();
        assert_eq!(entries.cookies.len(), 1, "and is forgotten");
    }

    #[test]
    fn nobody_takes_another_s_place() {
        let (mut entries, now) = (Entries::default(), Instant::now());
        let other = entries.admit(entry(2)).unwrap();
        let all: Vec<_> = (0..=EACH).map(|_| entries.admit(entry(1)).unwrap()).collect();
        assert!(entries.entry(&other).is_some() && entries.entry(&all[0]).is_none());
        assert!(all[1..].iter().all(|cookie| entries.entry(cookie).is_some()));
        for _ in 0..100 {
            entries.ticket(entry(1), now).unwrap();
        }
        assert_eq!(entries.tickets.len(), EACH);
    }
}
