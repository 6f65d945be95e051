//! In which order: the graphs of `safe_after` and `arm_after`.
//!
//! A rig file whose graph has a cycle is refused with the cycle shown. A plan that reaches the machine with
//! one all the same (a damaged pipe) loses the edges that point backwards in the file: every device still
//! gets its turn.

use std::{collections::BTreeSet, time::Duration};

use super::{DevicePlan, Plan};
use crate::DeviceIx;

/// Devices that wait for each other in a ring: each is after the next one, the last after the first.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("these devices wait for each other in a ring: take one of them out of the list that closes it")]
pub struct Cycle(pub Vec<DeviceIx>);

/// The devices so that each comes behind all that it is `safe_after`; file order where that is free.
///
/// # Errors
/// [`Cycle`], shortest part of the file that is wrong.
pub fn safe_order(devices: &[DevicePlan]) -> Result<Vec<DeviceIx>, Cycle> {
    sorted(&safe_edges(devices))
}

/// The devices in the order in which they are armed: `safe_after` read backwards, `arm_after` overriding it
/// for the device that has it; else file order.
///
/// # Errors
/// [`Cycle`], where `arm_after` and `safe_after` of others contradict each other.
pub fn arm_order(devices: &[DevicePlan]) -> Result<Vec<DeviceIx>, Cycle> {
    let mut edges: Vec<Vec<usize>> = vec![Vec::new(); devices.len()];
    for (after, before) in safe_edges(devices).into_iter().enumerate() {
        for at in before {
            if devices[at].arm_after.is_none() {
                edges[at].push(after);
            }
        }
    }
    for (at, device) in devices.iter().enumerate() {
        if let Some(list) = &device.arm_after {
            edges[at] = inside(list, devices.len());
        }
    }
    sorted(&edges)
}

fn safe_edges(devices: &[DevicePlan]) -> Vec<Vec<usize>> {
    devices.iter().map(|device| inside(&device.safe_after, devices.len())).collect()
}

fn inside(list: &[DeviceIx], len: usize) -> Vec<usize> {
    list.iter().map(|ix| ix.at()).filter(|at| *at < len).collect()
}

/// Sorts so that each comes behind its `before`; the lowest index first wherever there is a choice.
fn sorted(before: &[Vec<usize>]) -> Result<Vec<DeviceIx>, Cycle> {
    let mut done = vec![false; before.len()];
    let mut order = Vec::with_capacity(before.len());
    while order.len() < before.len() {
        let ready = (0..before.len()).find(|&at| !done[at] && before[at].iter().all(|&p| done[p]));
        let Some(at) = ready else { return Err(ring(before, &done)) };
        done[at] = true;
        order.push(DeviceIx::from(at));
    }
    Ok(order)
}

/// Walks backwards from one that never becomes ready until a device comes a second time.
fn ring(before: &[Vec<usize>], done: &[bool]) -> Cycle {
    let mut path: Vec<usize> = Vec::new();
    let mut at = done.iter().position(|done| !done).unwrap_or_default();
    loop {
        if let Some(start) = path.iter().position(|&seen| seen == at) {
            return Cycle(path[start..].iter().copied().map(DeviceIx::from).collect());
        }
        path.push(at);
        match before[at].iter().copied().find(|&p| !done[p]) {
            Some(next) => at = next,
            None => return Cycle(path.into_iter().map(DeviceIx::from).collect()),
        }
    }
}

/// The safe order of the devices that one teardown concerns.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Graph {
    /// Those devices, each behind all that it waits for.
    order: Vec<DeviceIx>,
    /// By device: all that have to be safe before it, through devices that are not concerned as well.
    before: Vec<Vec<DeviceIx>>,
    /// By device: what comes behind it in time, devices on the same link included.
    behind: Vec<Vec<DeviceIx>>,
}

impl Graph {
    /// The graph of all devices.
    #[must_use]
    pub fn whole(plan: &Plan) -> Self {
        Self::of(plan, &(0..plan.devices.len()).map(DeviceIx::from).collect())
    }

    /// The graph of some devices.
    #[must_use]
    pub fn of(plan: &Plan, devices: &BTreeSet<DeviceIx>) -> Self {
        let mut edges = safe_edges(&plan.devices);
        let order = sorted(&edges).unwrap_or_else(|_| {
            for (at, before) in edges.iter_mut().enumerate() {
                before.retain(|&p| p < at);
            }
            (0..plan.devices.len()).map(DeviceIx::from).collect()
        });
        let mut all: Vec<BTreeSet<DeviceIx>> = vec![BTreeSet::new(); edges.len()];
        for ix in &order {
            let mut ancestors = BTreeSet::new();
            for &p in &edges[ix.at()] {
                ancestors.insert(DeviceIx::from(p));
                ancestors.extend(all[p].iter().copied());
            }
            all[ix.at()] = ancestors;
        }
        let order: Vec<DeviceIx> = order.into_iter().filter(|ix| devices.contains(ix)).collect();
        let before: Vec<Vec<DeviceIx>> =
            all.iter().map(|set| set.intersection(devices).copied().collect()).collect();
        let mut behind: Vec<Vec<DeviceIx>> = vec![Vec::new(); edges.len()];
        for (at, ix) in order.iter().enumerate() {
            for p in &before[ix.at()] {
                behind[p.at()].push(*ix);
            }
            let link = plan.devices[ix.at()].link;
            let neighbour = order[..at].iter().rev().find(|other| plan.devices[other.at()].link == link);
            if let Some(other) = neighbour
                && !behind[other.at()].contains(ix)
            {
                behind[other.at()].push(*ix);
            }
        }
        Self { order, before, behind }
    }

    /// The devices, each behind all that it waits for.
    #[must_use]
    pub fn order(&self) -> &[DeviceIx] {
        &self.order
    }

    /// All that have to be safe before `device`.
    #[must_use]
    pub fn before(&self, device: DeviceIx) -> &[DeviceIx] {
        self.before.get(device.at()).map_or(&[], Vec::as_slice)
    }

    /// For each device of the plan, the heaviest chain that starts with it: its own weight included, a
    /// shared link in series.
    #[must_use]
    pub fn tails(&self, weight: impl Fn(DeviceIx) -> Duration) -> Vec<Duration> {
        let mut tails = vec![Duration::ZERO; self.behind.len()];
        for ix in self.order.iter().rev() {
            let rest = self.behind[ix.at()].iter().map(|next| tails[next.at()]).max().unwrap_or_default();
            tails[ix.at()] = weight(*ix).saturating_add(rest);
        }
        tails
    }

    /// The heaviest chain of all, from its first device to its last.
    #[must_use]
    pub fn longest(&self, weight: impl Fn(DeviceIx) -> Duration) -> Vec<DeviceIx> {
        let tails = self.tails(weight);
        let heaviest = |list: &[DeviceIx]| list.iter().copied().rev().max_by_key(|ix| tails[ix.at()]);
        let mut chain = Vec::new();
        let mut next = heaviest(&self.order);
        while let Some(ix) = next {
            chain.push(ix);
            next = heaviest(&self.behind[ix.at()]);
        }
        chain
    }
}
