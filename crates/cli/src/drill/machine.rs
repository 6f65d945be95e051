//! A machine that goes to sleep or is shut down: a bus of the drill's own, with the least of a logind on it.
//!
//! Source: org.freedesktop.login1(5), "Inhibitor Locks" and the manager object.

use std::{
    io::{self, BufRead as _, BufReader},
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use zbus::{blocking::Connection, zvariant};

const PATH: &str = "/org/freedesktop/login1";
const MANAGER: &str = "org.freedesktop.login1.Manager";
/// What logind grants by default (`InhibitDelayMaxSec` in logind.conf(5)), in microseconds.
const GRANTED: u64 = 5_000_000;

/// The bus does not come up.
#[derive(Debug, thiserror::Error)]
pub(super) enum BusError {
    /// The program is not there, or does not start.
    #[error("dbus-daemon does not start; install it (Debian: apt install dbus-daemon)")]
    Daemon(#[source] io::Error),
    /// It says no address.
    #[error("dbus-daemon says no address; run `dbus-daemon --session --print-address` to see why")]
    Silent,
    /// No service on it.
    #[error("the bus takes no service")]
    Service(#[from] zbus::Error),
}

/// A bus with a logind. Dropped, it is gone.
pub(super) struct Machine {
    daemon: Child,
    address: String,
    connection: Connection,
    asked: Arc<Asked>,
}

#[derive(Default)]
struct Asked {
    locks: AtomicUsize,
    sleeps: AtomicBool,
    shuts_down: AtomicBool,
}

struct Manager {
    asked: Arc<Asked>,
}

#[zbus::interface(name = "org.freedesktop.login1.Manager")]
impl Manager {
    fn inhibit(
        &self,
        _what: &str,
        _who: &str,
        _why: &str,
        mode: &str,
    ) -> zbus::fdo::Result<zvariant::OwnedFd> {
        let (_, lock) = pipe().map_err(|error| zbus::fdo::Error::IOError(error.to_string()))?;
        if mode == "delay" {
            self.asked.locks.fetch_add(1, Ordering::Relaxed);
        }
        Ok(lock.into())
    }

    #[zbus(property(emits_changed_signal = "false"))]
    fn inhibit_delay_max_u_sec(&self) -> u64 {
        GRANTED
    }

    #[zbus(property(emits_changed_signal = "false"))]
    fn preparing_for_sleep(&self) -> bool {
        self.asked.sleeps.load(Ordering::Relaxed)
    }

    #[zbus(property(emits_changed_signal = "false"))]
    fn preparing_for_shutdown(&self) -> bool {
        self.asked.shuts_down.load(Ordering::Relaxed)
    }
}

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?)
}

impl Machine {
    pub(super) fn start() -> Result<Self, BusError> {
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--nosyslog", "--print-address=1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(BusError::Daemon)?;
        let mut address = String::new();
        let said = daemon.stdout.take().map(|out| BufReader::new(out).read_line(&mut address));
        let asked = Arc::<Asked>::default();
        let connection = match said {
            Some(Ok(_)) if address.starts_with("unix:") => serve(address.trim(), &asked),
            _ => Err(BusError::Silent),
        };
        match connection {
            Ok(connection) => Ok(Self { daemon, address: address.trim().to_owned(), connection, asked }),
            Err(error) => {
                end(&mut daemon);
                Err(error)
            }
        }
    }

    /// For `DBUS_SYSTEM_BUS_ADDRESS`.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Whether anybody has asked to delay what comes.
    pub(super) fn is_delayed(&self) -> bool {
        self.asked.locks.load(Ordering::Relaxed) > 0
    }

    /// Announces that the machine goes to sleep.
    pub(super) fn sleep(&self) -> zbus::Result<()> {
        self.asked.sleeps.store(true, Ordering::Relaxed);
        self.connection.emit_signal(None::<&str>, PATH, MANAGER, "PrepareForSleep", &(true,))
    }

    /// Announces that the machine is shut down.
    pub(super) fn shut_down(&self) -> zbus::Result<()> {
        self.asked.shuts_down.store(true, Ordering::Relaxed);
        self.connection.emit_signal(None::<&str>, PATH, MANAGER, "PrepareForShutdown", &(true,))
    }
}

fn serve(address: &str, asked: &Arc<Asked>) -> Result<Connection, BusError> {
    let manager = Manager { asked: Arc::clone(asked) };
    let builder = zbus::blocking::connection::Builder::address(address)?;
    Ok(builder.serve_at(PATH, manager)?.name("org.freedesktop.login1")?.build()?)
}

fn end(daemon: &mut Child) {
    let ended = daemon.kill().and_then(|()| daemon.wait().map(drop));
    if let Err(error) = ended {
        tracing::debug!(%error, "the drill's bus has ended already");
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // First, so that nobody is told that the bus was lost.
        if let Err(error) = self.connection.clone().close() {
            tracing::debug!(%error, "the drill's bus was gone already");
        }
        end(&mut self.daemon);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_asks_for_a_delay_gets_a_lock_and_hears_the_announcement() {
        let machine = Machine::start().unwrap();
        let address = zbus::blocking::connection::Builder::address(machine.address()).unwrap();
        let client = address.build().unwrap();
        let manager = zbus::blocking::proxy::Builder::<zbus::blocking::Proxy<'_>>::new(&client)
            .destination("org.freedesktop.login1")
            .unwrap()
            .path(PATH)
            .unwrap()
            .interface(MANAGER)
            .unwrap()
            // Asked each time, as by a host.
            .cache_properties(zbus::proxy::CacheProperties::No)
            .build()
            .unwrap();
        assert_eq!(manager.get_property::<u64>("InhibitDelayMaxUSec").unwrap(), GRANTED);
        assert!(!machine.is_delayed());
        let _lock: zvariant::OwnedFd =
            manager.call("Inhibit", &("sleep:shutdown", "Killcord", "armed", "delay")).unwrap();
        assert!(machine.is_delayed());
        let mut announced = manager.receive_signal("PrepareForSleep").unwrap();
        machine.sleep().unwrap();
        let begins: bool = announced.next().unwrap().body().deserialize().unwrap();
        assert!(begins);
        assert!(manager.get_property::<bool>("PreparingForSleep").unwrap());
    }
}
