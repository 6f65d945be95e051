//! Instruments on a pseudo-terminal, as on a serial port.

use std::{
    ffi::OsStr,
    io,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::{
    fs::{Mode, OFlags},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{OptionalActions, tcgetattr, tcsetattr},
};

use super::{
    connection::{Client, Connection, End},
    fd,
    framing::Speaks,
    presence::{self, Presence},
    stream::Stream,
};
use crate::world::Shared;

/// A pty and the link to it. The link goes with it.
#[derive(Debug)]
pub(crate) struct Pty {
    master: OwnedFd,
    slave: OwnedFd,
    events: OwnedFd,
    device: PathBuf,
    link: Option<PathBuf>,
}

impl Pty {
    /// Makes a pty in raw mode and, if asked, a symbolic link to it.
    pub(crate) fn open(link: Option<&Path>) -> io::Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let name = ptsname(&master, Vec::new())?;
        let device = PathBuf::from(OsStr::from_bytes(name.to_bytes()));
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let slave = rustix::fs::open(&device, flags, Mode::empty())?;
        let mut modes = tcgetattr(&slave)?;
        modes.make_raw();
        tcsetattr(&slave, OptionalActions::Now, &modes)?;
        rustix::io::ioctl_fionbio(&master, true)?;
        let events = presence::watch(&device)?;
        let pty = Self { master, slave, events, device, link: None };
        match link {
            Some(link) => pty.linked(link),
            None => Ok(pty),
        }
    }

    /// Puts the link there; an older link to a pty is replaced, anything else is left alone.
    fn linked(mut self, link: &Path) -> io::Result<Self> {
        if let Ok(old) = std::fs::read_link(link)
            && old.starts_with("/dev/pts")
        {
            std::fs::remove_file(link)?;
        }
        std::os::unix::fs::symlink(&self.device, link)?;
        self.link = Some(link.to_owned());
        Ok(self)
    }

    /// The path to open.
    pub(crate) fn path(&self) -> &Path {
        self.link.as_deref().unwrap_or(&self.device)
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if let Some(link) = &self.link
            && std::fs::read_link(link).is_ok_and(|to| to == self.device)
        {
            let _gone = std::fs::remove_file(link);
        }
    }
}

/// Serves a line's clients for ever; the task is dropped at the end.
pub(crate) async fn serve(shared: Arc<Shared>, line: usize, speaks: Speaks, mut pty: Pty) {
    let mut gate = shared.lock().gate(line);
    loop {
        if gate.borrow_and_update().plugged {
            shared.update(|world, _| {
                let path = pty.path().to_owned();
                let shown = world.line(line);
                shown.address.place = crate::address::Place::Pty(path);
                shown.listening = true;
            });
            if serve_open(&shared, line, speaks, &pty).await.is_err() {
                return;
            }
        }
        // Hung up or cut: clients get an I/O error, as when a USB adapter is pulled.
        let link = pty.link.clone();
        drop(pty);
        shared.update(|world, _| {
            world.line(line).listening = false;
            world.line(line).connections = 0;
        });
        if gate.wait_for(|gate| gate.plugged).await.is_err() {
            return;
        }
        match Pty::open(link.as_deref()) {
            Ok(new) => pty = new,
            Err(_) => return,
        }
    }
}

async fn serve_open(shared: &Arc<Shared>, line: usize, speaks: Speaks, pty: &Pty) -> io::Result<End> {
    let stream = Stream::Pty(fd::register(pty.master.try_clone()?)?);
    let presence = Presence::new(shared, line, &pty.slave, &pty.events);
    let client = Client::Pty(&presence);
    tokio::select! {
        end = (Connection { shared, line, speaks, stream: &stream, client }).serve() => Ok(end),
        error = presence.follow() => Err(error),
    }
}
