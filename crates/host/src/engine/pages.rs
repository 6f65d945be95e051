//! What is heard of pages in browsers besides their frames: documents that are asked for, goodbyes, and who wants
//! to know of all sessions, or to end one.

use std::time::Duration;

use killcord_core::{
    BrowserId, SessionEnd, SessionId, SessionKind, Time,
    documents::Goodbye,
    rules::{Command, Input, Liveliness, Session, Tag},
};
use killcord_wire::{ReadingsView, SessionView, SessionsView, Standing};
use tokio::sync::oneshot;

use super::{Engine, Item};
use crate::{asked::Refused, view::ms};

/// One such thing. All of them keep their order with the hellos.
pub(crate) enum PageNews {
    /// A browser asks for a document.
    Document { browser: BrowserId, nonce: String },
    /// A page says goodbye, over its own connection or another.
    Bye { browser: Option<BrowserId>, session: SessionId, nonce: String, persisted: bool },
    /// A browser closed an attachment's connection as one does that goes away; so long a goodbye is waited for.
    Closed { tag: Tag, wait: Duration },
    /// Somebody wants to know of all sessions.
    List(oneshot::Sender<SessionsView>),
    /// An operator ends a session; is told whether there was one.
    End { session: SessionId, told: oneshot::Sender<bool> },
    /// All sessions of a browser end: it signs out, or is let in no more.
    Leave { browser: BrowserId, reason: SessionEnd },
    /// A command of a browser that came without a socket.
    Command { browser: BrowserId, command: Command, told: oneshot::Sender<Result<(), Refused>> },
    /// Somebody wants to know the recent past of readings.
    Readings {
        device: Option<String>,
        name: Option<String>,
        since_ms: u64,
        told: oneshot::Sender<ReadingsView>,
    },
}

impl Engine {
    pub(super) fn page(&mut self, news: PageNews) {
        let now = self.now().mono;
        match news {
            PageNews::Document { browser, nonce } => {
                for session in self.seats.document(browser, nonce, now) {
                    self.input(Input::Sought { session });
                }
            }
            PageNews::Bye { browser, session, nonce, persisted } => {
                match self.seats.goodbye(browser, session, &nonce, persisted, now) {
                    Some(goodbye) => self.goodbye(session, goodbye),
                    None => tracing::debug!(%session, "a goodbye of another page than the session's"),
                }
            }
            PageNews::Closed { tag, wait } => match self.seats.closed(tag, now) {
                // It may have been kept, or is loaded again: its beacon, or a document, would be behind this.
                Some((session, Goodbye::AtOnce)) => self.input(Input::Closed { session, wait }),
                Some((session, goodbye)) => self.goodbye(session, goodbye),
                None => {}
            },
            PageNews::List(told) => {
                // Whoever asked may be gone.
                told.send(self.sessions()).ok();
            }
            PageNews::End { session, told } => {
                told.send(self.state.sessions().contains_key(&session)).ok();
                self.end_session(session, SessionEnd::EndedByOperator);
            }
            PageNews::Command { browser, command, told } => self.asked(browser, command, told),
            PageNews::Readings { device, name, since_ms, told } => {
                told.send(self.past(device.as_deref(), name.as_deref(), since_ms)).ok();
            }
            PageNews::Leave { browser, reason } => {
                for session in self.seats.sessions_of(browser) {
                    self.end_session(session, reason);
                }
            }
        }
    }

    /// Asks whoever reads the session's socket, or takes connections where it has none. A page that said goodbye comes
    /// back by another connection.
    pub(super) fn ask(&self, session: SessionId, asked: Time) {
        let connected = |it: &Session| matches!(it.liveliness, Liveliness::Live | Liveliness::Frozen);
        let reader =
            self.state.sessions().get(&session).is_some_and(connected) && self.seats.ask(session, asked);
        let queue = &self.shared.queue;
        if !reader && !self.shared.desk.ask(queue, session, asked) {
            queue.push(Item::Input(Input::Quiet { session, asked, late: false }));
        }
    }

    fn sessions(&self) -> SessionsView {
        let (now, policy) = (self.now().mono, &self.shared.rig.policy.session);
        let view = |(&id, session): (&SessionId, &Session)| {
            let (address, who) = self.seats.came(id);
            SessionView {
                session: id,
                kind: session.kind,
                address,
                who,
                role: self.state.role(id),
                standing: match session.liveliness {
                    Liveliness::Live => Standing::Live,
                    Liveliness::Suspect => Standing::Suspect,
                    Liveliness::Frozen => Standing::Frozen,
                    Liveliness::Grace { .. } => Standing::Grace,
                },
                lease_ms: ms(session.ends_at(policy).since(now)),
                main_ms: (session.kind != SessionKind::Terminal).then(|| ms(now.since(session.main))),
            }
        };
        SessionsView {
            sessions: self.state.sessions().iter().map(view).collect(),
            ended: self.seats.ended().collect(),
        }
    }

    fn end_session(&mut self, session: SessionId, reason: SessionEnd) {
        self.input(Input::Goodbye { session, reason, grace: false });
    }

    fn goodbye(&mut self, session: SessionId, goodbye: Goodbye) {
        let grace = goodbye == Goodbye::Grace;
        self.input(Input::Goodbye { session, reason: SessionEnd::PageClosed, grace });
    }
}
