//! Serial lines.
//!
//! A port is held three times over: by the machine-wide lock, by `flock` on the port itself, which other
//! careful programs respect, and by `TIOCEXCL`, which everybody but root must. All three are given back before
//! it is closed, which happens within a limit, see [`super::closing`].

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    sync::Arc,
};

use killcord_core::plan::{Flow, Parity, SerialLine, Signal};
use rustix::{
    fs::{CWD, FlockOperation, Mode, OFlags, fcntl_getfl, fcntl_setfl, flock, fstat, major, openat},
    io::Errno,
    termios::{
        ControlModes, InputModes, OptionalActions, QueueSelector, Termios, ioctl_tiocexcl, ioctl_tiocnxcl,
        tcflush, tcgetattr, tcsetattr,
    },
};

use super::{
    closing::{self, CLOSE_WITHIN},
    holdings::Holdings,
    lock::DeviceLock,
    stream::Port,
};
use crate::{Cx, DeviceError, sys};

pub(super) struct Serial {
    path: PathBuf,
    line: SerialLine,
    port: Option<Arc<OwnedFd>>,
    /// The open port of a process that used the line before us.
    handed: Option<OwnedFd>,
    holdings: Holdings,
}

impl Serial {
    /// Goes on with the port that was `handed`, if there is one, before it opens any.
    pub(super) const fn new(
        path: PathBuf,
        line: SerialLine,
        handed: Option<OwnedFd>,
        holdings: Holdings,
    ) -> Self {
        Self { path, line, port: None, handed, holdings }
    }

    fn failed(&self, source: io::Error) -> DeviceError {
        DeviceError::Connect { target: self.target(), source }
    }

    fn in_use(&self) -> DeviceError {
        DeviceError::InUse { target: self.target(), holder: holder(&self.path) }
    }

    /// Opened without waiting for a carrier, and with no device's output changed but DTR as it is set.
    fn prepare(&self) -> Result<OwnedFd, DeviceError> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let port = match openat(CWD, &self.path, flags, Mode::empty()) {
            Ok(port) => port,
            Err(Errno::BUSY) => return Err(self.in_use()),
            Err(error) => return Err(self.failed(error.into())),
        };
        if !rustix::termios::isatty(&port) {
            return Err(DeviceError::Setup(format!("{} is not a serial port", self.target())));
        }
        self.hold(&port)?;
        self.configure(&port)?;
        match self.line.dtr {
            Signal::Keep => {}
            state => match sys::set_dtr(port.as_fd(), state == Signal::On) {
                // A pty has no modem lines, some adapters neither.
                Err(error) if matches!(Errno::from_io_error(&error), Some(Errno::NOTTY | Errno::INVAL)) => {}
                other => other.map_err(|error| self.failed(error))?,
            },
        }
        self.empty(&port)?;
        Ok(port)
    }

    /// Goes on with a port as it stands: neither its settings nor DTR are touched.
    fn prepare_handed(&self, port: &OwnedFd) -> Result<(), DeviceError> {
        // Another program's might wait in a read, and ours then would.
        fcntl_getfl(port)
            .and_then(|flags| fcntl_setfl(port, flags | OFlags::NONBLOCK))
            .map_err(|error| self.failed(error.into()))?;
        self.hold(port)?;
        self.empty(port)
    }

    fn hold(&self, port: &OwnedFd) -> Result<(), DeviceError> {
        match flock(port, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(self.in_use()),
            Err(error) => return Err(self.failed(error.into())),
        }
        ioctl_tiocexcl(port).map_err(|error| self.failed(error.into()))
    }

    /// What another process left queued, in either direction, must reach nobody.
    fn empty(&self, port: &OwnedFd) -> Result<(), DeviceError> {
        tcflush(port, QueueSelector::IOFlush).map_err(|error| self.failed(error.into()))
    }

    /// The port that was handed over, if it is one still; else one opened by its path.
    fn handed_or_opened(&mut self) -> Result<OwnedFd, DeviceError> {
        if let Some(port) = self.handed.take() {
            match self.prepare_handed(&port) {
                Ok(()) => return Ok(port),
                // Unplugged since; or somebody has it by another opening, which the path tells better.
                Err(_) => closing::let_go(port),
            }
        }
        self.prepare()
    }

    /// Takes the port out of everybody's reach but its own; what closes it gets it whole.
    fn withdraw(&mut self) -> Option<Arc<OwnedFd>> {
        let port = self.port.take()?;
        self.holdings.forget_port();
        Some(port)
    }

    fn lock(&self) -> Result<(), DeviceError> {
        self.holdings.take_lock(|| {
            let path = std::fs::canonicalize(&self.path).map_err(|error| self.failed(error))?;
            DeviceLock::take(&path.to_string_lossy(), &self.target())
        })
    }

    fn configure(&self, port: &OwnedFd) -> Result<(), DeviceError> {
        let failed = |error: Errno| self.failed(error.into());
        let mut settings = tcgetattr(port).map_err(failed)?;
        apply(&self.line, &mut settings).map_err(failed)?;
        tcsetattr(port, OptionalActions::Now, &settings).map_err(failed)?;
        let set = tcgetattr(port).map_err(failed)?;
        let wire = ControlModes::CSIZE | ControlModes::PARENB | ControlModes::PARODD | ControlModes::CSTOPB;
        // A pty has no wire: it takes any settings and keeps 8 bits without parity.
        let differs = (set.control_modes ^ settings.control_modes).intersects(wire)
            || set.output_speed() != settings.output_speed();
        if differs && !is_pty(port) {
            return Err(DeviceError::Setup(format!(
                "{} does not take {} baud, {} data bits, parity {:?}, {} stop bits; \
                 its hardware cannot do that, choose others",
                self.target(),
                self.line.baud,
                self.line.data_bits,
                self.line.parity,
                self.line.stop_bits,
            )));
        }
        Ok(())
    }
}

