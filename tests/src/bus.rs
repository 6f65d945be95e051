//! A session bus of the test's own.

use std::time::Duration;

use crate::place;
use crate::process::{Launch, Process, Stream};

/// A D-Bus session bus.
pub struct Bus {
    _daemon: Process,
    address: String,
}

impl Default for Bus {
    fn default() -> Self {
        Self::start()
    }
}

impl Bus {
    /// Starts one.
    #[must_use]
    pub fn start() -> Self {
        let daemon = Launch::new(place::system("dbus-daemon"))
            .args(["--session", "--nofork", "--nopidfile", "--nosyslog", "--print-address=1"])
            .start();
        let line = daemon.await_line("its address", Duration::from_secs(20), |line| {
            line.stream == Stream::Out && line.text.starts_with("unix:")
        });
        Self { _daemon: daemon, address: line.text }
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Puts a program on it. To be called after the display's own dressing.
    #[must_use]
    pub fn dress(&self, launch: Launch) -> Launch {
        launch.env("DBUS_SESSION_BUS_ADDRESS", &self.address)
    }
}
