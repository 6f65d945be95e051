//! What host and watchdog of this app share: a driver of its own, which is `scpi` until its fault is due.
//!
//! A rig with `driver = "faulty"` arms only with a watchdog that has this driver too.

use std::sync::atomic::{AtomicU8, Ordering};

use killcord::core::{
    Step, Value,
    driver::{DriverSpec, LinkKind, StepKind},
};
use killcord_device::{Cx, Device, DeviceError, Driver, Identity, Registry, Setup, Transport};

/// What the next step of the driver does instead; in the watchdog's process always nothing.
static DUE: AtomicU8 = AtomicU8::new(NOTHING);
const NOTHING: u8 = 0;
const PANIC: u8 = 1;
const STUCK: u8 = 2;

/// The next step panics, once.
pub fn panic_next() {
    DUE.store(PANIC, Ordering::SeqCst);
}

/// The next step never returns.
pub fn never_return() {
    DUE.store(STUCK, Ordering::SeqCst);
}

/// Killcord's drivers and the faulty one.
#[must_use]
pub fn drivers() -> Registry {
    Registry::default().with(Faulty)
}

static SPEC: DriverSpec = DriverSpec {
    name: "faulty",
    about: "scpi, with a fault on demand",
    links: &[LinkKind::Line],
    keys: &[],
    steps: &[StepKind::Send, StepKind::Query],
    calls: &[],
};

struct Faulty;

impl Driver for Faulty {
    fn spec(&self) -> &'static DriverSpec {
        &SPEC
    }

    fn device(&self, setup: &Setup<'_>, link: Box<dyn Transport>) -> Result<Box<dyn Device>, DeviceError> {
        let drivers = Registry::default();
        let scpi = drivers.get("scpi").ok_or_else(|| DeviceError::Setup("there is no scpi".into()))?;
        Ok(Box::new(Sound(scpi.device(setup, link)?)))
    }
}

/// The sound device, until its fault is due.
struct Sound(Box<dyn Device>);

impl Device for Sound {
    fn open(&mut self, cx: &Cx<'_>) -> Result<Identity, DeviceError> {
        self.0.open(cx)
    }

    fn perform(&mut self, step: &Step, cx: &Cx<'_>) -> Result<Option<Value>, DeviceError> {
        match DUE.swap(NOTHING, Ordering::SeqCst) {
            PANIC => panic!("the driver panics, as it was asked to"),
            STUCK => loop {
                std::thread::park();
            },
            _ => self.0.perform(step, cx),
        }
    }

    fn resync(&mut self, cx: &Cx<'_>) -> Result<(), DeviceError> {
        self.0.resync(cx)
    }

    fn close(self: Box<Self>, cx: &Cx<'_>) -> Result<(), DeviceError> {
        self.0.close(cx)
    }
}
