//! The server as it runs: one thread, one runtime, one scope that owns every task.

use std::{
    io,
    net::{SocketAddr, TcpListener as StdListener},
    path::{Path, PathBuf},
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use killcord::Host;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Assets, access::Access, gate::Names, line::Lines, pulse, routes::routes, sessions::Peer};

/// Connections at once; one more waits in the listener's own queue.
const MOST_CONNECTIONS: usize = 4096;
/// Sockets at once.
const MOST_SOCKETS: usize = 4096;
/// Of these, such as have not said hello.
const MOST_SILENT: usize = 256;
/// Sockets between pages and a wrapped app at once.
const MOST_TUNNELS: usize = 1024;
/// What a connection's headers may take, in bytes.
const HEADERS: usize = 16 * 1024;
/// How long a connection may take for a request's header, and lie idle between two.
const HEADER_WITHIN: Duration = Duration::from_secs(10);
/// How long the last answers may take once the host has ended.
const END_WITHIN: Duration = Duration::from_secs(1);
/// Until the next try where the system gives no descriptor for a connection.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// The most events that the system is asked for at once: all that any connection can have. What a reader does not see
/// then has not come.
const MOST_EVENTS: usize = 2 * (MOST_CONNECTIONS + MOST_SOCKETS);
/// A proxy cuts an idle connection after 30 s at the earliest.
const PING_AT_MOST: Duration = Duration::from_secs(15);

/// Times that depend on the rig's own.
pub(crate) struct Limits {
    /// For one request, its body included.
    pub(crate) request: Duration,
    /// For a socket's hello.
    pub(crate) hello: Duration,
    /// Between two pings.
    pub(crate) ping: Duration,
    /// Pings without an answer after which the connection counts as cut. Later than a lease ends: whoever comes
    /// back on the same connection is told there why it did.
    pub(crate) unanswered: u64,
    /// For an answer to the question whether a page is still there.
    pub(crate) probe: Duration,
}

/// What all requests share.
pub(crate) struct Shared {
    pub(crate) host: Host,
    pub(crate) assets: Assets,
    /// The folder of the rig's state: the journal is there.
    pub(crate) state: PathBuf,
    pub(crate) names: Names,
    pub(crate) access: Access,
    /// The cookie's name. Cookies do not tell ports apart, names do.
    pub(crate) cookie: String,
    pub(crate) limits: Limits,
    pub(crate) lines: Lines,
    pub(crate) sockets: Arc<Semaphore>,
    pub(crate) silent: Arc<Semaphore>,
    pub(crate) tunnels: Arc<Semaphore>,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
    address: SocketAddr,
    invited: Box<dyn Fn(String) + Send + Sync>,
}

impl Shared {
    /// Makes a new link and has it told.
    pub(crate) fn invite(&self) {
        if let Some(link) = self.link() {
            (self.invited)(link);
        }
    }

    fn link(&self) -> Option<String> {
        let code = self.access.invite(Instant::now())?;
        Some(format!("http://{}/killcord/pair#{code}", self.address))
    }
}

/// A running server. It ends with its host; dropped before, it ends at once.
pub struct Server {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.shared.address).finish_non_exhaustive()
    }
}

impl Server {
    pub(crate) fn start(
        listener: StdListener,
        address: SocketAddr,
        names: Names,
        host: Host,
        assets: Assets,
        state: &Path,
        invited: Box<dyn Fn(String) + Send + Sync>,
    ) -> io::Result<Self> {
        let expire_after = host.rig().policy.session.expire_after;
        let ping = (expire_after / 3).min(PING_AT_MOST);
        let shared = Arc::new(Shared {
            host,
            assets,
            state: state.to_owned(),
            names,
            access: Access::open(state, Instant::now()),
            cookie: format!("killcord-{}", address.port()),
            limits: Limits {
                request: Duration::from_secs(10),
                hello: Duration::from_secs(5),
                ping,
                unanswered: expire_after.div_duration_f64(ping).ceil() as u64 + 2,
                probe: (expire_after / 5).min(Duration::from_millis(500)),
            },
            lines: Lines::default(),
            sockets: Arc::new(Semaphore::new(MOST_SOCKETS)),
            silent: Arc::new(Semaphore::new(MOST_SILENT)),
            tunnels: Arc::new(Semaphore::new(MOST_TUNNELS)),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            address,
            invited,
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_io_events_per_tick(MOST_EVENTS)
            .build()?;
        let listener = {
            let _entered = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let thread = thread::Builder::new().name("killcord-server".into()).spawn({
            let shared = Arc::clone(&shared);
            move || runtime.block_on(run(listener, shared))
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// A link that lets one browser in, once, for ten minutes; the one before it is worth nothing from here on.
    /// `None` where the system has no randomness.
    #[must_use]
    pub fn invite(&self) -> Option<String> {
        self.shared.link()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.cancel();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the server's thread has panicked");
        }
    }
}

/// Serves until the host has ended: pages see its progress to the last.
async fn run(listener: TcpListener, shared: Arc<Shared>) {
    let router = routes(&shared);
    shared.tasks.spawn(pulse::answer(Arc::clone(&shared)));
    tokio::select! {
        () = accept(listener, &shared, &router) => {}
        _ = shared.host.ended() => {}
        () = shared.stop.cancelled() => {}
    }
    shared.stop.cancel();
    shared.tasks.close();
    if tokio::time::timeout(END_WITHIN, shared.tasks.wait()).await.is_err() {
        tracing::debug!("a browser did not take the last words");
    }
}

async fn accept(listener: TcpListener, shared: &Arc<Shared>, router: &Router) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, from)) => {
                let router = router.clone().layer(Extension(Peer(from.ip())));
                let connection = connection(stream, router, Arc::clone(shared), place);
                shared.tasks.spawn(connection);
            }
            Err(error) => {
                tracing::warn!(%error, "a browser could not be answered");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, router: Router, shared: Arc<Shared>, place: OwnedSemaphorePermit) {
    let _place = place;
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection will be slow");
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WITHIN)
        .max_buf_size(HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shared.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended badly");
    }
}
