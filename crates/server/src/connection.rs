//! Connections: taken, encrypted if need be, and served one request after the other.
//!
//! **It must never** let one that says nothing, or only slowly, take a place from one that has something to say. Who may
//! have how many is for [`crate::places`].

use std::{
    io,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    http::{Request, Uri, uri::PathAndQuery},
};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::{
    from::{Ends, is_trusted},
    held::Stream,
    metrics::Counted,
    places::Place,
    rate::Rate,
    server::Shared,
};

/// What a connection's headers may take, in bytes.
const HEADERS: usize = 16 * 1024;
/// How long a connection may take for a request's header, and lie idle between two.
const HEADER_WITHIN: Duration = Duration::from_secs(10);
/// How long an encrypted connection may take until it is one.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);
/// Until the next try where the system gives no descriptor for a connection.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// One connection, for all of its requests.
pub(crate) struct Connection {
    pub(crate) ends: Ends,
    pub(crate) place: Arc<Place>,
    /// The bytes that may come, once there is a bound to them.
    bytes: OnceLock<Mutex<Rate>>,
}

impl Connection {
    fn new(ends: Ends, place: Arc<Place>) -> Arc<Self> {
        Arc::new(Self { ends, place, bytes: OnceLock::new() })
    }

    /// Cuts it where more bytes come than that from here on.
    pub(crate) fn limit(&self, (most, every): (u32, Duration)) {
        self.bytes.get_or_init(|| Mutex::new(Rate::new(most, every, Instant::now())));
    }

    /// So many have come. Whether they may.
    pub(crate) fn may_take(&self, count: usize) -> bool {
        self.bytes.get().is_none_or(|bytes| {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            bytes.lock().unwrap_or_else(PoisonError::into_inner).take_all(count, Instant::now())
        })
    }
}

/// What is behind an address.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) router: Router,
    /// Where a proxy shows it, with a slash at both ends.
    pub(crate) base_path: String,
}

/// Takes connections until it is dropped. One more than there are places for waits in the listener's own queue.
pub(crate) async fn accept(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    shared: &Arc<Shared>,
    door: &Door,
) {
    loop {
        let free = shared.places.free().await;
        match listener.accept().await {
            Ok((stream, peer)) => {
                let of_many = is_trusted(peer.ip(), &shared.trusted_proxies);
                let place = shared.places.take(free, peer.ip(), of_many);
                let local = stream.local_addr().unwrap_or(shared.address);
                let ends = Ends { peer, local, tls: acceptor.is_some() };
                let connection = Connection::new(ends, place);
                let (acceptor, door, shared) = (acceptor.clone(), door.clone(), Arc::clone(shared));
                shared.tasks.clone().spawn(async move {
                    let _counted = Counted::new(&shared);
                    if let Err(error) = attend(stream, acceptor, door, &shared, connection).await {
                        tracing::debug!(error, "a connection ended badly");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a browser could not be answered");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

/// One connection, to its end.
async fn attend(
    stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
    door: Door,
    shared: &Arc<Shared>,
    connection: Arc<Connection>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection will be slow");
    }
    let Some(acceptor) = acceptor else { return serve(stream, door, shared, connection).await };
    let handshake = async {
        let mut first = [0];
        // The first byte of a record that opens a handshake (RFC 8446 section 5.1).
        if stream.peek(&mut first).await? == 1 && first != [22] {
            let mut stream = stream;
            stream.write_all(NOT_PLAIN).await?;
            stream.shutdown().await?;
            return Err(io::Error::other("plain text where TLS is spoken"));
        }
        acceptor.accept(stream).await
    };
    let stream = tokio::select! {
        stream = tokio::time::timeout(HANDSHAKE_WITHIN, handshake) => stream??,
        () = connection.place.over() => return Ok(()),
        () = shared.stop.cancelled() => return Ok(()),
    };
    serve(stream, door, shared, connection).await
}

/// Whoever wrote `http:` is told, where a browser would say that the connection was cut.
const NOT_PLAIN: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\
    Content-Length: 59\r\n\r\nThis address is encrypted: write https:// in front of it.\r\n";

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    Door { router, base_path: base }: Door,
    shared: &Arc<Shared>,
    connection: Arc<Connection>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let (told, stream) = (Arc::clone(&connection), Stream::new(stream, Arc::clone(&connection)));
    let service = router.map_request(move |mut request: Request<Incoming>| {
        if base != "/" {
            below(request.uri_mut(), &base);
        }
        request.extensions_mut().insert(Arc::clone(&told));
        request
    });
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WITHIN)
        .max_buf_size(HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades();
    tokio::pin!(http);
    tokio::select! {
        ended = http.as_mut() => ended?,
        // A stranger is owed nothing.
        () = connection.place.over() => if connection.place.is_a_guests() {
            http.as_mut().graceful_shutdown();
            tokio::time::timeout(shared.limits.request, http).await??;
        },
        () = shared.stop.cancelled() => {
            http.as_mut().graceful_shutdown();
            http.await?;
        }
    }
    Ok(())
}

/// A path as a proxy shows it, and as we name it. One that the proxy has taken the base from is left.
fn below(uri: &mut Uri, base: &str) {
    let Some(whole) = uri.path_and_query().map(PathAndQuery::as_str) else { return };
    let rest = match whole.strip_prefix(base.trim_end_matches('/')) {
        Some("") => "/".to_owned(),
        Some(rest) if rest.starts_with('/') => rest.to_owned(),
        Some(query) if query.starts_with('?') => format!("/{query}"),
        _ => return,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = rest.parse().ok();
    if let Ok(rest) = Uri::from_parts(parts) {
        *uri = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_path_is_taken_from_the_front_once() {
        let of = |path: &str| {
            let mut uri: Uri = path.parse().unwrap();
            below(&mut uri, "/bench1/");
            uri.to_string()
        };
        assert_eq!(of("/bench1/killcord/ws?a=1"), "/killcord/ws?a=1");
        assert_eq!((of("/bench1"), of("/bench1/"), of("/bench1?x")), ("/".into(), "/".into(), "/?x".into()));
        assert_eq!(of("/bench1/bench1/"), "/bench1/");
        assert_eq!((of("/bench10/a"), of("/killcord/ws")), ("/bench10/a".into(), "/killcord/ws".into()));
        assert_eq!(of("http://bench1.lab/bench1/a"), "http://bench1.lab/a");
    }
}
