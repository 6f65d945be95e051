//! A window of the desktop app (or of another program that shows one), with or without a driver on its page.

use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use crate::display::{Display, Window};
use crate::port::Port;
use crate::process::{Launch, Process};
use crate::station::Station;
use crate::wait::{LONG, until};
use crate::webdriver::Page;

/// How long a window may take from its close to its end, its teardown's deadline included.
pub const END: Duration = Duration::from_secs(60);

/// A program with a window.
pub struct Desktop<'d> {
    process: Process,
    display: &'d Display,
    inspector: Option<Port>,
}

impl<'d> Desktop<'d> {
    /// Opens a rig in the desktop app.
    #[must_use]
    #[track_caller]
    pub fn open(display: &'d Display, station: &Station, rig: &Path) -> Self {
        Self::start(display, station.launch("killcord-desktop").arg(rig))
    }

    /// Opens a rig in the desktop app so that its page can be driven: [`Self::page`].
    #[must_use]
    #[track_caller]
    pub fn drive(display: &'d Display, station: &Station, rig: &Path) -> Self {
        Self::start_driven(display, station.launch("killcord-desktop").arg(rig))
    }

    /// Starts any program with a window.
    #[must_use]
    #[track_caller]
    pub fn start(display: &'d Display, launch: Launch) -> Self {
        Self { process: display.dress(launch).start(), display, inspector: None }
    }

    /// A program that was started and dressed by other means.
    #[must_use]
    pub const fn adopt(display: &'d Display, process: Process) -> Self {
        Self { process, display, inspector: None }
    }

    /// Starts any Tauri program so that its page can be driven.
    #[must_use]
    #[track_caller]
    pub fn start_driven(display: &'d Display, launch: Launch) -> Self {
        let inspector = Port::free();
        let launch = launch
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .env("WEBKIT_INSPECTOR_SERVER", format!("127.0.0.1:{}", inspector.number()));
        Self { process: display.dress(launch).start(), display, inspector: Some(inspector) }
    }

    /// Joins its page.
    ///
    /// # Panics
    /// When it does not come up, or was not started to be driven.
    #[must_use]
    #[track_caller]
    pub fn page(&self) -> Page {
        Page::join(self.inspector.as_ref().expect("started without a driver: use `drive`"))
    }

    /// Its window, awaited.
    #[must_use]
    #[track_caller]
    pub fn window(&self) -> Window {
        self.display.await_window(self.process.pid())
    }

    /// The display it is on.
    #[must_use]
    pub const fn display(&self) -> &'d Display {
        self.display
    }

    /// Clicks its close button.
    #[track_caller]
    pub fn close(&self) {
        self.display.close(self.window());
    }

    /// Presses Alt-F4 on it.
    #[track_caller]
    pub fn alt_f4(&self) {
        self.display.alt_f4(self.window());
    }

    /// Its process.
    #[must_use]
    pub const fn process(&self) -> &Process {
        &self.process
    }

    /// Its process.
    pub const fn process_mut(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Ends its web process, as a crash would. Its page must be up: WebKit ends the whole program with SIGTRAP
    /// when a web process goes before it has said its process id.
    ///
    /// # Panics
    /// When it gets none.
    #[track_caller]
    pub fn crash_page(&self) {
        let web = || Some(self.process.descendants("WebKitWebProcess")).filter(|found| !found.is_empty());
        for pid in until("the window's web process", LONG, web) {
            let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        }
    }

    /// Awaits its end.
    ///
    /// # Panics
    /// When it does not end in time; shows what it said.
    #[track_caller]
    pub fn await_end(&mut self) -> ExitStatus {
        let status = self.process.wait(END);
        self.process.output().finish();
        status
    }
}
