//! One device on a link, as the link's thread knows it.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use killcord_core::{DeviceIx, DevicePlan, LinkPlan, plan::Failure};

use crate::{Cx, Device, DeviceError, Driver, Setup, transport::Wire};

/// The first and the longest pause between two tries to open a device again.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

pub(super) struct Slot {
    pub(super) ix: DeviceIx,
    pub(super) plan: DevicePlan,
    driver: Arc<dyn Driver>,
    /// `None` only if its driver would not make it anew.
    device: Option<Box<dyn Device>>,
    pub(super) state: State,
    /// No exchange was cut off or timed out since the line was last in step.
    pub(super) in_step: bool,
    /// Somebody asked for it, so it is opened again when it is lost.
    pub(super) wanted: bool,
    /// Timeouts in a row.
    pub(super) misses: u32,
    /// What its driver's last panic said, until somebody has dealt with it.
    pub(super) panicked: Option<String>,
    /// It was given up because it did not answer: open is believed only when it answers something.
    pub(super) was_mute: bool,
    pub(super) retry_at: Instant,
    back_off: Duration,
    /// What it was opened as last.
    pub(super) identity: Option<Option<String>>,
    /// The last failure to open it that was told.
    pub(super) told: Option<Failure>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// No connection.
    Closed,
    /// Connected by this connection, and it has not said who it is.
    Mute(u64),
    /// Connected by this connection, and known.
    Open(u64, Option<String>),
    /// Another instrument answers on this connection: not one more byte.
    Wrong(u64, String),
}

impl Slot {
    pub(super) fn new(
        ix: DeviceIx,
        plan: DevicePlan,
        driver: Arc<dyn Driver>,
        device: Box<dyn Device>,
    ) -> Self {
        Self {
            ix,
            plan,
            driver,
            device: Some(device),
            state: State::Closed,
            in_step: true,
            wanted: false,
            misses: 0,
            panicked: None,
            was_mute: false,
            retry_at: Instant::now(),
            back_off: BACK_OFF.0,
            identity: None,
            told: None,
        }
    }

    /// Calls the driver; a panic is a fault of the device, which is then made anew.
    pub(super) fn call<T>(
        &mut self,
        wire: &Wire,
        link: &LinkPlan,
        cx: &Cx<'_>,
        call: impl FnOnce(&mut dyn Device, &Cx<'_>) -> Result<T, DeviceError>,
    ) -> Result<T, DeviceError> {
        let Some(device) = &mut self.device else {
            self.renew(wire, link)?;
            return Err(DeviceError::Driver(String::from("it had to be made anew")));
        };
        // The device is thrown away after a panic, so nobody sees what state it was left in.
        match catch_unwind(AssertUnwindSafe(|| call(device.as_mut(), cx))) {
            Ok(result) => result,
            Err(panic) => {
                let mut why = format!("it panicked: {}", words(panic.as_ref()));
                self.panicked = Some(why.clone());
                self.throw_away();
                self.in_step = false;
                self.renew(wire, link)?;
                let opened = self.call_renewed(cx);
                if let Err(error) = opened {
                    self.state = State::Closed;
                    why = format!("{why}; and then: {error}");
                }
                Err(DeviceError::Driver(why))
            }
        }
    }

    /// A new device on the connection that there is: every device is opened before it performs a step.
    fn call_renewed(&mut self, cx: &Cx<'_>) -> Result<(), DeviceError> {
        let Some(device) = &mut self.device else { return Ok(()) };
        match catch_unwind(AssertUnwindSafe(|| device.open(cx))) {
            Ok(result) => result.map(drop),
            Err(_) => {
                self.throw_away();
                Err(DeviceError::Driver(String::from("it panicked again when it was opened")))
            }
        }
    }

    /// What a panic has left of the device may panic once more when it is dropped; whoever waits for a result
    /// gets it all the same.
    fn throw_away(&mut self) {
        let device = self.device.take();
        let _panicked_again = catch_unwind(AssertUnwindSafe(|| drop(device)));
    }

    /// Hands the device's connection back; it is made anew for the next time.
    pub(super) fn close(&mut self, wire: &Wire, link: &LinkPlan, cx: &Cx<'_>) -> Result<(), DeviceError> {
        self.state = State::Closed;
        self.in_step = true;
        self.misses = 0;
        let Some(device) = self.device.take() else { return self.renew(wire, link) };
        let closed = catch_unwind(AssertUnwindSafe(|| device.close(cx))).unwrap_or_else(|panic| {
            Err(DeviceError::Driver(format!("it panicked: {}", words(panic.as_ref()))))
        });
        self.renew(wire, link)?;
        closed
    }

    fn renew(&mut self, wire: &Wire, link: &LinkPlan) -> Result<(), DeviceError> {
        let setup = Setup { device: &self.plan, link };
        let made = catch_unwind(AssertUnwindSafe(|| self.driver.device(&setup, Box::new(wire.clone()))));
        self.device = Some(made.unwrap_or_else(|panic| {
            Err(DeviceError::Driver(format!("it panicked: {}", words(panic.as_ref()))))
        })?);
        Ok(())
    }

    /// The next try to open it comes later than the last one did.
    pub(super) fn try_later(&mut self, now: Instant) {
        self.retry_at = now + self.back_off;
        self.back_off = (self.back_off * 2).min(BACK_OFF.1);
    }

    /// It was opened: the next loss is tried again soon.
    pub(super) fn recovered(&mut self) {
        self.back_off = BACK_OFF.0;
        self.was_mute = false;
        self.told = None;
    }
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no words")
}
