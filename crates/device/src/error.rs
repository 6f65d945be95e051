//! What can go wrong with a device. The text of each error ends in what to do about it.

use std::{io, time::Duration};

use killcord_core::plan::Failure;

/// Why a device could not be opened, asked or told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// Nothing could be connected to.
    #[error("cannot connect to {target}: {}", plain(target, source))]
    Connect {
        /// Where to: `192.168.1.21:5025`, `/dev/ttyUSB0`.
        target: String,
        /// What the system said.
        source: io::Error,
    },
    /// The name of a host leads to no address.
    #[error("the name {host} has no address: {why}; check the spelling, or write the address itself")]
    Name {
        /// The name.
        host: String,
        /// What the resolver said.
        why: String,
    },
    /// Connecting took longer than it may.
    #[error("{target} does not take the connection within {}; is it switched on and in this network?", ms(*.within))]
    ConnectTimeout {
        /// Where to.
        target: String,
        /// How long was waited.
        within: Duration,
    },
    /// Somebody else has it.
    #[error("{target} is in use by {holder}; end that program first")]
    InUse {
        /// Which port or socket.
        target: String,
        /// Who holds it, as far as is known.
        holder: String,
    },
    /// The connection broke.
    #[error("the connection to {target} broke: {source}; check cable and power")]
    Broken {
        /// Where to.
        target: String,
        /// What the system said.
        source: io::Error,
    },
    /// The other side closed the connection.
    #[error("{target} closed the connection; is it switched on, and does it take more than one client?")]
    Closed {
        /// Where to.
        target: String,
    },
    /// Something else is spoken there; the connection was dropped.
    #[error("what answers there does not speak {protocol}: {shown}; check address and port")]
    OtherProtocol {
        /// What should be spoken.
        protocol: &'static str,
        /// The beginning of what came.
        shown: String,
    },
    /// There is no connection now.
    #[error("there is no connection to {target}; it has to be opened first")]
    NotConnected {
        /// Where to.
        target: String,
    },
    /// No answer in time. The connection is out of step.
    #[error("no answer in time; check address, terminator and baud rate, or give it a longer `timeout`")]
    Timeout,
    /// The exchange was cut off because a safe step waits. The connection is out of step if bytes had gone out.
    #[error("cut off: the rig is being made safe")]
    Cut,
    /// The fence was raised before the step was written.
    #[error("not sent: control has changed or the rig is being made safe since this was asked for")]
    Fenced,
    /// It is not on record outside this process that the device may act.
    #[error("not sent: {0}; try again once the watchdog answers")]
    NotOnRecord(String),
    /// Another instrument answers there.
    #[error("another instrument answers: {found}; check the wiring, or correct `expect_id`")]
    WrongIdentity {
        /// What it answered.
        found: String,
    },
    /// It answered that it will not, or with something that no answer can be.
    #[error("{0}")]
    Refused(String),
    /// An answer without an end.
    #[error("more than {limit} bytes without a line end; check `term` and baud rate")]
    Endless {
        /// How many bytes are taken at most.
        limit: usize,
    },
    /// The driver has no such step.
    #[error("the driver {driver} cannot perform `{step}`; `killcord check` names the steps that it has")]
    Unsupported {
        /// Its name.
        driver: String,
        /// The step.
        step: String,
    },
    /// A key of the device, or its link, does not suit the driver.
    #[error("{0}")]
    Setup(String),
    /// The driver is at fault.
    #[error("{0}; this is a fault of the driver, please report it")]
    Driver(String),
}

impl DeviceError {
    /// Whether a reply may still be on its way that belongs to no later question.
    #[must_use]
    pub const fn leaves_out_of_step(&self) -> bool {
        matches!(self, Self::Timeout | Self::Cut | Self::Endless { .. } | Self::Driver(_))
    }

    /// Whether the connection is gone with it.
    #[must_use]
    pub const fn is_disconnected(&self) -> bool {
        matches!(
            self,
            Self::Connect { .. }
                | Self::Name { .. }
                | Self::ConnectTimeout { .. }
                | Self::InUse { .. }
                | Self::Broken { .. }
                | Self::Closed { .. }
                | Self::OtherProtocol { .. }
                | Self::NotConnected { .. }
        )
    }
}

/// The core's word for it. A cut is none of a device's doing; the link's thread tells it apart before.
impl From<&DeviceError> for Failure {
    fn from(error: &DeviceError) -> Self {
        match error {
            DeviceError::Timeout => Self::Timeout,
            DeviceError::Fenced => Self::Fenced,
            DeviceError::WrongIdentity { found } => Self::WrongIdentity(found.clone()),
            DeviceError::Refused(_)
            | DeviceError::NotOnRecord(_)
            | DeviceError::Endless { .. }
            | DeviceError::Cut => Self::Refused(error.to_string()),
            DeviceError::Unsupported { .. } | DeviceError::Setup(_) | DeviceError::Driver(_) => {
                Self::Driver(error.to_string())
            }
            _ => Self::Disconnected(error.to_string()),
        }
    }
}

/// An error of the system with a remedy where one is known.
fn plain(target: &str, error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::NotFound => "is it plugged in?",
        io::ErrorKind::PermissionDenied if target.starts_with("/dev/") => {
            "add your user to the group `dialout` and log in again"
        }
        io::ErrorKind::ConnectionRefused => "is it switched on, and is the port right?",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "check the network",
        _ => return error.to_string(),
    };
    format!("{error}; {remedy}")
}

fn ms(duration: Duration) -> String {
    format!("{} ms", duration.as_millis())
}
