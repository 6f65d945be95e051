//! Where the server listens: taken before a host is started, so that a port in use costs nothing.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::Path,
};

use killcord::{Host, core::rig::Remote};

use crate::{Assets, Server, gate::Names};

/// Why nothing can be served. No device was touched.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Reachable from other machines.
    #[error(
        "{0} can be reached from other machines, which is not supported yet; write listen = \"127.0.0.1:{port}\" \
         and reach it through an SSH tunnel: ssh -L {port}:127.0.0.1:{port} HOST",
        port = .0.port()
    )]
    NotLoopback(SocketAddr),
    /// Somebody else listens there.
    #[error("{0} is in use by another program; end it, or write another port in [remote] listen")]
    Taken(SocketAddr),
    /// The system refuses.
    #[error("{address} cannot be listened on; write another address in [remote] listen")]
    System {
        /// Where.
        address: SocketAddr,
        /// What it said.
        source: io::Error,
    },
    /// No thread, or no descriptor, for the server.
    #[error("the server cannot be started; raise `ulimit -u` and `ulimit -n`")]
    Start(#[source] io::Error),
}

/// An address that is taken and does not answer yet.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    names: Names,
}

impl Bound {
    /// Takes the address.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn to(remote: &Remote) -> Result<Self, BindError> {
        let address = remote.listen;
        if !address.ip().is_loopback() {
            return Err(BindError::NotLoopback(address));
        }
        let listener = TcpListener::bind(address).map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => BindError::Taken(address),
            _ => BindError::System { address, source },
        })?;
        listener.set_nonblocking(true).map_err(BindError::Start)?;
        let address = listener.local_addr().map_err(BindError::Start)?;
        let names = Names::of(address, &remote.names);
        Ok(Self { listener, address, names })
    }

    /// Serves this host until it has ended. Paired browsers are remembered in `state`, a folder; each link that
    /// takes the place of one that was used goes to `invited`.
    ///
    /// # Errors
    /// [`BindError::Start`]; the host is as it was.
    pub fn serve(
        self,
        host: Host,
        assets: Assets,
        state: &Path,
        invited: impl Fn(String) + Send + Sync + 'static,
    ) -> Result<Server, BindError> {
        let Self { listener, address, names } = self;
        Server::start(listener, address, names, host, assets, state, Box::new(invited))
            .map_err(BindError::Start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(listen: &str) -> Result<Bound, BindError> {
        Bound::to(&Remote { listen: listen.parse().unwrap(), names: Vec::new() })
    }

    #[test]
    fn an_address_that_others_reach_is_refused_with_what_to_write() {
        for listen in ["0.0.0.0:8420", "[::]:8420", "192.168.1.20:8420"] {
            let error = bind(listen).unwrap_err().to_string();
            assert!(
                error.contains("listen = \"127.0.0.1:8420\"") && error.contains("ssh -L 8420:"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_port_in_use_is_told() {
        let first = bind("127.0.0.1:0").unwrap();
        let error = bind(&first.address.to_string()).unwrap_err();
        assert!(matches!(error, BindError::Taken(address) if address == first.address));
    }
}
