//! One attached GUI: its frames become inputs here and nowhere else.
//!
//! Nothing that comes from a page is believed before it is checked, and nothing it sends can make the
//! caller wait. Safe stop goes to the funnel at once, past every other check.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use killcord_core::{
    BrowserId, Cause, ControlIx, Epoch, Extent, Mode, Role, SessionEnd, SessionId, SessionKind, Value,
    documents,
    rules::{Arrival, Command, CommandKind, Input, Tag},
};
use killcord_wire::{ErrorCode, ToHost, ToPage, VERSION};
use tokio::sync::mpsc::{Receiver, Sender, WeakSender};

use crate::{
    engine::{Item, PageNews, Shared},
    readers::Unanswered,
    seats::{Place, Seat},
};

/// The longest name of a command, and nonce of a document, that is taken, in bytes.
const LONGEST_ID: usize = 64;

/// Where a page is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// Whose cookie it came with.
    pub browser: BrowserId,
    /// From where it came.
    pub address: IpAddr,
    /// Nothing stands between: its connection is its browser's own. Only such a page on this machine may make
    /// `arm = "on-first-session"` act.
    pub direct: bool,
    /// Who that is, for people.
    pub who: Arc<str>,
    /// Whether it may ever be operator.
    pub may_operate: bool,
}

/// One GUI. Dropped without [`Attachment::end`], its connection counts as lost: the lease runs on.
pub struct Attachment {
    shared: Arc<Shared>,
    tag: Tag,
    kind: SessionKind,
    /// Of a page in a browser.
    visitor: Option<Visitor>,
    place: Arc<Place>,
    /// Goes with its hello to the host: who has none has said it.
    hello: Mutex<Option<Sender<Arc<ToPage>>>>,
    /// From then on the host alone keeps the channel open, so that whoever is shown out is told by its end.
    frames: WeakSender<Arc<ToPage>>,
}

/// What the host says to one GUI, bounded: a reader that lets it fill up is shown out and has to attach
/// again with its resume token.
#[derive(Debug)]
pub struct FrameReceiver(Receiver<Arc<ToPage>>);

impl FrameReceiver {
    /// The next frame; `None` when there will be none: the attachment was dropped, its session has ended (that is a frame
    /// of its own), or its reader did not keep up. It may attach again.
    pub async fn recv(&mut self) -> Option<Arc<ToPage>> {
        self.0.recv().await
    }

    /// The next frame, waited for on this thread (never one that runs async tasks).
    pub fn blocking_recv(&mut self) -> Option<Arc<ToPage>> {
        self.0.blocking_recv()
    }

    /// The next frame, if one waits.
    pub fn try_recv(&mut self) -> Option<Arc<ToPage>> {
        self.0.try_recv().ok()
    }
}

impl Attachment {
    pub(crate) fn new(
        shared: Arc<Shared>,
        kind: SessionKind,
        visitor: Option<Visitor>,
    ) -> (Self, FrameReceiver) {
        let (frames, receiver) = tokio::sync::mpsc::channel(crate::seats::WAITING_FRAMES);
        let tag = shared.next_tag();
        let weak = frames.downgrade();
        let hello = Mutex::new(Some(frames));
        (
            Self { shared, tag, kind, visitor, place: Arc::default(), hello, frames: weak },
            FrameReceiver(receiver),
        )
    }

