//! Instruments on a pseudo-terminal, as on a serial port.
//!
//! The simulator keeps the client's side open as well, so that the port outlives its clients. What a real
//! port does at its last close is then done here: the answers nobody read are thrown away, and `TIOCEXCL`
//! ends (a pty keeps both as long as its master is open). Openings and closings are told by inotify.

use std::{
    ffi::OsStr,
    io,
    mem::MaybeUninit,
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use rustix::{
    fs::{Mode, OFlags, inotify},
    io::Errno,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{OptionalActions, QueueSelector, ioctl_tiocnxcl, tcflush, tcgetattr, tcsetattr},
};
use tokio::sync::watch;

use super::{
    connection::{Connection, End},
    fd,
    framing::Speaks,
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
        let events = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC)?;
        let both =
            inotify::WatchFlags::OPEN | inotify::WatchFlags::CLOSE_WRITE | inotify::WatchFlags::CLOSE_NOWRITE;
        inotify::add_watch(&events, &device, both)?;
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
    let opening = AtomicU64::new(shared.update(|world, _| world.next_connection()));
    let (alone, left_alone) = watch::channel(0);
    let name = || format!("pty#{}", opening.load(Ordering::Relaxed));
    let connection = Connection { shared, line, speaks, stream: &stream, name: &name, left_alone };
    tokio::select! {
        end = connection.serve() => Ok(end),
        error = watch_openings(shared, line, pty, &opening, &alone) => Err(error),
    }
}

/// Counts the clients, and tidies up after the last one.
async fn watch_openings(
    shared: &Shared,
    line: usize,
    pty: &Pty,
    opening: &AtomicU64,
    alone: &watch::Sender<u64>,
) -> io::Error {
    let events = match pty.events.try_clone().and_then(fd::register) {
        Ok(events) => events,
        Err(error) => return error,
    };
    let mut clients = 0_usize;
    let mut buffer = [MaybeUninit::uninit(); 1024];
    loop {
        let mut ready = match events.readable().await {
            Ok(ready) => ready,
            Err(error) => return error,
        };
        let mut reader = inotify::Reader::new(pty.events.as_fd(), &mut buffer);
        loop {
            match reader.next() {
                Ok(event) if event.events().contains(inotify::ReadFlags::OPEN) => {
                    clients += 1;
                    if clients == 1 {
                        opening.store(shared.update(|world, _| world.next_connection()), Ordering::Relaxed);
                    }
                }
                Ok(_) => {
                    clients = clients.saturating_sub(1);
                    if clients == 0 {
                        // Both only tidy; a failure leaves things as they were.
                        let _flushed = tcflush(&pty.slave, QueueSelector::IFlush);
                        let _shared_again = ioctl_tiocnxcl(&pty.slave);
                        alone.send_modify(|times| *times += 1);
                    }
                }
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(error) => return error.into(),
            }
        }
        ready.clear_ready();
        drop(ready);
        shared.update(|world, _| world.line(line).connections = clients);
    }
}
