//! Where sessions sit: the bounded channel to each attached GUI, the token to come back with, and the page that it
//! has, by which its goodbyes are judged.

use std::{
    collections::{BTreeMap, VecDeque},
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use killcord_core::{
    BrowserId, SessionEnd, SessionId, Time,
    documents::{Documents, Goodbye, Page},
    rules::Tag,
};
use killcord_wire::{EndedView, ToPage};
use tokio::sync::mpsc::Sender;

use crate::readers::Question;

/// Sessions that have ended and are remembered.
const ENDED: usize = 32;
/// A document that was asked for and that no hello has claimed by then was not loaded.
const LAPSE: Duration = Duration::from_secs(30);
/// Frames that may wait for a GUI. One that lets it fill up is dropped and has to come back.
pub(crate) const WAITING_FRAMES: usize = 512;

/// What an attachment and the rules' thread share: which session it has, once it has one, whether its page said
/// goodbye, and what its reader is asked.
#[derive(Debug, Default)]
pub(crate) struct Place {
    session: AtomicU64,
    left: AtomicBool,
    pub(crate) question: Question,
}

impl Place {
    pub(crate) fn session(&self) -> Option<SessionId> {
        match self.session.load(Ordering::Acquire) {
            0 => None,
            id => Some(SessionId(id)),
        }
    }

    fn give(&self, session: SessionId) {
        self.session.store(session.0, Ordering::Release);
    }

    fn take(&self) {
        self.session.store(0, Ordering::Release);
    }

    pub(crate) fn has_left(&self) -> bool {
        self.left.load(Ordering::Acquire)
    }
}

/// One attached GUI.
pub(crate) struct Seat {
    pub(crate) tag: Tag,
    pub(crate) place: Arc<Place>,
    /// `None` once it was shown out. Its page is still that session's, until another sits there or it leaves.
    pub(crate) frames: Option<Sender<Arc<ToPage>>>,
    pub(crate) browser: Option<BrowserId>,
    pub(crate) nonce: String,
    pub(crate) address: Option<IpAddr>,
    pub(crate) who: Option<Arc<str>>,
}

/// What a session can be come back to with.
struct Tokens {
    newest: String,
    /// What its page came with last: the welcome that told the newest one may not have reached it.
    before: Option<String>,
}

impl Tokens {
    fn are(&self, token: &str) -> bool {
        !token.is_empty() && (self.newest == token || self.before.as_deref() == Some(token))
    }
}

/// All of them, on the rules' thread.
pub(crate) struct Seats {
    /// With the token that each came with, where it is a session's.
    arriving: BTreeMap<Tag, (Seat, Option<String>)>,
    seated: BTreeMap<SessionId, Seat>,
    tokens: BTreeMap<SessionId, Tokens>,
    /// Outlives the seat: a page whose connection is gone can still say goodbye.
    pages: BTreeMap<SessionId, Page>,
    documents: Documents,
    /// From where each came last, and as whom.
    came: BTreeMap<SessionId, (Option<IpAddr>, Option<Arc<str>>)>,
    ended: VecDeque<EndedView>,
}

impl Default for Seats {
    fn default() -> Self {
        Self {
            arriving: BTreeMap::new(),
            seated: BTreeMap::new(),
            tokens: BTreeMap::new(),
            pages: BTreeMap::new(),
            documents: Documents::new(LAPSE),
            came: BTreeMap::new(),
            ended: VecDeque::new(),
        }
    }
}

impl Seats {
    /// A browser asks for a document. Gives the sessions whose page that may be.
    pub(crate) fn document(&mut self, browser: BrowserId, nonce: String, now: Time) -> Vec<SessionId> {
        self.documents.asked(browser, nonce, now);
        self.pages
            .iter_mut()
            .filter_map(|(&session, page)| page.is_sought(browser).then_some(session))
            .collect()
    }

    /// A GUI said hello and waits for its session. Gives the one that its token belongs to.
    pub(crate) fn arrive(&mut self, seat: Seat, token: Option<String>) -> Option<SessionId> {
        // Whoever else has come by the token is not that page.
        let theirs =
            |session: &SessionId| self.pages.get(session).is_some_and(|page| page.browser() == seat.browser);
        let session = token.as_deref().and_then(|token| self.session_of(token)).filter(theirs);
        self.arriving.insert(seat.tag, (seat, token.filter(|_| session.is_some())));
        session
    }

    fn session_of(&self, token: &str) -> Option<SessionId> {
        self.tokens.iter().find(|(_, known)| known.are(token)).map(|(&id, _)| id)
    }

    /// Seats an arrived GUI and gives it a new token. Another one in the same seat is shown out: it is the
    /// page before a reload.
    pub(crate) fn seat(&mut self, tag: Tag, session: SessionId, now: Time) -> Option<String> {
        let (mut seat, came_with) = self.arriving.remove(&tag)?;
        let (nonce, before) = (std::mem::take(&mut seat.nonce), self.pages.get(&session));
        let page = self.documents.hello(seat.browser, nonce, before, now);
        self.pages.insert(session, page);
        self.came.insert(session, (seat.address, seat.who.take()));
        let token = new_token();
        seat.place.give(session);
        if let Some(before) = self.seated.insert(session, seat) {
            before.place.take();
        }
        self.tokens.insert(session, Tokens { newest: token.clone(), before: came_with });
        Some(token)
    }

    /// Ends a session's seat.
    pub(crate) fn clear(&mut self, session: SessionId, reason: SessionEnd) {
        let (address, who) = self.came.remove(&session).unwrap_or_default();
        self.ended.push_back(EndedView { session, reason, address, who: who.map(|who| who.to_string()) });
        if self.ended.len() > ENDED {
            self.ended.pop_front();
        }
        self.tokens.remove(&session);
        self.pages.remove(&session);
        if let Some(seat) = self.seated.remove(&session) {
            seat.place.take();
        }
    }

    /// An attachment is gone: the session that sits there, if it is still the same attachment's.
    pub(crate) fn leave(&mut self, tag: Tag) -> Option<SessionId> {
        self.arriving.remove(&tag);
        let session = self.seated.iter().find(|(_, seat)| seat.tag == tag).map(|(&id, _)| id)?;
        self.seated.remove(&session);
        Some(session)
    }

    /// A goodbye by a page of `browser`. `None` where the session has another page by now, or never was theirs.
    pub(crate) fn goodbye(
        &mut self,
        browser: Option<BrowserId>,
        session: SessionId,
        nonce: &str,
        persisted: bool,
        now: Time,
    ) -> Option<Goodbye> {
        let page = self.pages.get_mut(&session).filter(|page| page.browser() == browser)?;
        let goodbye = self.documents.goodbye(page, nonce, persisted, now)?;
        self.note_left(session);
        Some(goodbye)
    }

    /// The browser closed this attachment's connection as one does that goes away.
    pub(crate) fn closed(&mut self, tag: Tag, now: Time) -> Option<(SessionId, Goodbye)> {
        let (&session, _) = self.seated.iter().find(|(_, seat)| seat.tag == tag)?;
        let goodbye = self.documents.closed(self.pages.get_mut(&session)?, now)?;
        self.note_left(session);
        Some((session, goodbye))
    }

    /// Asks the reader of a session's socket. `false` where it has none.
    pub(crate) fn ask(&self, session: SessionId, at: Time) -> bool {
        self.seated.get(&session).is_some_and(|seat| seat.place.question.ask(session, at))
    }

    fn note_left(&self, session: SessionId) {
        if let Some(seat) = self.seated.get(&session) {
            seat.place.left.store(true, Ordering::Release);
        }
    }

    /// Sends to one session. Returns the session if it did not keep up: it is shown out.
    #[must_use]
    pub(crate) fn send(&mut self, session: SessionId, frame: Arc<ToPage>) -> Option<SessionId> {
        let seat = self.seated.get_mut(&session)?;
        if seat.frames.as_ref()?.try_send(frame).is_ok() {
            return None;
        }
        seat.frames = None;
        Some(session)
    }

    /// From where a session came, and as whom.
    pub(crate) fn came(&self, session: SessionId) -> (Option<IpAddr>, Option<String>) {
        let (address, who) = self.came.get(&session).cloned().unwrap_or_default();
        (address, who.map(|who| who.to_string()))
    }

    /// The sessions that have a page of that browser.
    pub(crate) fn sessions_of(&self, browser: BrowserId) -> Vec<SessionId> {
        let of = |(_, page): &(&SessionId, &Page)| page.browser() == Some(browser);
        self.pages.iter().filter(of).map(|(&id, _)| id).collect()
    }

    /// The last sessions that have ended, the newest last.
    pub(crate) fn ended(&self) -> impl Iterator<Item = EndedView> {
        self.ended.iter().cloned()
    }

    pub(crate) fn sessions(&self) -> Vec<SessionId> {
        self.seated.keys().copied().collect()
    }
}

/// 128 random bits, in hex.
fn new_token() -> String {
    let mut bytes = [0_u8; 16];
    if getrandom::fill(&mut bytes).is_err() {
        // No randomness, no resuming: a token that nobody is told matches nothing.
        return String::new();
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
