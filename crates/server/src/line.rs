//! The sockets that are open, by the token that their page would resume with: so that a page which comes with the
//! token of one that still answers is known for what it is, another tab (a duplicated one has the token too).

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use killcord::Attachment;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// What one socket's writer is told besides frames: the ping to send.
pub(crate) type Pings = mpsc::Receiver<u64>;

/// One open socket.
pub(crate) struct Line {
    pub(crate) attachment: Attachment,
    pings: mpsc::Sender<u64>,
    sent: AtomicU64,
    trip: Mutex<Trip>,
    /// The last ping that was answered.
    answered: watch::Sender<u64>,
    /// Ends it.
    pub(crate) stop: CancellationToken,
    /// The token that its page came with, to go on with a session.
    pub(crate) came_with: OnceLock<String>,
}

/// The last ping, and how long an answer took.
#[derive(Debug, Default)]
struct Trip {
    sent: Option<(u64, Instant)>,
    took: Option<Duration>,
}

impl Line {
    pub(crate) fn new(attachment: Attachment, stop: CancellationToken) -> (Arc<Self>, Pings) {
        let (pings, to_send) = mpsc::channel(4);
        let (answered, _) = watch::channel(0);
        let line = Self {
            attachment,
            pings,
            sent: AtomicU64::new(0),
            trip: Mutex::default(),
            answered,
            stop,
            came_with: OnceLock::new(),
        };
        (Arc::new(line), to_send)
    }

    /// Has a ping sent; its number.
    pub(crate) fn ping(&self) -> u64 {
        let n = self.sent.fetch_add(1, Ordering::Relaxed) + 1;
        self.trip().sent = Some((n, Instant::now()));
        if self.pings.try_send(n).is_err() {
            tracing::debug!("a ping waits behind others that could not be written");
        }
        n
    }

    fn trip(&self) -> MutexGuard<'_, Trip> {
        self.trip.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the browser's last answer took there and back; `None` where it has not answered yet.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.trip().took
    }

    /// Pings that were sent and not answered.
    pub(crate) fn unanswered(&self) -> u64 {
        self.sent.load(Ordering::Relaxed).saturating_sub(*self.answered.borrow())
    }

    /// A pong came. One that answers no ping of ours says nothing.
    pub(crate) fn pong(&self, payload: &[u8]) {
        let number = std::str::from_utf8(payload).ok().and_then(|text| text.parse::<u64>().ok());
        if let Some(n) = number.filter(|n| *n <= self.sent.load(Ordering::Relaxed)) {
            let mut trip = self.trip();
            if let Some((_, at)) = trip.sent.take_if(|(last, _)| *last == n) {
                trip.took = Some(at.elapsed());
            }
            drop(trip);
            self.answered.send_if_modified(|last| std::mem::replace(last, n.max(*last)) < n);
            self.attachment.pong();
        }
    }

    /// Whether its browser still answers, asked now.
    async fn answers(&self, within: Duration) -> bool {
        let mut answered = self.answered.subscribe();
        let n = self.ping();
        let answer = async { answered.wait_for(|last| *last >= n).await.is_ok() };
        tokio::select! {
            answer = tokio::time::timeout(within, answer) => answer == Ok(true),
            () = self.stop.cancelled() => false,
        }
    }
}

/// What becomes of a page that comes with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comes {
    /// It is the page of that session, back.
    Back,
    /// That page is still there: this is another one.
    Another,
}

/// All open sockets.
#[derive(Default)]
pub(crate) struct Lines(Mutex<HashMap<String, Arc<Line>>>);

impl Lines {
    fn lines(&self) -> MutexGuard<'_, HashMap<String, Arc<Line>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A socket's page was given this token. The one that it came with is known for it too: a copy of the tab has
    /// that one.
    pub(crate) fn welcomed(&self, line: &Arc<Line>, token: String) {
        let mut lines = self.lines();
        for token in line.came_with.get().cloned().into_iter().chain([token]) {
            lines.insert(token, Arc::clone(line));
        }
    }

    /// That socket is gone. By now a token may lead to the one after it.
    pub(crate) fn gone(&self, line: &Arc<Line>, token: Option<&str>) {
        let mut lines = self.lines();
        for token in line.came_with.get().map(String::as_str).into_iter().chain(token) {
            if lines.get(token).is_some_and(|known| Arc::ptr_eq(known, line)) {
                lines.remove(token);
            }
        }
    }

    /// A page comes with this token. The socket of the one before is ended if its browser does not answer.
    pub(crate) async fn comes(&self, token: &str, within: Duration) -> Comes {
        let Some(line) = self.lines().get(token).cloned() else { return Comes::Back };
        // Who knows the token is alive, whatever became of the socket: the lease must not end over the question.
        line.attachment.renew();
        if !line.attachment.has_left() && line.answers(within).await {
            return Comes::Another;
        }
        line.stop.cancel();
        Comes::Back
    }
}
