//! The server beside the window: one host behind both. A rig with `[remote]` is opened in browsers too; a wrapped app
//! is shown to the window by it alone, from a port of this machine that only the window's one-time link opens.

use std::{
    io::Write as _,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
};

use killcord::{Host, Rig};
use killcord_server::{Assets, BindError, Bound, Remote, Server};
use tauri::Url;

/// What is served: taken before a device is touched.
pub(crate) struct Port {
    bound: Bound,
    /// Browsers are let in, not the window alone.
    browsers: bool,
}

impl Port {
    /// The port that the rig asks for; `None` where it asks for none.
    pub(crate) fn of(rig: &Rig) -> Result<Option<Self>, BindError> {
        let (remote, browsers) = match &rig.remote {
            Some(remote) => (remote.clone(), true),
            None if rig.plan.app.is_some() => {
                let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                (Remote { listen, names: Vec::new() }, false)
            }
            None => return Ok(None),
        };
        Ok(Some(Self { bound: Bound::to(&remote)?, browsers }))
    }

    /// Serves this host. Paired browsers are remembered in `state`.
    pub(crate) fn serve(self, host: &Host, state: &Path) -> Result<Served, BindError> {
        let Self { bound, browsers } = self;
        let shows_app = host.rig().plan.app.is_some();
        let tell = move |link: String| {
            if browsers {
                told(&link);
            }
        };
        let server = bound.serve(host.clone(), Assets::panel(), state, tell)?;
        let served = Served { server, browsers, shows_app };
        // The window's own link comes first, where it needs one; the next is told when that was used.
        if !shows_app && let Some(link) = served.link() {
            told(&link);
        }
        Ok(served)
    }
}

/// A running server.
pub(crate) struct Served {
    server: Server,
    browsers: bool,
    shows_app: bool,
}

impl Served {
    /// A new link for a browser; `None` where none is let in.
    pub(crate) fn link(&self) -> Option<String> {
        self.browsers.then(|| self.server.invite()).flatten()
    }

    /// What the window shows instead of the panel: the page around the wrapped app.
    pub(crate) fn page(&self) -> Option<Url> {
        self.shows_app.then(|| self.server.invite()).flatten().and_then(|link| link.parse().ok())
    }
}

/// As `killcord serve` does.
fn told(link: &str) {
    // A closed standard output is nobody who wants to know.
    writeln!(std::io::stdout(), "Open in a browser (once, within 10 minutes): {link}").ok();
}
