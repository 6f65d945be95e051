//! How long: reserves, budgets and the worst case.
//!
//! A device's **reserve** is its emergency sequence and its verify, one `timeout` a step. Its **budget**
//! is what its whole turn may take, the reserve included. Since a budget contains its reserve, the longest
//! chain of budgets, the release and the record have to fit into the rig's deadline; reserves added once
//! more would count the same seconds twice.

use std::time::Duration;

use super::{DevicePlan, Graph, Plan, Verify};
use crate::{Check, DeviceIx, Extent, Item, Time};

/// What recording a teardown (journal, synced) is given.
pub const RECORD: Duration = Duration::from_millis(500);

/// Why the budgets of a rig file cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BudgetProblem {
    /// A chain needs more than there is: raise `deadline`, or lower budgets or timeouts.
    #[error(
        "the chain needs {needs:?}, the app's stop {app:?}, and release and record {wrap_up:?}: more than the \
         deadline of {deadline:?}; raise `[rig] deadline`, or lower `budget`, `timeout` or `within` along the chain"
    )]
    TooLong {
        /// The devices, in the order of their turns.
        chain: Vec<DeviceIx>,
        /// Their budgets; the reserve where a device has none of its own.
        needs: Duration,
        /// The app's stop, and the second turn of the devices that it drives.
        app: Duration,
        /// Release and record.
        wrap_up: Duration,
        /// `[rig] deadline`.
        deadline: Duration,
    },
    /// A budget does not even hold the emergency sequence and verify.
    #[error(
        "a budget of {budget:?} does not hold the emergency sequence and verify, which may take {reserve:?}; \
         raise `budget`, or lower `timeout` or `within`"
    )]
    BelowReserve {
        /// Which device.
        device: DeviceIx,
        /// What the file gives it.
        budget: Duration,
        /// What it needs at least.
        reserve: Duration,
    },
}

/// The longest that an item may take with this `timeout` of the device. A ramp counts its question and one
/// write: how long it lasts depends on where it starts, and the takeover ends it.
#[must_use]
pub fn item_time(item: &Item, timeout: Duration) -> Duration {
    match item {
        Item::Do(step) => step.timeout().unwrap_or(timeout),
        Item::Check(check) => check_time(check, timeout),
        Item::Ramp(ramp) => ramp.from.timeout().unwrap_or(timeout).saturating_add(timeout),
        Item::Wait(wait) => *wait,
    }
}

/// The longest that a check may take: no question is waited for past `within`, where that is longer.
#[must_use]
pub fn check_time(check: &Check, timeout: Duration) -> Duration {
    let one = check.query.timeout().unwrap_or(timeout);
    check.within.map_or(one, |within| within.max(one))
}

fn items_time(items: &[Item], timeout: Duration) -> Duration {
    items.iter().fold(Duration::ZERO, |sum, item| sum.saturating_add(item_time(item, timeout)))
}

/// The longest that a device's verify may take.
#[must_use]
pub fn verify_time(device: &DevicePlan) -> Duration {
    match &device.verify {
        Verify::None => Duration::ZERO,
        Verify::Checks(checks) => checks
            .iter()
            .fold(Duration::ZERO, |sum, check| sum.saturating_add(check_time(check, device.timeout))),
    }
}

/// A device's reserve: its emergency sequence and verify. A device that only measures needs none.
#[must_use]
pub fn reserve(device: &DevicePlan) -> Duration {
    if device.only_measures() {
        return Duration::ZERO;
    }
    items_time(&device.emergency, device.timeout).saturating_add(verify_time(device))
}

/// What is kept for handing back: the release steps one after the other, at most a quarter of the deadline.
/// The hardware is safe by then; what does not fit is skipped and named.
#[must_use]
pub fn release_time(plan: &Plan) -> Duration {
    let steps = plan.devices.iter().fold(Duration::ZERO, |sum, device| {
        let disarm = device.instrument_watchdog.as_ref().map_or(&[][..], |watchdog| &watchdog.disarm);
        sum.saturating_add(items_time(&device.release, device.timeout))
            .saturating_add(items_time(disarm, device.timeout))
    });
    steps.min(plan.deadline / 4)
}

/// What is kept for the devices that the app drives once it is gone, when they are made safe a second time: the
/// reserves of their longest chain.
#[must_use]
pub fn second_turn(plan: &Plan) -> Duration {
    let driven = plan.driven();
    if driven.is_empty() {
        return Duration::ZERO;
    }
    let tails = Graph::of(plan, &driven).tails(|ix| reserve(&plan.devices[ix.at()]));
    tails.into_iter().max().unwrap_or_default()
}

/// What stopping the app takes of the deadline: `stop.within`, and the second turn behind it. It runs beside the
/// devices' first turn; a rig file is judged as if it came behind.
#[must_use]
pub fn app_stop(plan: &Plan) -> Duration {
    plan.app.as_ref().map_or(Duration::ZERO, |app| app.stop.within.saturating_add(second_turn(plan)))
}

/// When an app that is being stopped since `began` is killed at the latest: its time is over, or the rest of the
/// teardown needs what is left until `deadline`.
#[must_use]
pub fn kill_app_by(plan: &Plan, extent: Extent, began: Time, deadline: Time) -> Time {
    let within = plan.app.as_ref().map_or(Duration::ZERO, |app| app.stop.within);
    let rest = wrap_up(plan, extent).saturating_add(second_turn(plan));
    (began + within).min(deadline - rest)
}

