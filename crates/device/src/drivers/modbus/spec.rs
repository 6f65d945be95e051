//! What the Modbus driver says of itself.

use killcord_core::driver::{DriverSpec, KeyKind, KeySpec, LinkKind, StepKind};

/// `driver = "modbus"`.
pub(super) static SPEC: DriverSpec = DriverSpec {
    name: "modbus",
    about: "PLCs, drives, relays and controllers that speak Modbus, over TCP or RTU",
    links: &[LinkKind::Modbus],
    keys: &[KeySpec {
        name: "unit",
        kind: KeyKind::ModbusUnit,
        required: false,
        about: "the unit (slave) address; 1 if left out, and 1 to 247 on a serial line",
    }],
    steps: &[StepKind::Modbus],
    calls: &[],
};
