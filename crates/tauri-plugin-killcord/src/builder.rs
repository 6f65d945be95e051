//! How an app says what it wants.

use std::{path::PathBuf, sync::Arc, time::Duration};

use killcord::{Host, signals::Signals};
use killcord_core::{Policy, policy::OnWindowClose};
use tauri::{Manager as _, Runtime, plugin::TauriPlugin};

use crate::{
    Error, command, display, events, leave,
    leave::Leave,
    native, pulse,
    shell::{Settings, Shell},
    windows::Windows,
};

/// What closing the last window that counts does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnClose {
    /// Ends the app: hardware safe, released, on record.
    Quit,
    /// The same, after asking where others are attached. No answer for 15 s, or a second close, is yes.
    Ask,
    /// Makes the hardware safe, keeps it connected and hides the window: for apps that live in the tray.
    SafeAndHide,
}

/// How the way out is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Drawn over the page, whatever it shows.
    Overlay,
    /// Sent as the event `killcord://ending`, for an app that draws it itself. A page that is attached gets
    /// `teardown` frames anyway.
    Events,
}

/// Builds the plugin.
#[must_use]
pub struct Builder {
    rig: Rig,
    drivers: killcord::Registry,
    windows: Vec<String>,
    on_close: Option<OnClose>,
    progress: Progress,
    signals: bool,
}

enum Rig {
    File(PathBuf),
    Started(Host),
}

/// A page that has not beaten for so many beats is sent nothing more until it does.
const PATIENCE_BEATS: u32 = 3;

impl Builder {
    /// For the rig of this file. It is read by [`Builder::build`], which also starts the host.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self::of(Rig::File(file.into()))
    }

    /// For a host that was started already.
    pub fn with_host(host: Host) -> Self {
        Self::of(Rig::Started(host))
    }

    fn of(rig: Rig) -> Self {
        Self {
            rig,
            drivers: killcord::Registry::default(),
            windows: vec!["main".to_owned()],
            on_close: None,
            progress: Progress::Overlay,
            signals: false,
        }
    }

    /// The drivers that the rig file may name. Default: those that Killcord brings along.
    pub fn drivers(mut self, drivers: killcord::Registry) -> Self {
        self.drivers = drivers;
        self
    }

    /// Labels of the windows whose end is the app's end. Default: `main`. Others close without further ado,
    /// and with them their session.
    pub fn windows<L: Into<String>>(mut self, labels: impl IntoIterator<Item = L>) -> Self {
        self.windows = labels.into_iter().map(Into::into).collect();
        self
    }

    /// What closing them does. Default: what the rig file says (`on_window_close`).
    pub fn on_close(mut self, on_close: OnClose) -> Self {
        self.on_close = Some(on_close);
        self
    }

    /// How the way out is shown. Default: [`Progress::Overlay`].
    pub fn progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Whether SIGTERM, SIGINT, SIGHUP and SIGQUIT end the app by its one way out. Default: no. Build the
    /// plugin before anything that starts threads, so that no signal finds a thread without them.
    pub fn signals(mut self, signals: bool) -> Self {
        self.signals = signals;
        self
    }

    /// Reads the rig and starts the host, where that is still to be done. No device is waited for.
    ///
    /// # Errors
    ///
    /// The rig file has problems, or the host cannot start. No device was touched.
    pub fn build<R: Runtime>(self) -> Result<TauriPlugin<R>, Error> {
        let signals = self.signals.then(Signals::install).transpose().map_err(Error::Signals)?;
        if let Some(signals) = &signals {
            signals.hold();
        }
        let host = match self.rig {
            Rig::Started(host) => Ok(host),
            Rig::File(file) => start(file, self.drivers),
        };
        match (&signals, &host) {
            (Some(signals), Ok(host)) => signals.deliver_to(host),
            (Some(signals), Err(_)) => signals.let_go(),
            (None, _) => {}
        }
        let host = host?;
        let policy = host.rig().policy.clone();
        let settings = Settings {
            on_close: self.on_close.unwrap_or_else(|| by_the_rig(&policy)),
            windows: self.windows,
            progress: self.progress,
            beat: policy.session.beat,
            deadline: host.rig().plan.deadline + Duration::from_secs(1),
        };
        let windows = Windows::new(settings.beat * PATIENCE_BEATS, policy.session.expire_after);
        let shell = Arc::new(Shell { host, settings, windows, leave: Leave::new() });
        Ok(plugin(shell))
    }
}

fn start(file: PathBuf, drivers: killcord::Registry) -> Result<Host, Error> {
    let options = killcord::Options::new(&file).drivers(drivers.clone());
    let (rig, warnings) = killcord_rig::RigFile::read(file)?.check(&drivers.specs())?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    Ok(Host::start(rig, options)?)
}

const fn by_the_rig(policy: &Policy) -> OnClose {
    match policy.safety.on_window_close {
        OnWindowClose::Quit => OnClose::Quit,
        OnWindowClose::Ask => OnClose::Ask,
    }
}

fn plugin<R: Runtime>(shell: Arc<Shell>) -> TauriPlugin<R> {
    let (watched, told) = (Arc::clone(&shell), Arc::clone(&shell));
    tauri::plugin::Builder::new("killcord")
        .invoke_handler(tauri::generate_handler![
            command::attach,
            command::send,
            command::operate,
            command::acknowledge_report
        ])
        .setup(move |app, _| {
            app.manage(Arc::clone(&shell));
            display::watch(app, &shell)?;
            thread("killcord-lease", app, &shell, pulse::run)?;
            thread("killcord-leave", app, &shell, leave::run)?;
            let (raised, app) = (Arc::clone(&shell), app.clone());
            shell.host.on_raise(move || leave::bring_up(&app, &raised));
            Ok(())
        })
        .on_webview_ready(move |webview| native::watch_web_process(&webview, &watched))
        .on_event(move |app, event| events::on_event(app, &told, event))
        .build()
}

/// A thread that lives as long as the app does.
fn thread<R: Runtime>(
    name: &str,
    app: &tauri::AppHandle<R>,
    shell: &Arc<Shell>,
    body: fn(&tauri::AppHandle<R>, &Shell),
) -> std::io::Result<()> {
    let (app, shell) = (app.clone(), Arc::clone(shell));
    std::thread::Builder::new().name(name.into()).spawn(move || body(&app, &shell))?;
    Ok(())
}
