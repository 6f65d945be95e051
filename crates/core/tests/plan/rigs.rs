//! Small plans to test with.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use killcord_core::{
    Cause, Check, Condition, DeviceIx, DevicePlan, Expected, Extent, Item, LinkIx, LinkPlan, Mode, Plan,
    Step, Time, Verify,
    plan::{Connect, Order, Protocol, Terminator},
};

pub(crate) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(crate) const fn at(ms: u64) -> Time {
    Time::from_millis(ms)
}

pub(crate) const fn ix(at: u16) -> DeviceIx {
    DeviceIx(at)
}

pub(crate) fn is_off() -> Check {
    Check::once(Step::query("OUT?"), Condition::Equals(Expected::Truth(false)))
}

/// A device that is switched off by `OFF`, in an emergency by `CUT`, and read back by `OUT?`.
pub(crate) fn device(name: &str, link: u16) -> DevicePlan {
    DevicePlan {
        name: name.into(),
        label: None,
        driver: "line".into(),
        keys: Default::default(),
        link: LinkIx(link),
        timeout: ms(100),
        budget: ms(2000),
        open: Vec::new(),
        id: None,
        expect_id: None,
        sync: None,
        errors: None,
        arm: vec![Item::Do(Step::send("ON"))],
        safe: vec![Item::Do(Step::send("OFF"))],
        emergency: vec![Item::Do(Step::send("CUT"))],
        verify: Verify::Checks(vec![is_off()]),
        release: vec![Item::Do(Step::send("LOCAL"))],
        instrument_watchdog: None,
        safe_after: Vec::new(),
        arm_after: None,
        optional: false,
        has_controls: false,
    }
}

pub(crate) fn plan(deadline: Duration, devices: Vec<DevicePlan>) -> Arc<Plan> {
    let links = devices.iter().map(|device| device.link.at()).max().unwrap_or(0) + 1;
    Arc::new(Plan {
        rig: "bench".into(),
        deadline,
        links: (0..links)
            .map(|at| LinkPlan { name: format!("l{at}"), connect: Connect::None, cut_in: true })
            .collect(),
        devices,
        app: None,
    })
}

pub(crate) fn socket() -> Connect {
    let protocol = Protocol::Line { terminator: Terminator::Lf };
    Connect::Tcp { host: "bench".into(), port: 5025, protocol }
}

pub(crate) fn all_open(plan: &Plan) -> BTreeSet<DeviceIx> {
    (0..plan.devices.len()).map(DeviceIx::from).collect()
}

pub(crate) fn order(plan: &Plan, mode: Mode, extent: Extent) -> Order {
    Order::whole(plan, mode, extent, Cause::WindowClosed, Time::ZERO)
}
