//! A terminal that a program runs in, as a person at a keyboard has it.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::place;
use crate::process::{Launch, Process};

/// The keyboard's side of a terminal.
pub struct Terminal {
    keyboard: File,
    screen: OwnedFd,
}

impl Default for Terminal {
    fn default() -> Self {
        Self::open()
    }
}

impl Terminal {
    /// Opens one.
    #[must_use]
    pub fn open() -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let keyboard = openpt(flags).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap();
        let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
        let screen = rustix::fs::open(name, flags, rustix::fs::Mode::empty()).unwrap();
        Self { keyboard: File::from(keyboard), screen }
    }

    /// Starts a program in it, as the leader of its session: `setsid` makes the terminal its own, waits for it
    /// and hands on its exit status.
    #[must_use]
    pub fn start(
        self,
        program: &std::path::Path,
        launch: impl FnOnce(Launch) -> Launch,
    ) -> (Process, Keyboard) {
        let stdio = || Stdio::from(self.screen.try_clone().unwrap());
        let wrapped = Launch::new(place::system("setsid")).args(["--ctty", "--wait"]).arg(program);
        let process = launch(wrapped).on_terminal(stdio(), stdio(), stdio()).start();
        // From here on only the program holds the screen's side: when the keyboard goes, it is hung up.
        (process, Keyboard(self.keyboard))
    }
}

/// Dropped: the line is cut, the program gets SIGHUP.
pub struct Keyboard(File);

impl Keyboard {
    /// Types bytes: `\x03` is Ctrl-C, `\x04` ends the input.
    pub fn press(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).expect("the terminal is gone");
    }
}
