//! What the line drivers say of themselves.

use killcord_core::driver::{DriverSpec, LinkKind, StepKind};

const STEPS: &[StepKind] = &[StepKind::Send, StepKind::Query, StepKind::Bytes];

/// `driver = "line"`.
pub(super) static LINE: DriverSpec = DriverSpec {
    name: "line",
    about: "Controllers that take and answer lines of text, over TCP or serial",
    links: &[LinkKind::Line],
    keys: &[],
    steps: STEPS,
    calls: &[],
};

/// `driver = "scpi"`.
pub(super) static SCPI: DriverSpec = DriverSpec {
    name: "scpi",
    about: "Instruments that speak SCPI (IEEE 488.2), over TCP or serial",
    links: &[LinkKind::Line],
    keys: &[],
    steps: STEPS,
    calls: &[],
};
