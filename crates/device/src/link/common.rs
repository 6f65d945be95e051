//! What all links of a rig share, and why they could not be started.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use killcord_core::{DeviceIx, Epoch, Plan};

use super::{Events, tally::Counts};
use crate::{Clock, DeviceError, Fence, Registry, WriteAhead};

/// What the links of a rig are given to work with.
#[derive(Clone)]
pub struct Shared {
    /// The drivers that the plan's devices name.
    pub drivers: Registry,
    /// Compared before each write that may make a device act.
    pub fence: Arc<Fence>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Is told what happens on the links.
    pub events: Events,
    /// Where it is put on record that a device may act.
    pub ahead: Arc<dyn WriteAhead>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("drivers", &self.drivers)
            .field("fence", &self.fence)
            .finish_non_exhaustive()
    }
}

/// What all links of a rig share.
pub(super) struct Common {
    pub(super) fence: Arc<Fence>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) events: Events,
    pub(super) ahead: Arc<dyn WriteAhead>,
    pub(super) quiet: AtomicBool,
    /// By device: connected, and known to be the right one.
    pub(super) open: Vec<AtomicBool>,
    /// By device: the epoch under which its instrument watchdog is fed.
    pub(super) fed: Vec<Mutex<Option<Epoch>>>,
    /// By device.
    pub(super) counts: Vec<Counts>,
}

impl Common {
    pub(super) fn new(plan: &Plan, shared: Shared) -> Arc<Self> {
        let Shared { drivers: _, fence, clock, events, ahead } = shared;
        Arc::new(Self {
            fence,
            clock,
            events,
            ahead,
            quiet: AtomicBool::new(false),
            open: plan.devices.iter().map(|_| AtomicBool::new(false)).collect(),
            fed: plan.devices.iter().map(|_| Mutex::new(None)).collect(),
            counts: plan.devices.iter().map(|_| Counts::default()).collect(),
        })
    }

    pub(super) fn fed_under(&self, device: DeviceIx) -> Option<Epoch> {
        *self.fed.get(device.at())?.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_open(&self, device: DeviceIx) -> bool {
        self.open.get(device.at()).is_some_and(|open| open.load(Ordering::SeqCst))
    }

    pub(super) fn set_open(&self, device: DeviceIx, open: bool) {
        if let Some(flag) = self.open.get(device.at()) {
            flag.store(open, Ordering::SeqCst);
        }
    }
}

/// Why links could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The program lacks the driver of a device.
    #[error("device {device} needs the driver {driver}, which this program lacks; add it to its registry")]
    NoDriver {
        /// The device.
        device: String,
        /// The driver.
        driver: String,
    },
    /// A driver does not take the device as it is set up.
    #[error("device {device}")]
    Setup {
        /// The device.
        device: String,
        /// What is wrong.
        source: DeviceError,
    },
    /// A device names a link that the plan does not have.
    #[error("device {device} names a link that is not there; check the rig file with `killcord check`")]
    NoLink {
        /// The device.
        device: String,
    },
    /// The system gave no thread or no descriptor.
    #[error("the system gives no thread or descriptor for link {link}; raise `ulimit -n` and `ulimit -u`")]
    System {
        /// The link.
        link: String,
        /// What it said.
        source: std::io::Error,
    },
}
