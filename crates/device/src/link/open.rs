//! Opening a device: connect, ask who it is, then its `open` sequence. Nothing here can make it act.

use std::time::{Duration, Instant};

use killcord_core::{
    Item, Value,
    plan::{Connect, Failure},
};

use super::{
    Lane, LinkEvent,
    slot::{Slot, State},
    worker::LinkWorker,
};
use crate::{Cx, DeviceError, Identity, transport::Transport};

/// How long a try in the background may take to connect, besides its questions.
const CONNECT: Duration = Duration::from_secs(2);

impl Slot {
    /// When it is to be opened again, if it is; `live` is the connection that there is. On one that leads to
    /// another instrument nothing more is asked.
    pub(super) fn due_at(&self, live: Option<u64>) -> Option<Instant> {
        let settled = match &self.state {
            State::Open(..) => true,
            State::Wrong(on, _) => live == Some(*on),
            State::Mute(_) | State::Closed => false,
        };
        (self.wanted && !settled).then_some(self.retry_at)
    }
}

impl LinkWorker {
    /// Connects if there is no connection, and identifies.
    ///
    /// `Err(Timeout)`: connected, and it does not say who it is.
    pub(super) fn open(&mut self, at: usize, cx: &Cx<'_>) -> Result<Option<Value>, DeviceError> {
        let live = self.live();
        let Some(slot) = self.slots.get_mut(at) else { return Ok(None) };
        slot.wanted = true;
        let was_open = matches!(slot.state, State::Open(..));
        let opened = self.connect_and_identify(at, live, cx);
        // Replaced by a resync, the connection may lead to something that does not say who it is.
        if let (true, Err(error), Some(slot)) = (was_open, &opened, self.slots.get(at))
            && !matches!(slot.state, State::Open(..) | State::Closed)
        {
            let event = LinkEvent::Lost { device: slot.ix, why: error.to_string() };
            self.common.set_open(slot.ix, false);
            self.tell(event);
        }
        opened
    }

    fn connect_and_identify(
        &mut self,
        at: usize,
        live: Option<u64>,
        cx: &Cx<'_>,
    ) -> Result<Option<Value>, DeviceError> {
        let Some(slot) = self.slots.get_mut(at) else { return Ok(None) };
        match &slot.state {
            State::Open(on, identity) if live == Some(*on) => {
                return Ok(identity.clone().map(Value::Text));
            }
            State::Mute(on) if live == Some(*on) => {
                self.bring_in_step(at, cx)?;
                self.set_in_step(at, true);
            }
            _ => {
                let opened = slot.call(&self.wire, &self.link, cx, |device, cx| device.open(cx));
                let Identity(told) = self.heed(at, cx, opened)?;
                // What another process asked on this very line may still be answered.
                let fresh = live != self.live() || self.slots.len() == 1;
                if fresh {
                    self.set_in_step(at, !self.inherited());
                }
                return self.identify(at, told, cx);
            }
        }
        self.identify(at, None, cx)
    }

    fn set_in_step(&mut self, at: usize, in_step: bool) {
        if let Some(slot) = self.slots.get_mut(at) {
            slot.in_step = in_step;
        }
    }

    /// A serial line that was taken over goes on where its last user left it; a socket begins anew.
    const fn inherited(&self) -> bool {
        self.taken_over && matches!(self.link.connect, Connect::Serial { .. })
    }

    fn identify(
        &mut self,
        at: usize,
        told: Option<String>,
        cx: &Cx<'_>,
    ) -> Result<Option<Value>, DeviceError> {
        let connection = self.wire.connection();
        let Some(slot) = self.slots.get_mut(at) else { return Ok(None) };
        slot.state = State::Mute(connection);
        let id = slot.plan.id.clone();
        let expected = slot.plan.expect_id.clone();
        // One that was given up for its silence has to show that it answers anything at all.
        let probe =
            id.clone().or_else(|| slot.plan.sync.clone()).or_else(|| self.schedule.probe(slot.ix).cloned());
        let question = if slot.was_mute { probe } else { id.clone() };
        let answer = match question {
            None => Ok(None),
            Some(question) => self.exchange(at, &question, cx),
        };
        match answer {
            Ok(answer) => {
                let asked = id.and(answer.map(|answer| answer.to_string()));
                let identity = asked.or(told);
                let right = match (&expected, &identity) {
                    (Some(expected), Some(found)) => found.contains(expected.as_str()),
                    (Some(_), None) | (None, _) => true,
                };
                if right && expected.is_some() && identity.is_some() {
                    // Nothing but the device itself says its name, and it says one thing after the other.
                    self.set_in_step(at, true);
                }
                if !right {
                    return Err(self.wrong(at, identity.unwrap_or_default()));
                }
                self.greet(at, cx)?;
                self.opened(at, identity.clone());
                Ok(identity.map(Value::Text))
            }
            Err(error) if error.is_disconnected() || matches!(error, DeviceError::Cut) => Err(error),
            // Safe is sent to it all the same, and that may need what `open` sets.
            Err(error) => {
                self.greet(at, cx)?;
                Err(if matches!(error, DeviceError::Refused(_)) { error } else { DeviceError::Timeout })
            }
        }
    }

