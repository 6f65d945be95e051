//! Programs: `run` in a process group of its own, killed at its timeout.
//!
//! For what has a command line tool and no protocol: a switchable hub, a relay card. The program inherits no
//! descriptor, reads nothing and cannot fill our memory with what it prints.

mod child;

use killcord_core::{
    Step, Value,
    driver::{DriverSpec, LinkKind, StepKind},
    plan::Connect,
};

use crate::{Cx, Device, DeviceError, Driver, Identity, Setup, Transport};

/// `driver = "exec"`.
#[derive(Clone, Copy, Debug)]
pub struct Exec;

static SPEC: DriverSpec = DriverSpec {
    name: "exec",
    about: "Whatever has a command line tool: each step runs a program",
    links: &[LinkKind::None],
    keys: &[],
    steps: &[StepKind::Run],
    calls: &[],
};

impl Driver for Exec {
    fn spec(&self) -> &'static DriverSpec {
        &SPEC
    }

    fn device(&self, setup: &Setup<'_>, _: Box<dyn Transport>) -> Result<Box<dyn Device>, DeviceError> {
        if setup.link.connect == Connect::None {
            Ok(Box::new(Programs))
        } else {
            Err(DeviceError::Setup(String::from("the driver exec has no link; take `connect` away")))
        }
    }
}

/// Nothing is kept between two steps.
struct Programs;

impl Device for Programs {
    fn open(&mut self, _: &Cx<'_>) -> Result<Identity, DeviceError> {
        Ok(Identity::default())
    }

    fn perform(&mut self, step: &Step, cx: &Cx<'_>) -> Result<Option<Value>, DeviceError> {
        match step {
            Step::Run { command, .. } => child::run(command, cx),
            other => {
                Err(DeviceError::Unsupported { driver: String::from(SPEC.name), step: other.to_string() })
            }
        }
    }

    fn resync(&mut self, _: &Cx<'_>) -> Result<(), DeviceError> {
        Ok(())
    }

    fn close(self: Box<Self>, _: &Cx<'_>) -> Result<(), DeviceError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
