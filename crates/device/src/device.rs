//! What a driver has to be.
//!
//! A driver opens, performs one step, brings the line in step again, and closes. Sequences stay data: the
//! plan, `check --plan` and the watchdog see them all, and the executor alone compares, ramps, waits and
//! records.

use std::time::Duration;

use killcord_core::{
    DevicePlan, LinkPlan, Step, Value,
    driver::DriverSpec,
    plan::{KeyValue, Keys},
};

use crate::{Cx, DeviceError, Transport};

/// Who answered, as far as the protocol tells by itself (a banner, a vendor code).
///
/// The `id` of the rig file is asked by the link's thread, as a step; a driver need not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity(pub Option<String>);

/// One instrument, controller or relay, as its driver speaks to it.
///
/// Every call runs on the link's thread and ends by `cx.deadline`. A panic is caught and is the device's
/// fault; the device is then made anew by its driver. The thread's stack is 256 KiB: what is large belongs on
/// the heap.
pub trait Device: Send {
    /// Connects if there is no connection; changes no output.
    ///
    /// # Errors
    /// When there is nobody to speak to.
    fn open(&mut self, cx: &Cx<'_>) -> Result<Identity, DeviceError>;

    /// One step: at most one exchange. `None` where no answer is owed.
    ///
    /// # Errors
    /// [`DeviceError::Unsupported`] for a step that the driver's spec does not name; else whatever went wrong.
    fn perform(&mut self, step: &Step, cx: &Cx<'_>) -> Result<Option<Value>, DeviceError>;

    /// After a timeout or a cut: returns only when no reply to an earlier question can be taken for the
    /// answer to a later one. Owed replies are discarded and a question with a known answer is asked, or the
    /// connection is replaced.
    ///
    /// # Errors
    /// When that could not be made sure by `cx.deadline`.
    fn resync(&mut self, cx: &Cx<'_>) -> Result<(), DeviceError>;

    /// Hands the connection back. What was written before still arrives.
    ///
    /// # Errors
    /// When the connection was gone already.
    fn close(self: Box<Self>, cx: &Cx<'_>) -> Result<(), DeviceError>;
}

/// Makes devices of one kind. One folder and one line in [`crate::Registry`].
pub trait Driver: Send + Sync {
    /// What a rig file may ask of it.
    fn spec(&self) -> &'static DriverSpec;

    /// One device on one link. Connects nothing yet.
    ///
    /// # Errors
    /// [`DeviceError::Setup`] when keys and link do not go together.
    fn device(&self, setup: &Setup<'_>, link: Box<dyn Transport>) -> Result<Box<dyn Device>, DeviceError>;
}

/// What a driver is told of the device that it makes.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    /// The device's table of the rig file.
    pub device: &'a DevicePlan,
    /// Where its link leads and what is spoken on it.
    pub link: &'a LinkPlan,
}

impl Setup<'_> {
    /// The driver's own keys.
    #[must_use]
    pub const fn keys(&self) -> &Keys {
        &self.device.keys
    }

    /// A key that takes a whole number.
    #[must_use]
    pub fn integer(&self, key: &str) -> Option<i64> {
        match self.device.keys.get(key) {
            Some(KeyValue::Integer(value)) => Some(*value),
            _ => None,
        }
    }

    /// The longest that one exchange may take.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.device.timeout
    }
}
