//! A page's WebSocket: frames in, frames out, pings. What a frame means is the host's.
//!
//! Reader and writer never wait for each other: a page that does not read is still heard. Both end with the
//! socket; its attachment goes with them, and from then on the session's lease decides.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Extension,
    body::Bytes,
    extract::{
        State,
        ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code as rfc},
    },
    response::{IntoResponse as _, Response},
};
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use killcord::{
    FrameReceiver, Role, Visitor,
    core::BrowserId,
    wire::{MAX_FRAME, ToHost, ToPage, close_code},
};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::{
    answer::Refused,
    connection::Connection,
    from::From,
    line::{Comes, Line, Pings},
    pair::Browser,
    places::Busy,
    rate::Rate,
    server::Shared,
};

/// The buffer that a socket keeps for reading, in bytes. Frames are short; tungstenite's own is 128 KiB.
const READ_BUFFER: usize = 4096;
/// Frames that a page may send at once, and how soon one more. Twenty beats a second are the most that a rig file
/// allows.
const FRAMES: (u32, Duration) = (200, Duration::from_millis(10));
/// Bytes that may come at once, and how soon one more: sixteen of the longest frames, fifteen a second. Of a message whose
/// fragments are empty nothing is heard here, however many come.
const BYTES: (u32, Duration) = (16 * MAX_FRAME as u32, Duration::from_micros(4));
/// How long one frame may take to be written before the connection counts as cut.
const WRITE_WITHIN: Duration = Duration::from_secs(10);
/// How long the last word may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);
/// Who a page of the window's own server is, for people; the panel knows these words. No token has such a name.
const WINDOW: &str = "the window at the bench";
/// The most frames that a page may have under way then; who says more is cut off.
const MOST_OWED: usize = 1000;
/// How long a page may take to hear it. One that speaks first, to a connection that is gone, hears nothing more.
const HEARD_WITHIN: Duration = Duration::from_secs(10);

/// Of a browser that is let in no more.
const NOT_PAIRED: &str = "this browser is not paired";

/// Of one that has said nothing, for one more of the same browser.
const NEWER: &str = "this browser has opened others since";

/// How a socket ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// The other side is gone.
    Gone,
    /// We close it, with this code.
    Close(u16, &'static str),
}

/// Opens a page's socket.
pub(crate) async fn open(
    State(shared): State<Arc<Shared>>,
    browser: Browser,
    Extension(from): Extension<From>,
    Extension(busy): Extension<Arc<Busy>>,
    Extension(connection): Extension<Arc<Connection>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !busy.opens() {
        return Refused::TooMany.into_response();
    }
    connection.limit(BYTES);
    let visitor = Visitor {
        browser: browser.id,
        address: from.address,
        direct: !from.proxied,
        may_operate: browser.role() == Role::Operator,
        who: if shared.is_at_the_bench() { WINDOW.into() } else { Arc::clone(&browser.guest.who) },
    };
    let tasks = shared.tasks.clone();
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * 1024 * 1024)
        .max_frame_size(MAX_FRAME)
        .max_message_size(MAX_FRAME)
        // axum starts the task; the scope counts it, and ends it.
        .on_upgrade(move |socket| {
            tasks.track_future(async move {
                let revoked = browser.revoked().clone();
                let way = Way { revoked, browser: browser.id, proxied: from.proxied, busy };
                attend(socket, shared, visitor, way).await;
            })
        })
}

/// Whose socket it is, and what stands between.
struct Way {
    browser: BrowserId,
    /// Its browser is let in no more.
    revoked: CancellationToken,
    /// A proxy: it may close the connection when it likes.
    proxied: bool,
    /// Its place.
    busy: Arc<Busy>,
}

async fn attend(socket: WebSocket, shared: Arc<Shared>, visitor: Visitor, way: Way) {
    let (attachment, frames) = shared.host.attach_page(visitor);
    let (line, pings) = Line::new(attachment, shared.stop.child_token());
    let (mut sink, mut stream) = socket.split();
    let mut token = None;
    let over = tokio::select! {
        over = read(&mut stream, &shared, &line, &way) => over,
        over = write(&mut sink, &shared, &line, frames, pings, &mut token) => over,
    };
    shared.lines.gone(&line, token.as_deref());
    // Nobody reads it any more: what the rules ask from here on is for whoever takes connections.
    drop(line);
    if let Over::Close(code, reason) = over {
        let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
        let said = tokio::time::timeout(CLOSE_WITHIN, sink.send(close)).await;
        // Until its own close comes (RFC 6455 section 7.1.1).
        let mut owed = stream.take(MOST_OWED);
        let heard = async { while let Some(Ok(_)) = owed.next().await {} };
        if said.is_err() || tokio::time::timeout(HEARD_WITHIN, heard).await.is_err() {
            tracing::debug!("a page did not take the last word");
        }
    }
}

