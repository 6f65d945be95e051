//! `app.killcord()`.

use std::sync::Arc;

use killcord::{Ending, Host};
use killcord_core::Cause;
use tauri::{AppHandle, Manager, Runtime};

use crate::{
    events,
    leave::{self, Wish},
    shell::Shell,
};

/// Reaches the plugin from an app, a window or a handle of either.
pub trait KillcordExt<R: Runtime> {
    /// The plugin's handle.
    ///
    /// # Panics
    ///
    /// If the plugin was not added to the app.
    fn killcord(&self) -> Killcord<R>;
}

impl<R: Runtime, T: Manager<R>> KillcordExt<R> for T {
    fn killcord(&self) -> Killcord<R> {
        let shell = Arc::clone(self.state::<Arc<Shell>>().inner());
        Killcord { app: self.app_handle().clone(), shell }
    }
}

/// The host, and the ways out that go through it.
pub struct Killcord<R: Runtime> {
    app: AppHandle<R>,
    shell: Arc<Shell>,
}

impl<R: Runtime> Killcord<R> {
    /// The host that holds the hardware.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.shell.host
    }

    /// Ends the app as closing its window does: hardware safe, released and on record first. Never blocks.
    pub fn exit(&self) -> Ending {
        events::quit(&self.shell, Cause::WindowClosed)
    }

    /// Starts the app anew, hardware safe, released and on record first. Never blocks.
    ///
    /// Use this and not Tauri's own `restart`: that one cannot be prevented, and on the main thread raises
    /// no event at all.
    pub fn restart(&self) -> Ending {
        self.shell.leave.wish(Wish::Restart);
        events::quit(&self.shell, Cause::Requested)
    }

    /// Brings the first window that counts to the front, also when it was hidden. From any thread.
    pub fn raise(&self) {
        leave::bring_up(&self.app, &self.shell);
    }
}
