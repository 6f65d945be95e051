//! Plans without a rig file.

use std::{collections::BTreeMap, time::Duration};

use killcord_core::{
    DevicePlan, LinkIx, LinkPlan, Plan, Verify,
    plan::{Connect, Protocol, Terminator},
};

/// A device with nothing but a name and a driver: 200 ms a step, its link the first one.
#[must_use]
pub fn device(name: &str, driver: &str) -> DevicePlan {
    DevicePlan {
        name: name.to_owned(),
        label: None,
        driver: driver.to_owned(),
        keys: BTreeMap::new(),
        link: LinkIx(0),
        timeout: Duration::from_millis(200),
        budget: Duration::from_secs(5),
        open: Vec::new(),
        id: None,
        expect_id: None,
        sync: None,
        errors: None,
        arm: Vec::new(),
        safe: Vec::new(),
        emergency: Vec::new(),
        verify: Verify::None,
        release: Vec::new(),
        instrument_watchdog: None,
        safe_after: Vec::new(),
        arm_after: None,
        optional: false,
        has_controls: false,
    }
}

/// A link to `127.0.0.1` that speaks lines ending in a line feed. Where a scripted transport stands in, the
/// port is of no meaning.
#[must_use]
pub fn link(port: u16) -> LinkPlan {
    let protocol = Protocol::Line { terminator: Terminator::Lf };
    LinkPlan {
        name: format!("port {port}"),
        connect: Connect::Tcp { host: String::from("127.0.0.1"), port, protocol },
        cut_in: true,
    }
}

/// A plan of them.
#[must_use]
pub fn plan(links: Vec<LinkPlan>, devices: Vec<DevicePlan>) -> Plan {
    Plan { rig: String::from("test"), deadline: Duration::from_secs(10), links, devices, app: None }
}
