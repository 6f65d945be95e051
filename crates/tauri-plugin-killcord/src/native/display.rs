//! The end of the X display, before Xlib ends the process for it.
//!
//! When the connection is lost (server crashed or killed, session closed, client killed by `xkill`), Xlib calls
//! one handler for the whole process, on each thread that uses the connection, and ends the process as soon as
//! one of these calls returns. Ours does not return. It must never draw, nor wait for a thread that does.
//!
//! Wayland has nothing of the kind: GDK itself calls `_exit(1)` when the compositor is gone. The host is dead
//! then, and its watchdog makes the hardware safe.
#![allow(unsafe_code)]

use std::{ffi::c_int, sync::OnceLock};

use gtk::{
    gdk::{self, prelude::*},
    gio,
};
use x11_dl::xlib;

/// Gives the process's exit status, once everything is done that has to be done before its end.
type Gone = Box<dyn Fn() -> i32 + Send + Sync>;

static GONE: OnceLock<Gone> = OnceLock::new();

/// Has `gone` called, on any number of threads at once, when the display is gone; the process ends with the
/// status that the first of these calls gives. Replaces GDK's own handler: after GTK's start, on its thread.
pub(crate) fn watch_display(gone: impl Fn() -> i32 + Send + Sync + 'static) {
    outlive_the_bus();
    if !gdk::Display::default().is_some_and(|display| display.backend().is_x11()) {
        return;
    }
    let xlib = match xlib::Xlib::open() {
        Ok(xlib) => xlib,
        Err(error) => {
            tracing::warn!(%error, "the end of the display will end this process without a teardown");
            return;
        }
    };
    if GONE.set(Box::new(gone)).is_err() {
        return;
    }
    // SAFETY: the call is allowed at any time and touches no display. The handler has the type that Xlib
    // wants, is part of this program and so never unloaded, and is sound on any thread: it reads a static.
    unsafe { (xlib.XSetIOErrorHandler)(Some(connection_lost)) };
}

/// A session bus that goes ends its programs by SIGTERM unless they say otherwise (`exit-on-close` of
/// GDBusConnection), and one that GLib started by itself goes with the display. The display's end is the cause then, and
/// a second signal would hurry what need not be hurried.
fn outlive_the_bus() {
    if let Some(bus) = gio::Application::default().and_then(|app| app.dbus_connection()) {
        bus.set_exit_on_close(false);
    }
}

/// Xlib's handler. A panic in it aborts, as the end of the host does that it is.
unsafe extern "C" fn connection_lost(_display: *mut xlib::Display) -> c_int {
    let status = GONE.get().map_or(1, |gone| gone());
    // SAFETY: always allowed. `exit` would run the handlers of libraries that draw, some of which wait for the
    // display's lock, which the thread that was told first may hold.
    unsafe { libc::_exit(status) }
}
