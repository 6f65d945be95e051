//! A display of the test's own (Xvfb on a free number), with a window manager (openbox) or without, and the
//! ways in which a person or the session ends a window on it.

use std::time::Duration;

use x11rb::connection::Connection;
use x11rb::protocol::xproto::{AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask};
use x11rb::rust_connection::RustConnection;

use crate::clock::monotonic;
use crate::process::{Launch, Process, Stream};
use crate::wait::{LONG, SOON, maybe, until};
use crate::{place, process::Ended};

/// A virtual screen.
pub struct Display {
    server: Option<Process>,
    manager: Option<Process>,
    name: String,
}

impl Display {
    /// With a window manager.
    #[must_use]
    pub fn managed() -> Self {
        let mut display = Self::bare();
        let home = std::env::temp_dir();
        let manager = display.launch("openbox").env("HOME", home).start();
        until("the window manager", LONG, || {
            display.launch("wmctrl").arg("-m").run(SOON).status.success().then_some(())
        });
        display.manager = Some(manager);
        display
    }

    /// Without a window manager.
    #[must_use]
    pub fn bare() -> Self {
        // The server picks a free number by itself and says which.
        let server = Launch::new(place::system("Xvfb"))
            .args(["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp", "-noreset"])
            .start();
        let line = server.await_line("its display number", LONG, |line| {
            line.stream == Stream::Out && line.text.trim().parse::<u32>().is_ok()
        });
        Self { server: Some(server), manager: None, name: format!(":{}", line.text.trim()) }
    }

    /// Puts the display server ahead of other programs where that is allowed, so that a measurement of what a
    /// program does with an event is none of how long a busy machine takes to deliver it. Says whether it was.
    #[must_use]
    pub fn hurry(&self) -> bool {
        let pid = self
            .server
            .as_ref()
            .and_then(|server| rustix::process::Pid::from_raw(server.pid().cast_signed()));
        pid.is_some_and(|pid| rustix::process::setpriority_process(Some(pid), -20).is_ok())
    }

    /// What goes into DISPLAY.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A program of the system on this display, and on no session bus.
    #[must_use]
    pub fn launch(&self, program: &str) -> Launch {
        self.dress(Launch::new(place::system(program)))
    }

    /// What a program needs to come up on this display.
    #[must_use]
    pub fn dress(&self, launch: Launch) -> Launch {
        launch
            .env("DISPLAY", &self.name)
            .env("GDK_BACKEND", "x11")
            .env("NO_AT_BRIDGE", "1")
            .without_env("WAYLAND_DISPLAY")
            .without_env("XAUTHORITY")
            .without_env("DBUS_SESSION_BUS_ADDRESS")
    }

    /// Ends the display server, as a crash of it would.
    pub fn crash(&self) {
        if let Some(server) = &self.server {
            server.signal(rustix::process::Signal::KILL);
        }
    }

    /// The mapped top-level windows of a process.
    #[must_use]
    pub fn windows(&self, pid: u32) -> Vec<Window> {
        let Ok((x, screen)) = x11rb::connect(Some(&self.name)) else { return Vec::new() };
        windows(&x, screen, pid).unwrap_or_default()
    }

    /// Awaits a window of a process.
    ///
    /// # Panics
    /// When it shows none.
    #[track_caller]
    pub fn await_window(&self, pid: u32) -> Window {
        until("a window of the process", LONG, || self.windows(pid).into_iter().next())
    }

    /// Awaits that a process shows no window.
    pub fn windows_gone(&self, pid: u32, within: Duration) -> bool {
        maybe(within, || self.windows(pid).is_empty().then_some(())).is_some()
    }

    /// Clicks the window's close button: the window manager is asked to close it, and asks the program.
    #[track_caller]
    pub fn close(&self, window: Window) -> Duration {
        let at = monotonic();
        self.check(self.launch("wmctrl").args(["-ic", &window.hex()]));
        at
    }

    /// Presses Alt-F4 on it.
    #[track_caller]
    pub fn alt_f4(&self, window: Window) {
        self.press(window, "alt+F4");
    }

    /// Presses a key on it, as a keyboard does.
    #[track_caller]
    pub fn press(&self, window: Window, key: &str) {
        self.check(self.launch("wmctrl").args(["-ia", &window.hex()]));
        let id = window.0.to_string();
        until("the window to be active", SOON, || {
            (self.launch("xdotool").arg("getactivewindow").run(SOON).stdout.trim() == id).then_some(())
        });
        self.check(self.launch("xdotool").args(["key", "--clearmodifiers", key]));
    }