    /// Not one more byte goes to an instrument that is not ours.
    fn wrong(&mut self, at: usize, found: String) -> DeviceError {
        let connection = self.wire.connection();
        let alone = self.slots.len() == 1;
        if let Some(slot) = self.slots.get_mut(at) {
            slot.state = State::Wrong(connection, found.clone());
            self.common.set_open(slot.ix, false);
        }
        if alone {
            self.wire.disconnect();
        }
        DeviceError::WrongIdentity { found }
    }

    /// The `open` sequence; what fails in it is told, and keeps nothing from going on.
    fn greet(&mut self, at: usize, cx: &Cx<'_>) -> Result<(), DeviceError> {
        let Some(slot) = self.slots.get(at) else { return Ok(()) };
        let device = slot.ix;
        for item in slot.plan.open.clone() {
            let (step, result) = match &item {
                Item::Do(step) => (step.to_string(), self.exchange(at, step, cx).map(drop)),
                Item::Check(check) => {
                    let asked = self.exchange(at, &check.query, cx);
                    let held = asked.and_then(|answer| match answer {
                        Some(answer) if check.holds(&answer) => Ok(()),
                        answer => Err(DeviceError::Refused(format!(
                            "answered {}",
                            answer.map_or_else(|| String::from("nothing"), |answer| format!("`{answer}`"))
                        ))),
                    });
                    (check.to_string(), held)
                }
                Item::Wait(time) => (String::from("wait"), cx.pause(*time)),
                // A ramp changes an output.
                Item::Ramp(_) => (
                    String::from("ramp"),
                    Err(DeviceError::Setup(String::from("`open` changes no output; move the ramp to `arm`"))),
                ),
            };
            match result {
                Ok(()) => {}
                Err(error) if error.is_disconnected() || matches!(error, DeviceError::Cut) => {
                    return Err(error);
                }
                Err(error) => {
                    self.tell(LinkEvent::OpenStepFailed { device, step, failure: Failure::from(&error) });
                }
            }
        }
        Ok(())
    }

    fn opened(&mut self, at: usize, identity: Option<String>) {
        // First: whoever hears that a device is open may have it act.
        self.tell_of_holdings();
        let connection = self.wire.connection();
        let now = self.now();
        let Some(slot) = self.slots.get_mut(at) else { return };
        slot.recovered();
        slot.state = State::Open(connection, identity.clone());
        let again =
            slot.identity.replace(identity.clone()) == Some(identity.clone()) && self.common.is_open(slot.ix);
        let device = slot.ix;
        self.common.set_open(device, true);
        self.schedule.at_once(device, now);
        // The same instrument on a connection that a resync replaced is no news.
        if !again {
            self.tell(LinkEvent::Opened { device, identity });
        }
    }

    /// Sets the time of the next try, and tells of the failure if it is another than the last one. Being cut
    /// off is nobody's failure.
    pub(super) fn could_not_open(&mut self, at: usize, error: &DeviceError) {
        let now = self.now();
        let Some(slot) = self.slots.get_mut(at) else { return };
        slot.try_later(now);
        let failure = Failure::from(error);
        let cut = matches!(error, DeviceError::Cut | DeviceError::Fenced);
        if !cut && slot.told.as_ref() != Some(&failure) {
            slot.told = Some(failure.clone());
            let device = slot.ix;
            self.tell(LinkEvent::OpenFailed { device, failure });
        }
    }

    /// A try in the background: it may be cut by any job, and arms nothing.
    pub(super) fn open_again(&mut self, at: usize) {
        let Some(slot) = self.slots.get(at) else { return };
        let cancel = self.cancel(Lane::Query);
        let common = self.common.clone();
        let deadline = self.now() + CONNECT + slot.plan.timeout * 4;
        self.queue.busy(deadline);
        let cx = Cx { deadline, cancel: &cancel, clock: common.clock.as_ref() };
        if let Err(error) = self.open(at, &cx) {
            self.could_not_open(at, &error);
        }
        self.queue.idle();
    }
}