/// Reads until there is nothing more to be read.
async fn read(
    stream: &mut (impl Stream<Item = Result<Message, axum::Error>> + Unpin),
    shared: &Shared,
    line: &Line,
    way: &Way,
) -> Over {
    let mut silent = true;
    let mut dismissed = false;
    let mut rate = Rate::new(FRAMES.0, FRAMES.1, Instant::now());
    let hello_by = tokio::time::sleep(shared.limits.hello);
    tokio::pin!(hello_by);
    let mut ping = tokio::time::interval(shared.limits.ping);
    // After a standstill of ours one is sent, not all that were missed: they would count as unanswered at once.
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // A question of the rules, owed an answer.
    let mut asked = None;
    loop {
        if asked.is_some() {
            // The runtime asks the system what has come before this goes on: nothing lies unread behind it.
            tokio::task::yield_now().await;
        }
        let message = tokio::select! {
            // What has come is heard before anything is judged.
            biased;
            message = stream.next() => message,
            () = std::future::ready(()), if asked.is_some() => {
                if let Some(asked) = asked.take() {
                    line.attachment.quiet(asked);
                }
                continue;
            }
            question = line.attachment.asked() => {
                asked = Some(question);
                continue;
            }
            () = way.revoked.cancelled(), if !dismissed => {
                if silent {
                    return Over::Close(rfc::POLICY, NOT_PAIRED);
                }
                // Behind its hello, whenever that was: the session's last word ends the socket.
                shared.host.dismiss(way.browser);
                dismissed = true;
                continue;
            }
            () = &mut hello_by, if silent => return Over::Close(rfc::POLICY, "no hello came"),
            () = way.busy.shown_out(), if silent => return Over::Close(rfc::POLICY, NEWER),
            _ = ping.tick() => {
                if line.unanswered() >= shared.limits.unanswered {
                    return Over::Gone;
                }
                line.ping();
                continue;
            }
        };
        let Some(Ok(message)) = message else { return Over::Gone };
        if !rate.take(Instant::now()) {
            return Over::Close(rfc::POLICY, "too many frames");
        }
        match message {
            Message::Text(text) => match serde_json::from_str(&text) {
                Ok(ToHost::Hello { v, resume, nonce, want }) if line.attachment.session().is_none() => {
                    let (resume, want) = settle(shared, line, resume, want).await;
                    // It may have signed out since it opened the socket.
                    if way.revoked.is_cancelled() {
                        return Over::Close(rfc::POLICY, NOT_PAIRED);
                    }
                    if silent && !way.busy.is_heard() {
                        return Over::Close(rfc::POLICY, NEWER);
                    }
                    line.attachment.frame(ToHost::Hello { v, resume, nonce, want });
                    silent = false;
                }
                Ok(frame) => line.attachment.frame(frame),
                // Answered by the host, with its words.
                Err(_) => line.attachment.text(text.as_bytes()),
            },
            Message::Binary(_) => return Over::Close(rfc::UNSUPPORTED, "frames are text"),
            Message::Pong(payload) => line.pong(&payload),
            Message::Ping(_) => {}
            Message::Close(frame) => {
                if !way.proxied && frame.is_some_and(|frame| frame.code == rfc::AWAY) {
                    line.attachment.closed(line.round_trip());
                }
                return Over::Gone;
            }
        }
    }
}

/// A page that comes with the token of one that is still there is another tab: it begins anew, as an observer.
async fn settle(shared: &Shared, line: &Line, resume: Option<String>, want: Role) -> (Option<String>, Role) {
    let Some(token) = resume else { return (None, want) };
    match shared.lines.comes(&token, shared.limits.probe).await {
        Comes::Back => (Some(line.came_with.get_or_init(|| token).clone()), want),
        Comes::Another => (None, Role::Observer),
    }
}

/// Writes what the host says, until it has said the last.
async fn write(
    sink: &mut (impl Sink<Message, Error = axum::Error> + Unpin),
    shared: &Shared,
    line: &Arc<Line>,
    mut frames: FrameReceiver,
    mut pings: Pings,
    token: &mut Option<String>,
) -> Over {
    loop {
        let message = tokio::select! {
            frame = frames.recv() => {
                let Some(frame) = frame else { return Over::Gone };
                if let ToPage::Welcome { resume, .. } = &*frame {
                    shared.lines.welcomed(line, resume.clone());
                    *token = Some(resume.clone());
                }
                match put(sink, &frame).await {
                    Some(over) => return over,
                    None => continue,
                }
            }
            Some(n) = pings.recv() => Message::Ping(Bytes::from(n.to_string())),
            () = line.stop.cancelled() => break,
        };
        if !sent(sink, message).await {
            return Over::Gone;
        }
    }
    // The server ends: what the host has said by now is still told, the end of the session with it.
    while let Some(frame) = frames.try_recv() {
        if let Some(over) = put(sink, &frame).await {
            return over;
        }
    }
    Over::Close(rfc::AWAY, "the server ends, or the page is on another connection")
}

/// Writes a frame; after the last one there is nothing more.
async fn put(sink: &mut (impl Sink<Message, Error = axum::Error> + Unpin), frame: &ToPage) -> Option<Over> {
    let Ok(text) = serde_json::to_string(frame) else { return Some(Over::Gone) };
    if !sent(sink, Message::Text(text.into())).await {
        return Some(Over::Gone);
    }
    match frame {
        ToPage::Ended { reason, .. } => Some(Over::Close(close_code(*reason), reason.code())),
        _ => None,
    }
}

async fn sent(sink: &mut (impl Sink<Message, Error = axum::Error> + Unpin), message: Message) -> bool {
    matches!(tokio::time::timeout(WRITE_WITHIN, sink.send(message)).await, Ok(Ok(())))
}
