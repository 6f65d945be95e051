//! The plan: what a teardown and an arming need to know of a rig, and the machine that says what is next.
//!
//! A plan is data. It is shown by `check --plan`, driven by the executor in host and watchdog alike, and
//! handed to the watchdog as JSON.

pub mod arming;
pub mod budget;
mod dispatch;
mod machine;
pub mod order;
pub mod sequence;
mod teardown;

pub use arming::{ArmFailed, Arming};
pub use budget::{BudgetProblem, DeviceCase, WorstCase, fill_budgets, reserve, worst_case};
pub use dispatch::{Dispatch, Failure, Next, StepResult, Ticket, Work};
pub(crate) use machine::Shared;
pub use machine::{CLOSE_WITHIN, Machine, OPEN_WITHIN, Order, Progress, SLACK};
pub use order::{Cycle, Graph, arm_order, safe_order};
pub use sequence::{Entries, OnFailure, Sequence, Todo};
pub use teardown::Teardown;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{App, Check, DeviceIx, Item, LinkIx, Step};

/// All that is needed to make a rig safe and to arm it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Plan {
    /// `[rig] name`.
    pub rig: String,
    /// The longest a whole teardown may take.
    pub deadline: Duration,
    /// Wires and sockets.
    pub links: Vec<LinkPlan>,
    /// Devices in file order.
    pub devices: Vec<DevicePlan>,
    /// The wrapped app.
    #[serde(default)]
    pub app: Option<App>,
}

impl Plan {
    /// The devices that the app drives by itself and that have a safe state to be in.
    #[must_use]
    pub fn driven(&self) -> BTreeSet<DeviceIx> {
        let drives = self.app.iter().flat_map(|app| app.drives.iter().copied());
        drives.filter(|ix| self.devices.get(ix.at()).is_some_and(|it| !it.only_measures())).collect()
    }
}

/// One wire or socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LinkPlan {
    /// `[[link]] name`, or the device's name where it has the link to itself.
    pub name: String,
    /// Where it leads.
    pub connect: Connect,
    /// Whether an exchange in flight may be cut in on.
    pub cut_in: bool,
}

/// Where a link leads.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Connect {
    /// No link: the `exec` driver.
    None,
    /// A socket.
    Tcp {
        /// Name or address, resolved at connect.
        host: String,
        /// Port.
        port: u16,
        /// What is spoken on it.
        protocol: Protocol,
    },
    /// A serial line.
    Serial {
        /// The device file.
        path: PathBuf,
        /// Its settings.
        line: SerialLine,
        /// What is spoken on it.
        protocol: Protocol,
    },
}

/// How messages are told apart on a link.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Lines with a terminator.
    Line {
        /// Ends what is written, and what is read (`term = "lf" | "cr" | "crlf"`).
        terminator: Terminator,
    },
    /// Modbus TCP (`modbus+tcp`): MBAP header, transaction ids.
    ModbusTcp,
    /// Modbus RTU (`modbus+rtu`): CRC-16, silence between frames. Half-duplex.
    ModbusRtu,
}

/// Line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Terminator {
    /// `\n`; a `\r` before it is taken off when reading.
    Lf,
    /// `\r`.
    Cr,
    /// `\r\n`.
    Crlf,
}

impl Terminator {
    /// As bytes.
    #[must_use]
    pub const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Lf => b"\n",
            Self::Cr => b"\r",
            Self::Crlf => b"\r\n",
        }
    }
}

/// Settings of a serial line.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SerialLine {
    /// Bits per second.
    pub baud: u32,
    /// Bits per character, 5 to 8.
    pub data_bits: u8,
    /// `none`, `even` or `odd`.
    pub parity: Parity,
    /// 1 or 2.
    pub stop_bits: u8,
    /// Who says when to pause.
    pub flow: Flow,
    /// What is done with DTR at open; a pty has none, which is no error.
    pub dtr: Signal,
    /// Several devices share the wire (RS-485): an exchange is waited for, never cut in on.
    pub multi_drop: bool,
}

impl Default for SerialLine {
    fn default() -> Self {
        Self {
            baud: 9600,
            data_bits: 8,
            parity: Parity::None,
            stop_bits: 1,
            flow: Flow::None,
            dtr: Signal::On,
            multi_drop: false,
        }
    }
}

/// Parity bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Parity {
    None,
    Even,
    Odd,
}

/// Flow control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Flow {
    None,
    XonXoff,
    RtsCts,
}

/// A modem line at open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Signal {
    On,
    Off,
    Keep,
}

/// Keys of a device that only its driver knows, checked against [`crate::driver::DriverSpec::keys`].
pub type Keys = BTreeMap<String, KeyValue>;

/// The value of a driver's key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum KeyValue {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(String),
}

/// One instrument, controller or relay.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DevicePlan {
    /// Unique in the rig.
    pub name: String,
    /// For people; the name if absent.
    pub label: Option<String>,
    /// The driver's name.
    pub driver: String,
    /// The driver's own keys.
    pub keys: Keys,
    /// Its wire.
    pub link: LinkIx,
    /// One exchange.
    pub timeout: Duration,
    /// Its whole safe sequence, emergency and verify included.
    pub budget: Duration,
    /// After every connect, by host and watchdog; a failure never keeps safe from going out.
    pub open: Vec<Item>,
    /// Asked first on a new connection.
    pub id: Option<Step>,
    /// What the identity contains; anything else is another instrument.
    pub expect_id: Option<String>,
    /// Asked after each arm step, and after all safe commands are out.
    pub sync: Option<Step>,
    /// Read until 0 after arm and safe.
    pub errors: Option<Step>,
    /// The arm sequence.
    pub arm: Vec<Item>,
    /// The controlled sequence.
    pub safe: Vec<Item>,
    /// The immediate sequence; never empty where `safe` is not.
    pub emergency: Vec<Item>,
    /// Reading back.
    pub verify: Verify,
    /// Handing back.
    pub release: Vec<Item>,
    /// The instrument's own watchdog.
    pub instrument_watchdog: Option<InstrumentWatchdog>,
    /// Made safe once these are (or have failed).
    pub safe_after: Vec<DeviceIx>,
    /// Armed once these are; `None` follows `safe_after` backwards.
    pub arm_after: Option<Vec<DeviceIx>>,
    /// The rig arms without it.
    pub optional: bool,
    /// It has controls: something besides `arm` can make it act.
    pub has_controls: bool,
}

impl DevicePlan {
    /// What people call it.
    #[must_use]
    pub fn title(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.name)
    }

    /// A device without `arm`, controls and `safe` gets its queries and nothing else.
    #[must_use]
    pub fn only_measures(&self) -> bool {
        self.arm.is_empty() && self.safe.is_empty() && !self.has_controls
    }
}

/// How a device is read back.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verify {
    /// Nothing can be read back (`verify = "none"`).
    None,
    /// All have to hold.
    Checks(Vec<Check>),
}

/// An instrument's own watchdog: armed each time, read back, fed only while armed and the operator's lease
/// is live.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct InstrumentWatchdog {
    /// Sets and starts it.
    pub arm: Vec<Item>,
    /// Has to hold after `arm`.
    pub check: Check,
    /// Sent while it is to be kept quiet.
    pub feed: Step,
    /// Time between two feeds.
    pub every: Duration,
    /// Before release.
    pub disarm: Vec<Item>,
}