    /// The session that it has, once its hello was answered and until it ends.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        self.place.session()
    }

    /// Takes a frame as it came over a wire: anything but a frame of this protocol is answered with an error.
    pub fn text(&self, text: &[u8]) {
        match ToHost::read(text) {
            Ok(frame) => self.frame(frame),
            Err(why) => self.refuse(None, ErrorCode::BadFrame, &why.to_string()),
        }
    }

    /// Takes a frame. Never blocks; the answer comes as a frame.
    pub fn frame(&self, frame: ToHost) {
        match frame {
            // Nobody's privilege, never stale, behind nothing.
            ToHost::Safe => drop(self.shared.demand(Cause::SafeStop, Mode::Safe, Extent::Stay)),
            ToHost::Stop => {
                let mode = self.shared.rig.policy.safety.on_safe_stop;
                drop(self.shared.demand(Cause::SafeStop, mode, Extent::Stay));
            }
            ToHost::Hello { v, resume, nonce, want } => self.hello(v, resume, nonce, want),
            frame => match self.session() {
                Some(session) => self.seated(session, frame),
                None => self.refuse(None, ErrorCode::HelloFirst, "say hello first"),
            },
        }
    }

    fn hello(&self, v: u32, resume: Option<String>, nonce: String, want: Role) {
        if v != VERSION {
            return self.refuse(
                None,
                ErrorCode::Version,
                "this page is of another version of Killcord; reload it",
            );
        }
        if nonce.len() > LONGEST_ID {
            return self.refuse(
                None,
                ErrorCode::BadFrame,
                "the document's nonce is too long; reload the page",
            );
        }
        let Some(frames) = self.hello.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return self.refuse(None, ErrorCode::HelloFirst, "this page has already said hello");
        };
        let seat = Seat {
            tag: self.tag,
            place: Arc::clone(&self.place),
            frames: Some(frames),
            browser: self.browser(),
            nonce,
            address: self.visitor.as_ref().map(|visitor| visitor.address),
            who: self.visitor.as_ref().map(|visitor| Arc::clone(&visitor.who)),
        };
        // A window and a terminal are on this machine by nature; a page that was there before is not newly opened, and one
        // to which another site's page led is nobody's.
        let opened = resume.is_none() && seat.nonce.starts_with(documents::OPENED);
        let local = match &self.visitor {
            Some(visitor) => visitor.direct && visitor.address.is_loopback() && opened,
            None => matches!(self.kind, SessionKind::Window | SessionKind::Terminal),
        };
        let arrival = Arrival {
            tag: self.tag,
            kind: self.kind,
            want,
            may_operate: self.may_operate(),
            local,
            resume: None,
        };
        self.shared.queue.push(Item::Arrive { arrival, seat, resume });
    }

    fn seated(&self, session: SessionId, frame: ToHost) {
        let input = match frame {
            ToHost::Beat { n, main_ms, input_ms, .. } => {
                let ago = |ms: Option<u64>| ms.map(Duration::from_millis);
                Input::Beat { session, n, main_ago: ago(main_ms), input_ago: ago(input_ms) }
            }
            ToHost::Bye { session: whose, nonce, persisted } => {
                // A page cannot know whether it is reloaded: the host judges it.
                if whose == session {
                    let browser = self.browser();
                    let news = PageNews::Bye { browser, session, nonce, persisted };
                    self.shared.queue.push(Item::Page(news));
                }
                return;
            }
            ToHost::TakeControl { .. } if !self.may_operate() => {
                let message = "this browser was let in to look, not to operate; ask an operator for a link";
                return self.refuse(None, ErrorCode::NotOperator, message);
            }
            ToHost::TakeControl { force } => Input::TakeControl { session, force },
            ToHost::YieldControl { to } => Input::YieldControl { session, to },
            ToHost::Stay => Input::Stay { session },
            ToHost::Arm { epoch, id } => return self.command(session, id, epoch, CommandKind::Arm),
            ToHost::Acknowledge { epoch } => {
                return self.command(session, String::new(), epoch, CommandKind::Acknowledge);
            }
            ToHost::Set { epoch, id, device, control, value } => {
                return match self.shared.control(&device, &control) {
                    Some(control) => self.set(session, id, epoch, control, value),
                    None => self.refuse(
                        Some(id),
                        ErrorCode::Unknown,
                        "this rig has no such control; reload the page",
                    ),
                };
            }
            ToHost::Hello { .. } | ToHost::Safe | ToHost::Stop => return,
        };
        self.shared.queue.push(Item::Input(input));
    }

    fn set(&self, session: SessionId, id: String, epoch: Epoch, control: ControlIx, value: Value) {
        self.command(session, id, epoch, CommandKind::Set { control, value });
    }

    fn command(&self, session: SessionId, id: String, epoch: Epoch, kind: CommandKind) {
        if id.len() > LONGEST_ID {
            return self.refuse(None, ErrorCode::BadFrame, "the command's id is too long");
        }
        self.shared.queue.push(Item::Input(Input::Command(Command { session, id, epoch, kind })));
    }

    fn refuse(&self, id: Option<String>, code: ErrorCode, message: &str) {
        let frame = ToPage::Error { id, code, message: message.into() };
        if self.frames.upgrade().is_none_or(|frames| frames.try_send(frame.into()).is_err()) {
            tracing::debug!("an answer to a page that does not listen was dropped");
        }
    }

    fn may_operate(&self) -> bool {
        self.visitor.as_ref().is_none_or(|visitor| visitor.may_operate)
    }

    fn browser(&self) -> Option<BrowserId> {
        self.visitor.as_ref().map(|visitor| visitor.browser)
    }

    /// Whether its page said goodbye: a page that comes with its token is no other tab.
    #[must_use]
    pub fn has_left(&self) -> bool {
        self.place.has_left()
    }

    /// Waits until the rules ask whether anything has come. Whoever reads a page's socket waits for this beside
    /// reading; then it hands over what has come by now, and answers with [`Self::quiet`].
    pub async fn asked(&self) -> Unanswered {
        self.place.question.asked().await
    }

    /// All that had come when this was asked was handed over.
    pub fn quiet(&self, asked: Unanswered) {
        let Unanswered { session, asked } = asked;
        self.shared.queue.push(Item::Input(Input::Quiet { session, asked, late: false }));
    }

    /// The browser answered a ping: renews the lease where `liveness = "connection"`; elsewhere it keeps the session of a
    /// page that the browser froze.
    pub fn pong(&self) {
        if let Some(session) = self.session() {
            self.shared.queue.push(Item::Input(Input::Pong { session }));
        }
    }

    /// The browser closed the connection as one does that goes away (1001), and no proxy stands between: a
    /// goodbye, where the page has not said one, and says none in the time that a beacon takes. `round_trip` is how long a
    /// ping's answer took last.
    pub fn closed(&self, round_trip: Option<Duration>) {
        let wait = documents::beacon_wait(round_trip);
        self.shared.queue.push(Item::Page(PageNews::Closed { tag: self.tag, wait }));
    }

    /// The window and its web process exist: renews the lease.
    pub fn renew(&self) {
        if let Some(session) = self.session() {
            self.shared.queue.push(Item::Input(Input::Renew { session }));
        }
    }

    /// The session is over for that reason.
    pub fn end(&self, reason: SessionEnd) {
        if let Some(session) = self.session() {
            self.shared.queue.push(Item::Input(Input::Goodbye { session, reason, grace: false }));
        }
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.shared.queue.push(Item::Leave(self.tag));
    }
}
