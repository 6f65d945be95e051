//! Goodbyes: whether a page that says it goes is closed, or may only be reloaded.
//!
//! A browser asks for the new document before the old page says goodbye. So the account of documents that were
//! asked for and that no hello has claimed yet tells the two apart, and an end without grace is earned: when in
//! doubt, grace. It costs `reload_grace`; a false end costs a run. The page's connection may be closed a little before
//! either, so that a close waits for both (docs/decisions/0025).
//!
//! No clock, no socket: whoever asks gives the time.

use std::{collections::BTreeMap, time::Duration};

use crate::Time;

/// The most unclaimed documents that are kept for one browser. One that asks for more is in doubt from then on.
const MOST_DOCUMENTS: usize = 64;
/// The most browsers that are kept: more than are let in at a time. For one more the one that was heard of least recently
/// is forgotten, and an unknown one never earns an end without grace.
const MOST_BROWSERS: usize = 1024;

/// With what the nonce of a document begins that a person, or a page of the host's own, has asked for. To any other
/// another site's page may have led: only a page of such a one may make `arm = "on-first-session"` act.
pub const OPENED: &str = "opened-";

/// How long a close (1001) waits for word that it is no end, besides the time of its way: a browser that keeps a page
/// closes its connection too, and its beacon comes by another one; Firefox, when it reloads one, now and then closes its
/// connection before it asks for the new document (10 ms before, at most, in 16 reloads on two busy cores). The most that
/// leaves the rest its time in what a closed page may take until the hardware is safe (DESIGN.md, section 11: 50 ms).
pub const BEACON_WITHIN: Duration = Duration::from_millis(30);
/// Round trips that a beacon may take: a connection, its encryption, the request.
const BEACON_TRIPS: u32 = 3;

/// How long a close waits where a round trip takes so long; `None` where that is not known, and then it is in doubt.
#[must_use]
pub fn beacon_wait(round_trip: Option<Duration>) -> Duration {
    round_trip.map_or(Duration::MAX, |trip| BEACON_WITHIN.saturating_add(trip.saturating_mul(BEACON_TRIPS)))
}

/// Names a browser: all pages that share its cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BrowserId(pub u64);

/// How a goodbye that counts is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Goodbye {
    /// The page is closed.
    AtOnce,
    /// It may come back within `reload_grace`.
    Grace,
}

/// The page that a session has at present.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Page {
    browser: Option<BrowserId>,
    nonce: String,
    /// Its hello claimed a document of this host.
    claimed: bool,
    left: Option<Left>,
}

/// It said goodbye and may come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Left {
    /// Into the browser's back/forward cache.
    Kept,
    /// For good.
    Gone,
    /// Its connection was closed as by a browser that goes away, and nothing was heard since.
    Closed,
}

impl Page {
    /// The browser that it runs in; a window or a terminal has none.
    #[must_use]
    pub const fn browser(&self) -> Option<BrowserId> {
        self.browser
    }

    /// Whether it said goodbye.
    #[must_use]
    pub const fn has_left(&self) -> bool {
        self.left.is_some()
    }

    /// Its browser asks for a document. Whether it may be for this page: its connection was closed and nothing was heard
    /// since. One close is undone by one document.
    pub fn is_sought(&mut self, by: BrowserId) -> bool {
        let sought = self.left == Some(Left::Closed) && self.browser == Some(by);
        if sought {
            self.left = Some(Left::Gone);
        }
        sought
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Browser {
    /// By nonce: when each lapses.
    unclaimed: BTreeMap<String, Time>,
    /// A page of it came that claimed nothing: from a worker, a cache, a prerender or a sign-on.
    doubted: bool,
    /// When it asked for a document or said hello last.
    heard: Time,
}

/// The documents that browsers asked for and that no hello has claimed yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Documents {
    lapse: Duration,
    browsers: BTreeMap<BrowserId, Browser>,
}

impl Documents {
    /// None yet. One that is not claimed within `lapse` was not loaded and lapses.
    #[must_use]
    pub const fn new(lapse: Duration) -> Self {
        Self { lapse, browsers: BTreeMap::new() }
    }

    /// A browser asks for a document that will carry this nonce. To be told before the answer's first byte.
    pub fn asked(&mut self, browser: BrowserId, nonce: String, now: Time) {
        if !self.browsers.contains_key(&browser) && self.browsers.len() >= MOST_BROWSERS {
            let oldest = self.browsers.iter().min_by_key(|(_, known)| known.heard).map(|(&id, _)| id);
            oldest.and_then(|id| self.browsers.remove(&id));
        }
        let until = now + self.lapse;
        let new = || Browser { unclaimed: BTreeMap::new(), doubted: false, heard: now };
        let browser = self.browsers.entry(browser).or_insert_with(new);
        browser.heard = now;
        browser.unclaimed.retain(|_, until| now < *until);
        if browser.unclaimed.len() < MOST_DOCUMENTS {
            browser.unclaimed.insert(nonce, until);
        } else {
            browser.doubted = true;
        }
    }

    /// A page said hello. `before` is the page that its session had until now, if it resumes one.
    #[must_use]
    pub fn hello(
        &mut self,
        browser: Option<BrowserId>,
        nonce: String,
        before: Option<&Page>,
        now: Time,
    ) -> Page {
        let claimed = browser.is_some_and(|id| {
            // A browser that asked for nothing is not in the account, and never earns anything.
            let Some(known) = self.browsers.get_mut(&id) else { return false };
            known.heard = now;
            let fresh = known.unclaimed.remove(&nonce).is_some_and(|until| now < until);
            // The same page on a new connection. One that had gone for good is another, from a cache.
            let again = before.is_some_and(|before| {
                before.claimed
                    && before.browser == Some(id)
                    && before.nonce == nonce
                    && !matches!(before.left, Some(Left::Gone | Left::Closed))
            });
            known.doubted |= !fresh && !again;
            fresh || again
        });
        Page { browser, nonce, claimed, left: None }
    }

    /// A goodbye of the document with that nonce. `None`: it is not the session's page, and nothing follows.
    #[must_use]
    pub fn goodbye(&self, page: &mut Page, nonce: &str, persisted: bool, now: Time) -> Option<Goodbye> {
        if page.nonce != nonce {
            return None;
        }
        page.left = Some(if persisted { Left::Kept } else { Left::Gone });
        let earned = !persisted && page.claimed && page.browser.is_some_and(|id| self.all_claimed(id, now));
        Some(if earned { Goodbye::AtOnce } else { Goodbye::Grace })
    }

    /// The browser closed the page's connection as one does that goes away (1001), with no proxy between. After
    /// a goodbye it says nothing new; before one it counts once [`beacon_wait`] is over and the page was not
    /// [sought](Page::is_sought).
    #[must_use]
    pub fn closed(&self, page: &mut Page, now: Time) -> Option<Goodbye> {
        if page.has_left() {
            return None;
        }
        let nonce = page.nonce.clone();
        let goodbye = self.goodbye(page, &nonce, false, now);
        page.left = Some(Left::Closed);
        goodbye
    }

    /// Whether every document that the browser asked for was claimed, and every page of it claimed one.
    fn all_claimed(&self, browser: BrowserId, now: Time) -> bool {
        self.browsers
            .get(&browser)
            .is_some_and(|known| !known.doubted && known.unclaimed.values().all(|until| *until <= now))
    }
}
