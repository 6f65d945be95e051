//! What is heard of pages in browsers besides their frames: documents that are asked for, and goodbyes.

use killcord_core::{
    BrowserId, SessionEnd, SessionId,
    documents::Goodbye,
    rules::{Input, Tag},
};

use super::Engine;

/// One such thing. All of them keep their order with the hellos.
pub(crate) enum PageNews {
    /// A browser asks for a document.
    Document { browser: BrowserId, nonce: String },
    /// A page says goodbye, over its own connection or another.
    Bye { browser: Option<BrowserId>, session: SessionId, nonce: String, persisted: bool },
    /// A browser closed an attachment's connection as one does that goes away.
    Closed(Tag),
}

impl Engine {
    pub(super) fn page(&mut self, news: PageNews) {
        let now = self.now().mono;
        match news {
            PageNews::Document { browser, nonce } => self.seats.document(browser, nonce, now),
            PageNews::Bye { browser, session, nonce, persisted } => {
                match self.seats.goodbye(browser, session, &nonce, persisted, now) {
                    Some(goodbye) => self.goodbye(session, goodbye),
                    None => tracing::debug!(%session, "a goodbye of another page than the session's"),
                }
            }
            PageNews::Closed(tag) => {
                if let Some((session, goodbye)) = self.seats.closed(tag, now) {
                    self.goodbye(session, goodbye);
                }
            }
        }
    }

    fn goodbye(&mut self, session: SessionId, goodbye: Goodbye) {
        let grace = goodbye == Goodbye::Grace;
        self.input(Input::Goodbye { session, reason: SessionEnd::PageClosed, grace });
    }
}
