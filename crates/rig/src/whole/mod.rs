//! What devices and links say of each other: who shares a line, who waits for whom, and whether it all
//! fits into the deadline.

mod budget;
mod lines;
mod order;

pub(crate) use self::{
    budget::fill as budgets,
    lines::join as lines,
    order::{known, resolve as order},
};

use crate::{device::DeviceDraft, problems::Problems};

/// Tells of devices with the same name.
pub(crate) fn names(problems: &Problems, devices: &[DeviceDraft]) {
    for (at, device) in devices.iter().enumerate() {
        let name = &device.plan.name;
        if name.is_empty() {
            continue;
        }
        if let Some(earlier) = devices[..at].iter().find(|earlier| earlier.plan.name == *name) {
            problems
                .error(device.name_span, format!("two devices are named \"{name}\""))
                .also(earlier.name_span, "the first")
                .help("give one of them another name")
                .tell();
        }
    }
}
