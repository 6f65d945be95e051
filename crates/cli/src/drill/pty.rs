//! A terminal that a host runs in, as a person at a keyboard has it.

use std::{io, os::fd::OwnedFd, thread};

use rustix::{
    fs::{Mode, OFlags},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};

/// The keyboard's side. Dropped, the line is cut and the program gets SIGHUP.
#[derive(Debug)]
pub(super) struct Pty {
    _cut: OwnedFd,
}

impl Pty {
    /// Opens one; the second is the screen's side, for the program.
    pub(super) fn open() -> io::Result<(Self, OwnedFd)> {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&keyboard)?;
        unlockpt(&keyboard)?;
        let name = ptsname(&keyboard, Vec::new())?;
        let screen = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
        let (cut, asked) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        // Somebody reads what is on the screen; the end of the pipe ends that, and the terminal with it.
        thread::Builder::new().name("killcord-drill-screen".into()).spawn(move || read(&keyboard, &cut))?;
        Ok((Self { _cut: asked }, screen))
    }
}

fn read(keyboard: &OwnedFd, cut: &OwnedFd) {
    use rustix::event::{PollFd, PollFlags, poll};
    let mut buffer = [0; 4096];
    loop {
        let mut both = [PollFd::new(keyboard, PollFlags::IN), PollFd::new(cut, PollFlags::IN)];
        match poll(&mut both, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
        let (typed, over) = (both[0].revents(), both[1].revents());
        if !over.is_empty() {
            return;
        }
        if !typed.is_empty() && rustix::io::read(keyboard, &mut buffer).is_err() {
            return; // nobody has the screen open any more
        }
    }
}