    /// Presses a key in it.
    #[track_caller]
    pub fn key(&self, window: Window, key: &str) {
        self.check(self.launch("wmctrl").args(["-ia", &window.hex()]));
        self.check(self.launch("xdotool").args(["key", "--window", &window.0.to_string(), key]));
    }

    /// Presses the mouse's button in it, so many pixels from its left and from its top.
    #[track_caller]
    pub fn click(&self, window: Window, x: u32, y: u32) {
        self.check(self.launch("wmctrl").args(["-ia", &window.hex()]));
        let (window, x, y) = (window.0.to_string(), x.to_string(), y.to_string());
        self.check(self.launch("xdotool").args(["mousemove", "--window", &window, &x, &y, "click", "1"]));
    }

    /// Sends the program the message that a window manager sends (WM_DELETE_WINDOW), without one, and gives
    /// the time just before it went out.
    #[track_caller]
    pub fn delete(&self, window: Window) -> Duration {
        let (x, _) = x11rb::connect(Some(&self.name)).expect("the display does not answer");
        let closer = Closer::new(x);
        closer.delete(window)
    }

    /// A connection that closes windows without delay.
    #[must_use]
    pub fn closer(&self) -> Closer {
        Closer::new(x11rb::connect(Some(&self.name)).expect("the display does not answer").0)
    }

    /// Destroys the window under the program, as a foreign client can.
    #[track_caller]
    pub fn destroy(&self, window: Window) {
        self.check(self.launch("xdotool").args(["windowclose", &window.0.to_string()]));
    }

    /// Ends the connection of the program that shows it, as `xkill` does.
    #[track_caller]
    pub fn cut(&self, window: Window) {
        self.check(self.launch("xdotool").args(["windowkill", &window.0.to_string()]));
    }

    /// The title of a window.
    #[must_use]
    pub fn title(&self, window: Window) -> String {
        self.launch("xdotool")
            .args(["getwindowname", &window.0.to_string()])
            .run(SOON)
            .stdout
            .trim()
            .to_owned()
    }

    /// A picture of the screen, for a person to look at.
    pub fn picture(&self, file: &std::path::Path) {
        let _shown = self.launch("import").args(["-window", "root"]).arg(file).run(SOON);
    }

    #[track_caller]
    fn check(&self, launch: Launch) {
        let Ended { status, stderr, .. } = launch.run(SOON);
        assert!(status.success(), "on display {}: {status}: {stderr}", self.name);
    }
}

/// An X window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window(u32);

impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Window {
    fn hex(self) -> String {
        format!("{:#010x}", self.0)
    }
}

/// Sends close messages without the delay of a connection of its own for each.
pub struct Closer {
    x: RustConnection,
    protocols: u32,
    delete: u32,
}

impl Closer {
    fn new(x: RustConnection) -> Self {
        let atom = |name: &str| x.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom;
        let (protocols, delete) = (atom("WM_PROTOCOLS"), atom("WM_DELETE_WINDOW"));
        Self { x, protocols, delete }
    }

    /// Sends WM_DELETE_WINDOW and gives the time just before.
    #[track_caller]
    pub fn delete(&self, window: Window) -> Duration {
        let message = ClientMessageEvent::new(32, window.0, self.protocols, [self.delete, 0, 0, 0, 0]);
        let at = monotonic();
        self.x.send_event(false, window.0, EventMask::NO_EVENT, message).unwrap();
        // Answered only when the message has been passed on.
        self.x.get_input_focus().unwrap().reply().expect("the display does not answer");
        at
    }
}

fn windows(x: &RustConnection, screen: usize, pid: u32) -> Option<Vec<Window>> {
    let root = x.setup().roots.get(screen)?.root;
    let pid_atom = x.intern_atom(false, b"_NET_WM_PID").ok()?.reply().ok()?.atom;
    // A manager puts each window into a frame of its own: look two levels deep.
    let mut found = Vec::new();
    for top in x.query_tree(root).ok()?.reply().ok()?.children {
        let Ok(children) = x.query_tree(top).ok()?.reply() else { continue };
        for window in std::iter::once(top).chain(children.children) {
            let Ok(property) =
                x.get_property(false, window, pid_atom, AtomEnum::CARDINAL, 0, 1).ok()?.reply()
            else {
                continue;
            };
            let of_process = property.value32().and_then(|mut values| values.next()) == Some(pid);
            let mapped = x
                .get_window_attributes(window)
                .ok()?
                .reply()
                .is_ok_and(|it| it.map_state != x11rb::protocol::xproto::MapState::UNMAPPED);
            let large = x.get_geometry(window).ok()?.reply().is_ok_and(|it| it.width > 50 && it.height > 50);
            if of_process && mapped && large {
                found.push(Window(window));
            }
        }
    }
    Some(found)
}
