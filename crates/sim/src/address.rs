//! Where an instrument really listens, once it does.

use std::{collections::BTreeMap, fmt, net::SocketAddr, path::PathBuf, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// The address of each instrument, by its name.
pub type Addresses = BTreeMap<String, Address>;

/// Where an instrument listens, and what it speaks there. Written as a rig file's `connect`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Where.
    pub place: Place,
    /// Whether Modbus is spoken there; else lines of text.
    pub modbus: bool,
}

/// A socket or a pty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A listening socket.
    Tcp(SocketAddr),
    /// The path to open: the symbolic link of the file, else the pty itself.
    Pty(PathBuf),
}

impl Address {
    /// As a rig file says it: `tcp://127.0.0.1:5025`, `serial:///tmp/psu?baud=115200&term=lf`,
    /// `modbus+tcp://…`, `modbus+rtu://…`.
    pub fn connect(&self) -> String {
        match (&self.place, self.modbus) {
            (Place::Tcp(at), false) => format!("tcp://{at}"),
            (Place::Tcp(at), true) => format!("modbus+tcp://{at}"),
            (Place::Pty(path), false) => format!("serial://{}?baud=115200&term=lf", path.display()),
            (Place::Pty(path), true) => format!("modbus+rtu://{}?baud=19200&parity=even", path.display()),
        }
    }

    /// The socket address, if it is one.
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self.place {
            Place::Tcp(at) => Some(at),
            Place::Pty(_) => None,
        }
    }

    /// The path to open, if it is a pty.
    pub fn path(&self) -> Option<&std::path::Path> {
        match &self.place {
            Place::Tcp(_) => None,
            Place::Pty(path) => Some(path),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.connect())
    }
}

/// A text that is no instrument's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an instrument's address; expected tcp://, modbus+tcp://, serial:// or modbus+rtu://")]
pub struct AddressError(String);

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = || AddressError(text.to_owned());
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let path = || Place::Pty(PathBuf::from(rest.split('?').next().unwrap_or(rest)));
        let (place, modbus) = match scheme {
            "tcp" => (Place::Tcp(rest.parse().map_err(|_| wrong())?), false),
            "modbus+tcp" => (Place::Tcp(rest.parse().map_err(|_| wrong())?), true),
            "serial" => (path(), false),
            "modbus+rtu" => (path(), true),
            _ => return Err(wrong()),
        };
        Ok(Self { place, modbus })
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.connect())
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}
