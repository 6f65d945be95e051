//! The server as it runs: one thread, one runtime, one scope that owns every task.

use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener as StdListener},
    ops::Deref,
    path::PathBuf,
    sync::{Arc, Mutex, Weak},
    thread::{self, JoinHandle, Thread},
    time::{Duration, Instant},
};

use ipnet::IpNet;
use killcord::{Host, Role, journal::Access as Entrance};
use tokio::{net::TcpListener, runtime::Handle};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Assets,
    access::{self, Access, Guest},
    addresses::{Addresses, Pace},
    answer::Refused,
    connection::{Door, accept},
    from::Scheme,
    line::Lines,
    metrics::Counts,
    names::Names,
    places::{self, Places},
    proxy::Entries,
    pulse, routes,
    tls::Certificate,
    tokens::Tokens,
    turns,
};

/// How long the last answers may take once the host has ended.
const END_WITHIN: Duration = Duration::from_secs(1);
/// The most events that the system is asked for at once: all that any connection can have. What a reader does not see
/// then has not come.
const MOST_EVENTS: usize = 2 * places::MOST;
/// Requests of nobody who was let in, from one address and from all: a pairing page is six.
const KNOCKS: Pace = (100, Duration::from_millis(50));
const ALL_KNOCKS: Pace = (2000, Duration::from_millis(1));
/// How often the folder of tokens and the certificate's files are looked at.
const LOOK: Duration = Duration::from_millis(250);
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

/// Where the server is, and what is kept there.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// What links begin with, up to and with the base path.
    pub(crate) shown: String,
    pub(crate) names: Names,
    /// What encrypts; `None`: nothing does.
    pub(crate) certificate: Option<Arc<Certificate>>,
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// With a slash at both ends.
    pub(crate) base_path: String,
    /// The folder of the rig's state: the journal is there, and who is let in.
    pub(crate) state: PathBuf,
    /// Where the wrapped app is reached.
    pub(crate) app: Option<AppDoor>,
}

/// The address of the wrapped app.
#[derive(Debug)]
pub(crate) struct AppDoor {
    pub(crate) address: SocketAddr,
    pub(crate) names: Names,
    /// Where a proxy shows it.
    pub(crate) origin: Option<String>,
}

/// Whom a server is for.
pub(crate) enum Seat {
    /// Browsers. Who is let in is remembered, and each link that takes the place of one that was used is told.
    Elsewhere(Box<dyn Fn(String) + Send + Sync>),
    /// The window at the bench alone; and who lets browsers in, if anybody does.
    Bench(Option<Arc<Shared>>),
}

/// What all requests share.
pub(crate) struct Shared {
    pub(crate) host: Host,
    seat: Seat,
    pub(crate) assets: Assets,
    setting: Setting,
    pub(crate) access: Access,
    pub(crate) knocks: Mutex<Addresses>,
    /// Who may see the wrapped app.
    pub(crate) entries: Mutex<Entries>,
    pub(crate) places: Arc<Places>,
    pub(crate) limits: Limits,
    pub(crate) lines: Lines,
    pub(crate) counts: Counts,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

impl Deref for Shared {
    type Target = Setting;

    fn deref(&self) -> &Setting {
        &self.setting
    }
}

impl Shared {
    /// Whose list of who is let in a guest sees and changes, and as whom: the window is the host itself.
    ///
    /// # Errors
    /// [`Refused::NoBrowsers`].
    pub(crate) fn door<'a>(
        self: &'a Arc<Self>,
        by: &'a Guest,
    ) -> Result<(&'a Arc<Self>, Option<&'a Guest>), Refused> {
        match &self.seat {
            Seat::Elsewhere(_) => Ok((self, Some(by))),
            Seat::Bench(browsers) => Ok((browsers.as_ref().ok_or(Refused::NoBrowsers)?, None)),
        }
    }

    /// Whether this is the window's own server.
    pub(crate) const fn is_at_the_bench(&self) -> bool {
        matches!(self.seat, Seat::Bench(_))
    }

    /// Makes a new link of the host's own where the last was used, and has it told.
    pub(crate) fn invite_if_used(&self) {
        if let Seat::Elsewhere(invited) = &self.seat
            && !self.access.invites()
            && let Some(link) = self.link(Role::Operator, None)
        {
            invited(link);
        }
    }

    /// A link that lets one browser in; by whom it is made ends what it lets in.
    pub(crate) fn link(&self, role: Role, by: Option<&Guest>) -> Option<String> {
        let code = self.access.invite(role, by, Instant::now())?;
        Some(format!("{}killcord/pair#{code}", self.shown))
    }

    /// The cookie's name. Cookies do not tell ports apart, names do; and one of an encrypted page is not another's to
    /// set (RFC 6265bis section 4.1.3).
    pub(crate) fn cookie(&self, scheme: Scheme) -> String {
        let prefix = match (scheme, self.base_path.as_str()) {
            (Scheme::Plain, _) => "",
            (Scheme::Encrypted, "/") => "__Host-",
            (Scheme::Encrypted, _) => "__Secure-",
        };
        format!("{prefix}killcord-{}", self.address.port())
    }

    /// SHA-256 of the certificate, as browsers show it.
    pub(crate) fn fingerprint(&self) -> Option<String> {
        self.certificate.as_ref().map(|certificate| certificate.fingerprint())
    }

