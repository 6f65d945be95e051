//! Where the server listens: taken before a host is started, so that a port in use, or a certificate that cannot be
//! read, costs nothing.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
};

use killcord::{
    Host,
    core::rig::{Remote, Tls},
};

use crate::{
    Assets, Server,
    names::Names,
    server::{AppDoor, Seat, Setting},
    tls::{Certificate, TlsError},
    ui::UiError,
};

/// Why nothing can be served. No device was touched.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Other machines reach it, and nothing is encrypted.
    #[error(
        "{0} can be reached from other machines, and nothing is encrypted; write tls = \"self-signed\" in [remote], or \
         listen = \"127.0.0.1:{port}\"",
        port = .0.port()
    )]
    NotEncrypted(SocketAddr),
    /// Somebody else listens there.
    #[error("{0} is in use by another program; end it, or write another port in [remote] listen")]
    Taken(SocketAddr),
    /// Somebody else listens where the wrapped app is to be reached.
    #[error(
        "{0}, where the app is to be reached, is in use by another program; end it, or write another port in [remote] app_listen"
    )]
    AppTaken(SocketAddr),
    /// The rig wraps an app, which has no address.
    #[error("the rig wraps an app; take an address for it with `Bound::with_app`")]
    NoAppAddress,
    /// The system refuses.
    #[error("{address} cannot be listened on; write another address in [remote] listen")]
    System {
        /// Where.
        address: SocketAddr,
        /// What it said.
        source: io::Error,
    },
    /// Nothing can be encrypted.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// There are no pages.
    #[error(transparent)]
    Ui(#[from] UiError),
    /// No thread, or no descriptor, for the server.
    #[error("the server cannot be started; raise `ulimit -u` and `ulimit -n`")]
    Start(#[source] io::Error),
}

/// An address that is taken and does not answer yet.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    app: Option<TcpListener>,
    setting: Setting,
}

impl Bound {
    /// Takes the address. Tokens, and the certificate of a host that makes its own, are kept in `state`, the folder of
    /// the rig's state.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn to(remote: &Remote, state: &Path) -> Result<Self, BindError> {
        let address = remote.listen;
        refuse_plain(remote, address)?;
        let addresses = reached(address.ip());
        let mut names = vec!["localhost".to_owned()];
        names.splice(0..0, remote.names.iter().cloned());
        let certificate = Certificate::open(&remote.tls, state, &names, &addresses)?;
        let (listener, address) = take(address, BindError::Taken)?;
        let names = Names::of(address, &remote.names);
        let setting = Setting {
            address,
            shown: shown(address, remote, &addresses),
            names,
            certificate,
            trusted_proxies: remote.trusted_proxies.clone(),
            base_path: remote.base_path.clone(),
            state: PathBuf::from(state),
            app: None,
        };
        Ok(Self { listener, app: None, setting })
    }

    /// Takes the address of the wrapped app too: its pages are of another origin than ours. Needed where the rig has
    /// one.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn with_app(mut self, remote: &Remote) -> Result<Self, BindError> {
        let address = remote.app_address();
        refuse_plain(remote, address)?;
        let (listener, address) = take(address, BindError::AppTaken)?;
        let origin = remote.app_origin.clone();
        self.setting.app = Some(AppDoor { address, names: Names::of(address, &remote.names), origin });
        self.app = Some(listener);
        Ok(self)
    }

    /// Takes a port of this machine's own for its window, and one more where an app is wrapped: for
    /// [`Self::serve_window`]. `state` is the folder of the rig's state.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn for_window(state: &Path, wraps: bool) -> Result<Self, BindError> {
        let remote = Remote::at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let bound = Self::to(&remote, state)?;
        if wraps { bound.with_app(&remote) } else { Ok(bound) }
    }

    /// Serves this host until it has ended. Each link that takes the place of one that was used goes to `invited`.
    ///
    /// # Errors
    /// [`BindError::Start`], [`BindError::Tls`], [`BindError::NoAppAddress`]; the host is as it was.
    pub fn serve(
        self,
        host: Host,
        assets: Assets,
        invited: impl Fn(String) + Send + Sync + 'static,
    ) -> Result<Server, BindError> {
        self.start(host, Seat::Elsewhere(Box::new(invited)), assets)
    }

    /// Serves this host to its window, which is let in by one link and then is the host itself: it sees and changes who
    /// is let in by `browsers`, and is none of them. Nobody is remembered.
    ///
    /// # Errors
    /// As those of [`Self::serve`].
    pub fn serve_window(
        self,
        host: Host,
        assets: Assets,
        browsers: Option<&Server>,
    ) -> Result<Server, BindError> {
        let browsers = browsers.map(|server| Arc::clone(&server.shared));
        self.start(host, Seat::Bench(browsers), assets)
    }

    fn start(self, host: Host, seat: Seat, assets: Assets) -> Result<Server, BindError> {
        let Self { listener, app, setting } = self;
        if host.rig().plan.app.is_some() && app.is_none() {
            return Err(BindError::NoAppAddress);
        }
        let acceptor = setting.certificate.as_ref().map(|certificate| certificate.acceptor()).transpose()?;
        Server::start(listener, app, setting, seat, acceptor, host, assets).map_err(BindError::Start)
    }
}

/// The rig reader says so with the place; a program of others may not have asked it.
fn refuse_plain(remote: &Remote, address: SocketAddr) -> Result<(), BindError> {
    let plain = remote.tls == Tls::Off && remote.trusted_proxies.is_empty();
    if plain && !address.ip().is_loopback() { Err(BindError::NotEncrypted(address)) } else { Ok(()) }
}

