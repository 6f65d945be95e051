//! A machine's bus with a logind on it that nobody here wrote: python-dbusmock's template. It announces sleep
//! and shutdown when told to, and knows which delay locks are held: a lock is on its list for as long as the
//! other end of its pipe is open.

use std::time::Duration;

use zbus::blocking::{Connection, connection::Builder};
use zbus::zvariant::Value;

use crate::bus::Bus;
use crate::process::{Launch, Process};
use crate::wait::{SOON, until_true};

const SERVICE: &str = "org.freedesktop.login1";
const PATH: &str = "/org/freedesktop/login1";
const MANAGER: &str = "org.freedesktop.login1.Manager";
const MOCK: &str = "org.freedesktop.DBus.Mock";

/// A delay lock, as logind lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// What it delays: `sleep:shutdown`.
    pub what: String,
    /// Who holds it.
    pub who: String,
    /// Why.
    pub why: String,
    /// `delay` or `block`.
    pub mode: String,
}

/// The bus and its logind.
pub struct Logind {
    // In this order they go: whoever speaks on the bus before the bus.
    connection: Connection,
    mock: Process,
    bus: Bus,
}

impl Logind {
    /// Starts one that waits this long for those who hold a lock.
    #[must_use]
    pub fn granting(delay: Duration) -> Self {
        let logind = Self::start(&["--template", "logind"]);
        let usec = Value::from(u64::try_from(delay.as_micros()).unwrap());
        logind.mocked("AddProperty", &(MANAGER, "InhibitDelayMaxUSec", usec));
        logind
    }

    /// Starts one that knows no locks: whoever asks for one is refused.
    #[must_use]
    pub fn refusing() -> Self {
        Self::start(&["--system", SERVICE, PATH, MANAGER])
    }

    fn start(what: &[&str]) -> Self {
        let bus = Bus::start();
        let mock = Launch::new("/usr/bin/python3")
            .args(["-m", "dbusmock"])
            .args(what)
            .env("DBUS_SYSTEM_BUS_ADDRESS", bus.address())
            .start();
        let connection = Builder::address(bus.address()).unwrap().method_timeout(SOON).build().unwrap();
        let logind = Self { connection, mock, bus };
        until_true("logind to be on its bus", SOON, || logind.is_there());
        logind
    }

    fn is_there(&self) -> bool {
        let peer = Some("org.freedesktop.DBus.Peer");
        self.connection.call_method(Some(SERVICE), PATH, peer, "Ping", &()).is_ok()
    }

    fn mocked(&self, method: &str, body: &(impl serde::Serialize + zbus::zvariant::DynamicType)) {
        self.connection
            .call_method(Some(SERVICE), PATH, Some(MOCK), method, body)
            .unwrap_or_else(|error| panic!("dbusmock: {method}: {error}"));
    }

    /// Puts a program on this machine.
    #[must_use]
    pub fn dress(&self, launch: Launch) -> Launch {
        launch.env("DBUS_SYSTEM_BUS_ADDRESS", self.bus.address())
    }

    /// The locks that are held now.
    #[must_use]
    pub fn locks(&self) -> Vec<Lock> {
        let reply =
            self.connection.call_method(Some(SERVICE), PATH, Some(MANAGER), "ListInhibitors", &()).unwrap();
        let listed: Vec<(String, String, String, String, u32, u32)> = reply.body().deserialize().unwrap();
        listed.into_iter().map(|(what, who, why, mode, ..)| Lock { what, who, why, mode }).collect()
    }

    /// Announces that the machine goes to sleep, or that it is awake again.
    pub fn sleep(&self, begins: bool) {
        self.announce("PrepareForSleep", begins);
    }

    /// Announces that the machine is shut down.
    pub fn shutdown(&self) {
        self.announce("PrepareForShutdown", true);
    }

    fn announce(&self, signal: &str, begins: bool) {
        self.mocked("EmitSignal", &(MANAGER, signal, "b", vec![Value::from(begins)]));
    }

    /// Ends logind; the bus stays.
    pub fn end(&mut self) {
        self.mock.kill();
    }
}
