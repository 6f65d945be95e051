//! The servers beside the window: one host behind all. A rig with `[remote]` is opened in browsers too; a wrapped app,
//! and pages of the rig's own, are shown to the window from ports of this machine that only its one-time link opens.

use std::{
    io::{self, IsTerminal as _},
    os::fd::AsFd as _,
    path::Path,
};

use killcord::{Host, Rig, system::Service};
use killcord_server::{Assets, BindError, Bound, Qr, Server};
use tauri::Url;

use crate::print::{Printer, Stream};

/// What is served: taken before a device is touched.
pub(crate) struct Ports {
    browsers: Option<Bound>,
    /// Of a rig whose GUI is not the panel: it wraps an app, or has pages of its own.
    window: Option<Bound>,
    assets: Assets,
}

impl Ports {
    /// The ports that the rig asks for. Who is let in is remembered in `state`.
    pub(crate) fn of(rig: &Rig, state: &Path) -> Result<Self, BindError> {
        let wraps = rig.plan.app.is_some();
        let to = |remote| {
            let bound = Bound::to(remote, state)?;
            if wraps { bound.with_app(remote) } else { Ok(bound) }
        };
        let browsers = rig.remote.as_ref().map(to).transpose()?;
        let window = (wraps || rig.ui.is_some()).then(|| Bound::for_window(state, wraps)).transpose()?;
        Ok(Self { browsers, window, assets: Assets::of(rig)? })
    }

    /// Serves this host.
    pub(crate) fn serve(self, host: &Host) -> Result<Served, BindError> {
        let Self { browsers, window, assets } = self;
        let printer = Printer::start();
        let told = {
            let printer = printer.clone();
            move |link: String| told(&printer, &link)
        };
        let serve = |bound: Bound| bound.serve(host.clone(), assets.clone(), told.clone());
        let browsers = browsers.map(serve).transpose()?;
        let window =
            window.map(|bound| bound.serve_window(host.clone(), assets, browsers.as_ref())).transpose()?;
        let served = Served { browsers, window };
        if let Some(Invitation { link, fingerprint }) = served.invite() {
            if let Some(fingerprint) = fingerprint {
                printer.say(Stream::Err, format!("This host's certificate, SHA-256: {fingerprint}"));
            }
            told(link);
        }
        Ok(served)
    }
}

/// The running servers.
pub(crate) struct Served {
    browsers: Option<Server>,
    window: Option<Server>,
}

/// What a browser needs to come in.
pub(crate) struct Invitation {
    pub(crate) link: String,
    /// Of the host's certificate, where there is one.
    pub(crate) fingerprint: Option<String>,
}

impl Served {
    /// A new link for a browser; `None` where none is let in.
    pub(crate) fn invite(&self) -> Option<Invitation> {
        let server = self.browsers.as_ref()?;
        Some(Invitation { link: server.invite()?, fingerprint: server.fingerprint() })
    }

    /// Who lets browsers in.
    pub(crate) const fn browsers(&self) -> Option<&Server> {
        self.browsers.as_ref()
    }

    /// What the window shows instead of the panel: the page around the wrapped app, or the rig's own.
    pub(crate) fn page(&self) -> Option<Url> {
        self.window.as_ref()?.invite()?.parse().ok()
    }
}

/// As `killcord serve` does.
fn told(printer: &Printer, link: &str) {
    let out = io::stdout();
    // A link in a log is one for whoever reads the log.
    if Service::keeps(out.as_fd()) {
        return;
    }
    printer.say(Stream::Out, format!("Open in a browser (once, within 10 minutes): {link}"));
    if let Some(qr) = Qr::of(link).filter(|_| out.is_terminal()) {
        printer.say(Stream::Out, qr.text());
    }
}