    /// Lets one in no more, nor whom that has let in, and ends their sessions: at once, whatever the disk does.
    pub(crate) async fn revoke(
        self: &Arc<Self>,
        name: &str,
        why: Entrance,
        from: Option<IpAddr>,
    ) -> Result<(), Refused> {
        self.dismiss(self.access.forget(name), why, from);
        let (shared, name) = (Arc::clone(self), name.to_owned());
        let deleted = tokio::task::spawn_blocking(move || access::delete(&shared.access, &name));
        deleted.await.unwrap_or(Err(Refused::NotKept))
    }

    fn dismiss(&self, guests: Vec<Guest>, why: Entrance, from: Option<IpAddr>) {
        for guest in guests {
            self.host.dismiss(guest.id);
            self.host.record_access(why, from, Some(&guest.name));
        }
    }
}

/// Looks at the folder of tokens, the clock and the certificate's files, until the server is gone. A thread of its own,
/// which nobody waits for: a disk that hangs holds up no page, and not the end.
fn watch(shared: &Weak<Shared>) {
    while let Some(shared) = shared.upgrade().filter(|shared| !shared.stop.is_cancelled()) {
        shared.dismiss(shared.access.look(), Entrance::Revoked, None);
        if let Some(certificate) = &shared.certificate {
            certificate.look();
        }
        drop(shared);
        thread::park_timeout(LOOK);
    }
}

/// A running server. It ends with its host; dropped before, it ends at once.
pub struct Server {
    pub(crate) shared: Arc<Shared>,
    /// Of its thread.
    pub(crate) runtime: Handle,
    thread: Option<JoinHandle<()>>,
    /// Woken for the end, and not waited for.
    watcher: Thread,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.shared.address).finish_non_exhaustive()
    }
}

impl Server {
    pub(crate) fn start(
        listener: StdListener,
        app: Option<StdListener>,
        setting: Setting,
        seat: Seat,
        acceptor: Option<TlsAcceptor>,
        host: Host,
        assets: Assets,
    ) -> io::Result<Self> {
        let expire_after = host.rig().policy.session.expire_after;
        let ping = (expire_after / 3).min(PING_AT_MOST);
        let tokens = matches!(seat, Seat::Elsewhere(_)).then(|| Tokens::of(&setting.state));
        let most = match &seat {
            Seat::Elsewhere(_) => places::for_browsers(),
            Seat::Bench(_) => places::MOST_OF_WINDOW,
        };
        let shared = Arc::new(Shared {
            host,
            seat,
            assets,
            access: Access::open(tokens, Instant::now()),
            knocks: Mutex::new(Addresses::new(KNOCKS, ALL_KNOCKS, Instant::now())),
            entries: Mutex::default(),
            places: Arc::new(Places::new(most)),
            setting,
            limits: Limits {
                request: Duration::from_secs(10),
                hello: Duration::from_secs(5),
                ping,
                unanswered: expire_after.div_duration_f64(ping).ceil() as u64 + 2,
                probe: (expire_after / 5).min(Duration::from_millis(500)),
            },
            lines: Lines::default(),
            counts: Counts::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        });
        let runtime = turns::runtime(MOST_EVENTS)?;
        let (listener, app) = {
            let _entered = runtime.enter();
            (TcpListener::from_std(listener)?, app.map(TcpListener::from_std).transpose()?)
        };
        let handle = runtime.handle().clone();
        let watched = Arc::downgrade(&shared);
        let watcher = thread::Builder::new().name("killcord-access".into()).spawn(move || watch(&watched))?;
        let thread = thread::Builder::new().name("killcord-server".into()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                runtime.block_on(run(listener, app, acceptor, shared));
                // What the disk has not taken by now is not waited for.
                runtime.shutdown_background();
            }
        })?;
        Ok(Self { shared, runtime: handle, thread: Some(thread), watcher: watcher.thread().clone() })
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
        self.shared.link(Role::Operator, None)
    }

    /// SHA-256 of the certificate, as browsers show it; `None` where nothing is encrypted.
    #[must_use]
    pub fn fingerprint(&self) -> Option<String> {
        self.shared.fingerprint()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.cancel();
        self.watcher.unpark();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the server's thread has panicked");
        }
    }
}

/// Serves until the host has ended: pages see its progress to the last.
async fn run(
    listener: TcpListener,
    app: Option<TcpListener>,
    acceptor: Option<TlsAcceptor>,
    shared: Arc<Shared>,
) {
    let own = Door { router: routes::routes(&shared), base_path: shared.base_path.clone() };
    let apps = Door { router: routes::app(&shared), base_path: "/".into() };
    let app = async {
        match app {
            Some(app) => accept(app, acceptor.clone(), &shared, &apps).await,
            None => std::future::pending().await,
        }
    };
    shared.tasks.spawn(pulse::answer(Arc::clone(&shared)));
    tokio::select! {
        () = accept(listener, acceptor.clone(), &shared, &own) => {}
        () = app => {}
        _ = shared.host.ended() => {}
        () = shared.stop.cancelled() => {}
    }
    shared.stop.cancel();
    shared.tasks.close();
    if tokio::time::timeout(END_WITHIN, shared.tasks.wait()).await.is_err() {
        tracing::debug!("a browser did not take the last words");
    }
}
