//! D-Bus as both services here need it: one connection, calls with a limit, signals by name.

use std::time::Duration;

use zbus::{
    MatchRule, Message,
    blocking::{Connection, MessageIterator, connection::Builder, fdo::DBusProxy},
    message::Type,
};

/// The longest that a call may take. A service that answers later has something else to do.
const CALL: Duration = Duration::from_secs(2);

/// Connects to the bus of the machine (`DBUS_SYSTEM_BUS_ADDRESS`, else the usual socket).
pub(super) fn of_the_machine() -> zbus::Result<Connection> {
    Builder::system()?.method_timeout(CALL).build()
}

/// Connects to the bus of the person's desktop session (`DBUS_SESSION_BUS_ADDRESS`, else the usual socket).
pub(super) fn of_the_person() -> zbus::Result<Connection> {
    Builder::session()?.method_timeout(CALL).build()
}

/// Has signals of one interface of a service, and the coming and going of that service, sent to `connection`.
/// Everything that arrives on it comes out of the iterator, in its order.
pub(super) fn listen(
    connection: &Connection,
    service: &'static str,
    interface: &'static str,
) -> zbus::Result<MessageIterator> {
    // Before the rules: nothing that they bring in is missed.
    let messages = MessageIterator::from(connection);
    let bus = DBusProxy::new(connection)?;
    let signals = MatchRule::builder().msg_type(Type::Signal).sender(service)?.interface(interface)?.build();
    let owner = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender("org.freedesktop.DBus")?
        .interface("org.freedesktop.DBus")?
        .member("NameOwnerChanged")?
        .arg(0, service)?
        .build();
    bus.add_match_rule(signals)?;
    bus.add_match_rule(owner)?;
    Ok(messages)
}

/// The connection that has a service's name now.
pub(super) fn owner(connection: &Connection, service: &'static str) -> Option<String> {
    let name = service.try_into().ok()?;
    let owner = DBusProxy::new(connection).ok()?.get_name_owner(name).ok()?;
    Some(owner.to_string())
}

/// A signal, and who sent it.
pub(super) struct Signal<'m> {
    pub(super) member: &'m str,
    sender: &'m str,
    pub(super) message: &'m Message,
}

impl<'m> Signal<'m> {
    /// Takes a message for the signal that it is.
    pub(super) fn of(message: &'m Message, header: &'m zbus::message::Header<'m>) -> Option<Self> {
        if message.message_type() != Type::Signal {
            return None;
        }
        Some(Self { member: header.member()?.as_str(), sender: header.sender()?.as_str(), message })
    }

    /// Whether the owner of the service sent it. A bus lets anybody address a signal to us.
    pub(super) fn is_from(&self, owner: Option<&str>) -> bool {
        owner == Some(self.sender)
    }

    /// Who owns the service now, where that is what the bus says: `Some(None)` for nobody.
    pub(super) fn new_owner(&self, service: &str) -> Option<Option<String>> {
        if self.sender != "org.freedesktop.DBus" || self.member != "NameOwnerChanged" {
            return None;
        }
        let body = self.message.body();
        let (name, _, now): (&str, &str, &str) = body.deserialize().ok()?;
        (name == service).then(|| (!now.is_empty()).then(|| now.to_owned()))
    }

    /// Its one truth value.
    pub(super) fn truth(&self) -> Option<bool> {
        self.message.body().deserialize().ok()
    }
}