fn apply(line: &SerialLine, settings: &mut Termios) -> Result<(), Errno> {
    settings.make_raw();
    settings.set_speed(line.baud)?;
    let modes = &mut settings.control_modes;
    modes.remove(
        ControlModes::CSIZE
            | ControlModes::PARENB
            | ControlModes::PARODD
            | ControlModes::CSTOPB
            | ControlModes::CRTSCTS,
    );
    modes.insert(ControlModes::CREAD | ControlModes::CLOCAL);
    modes.insert(match line.data_bits {
        5 => ControlModes::CS5,
        6 => ControlModes::CS6,
        7 => ControlModes::CS7,
        _ => ControlModes::CS8,
    });
    modes.set(ControlModes::PARENB, line.parity != Parity::None);
    modes.set(ControlModes::PARODD, line.parity == Parity::Odd);
    modes.set(ControlModes::CSTOPB, line.stop_bits == 2);
    modes.set(ControlModes::CRTSCTS, line.flow == Flow::RtsCts);
    if line.dtr == Signal::Keep {
        // A close would drop it.
        modes.remove(ControlModes::HUPCL);
    }
    settings.input_modes.set(InputModes::IXON | InputModes::IXOFF, line.flow == Flow::XonXoff);
    settings.input_modes.set(InputModes::INPCK, line.parity != Parity::None);
    Ok(())
}

impl Port for Serial {
    fn target(&self) -> String {
        self.path.display().to_string()
    }

    fn open(&mut self, _: &Cx<'_>) -> Result<(), DeviceError> {
        self.lock()?;
        match self.handed_or_opened() {
            Ok(port) => {
                let port = Arc::new(port);
                self.holdings.keep_port(port.clone());
                self.port = Some(port);
                Ok(())
            }
            Err(error) => {
                // Unplugged and plugged in again, it may have another name.
                self.holdings.release_lock();
                Err(error)
            }
        }
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.port.as_deref().map(AsFd::as_fd)
    }

    fn send(&self, bytes: &[u8]) -> Result<usize, Errno> {
        rustix::io::write(self.port.as_deref().ok_or(Errno::NODEV)?, bytes)
    }

    fn flush_input(&self) {
        if let Some(port) = self.port.as_deref() {
            // A port that is gone is told by the next read.
            let _gone = tcflush(port, QueueSelector::IFlush);
        }
    }

    fn drop_now(&mut self) {
        if let Some(port) = self.withdraw() {
            let _gone = tcflush(&*port, QueueSelector::IOFlush);
            give_back(&port);
            // Without a thread to spare it was closed where it stood.
            let _no_thread = closing::within(CLOSE_WITHIN, move || drop(port));
            // Plugged in again, it may have another name, and another device its name.
            self.holdings.release_lock();
        }
    }

    fn close(&mut self, cx: &Cx<'_>) -> Result<(), DeviceError> {
        let closed = match self.withdraw() {
            None => Err(DeviceError::NotConnected { target: self.target() }),
            Some(port) => {
                give_back(&port);
                closing::within(CLOSE_WITHIN.min(cx.left()), move || drop(port))
                    .map_err(|error| self.failed(error))
                    .and_then(|in_time| if in_time { Ok(()) } else { Err(DeviceError::Timeout) })
            }
        };
        self.holdings.release_lock();
        closed
    }
}

impl Drop for Serial {
    fn drop(&mut self) {
        self.drop_now();
        if let Some(port) = self.handed.take() {
            closing::let_go(port);
        }
    }
}

/// Another process may have a copy of the port, which keeps it open: what holds it is ended by name, so that
/// the next opening, ours or another's, finds it free.
fn give_back(port: &OwnedFd) {
    // Held on, it ends with the last copy.
    let _held_on = flock(port, FlockOperation::Unlock).and(ioctl_tiocnxcl(port));
}

/// Unix98 pty slaves have the major numbers 136 to 143 (Linux, admin-guide/devices.txt).
fn is_pty(port: &OwnedFd) -> bool {
    fstat(port).is_ok_and(|stat| (136..=143).contains(&major(stat.st_rdev)))
}

/// Who has the port open, as far as this user may see.
fn holder(path: &Path) -> String {
    let Ok(port) = std::fs::canonicalize(path) else { return String::from("another program") };
    let own = std::process::id();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let holds = |pid: &u32| {
        let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let mut links = descriptors.filter_map(|entry| std::fs::read_link(entry.path()).ok());
        links.any(|link| link == port)
    };
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| *pid != own)
        .find(holds)
        .map_or_else(|| String::from("another program"), super::lock::process)
}
