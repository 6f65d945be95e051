//! The icon in the tray: how the rig stands at a glance. Nothing depends on it being there.

use std::{path::Path, time::Duration};

use gtk::glib::{self, ControlFlow};
use killcord::wire::RigState;
use tauri::{
    AppHandle, Wry,
    image::Image,
    tray::{TrayIcon, TrayIconBuilder},
};
use tauri_plugin_killcord::KillcordExt as _;

use crate::menu;

/// How often it is brought up to date.
const EVERY: Duration = Duration::from_millis(500);

/// When it comes.
const AFTER_START: Duration = Duration::from_secs(2);

/// What the icon tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Safe,
    Armed,
    Fault,
}

impl Sign {
    const fn of(state: RigState) -> Self {
        match state {
            RigState::Safe | RigState::Released => Self::Safe,
            RigState::Opening | RigState::Arming | RigState::Armed | RigState::MakingSafe => Self::Armed,
            RigState::NotSafe => Self::Fault,
        }
    }

    fn image(self) -> tauri::Result<Image<'static>> {
        Image::from_bytes(match self {
            Self::Safe => include_bytes!("../../icons/tray-safe.png"),
            Self::Armed => include_bytes!("../../icons/tray-armed.png"),
            Self::Fault => include_bytes!("../../icons/tray-fault.png"),
        })
    }
}

/// Puts it there, where there is a tray: a moment after the start, which it would hold up.
pub(crate) fn start(app: &AppHandle) {
    if !session_bus() || !indicator_library() {
        tracing::info!("no tray icon: it needs a session bus and libayatana-appindicator3");
        return;
    }
    let app = app.clone();
    glib::timeout_add_local_once(AFTER_START, move || match icon(&app) {
        Ok(tray) => keep(app, tray),
        Err(error) => tracing::warn!(%error, "no tray icon"),
    });
}

fn icon(app: &AppHandle) -> tauri::Result<TrayIcon> {
    TrayIconBuilder::with_id("rig").menu(&menu::tray(app)?).icon(Sign::Safe.image()?).build(app)
}

/// Shows the rig's state from now on.
fn keep(app: AppHandle<Wry>, tray: TrayIcon) {
    let mut shown = Sign::Safe;
    glib::timeout_add_local(EVERY, move || {
        let sign = Sign::of(app.killcord().host().view().state);
        if sign != shown {
            shown = sign;
            if let Err(error) = sign.image().and_then(|image| tray.set_icon(Some(image))) {
                tracing::warn!(%error, "the tray icon could not be changed");
            }
        }
        ControlFlow::Continue
    });
}

/// Whether there is a session bus. Where there is none, asking for it would start one that outlives the app.
fn session_bus() -> bool {
    std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some()
        || std::env::var_os("XDG_RUNTIME_DIR").is_some_and(|dir| Path::new(&dir).join("bus").exists())
}

/// Whether the library that draws it is there: without it, the crate that loads it panics.
fn indicator_library() -> bool {
    const NAMES: [&[u8]; 2] = [b"libayatana-appindicator3.so.1", b"libappindicator3.so.1"];
    // The loader's own list of what is installed.
    let Ok(cache) = std::fs::read("/etc/ld.so.cache") else { return false };
    NAMES.iter().any(|name| cache.windows(name.len()).any(|here| here == *name))
}