/// What is kept of the deadline behind the safe phase.
#[must_use]
pub fn wrap_up(plan: &Plan, extent: Extent) -> Duration {
    match extent {
        Extent::Stay => RECORD,
        Extent::Release | Extent::End => release_time(plan).saturating_add(RECORD),
    }
}

/// Gives every device its budget: what the file says (`explicit`, by device), else its reserve and an equal
/// share of the time that is free along the longest chain. The share is of the free time, not of the whole
/// deadline: a share below a device's own reserve would leave its controlled sequence no time at all.
///
/// # Errors
/// [`BudgetProblem`], all of them. The plan then holds the explicit budgets and reserves.
pub fn fill_budgets(plan: &mut Plan, explicit: &[Option<Duration>]) -> Result<(), Vec<BudgetProblem>> {
    let given = |ix: DeviceIx| explicit.get(ix.at()).copied().flatten();
    let graph = Graph::whole(plan);
    let wrap_up = wrap_up(plan, Extent::End);
    let app = app_stop(plan);
    let available = plan.deadline.saturating_sub(wrap_up).saturating_sub(app);
    let reserves: Vec<Duration> = plan.devices.iter().map(reserve).collect();
    let acts: Vec<bool> = plan.devices.iter().map(|device| !device.only_measures()).collect();
    let mut problems = Vec::new();
    for (at, reserve) in reserves.iter().enumerate() {
        let device = DeviceIx::from(at);
        if let Some(budget) = given(device).filter(|budget| budget < reserve) {
            problems.push(BudgetProblem::BelowReserve { device, budget, reserve: *reserve });
        }
    }
    let weight = |share: Duration| {
        let (reserves, acts) = (&reserves, &acts);
        move |ix: DeviceIx| match given(ix) {
            _ if !acts[ix.at()] => Duration::ZERO,
            Some(budget) => budget,
            None => reserves[ix.at()].saturating_add(share),
        }
    };
    // The share is lowered to what the chain that breaks it can bear, until none does. Each round settles
    // at least one chain for good.
    let mut share = available;
    loop {
        let chain = graph.longest(weight(share));
        let sum = |share: Duration| {
            chain.iter().map(|ix| weight(share)(*ix)).fold(Duration::ZERO, Duration::saturating_add)
        };
        if sum(share) <= available {
            break;
        }
        let fixed = sum(Duration::ZERO);
        let sharers = chain.iter().filter(|ix| acts[ix.at()] && given(**ix).is_none()).count();
        let fits = u32::try_from(sharers).ok().filter(|n| *n > 0).zip(available.checked_sub(fixed));
        match fits {
            Some((n, free)) if free / n < share => share = free / n,
            _ => {
                share = Duration::ZERO;
                problems.push(BudgetProblem::TooLong {
                    chain,
                    needs: fixed,
                    app,
                    wrap_up,
                    deadline: plan.deadline,
                });
                break;
            }
        }
    }
    let budgets: Vec<Duration> = (0..plan.devices.len())
        .map(DeviceIx::from)
        .map(|ix| if acts[ix.at()] { weight(share)(ix) } else { given(ix).unwrap_or(available) })
        .collect();
    for (device, budget) in plan.devices.iter_mut().zip(budgets) {
        device.budget = budget;
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// The worst case that a plan allows, counted from the cause.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WorstCase {
    /// By device, in the order of their turns.
    pub devices: Vec<DeviceCase>,
    /// The devices that make it longest.
    pub chain: Vec<DeviceIx>,
    /// When the last device is done.
    pub safe: Duration,
    /// Kept for the app's stop, and the second turn of the devices that it drives.
    pub app: Duration,
    /// Kept for the release.
    pub release: Duration,
    /// Kept for the record.
    pub record: Duration,
    /// `[rig] deadline`.
    pub deadline: Duration,
}

/// A device in the worst case, in time since the cause.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeviceCase {
    /// Which.
    pub device: DeviceIx,
    /// Its turn begins at the latest.
    pub begins: Duration,
    /// What its controlled sequence and verify have before the emergency sequence takes over.
    pub controlled: Duration,
    /// Kept for its emergency sequence and verify.
    pub reserve: Duration,
    /// It is done at the latest.
    pub ends: Duration,
}

/// Prints as `check --plan`: when each device is safe at the latest.
#[must_use]
pub fn worst_case(plan: &Plan) -> WorstCase {
    let graph = Graph::whole(plan);
    let weight = |ix: DeviceIx| {
        let device = &plan.devices[ix.at()];
        if device.only_measures() { Duration::ZERO } else { device.budget }
    };
    let mut ends = vec![Duration::ZERO; plan.devices.len()];
    let mut on_link = std::collections::BTreeMap::new();
    let mut devices = Vec::new();
    for &ix in graph.order() {
        let device = &plan.devices[ix.at()];
        let waits = graph.before(ix).iter().map(|p| ends[p.at()]).max().unwrap_or_default();
        let line = on_link.get(&device.link).copied().unwrap_or_default();
        let begins = waits.max(line);
        ends[ix.at()] = begins.saturating_add(weight(ix));
        on_link.insert(device.link, ends[ix.at()]);
        let reserve = reserve(device);
        let controlled = weight(ix).saturating_sub(reserve);
        devices.push(DeviceCase { device: ix, begins, controlled, reserve, ends: ends[ix.at()] });
    }
    WorstCase {
        devices,
        chain: graph.longest(weight),
        safe: ends.into_iter().max().unwrap_or_default(),
        app: app_stop(plan),
        release: release_time(plan),
        record: RECORD,
        deadline: plan.deadline,
    }
}