/// A listener there, and where that is.
fn take(
    address: SocketAddr,
    taken: fn(SocketAddr) -> BindError,
) -> Result<(TcpListener, SocketAddr), BindError> {
    let listener = TcpListener::bind(address).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => taken(address),
        _ => BindError::System { address, source },
    })?;
    listener.set_nonblocking(true).map_err(BindError::Start)?;
    let address = listener.local_addr().map_err(BindError::Start)?;
    Ok((listener, address))
}

/// The addresses by which this one is reached: its own, or all of this machine's, those for others first.
fn reached(address: IpAddr) -> Vec<IpAddr> {
    if !address.is_unspecified() {
        return vec![address];
    }
    let all = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!(%error, "this machine's addresses cannot be read; write one in [remote] listen");
        Vec::new()
    });
    let mut all: Vec<IpAddr> = all.into_iter().map(|interface| interface.ip()).filter(is_told).collect();
    all.retain(|one| address.is_ipv6() || one.is_ipv4());
    all.sort_by_key(|one| (one.is_loopback(), one.is_ipv6()));
    all.dedup();
    all
}

/// One that a link can name: those of a link alone need the name of an interface with them (RFC 4007 section 11).
fn is_told(address: &IpAddr) -> bool {
    !matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

/// What links begin with, before `killcord/`: the first name of the rig file, else an address. A name behind a proxy is
/// the proxy's, which encrypts.
fn shown(address: SocketAddr, remote: &Remote, addresses: &[IpAddr]) -> String {
    let (port, path) = (address.port(), &remote.base_path);
    let scheme = if remote.tls == Tls::Off { "http" } else { "https" };
    match remote.names.first() {
        Some(name) if !remote.trusted_proxies.is_empty() => format!("https://{name}{path}"),
        Some(name) if !address.ip().is_loopback() => format!("{scheme}://{name}:{port}{path}"),
        _ => {
            let ip = addresses.first().copied().unwrap_or(address.ip());
            format!("{scheme}://{}{path}", SocketAddr::new(ip, port))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(remote: &Remote) -> Result<Bound, BindError> {
        Bound::to(remote, tempfile::tempdir().unwrap().path())
    }

    fn at(listen: &str) -> Remote {
        Remote::at(listen.parse().unwrap())
    }

    #[test]
    fn an_address_that_others_reach_in_plain_text_is_refused_with_what_to_write() {
        for listen in ["0.0.0.0:8420", "[::]:8420", "192.168.1.20:8420"] {
            let error = bind(&at(listen)).unwrap_err().to_string();
            assert!(
                error.contains("listen = \"127.0.0.1:8420\"") && error.contains("self-signed"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_port_in_use_is_told() {
        let first = bind(&at("127.0.0.1:0")).unwrap();
        let error = bind(&Remote::at(first.setting.address)).unwrap_err();
        assert!(matches!(error, BindError::Taken(address) if address == first.setting.address));
    }

    #[test]
    fn the_app_is_at_another_port_which_may_be_taken_too() {
        let state = tempfile::tempdir().unwrap();
        let remote = at("127.0.0.1:0");
        let bound = Bound::to(&remote, state.path()).unwrap().with_app(&remote).unwrap();
        let app = bound.setting.app.as_ref().unwrap().address;
        assert!(app.ip() == bound.setting.address.ip() && app.port() != bound.setting.address.port());
        let second = Remote { app_listen: Some(app), ..remote };
        let error = Bound::to(&second, state.path()).unwrap().with_app(&second).unwrap_err();
        assert!(error.to_string().contains("app_listen"), "{error}");
        assert_eq!(at("127.0.0.1:8420").app_address(), "127.0.0.1:8421".parse().unwrap());
        assert_eq!(at("[::1]:65535").app_address(), "[::1]:0".parse().unwrap());
    }

    #[test]
    fn a_link_names_what_others_reach() {
        let shown = |remote: &Remote, addresses: &[&str]| {
            let addresses: Vec<IpAddr> = addresses.iter().map(|one| one.parse().unwrap()).collect();
            shown(remote.listen, remote, &addresses)
        };
        let named = |listen| Remote { names: vec!["bench1.lab".into()], ..at(listen) };
        assert_eq!(shown(&named("127.0.0.1:8420"), &["127.0.0.1"]), "http://127.0.0.1:8420/");
        let tls = Remote { tls: Tls::SelfSigned, ..named("0.0.0.0:8420") };
        assert_eq!(shown(&tls, &["192.0.2.1", "127.0.0.1"]), "https://bench1.lab:8420/");
        let unnamed = Remote { tls: Tls::SelfSigned, ..at("[::]:8420") };
        assert_eq!(shown(&unnamed, &["2001:db8::1"]), "https://[2001:db8::1]:8420/");
        let proxied = Remote {
            trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()],
            base_path: "/bench1/".into(),
            ..named("127.0.0.1:8420")
        };
        assert_eq!(shown(&proxied, &["127.0.0.1"]), "https://bench1.lab/bench1/");
    }

    #[test]
    fn a_machine_has_addresses_and_those_for_others_come_first() {
        let all = reached("0.0.0.0".parse().unwrap());
        assert!(all.iter().any(IpAddr::is_loopback), "{all:?}");
        assert!(all.is_sorted_by_key(IpAddr::is_loopback) && all.iter().all(IpAddr::is_ipv4));
    }
}
