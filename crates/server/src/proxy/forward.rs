//! One exchange with the app on a connection of its own: head, body and upgrade go through as they come.
//!
//! A connection for each exchange costs little on one machine, and none is found closed by the app when it is used
//! again. **It must never** leave a task behind: the server's scope owns each, and its end cuts them.

use std::{io, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::Request,
    http::{StatusCode, Version},
    response::Response,
};
use futures_util::StreamExt as _;
use hyper::{
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    upgrade::OnUpgrade,
};
use hyper_util::rt::TokioIo;
use killcord::AppAddress;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, copy, split},
    net::{TcpStream, UnixStream},
};
use tokio_util::sync::CancellationToken;

use super::{entry::Entry, head};
use crate::{answer::Refused, from::From, places::Busy, server::Shared};

/// On this machine a connection is there or refused at once.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// How long the app may think before it answers: a callback that blocks for a whole measurement is the app's
/// business. A browser that goes away ends the exchange sooner.
const ANSWER_WITHIN: Duration = Duration::from_secs(3600);
/// What an answer's head may take, in bytes.
const ANSWER_HEAD: usize = 128 * 1024;
/// How long one way of a socket may stay open once the other is closed.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// Asks the app.
pub(super) async fn pass(
    shared: &Arc<Shared>,
    mut request: Request,
    app: &AppAddress,
    from: &From,
    entry: &Entry,
) -> Result<Response, Refused> {
    let revoked = &entry.guest.revoked;
    let browser = if head::is_socket(request.headers()) {
        let busy = request.extensions().get::<Arc<Busy>>().cloned();
        Some((hyper::upgrade::on(&mut request), busy))
    } else {
        None
    };
    *request.uri_mut() = head::target(request.uri());
    *request.version_mut() = Version::HTTP_11;
    let names = app.names();
    head::to_app(request.headers_mut(), &names, from);

    let place = Arc::new(shared.places.for_app().ok_or(Refused::TooMany)?);
    let stream = tokio::time::timeout(CONNECT_WITHIN, connect(app)).await;
    let Ok(Ok(stream)) = stream else { return Err(Refused::AppGone) };
    let handshake = http1::Builder::new().max_buf_size(ANSWER_HEAD).handshake(TokioIo::new(stream)).await;
    let (mut app_side, connection) = handshake.map_err(|error| no_answer(&error))?;
    let (stop, held) = (shared.stop.clone(), Arc::clone(&place));
    shared.tasks.spawn(async move {
        let _held = held;
        tokio::select! {
            ended = connection.with_upgrades() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "an exchange with the app ended badly");
                }
            }
            () = stop.cancelled() => {}
        }
    });

    let mut answer = ask(&mut app_side, request, revoked).await?;
    let status = answer.status();
    if status == StatusCode::SWITCHING_PROTOCOLS {
        // Nobody asked for it.
        let (browser, busy) = browser.ok_or(Refused::AppGone)?;
        let tunnel = tunnel(browser, hyper::upgrade::on(&mut answer));
        let (stop, revoked) = (shared.stop.clone(), revoked.clone());
        shared.tasks.spawn(async move {
            let _held = (place, busy);
            tokio::select! {
                () = tunnel => {}
                () = stop.cancelled() => {}
                () = revoked.cancelled() => {}
            }
        });
    }
    head::to_browser(answer.headers_mut(), status, &names, &entry.shell);
    let (mut parts, body) = answer.into_parts();
    parts.version = Version::HTTP_11;
    // One that never ends does so with the permission to read it.
    let body = Body::new(body).into_data_stream().take_until(revoked.clone().cancelled_owned());
    Ok(Response::from_parts(parts, Body::from_stream(body)))
}

/// Asks for an answer's head. Whoever is let in no more gets none, and what is still on its way up goes no further.
async fn ask(
    app_side: &mut SendRequest<Body>,
    request: Request,
    revoked: &CancellationToken,
) -> Result<hyper::Response<Incoming>, Refused> {
    tokio::select! {
        answer = tokio::time::timeout(ANSWER_WITHIN, app_side.send_request(request)) => {
            answer.map_err(|_| Refused::AppSlow)?.map_err(|error| no_answer(&error))
        }
        () = revoked.cancelled() => Err(Refused::NotEntered),
    }
}

/// A connection, of either kind.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

async fn connect(app: &AppAddress) -> io::Result<Box<dyn Wire>> {
    match app {
        AppAddress::Port(address) => {
            let stream = TcpStream::connect(address).await?;
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "the app will be slow");
            }
            Ok(Box::new(stream))
        }
        AppAddress::Socket(path) => Ok(Box::new(UnixStream::connect(path).await?)),
    }
}

fn no_answer(error: &hyper::Error) -> Refused {
    tracing::debug!(%error, "the app gave no answer");
    Refused::AppGone
}

/// Carries a socket's bytes both ways until both have ended.
async fn tunnel(browser: OnUpgrade, app: OnUpgrade) {
    let (browser, app) = match tokio::join!(browser, app) {
        (Ok(browser), Ok(app)) => (TokioIo::new(browser), TokioIo::new(app)),
        (Err(error), _) | (_, Err(error)) => {
            tracing::debug!(%error, "a socket of the app did not open");
            return;
        }
    };
    let (from_browser, to_browser) = split(browser);
    let (from_app, to_app) = split(app);
    let up = carry(from_browser, to_app);
    let down = carry(from_app, to_browser);
    tokio::pin!(up, down);
    let late = tokio::select! {
        () = &mut up => tokio::time::timeout(CLOSE_WITHIN, down).await,
        () = &mut down => tokio::time::timeout(CLOSE_WITHIN, up).await,
    };
    if late.is_err() {
        tracing::debug!("one side of a socket of the app did not close");
    }
}

/// One way, its end included.
async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
    let copied = copy(&mut from, &mut to).await;
    let closed = to.shutdown().await;
    if let Err(error) = copied.and(closed) {
        tracing::debug!(%error, "a socket of the app was cut");
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use tokio::io::{AsyncReadExt as _, duplex};

    use super::*;

    #[tokio::test]
    async fn an_upload_ends_when_its_guest_is_let_in_no_more_and_the_app_sees_that_it_is_cut() {
        let (ours, mut app) = duplex(4096);
        let (mut app_side, connection) = http1::handshake(TokioIo::new(ours)).await.unwrap();
        let parts = stream::iter([Ok::<_, Infallible>("a part")]).chain(stream::pending());
        let upload = Request::post("/upload").body(Body::from_stream(parts)).unwrap();
        let revoked = CancellationToken::new();
        let app = async {
            let mut seen = Vec::new();
            while !seen.ends_with(b"a part\r\n") {
                assert!(app.read_buf(&mut seen).await.unwrap() > 0);
            }
            revoked.cancel();
            app.read_to_end(&mut seen).await.unwrap();
            seen
        };
        let all = async { tokio::join!(ask(&mut app_side, upload, &revoked), connection, app) };
        let (answer, _, seen) = tokio::time::timeout(Duration::from_secs(10), all).await.unwrap();
        assert_eq!(answer.unwrap_err(), Refused::NotEntered);
        assert!(seen.ends_with(b"a part\r\n"), "{}", String::from_utf8_lossy(&seen));
    }
}
