//! A desktop's session manager as `org.gnome.SessionManager`, played by python-dbusmock on a session bus: takes
//! the desktop app for a member, announces a log-off to it, and knows what it answered.

use zbus::blocking::{Connection, connection::Builder};
use zbus::zvariant::{DynamicType, OwnedValue, Value};

use crate::bus::Bus;
use crate::process::{Launch, Process};
use crate::wait::{SOON, until_true};

const SERVICE: &str = "org.gnome.SessionManager";
const PATH: &str = "/org/gnome/SessionManager";
/// How the desktop app calls itself.
const PROGRAM: &str = "Killcord";
const MEMBER: &str = "/org/gnome/SessionManager/Client7";
const CLIENT: &str = "org.gnome.SessionManager.ClientPrivate";
const MOCK: &str = "org.freedesktop.DBus.Mock";

/// The session manager.
pub struct SessionManager {
    connection: Connection,
    _mock: Process,
}

impl SessionManager {
    /// Starts one on a session bus.
    #[must_use]
    pub fn start(bus: &Bus) -> Self {
        let mock = Launch::new("/usr/bin/python3")
            .args(["-m", "dbusmock", "--session", SERVICE, PATH, SERVICE])
            .env("DBUS_SESSION_BUS_ADDRESS", bus.address())
            .start();
        let connection = Builder::address(bus.address()).unwrap().method_timeout(SOON).build().unwrap();
        let manager = Self { connection, _mock: mock };
        until_true("the session manager to be on its bus", SOON, || {
            let peer = Some("org.freedesktop.DBus.Peer");
            manager.connection.call_method(Some(SERVICE), PATH, peer, "Ping", &()).is_ok()
        });
        // Others that the desktop starts register too (the accessibility bus does): they are told nothing.
        let answer = format!("ret = \"{MEMBER}\" if args[0] == \"{PROGRAM}\" else \"{PATH}/Other\"");
        manager.mocked(PATH, "AddMethod", &(SERVICE, "RegisterClient", "ss", "o", answer));
        let no_properties = std::collections::HashMap::<&str, Value<'_>>::new();
        let methods = vec![("EndSessionResponse", "bs", "", "")];
        manager.mocked(PATH, "AddObject", &(MEMBER, CLIENT, no_properties, methods));
        manager
    }

    fn mocked(&self, path: &str, method: &str, body: &(impl serde::Serialize + DynamicType)) {
        self.connection
            .call_method(Some(SERVICE), path, Some(MOCK), method, body)
            .unwrap_or_else(|error| panic!("dbusmock: {method}: {error}"));
    }

    /// What a method of an object was called with, each time.
    fn calls(&self, path: &str, method: &str) -> Vec<Vec<OwnedValue>> {
        let reply = self
            .connection
            .call_method(Some(SERVICE), path, Some(MOCK), "GetMethodCalls", &(method,))
            .unwrap();
        let calls: Vec<(u64, Vec<OwnedValue>)> = reply.body().deserialize().unwrap();
        calls.into_iter().map(|(_, arguments)| arguments).collect()
    }

    /// Awaits the app.
    ///
    /// # Panics
    /// When it does not register.
    #[track_caller]
    pub fn await_member(&self) {
        let is_ours = |arguments: &Vec<OwnedValue>| *arguments[0] == Value::from(PROGRAM);
        until_true("the app to register", SOON, || self.calls(PATH, "RegisterClient").iter().any(is_ours));
    }

    /// How often the member has said that the session may end.
    #[must_use]
    pub fn agreed(&self) -> usize {
        self.calls(MEMBER, "EndSessionResponse").len()
    }

    /// Asks the member whether the session may end.
    pub fn ask(&self) {
        self.tell("QueryEndSession");
    }

    /// Tells the member that the session ends.
    pub fn end(&self) {
        self.tell("EndSession");
    }

    fn tell(&self, signal: &str) {
        self.mocked(MEMBER, "EmitSignal", &(CLIENT, signal, "u", vec![Value::from(0_u32)]));
    }
}
