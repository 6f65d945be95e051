//! Where sessions sit: the bounded channel to each attached GUI, and the token to come back with.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use killcord_core::{SessionId, rules::Tag};
use killcord_wire::ToPage;
use tokio::sync::mpsc::Sender;

/// Frames that may wait for a GUI. One that lets it fill up is dropped and has to come back.
pub(crate) const WAITING_FRAMES: usize = 512;

/// What an attachment and the rules' thread share: which session it has, once it has one.
#[derive(Debug, Default)]
pub(crate) struct Place(AtomicU64);

impl Place {
    pub(crate) fn session(&self) -> Option<SessionId> {
        match self.0.load(Ordering::Acquire) {
            0 => None,
            id => Some(SessionId(id)),
        }
    }

    fn give(&self, session: SessionId) {
        self.0.store(session.0, Ordering::Release);
    }

    fn take(&self) {
        self.0.store(0, Ordering::Release);
    }
}

/// One attached GUI.
pub(crate) struct Seat {
    pub(crate) tag: Tag,
    pub(crate) place: Arc<Place>,
    pub(crate) frames: Sender<ToPage>,
}

/// All of them, on the rules' thread.
#[derive(Default)]
pub(crate) struct Seats {
    arriving: BTreeMap<Tag, Seat>,
    seated: BTreeMap<SessionId, Seat>,
    tokens: BTreeMap<SessionId, String>,
}

impl Seats {
    /// A GUI said hello and waits for its session.
    pub(crate) fn arrive(&mut self, seat: Seat) {
        self.arriving.insert(seat.tag, seat);
    }

    /// The session that a token belongs to.
    pub(crate) fn session_of(&self, token: &str) -> Option<SessionId> {
        self.tokens.iter().find(|(_, known)| !token.is_empty() && known.as_str() == token).map(|(&id, _)| id)
    }

    /// Seats an arrived GUI and gives it a new token. Another one in the same seat is shown out: it is the
    /// page before a reload.
    pub(crate) fn seat(&mut self, tag: Tag, session: SessionId) -> Option<String> {
        let seat = self.arriving.remove(&tag)?;
        let token = new_token();
        seat.place.give(session);
        if let Some(before) = self.seated.insert(session, seat) {
            before.place.take();
        }
        self.tokens.insert(session, token.clone());
        Some(token)
    }

    /// Ends a session's seat.
    pub(crate) fn clear(&mut self, session: SessionId) {
        self.tokens.remove(&session);
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

    /// Sends to one session. Returns the session if it did not keep up: it is shown out.
    #[must_use]
    pub(crate) fn send(&mut self, session: SessionId, frame: ToPage) -> Option<SessionId> {
        let seat = self.seated.get(&session)?;
        if seat.frames.try_send(frame).is_ok() {
            return None;
        }
        self.seated.remove(&session).map(|seat| {
            seat.place.take();
            session
        })
    }

    /// Sends to an attachment that has no session (yet).
    pub(crate) fn send_to(frames: &Sender<ToPage>, frame: ToPage) {
        if frames.try_send(frame).is_err() {
            tracing::debug!("an answer to an attachment without a session was dropped");
        }
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
