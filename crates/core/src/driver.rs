//! What a driver says of itself, so that a rig file can be checked without linking any driver.

/// A driver's description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriverSpec {
    /// `driver = "…"`.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// The protocols that its `connect` may have.
    pub links: &'static [LinkKind],
    /// Its own keys of `[[device]]`, beyond those that every device has.
    pub keys: &'static [KeySpec],
    /// The steps that it performs.
    pub steps: &'static [StepKind],
    /// The names that `{ call = "…" }` may have.
    pub calls: &'static [&'static str],
}

/// What a link may be to a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkKind {
    /// No link at all.
    None,
    /// Lines, over `tcp://` or `serial://`.
    Line,
    /// `modbus+tcp://` or `modbus+rtu://`.
    Modbus,
}

/// Kinds of steps, for [`DriverSpec::steps`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepKind {
    /// `send`, and ramps of it.
    Send,
    /// `query`.
    Query,
    /// `bytes`.
    Bytes,
    /// `write_coil`, `write_register`, `read_…`.
    Modbus,
    /// `run`.
    Run,
    /// `call`.
    Call,
}

/// One key that a driver adds to `[[device]]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySpec {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub kind: KeyKind,
    /// Whether the device is refused without it.
    pub required: bool,
    /// One line for people.
    pub about: &'static str,
}

/// What a driver's key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// `true` or `false`.
    Bool,
    /// A whole number within these limits, both included.
    Integer(i64, i64),
    /// The address of a Modbus unit: 0 to 255 over TCP, and 1 to 247 in RTU frames, where 0 is every unit at once and
    /// none answers, and the others are reserved (MODBUS over Serial Line V1.02, 2.2).
    ModbusUnit,
    /// Text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
}
