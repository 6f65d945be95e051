//! A checked rig: the plan that a watchdog needs, and what only a host needs besides.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{Condition, DeviceIx, Number, Plan, Policy, Step, step::Template};

/// A checked rig file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rig {
    /// Devices, links and sequences: all that a teardown needs.
    pub plan: Plan,
    /// `[safety]` and `[session]`.
    pub policy: Policy,
    /// All devices' readings, in file order.
    pub readings: Vec<Reading>,
    /// All devices' controls, in file order.
    pub controls: Vec<Control>,
    /// `[messages]`, Markdown, by their keys.
    pub messages: BTreeMap<String, String>,
    /// The rig file, symbolic links resolved: what lock and state are named after. `None` for a rig that
    /// does not come from a file.
    #[serde(default)]
    pub source: Option<PathBuf>,
    /// `[remote]`; without it no port is opened.
    #[serde(default)]
    pub remote: Option<Remote>,
    /// `[ui]`: a folder of pages that are the GUI in the panel's place.
    #[serde(default)]
    pub ui: Option<PathBuf>,
}

/// `[remote]`: where browsers come in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Remote {
    /// Port 0 takes any that is free. Where other machines reach it, there is TLS, or nobody is answered but the
    /// trusted proxies.
    pub listen: SocketAddr,
    /// What the connections are encrypted with.
    pub tls: Tls,
    /// Names that it may be reached by, besides the address; lower case.
    pub names: Vec<String>,
    /// Whose word on the browser behind them is believed: addresses and networks.
    pub trusted_proxies: Vec<IpNet>,
    /// Where a proxy shows all of this: begins and ends with a slash.
    pub base_path: String,
    /// Where the wrapped app is reached, apart from everything else; `None`: [`Self::app_address`] says where.
    #[serde(default)]
    pub app_listen: Option<SocketAddr>,
    /// Where a proxy shows the wrapped app: scheme, name and port, lower case, without a slash at the end.
    #[serde(default)]
    pub app_origin: Option<String>,
}

impl Remote {
    /// At this address, for this machine alone: plain, without a proxy, without further names.
    #[must_use]
    pub fn at(listen: SocketAddr) -> Self {
        Self {
            listen,
            tls: Tls::Off,
            names: Vec::new(),
            trusted_proxies: Vec::new(),
            base_path: "/".into(),
            app_listen: None,
            app_origin: None,
        }
    }

    /// Where the wrapped app is reached: at the same address and the next port, if nothing else is said. Port 0 takes
    /// any that is free.
    #[must_use]
    pub fn app_address(&self) -> SocketAddr {
        let next = if self.listen.port() == 0 { 0 } else { self.listen.port().wrapping_add(1) };
        self.app_listen.unwrap_or_else(|| {
            let mut address = self.listen;
            address.set_port(next);
            address
        })
    }
}

/// `[remote] tls`
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Tls {
    /// Plain HTTP.
    Off,
    /// By a certificate of the host's own, known by its fingerprint.
    SelfSigned,
    /// By this certificate.
    Own {
        /// PEM: the certificate, then those between it and the root.
        cert: PathBuf,
        /// PEM: its private key.
        key: PathBuf,
    },
}

/// A value that is polled.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reading {
    /// Whose.
    pub device: DeviceIx,
    /// Unique within the device.
    pub name: String,
    /// For people; the name if absent.
    pub label: Option<String>,
    /// What is asked.
    pub query: Step,
    /// Which part of a comma list counts, from 1.
    pub field: Option<u16>,
    /// Time between two questions.
    pub every: Duration,
    /// A label; nothing converts.
    pub unit: String,
    /// Without a good value for so long it is stale (default: five times `every`, at least 2 s).
    pub stale_after: Duration,
    /// The interlock on it.
    pub limits: Option<Limits>,
}

/// An interlock: the rig is made safe (or a warning shown) when the reading leaves its limits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limits {
    /// The least that is good.
    pub min: Option<Number>,
    /// The most that is good.
    pub max: Option<Number>,
    /// What a value outside does.
    pub on: OnLimit,
    /// When it counts.
    pub r#while: While,
    /// Outside for so long before it counts.
    pub r#for: Duration,
}

impl Limits {
    /// Whether a value is good; not-a-number never is.
    #[must_use]
    pub fn allow(&self, value: f64) -> bool {
        !value.is_nan()
            && self.min.is_none_or(|min| value >= min.0)
            && self.max.is_none_or(|max| value <= max.0)
    }
}

/// `limits.on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnLimit {
    /// The rig is made safe, and the interlock trips.
    Safe,
    /// Shown and recorded.
    Warn,
}

/// `limits.while`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum While {
    /// Only while the rig is armed.
    Armed,
    /// While the device is connected.
    Always,
}

/// Something a person sets.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Control {
    /// Whose.
    pub device: DeviceIx,
    /// Unique within the device.
    pub name: String,
    /// For people; the name if absent.
    pub label: Option<String>,
    /// What it takes and sends.
    pub kind: ControlKind,
    /// Asked for the readback, every second and after each set.
    pub query: Option<Step>,
    /// Which part of the readback's comma list counts, from 1.
    pub field: Option<u16>,
    /// A label; nothing converts.
    pub unit: String,
    /// When it may be used.
    pub needs: Needs,
}

/// What a control takes, and the steps it sends.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlKind {
    /// A number within limits.
    Number {
        /// What is sent.
        send: Template,
        /// The least that is taken.
        min: Number,
        /// The most that is taken.
        max: Number,
    },
    /// On or off.
    Toggle {
        /// Sent for on.
        on: Step,
        /// Sent for off.
        off: Step,
        /// Says from the readback whether it is on; a truth value if absent.
        is_on: Option<Condition>,
    },
    /// One of several words.
    Choice {
        /// What is sent.
        send: Template,
        /// The words.
        options: Vec<String>,
    },
    /// Something done.
    Button {
        /// What is sent.
        send: Step,
    },
}

/// `needs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Needs {
    /// Only while the rig is armed (the default).
    Armed,
    /// While the device is connected.
    Connected,
}
