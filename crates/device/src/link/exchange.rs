//! One exchange at a time, and what it says about the connection: in step or not, there or gone.

use killcord_core::{
    Step, Value,
    plan::{Connect, Protocol},
};

use super::{Lane, LinkEvent, slot::State, worker::LinkWorker};
use crate::{
    Cx, DeviceError,
    ahead::{Announced, RECORD_WITHIN},
    transport::Transport,
};

impl LinkWorker {
    /// Whether an exchange on this line is waited for, because an answer in flight and a command would meet
    /// on the same wire. Connecting, and what lies between two exchanges, can be cut on every line.
    pub(super) fn holds_exchanges(&self) -> bool {
        let half_duplex = match &self.link.connect {
            Connect::Serial { line, protocol, .. } => line.multi_drop || *protocol == Protocol::ModbusRtu,
            Connect::Tcp { protocol, .. } => *protocol == Protocol::ModbusRtu,
            Connect::None => false,
        };
        half_duplex || !self.link.cut_in
    }

    /// Whether a reply on this line names who it is from and what it answers, so that one device's silence
    /// says nothing about another's answers.
    pub(super) const fn replies_are_named(&self) -> bool {
        !matches!(
            self.link.connect,
            Connect::Tcp { protocol: Protocol::Line { .. }, .. }
                | Connect::Serial { protocol: Protocol::Line { .. }, .. }
        )
    }

    pub(super) fn is_out_of_step(&self, at: usize) -> bool {
        if self.replies_are_named() {
            self.slots.get(at).is_some_and(|slot| !slot.in_step)
        } else {
            self.slots.iter().any(|slot| !slot.in_step)
        }
    }

    /// One step, on a line that is in step unless the step is a safe one.
    pub(super) fn step(
        &mut self,
        at: usize,
        step: &Step,
        lane: Lane,
        cx: &Cx<'_>,
    ) -> Result<Option<Value>, DeviceError> {
        if let Lane::Act(epoch) = lane
            && !self.common.fence.allows(epoch)
        {
            return Err(DeviceError::Fenced);
        }
        self.same_connection(at, cx)?;
        if lane != Lane::Safe && self.is_out_of_step(at) {
            self.resync(at, cx)?;
        }
        if let Lane::Act(_) = lane {
            self.put_on_record(at, cx)?;
        }
        self.exchange(at, step, cx)
    }

    /// Returns when somebody outside this process knows that the device may act. The fence is compared once
    /// more behind it, before the write.
    fn put_on_record(&self, at: usize, cx: &Cx<'_>) -> Result<(), DeviceError> {
        let Some(device) = self.slots.get(at).map(|slot| slot.ix) else { return Ok(()) };
        let ahead = &self.common.ahead;
        // Of the step itself nothing has gone out, whatever a resync has written.
        cx.cancel.begin(false);
        match ahead.announce(device) {
            Announced::OnRecord => Ok(()),
            Announced::Pending => {
                let until = cx.within(RECORD_WITHIN).deadline;
                if cx.wait_for(|| ahead.is_on_record(device), until)? {
                    Ok(())
                } else {
                    Err(DeviceError::NotOnRecord(String::from("the watchdog does not answer")))
                }
            }
            Announced::Refused(why) => Err(DeviceError::NotOnRecord(why)),
        }
    }

    /// Refuses where nothing may be sent; identifies the device again where another one's resync has
    /// replaced the connection.
    pub(super) fn same_connection(&mut self, at: usize, cx: &Cx<'_>) -> Result<(), DeviceError> {
        let (connected, connection) = (self.wire.is_connected(), self.wire.connection());
        let Some(slot) = self.slots.get(at) else { return Err(self.not_connected()) };
        match &slot.state {
            State::Wrong(_, found) => Err(DeviceError::WrongIdentity { found: found.clone() }),
            State::Closed => Err(self.not_connected()),
            _ if !connected => {
                self.lost("the connection was dropped");
                Err(self.not_connected())
            }
            State::Mute(on) | State::Open(on, _) if *on == connection => Ok(()),
            _ => match self.open(at, cx) {
                Err(error) if !self.accepts_bytes(at) => Err(error),
                _ => Ok(()),
            },
        }
    }

    pub(super) fn accepts_bytes(&self, at: usize) -> bool {
        self.slots.get(at).is_some_and(|slot| matches!(slot.state, State::Mute(_) | State::Open(..)))
    }

    /// Connected, and it did not say who it is.
    pub(super) fn is_mute(&self, at: usize) -> bool {
        let live = self.live();
        self.slots.get(at).is_some_and(|slot| matches!(slot.state, State::Mute(on) if live == Some(on)))
    }

    pub(super) fn not_connected(&self) -> DeviceError {
        DeviceError::NotConnected { target: self.link.name.clone() }
    }

    /// One exchange, and what it says about the connection.
    pub(super) fn exchange(
        &mut self,
        at: usize,
        step: &Step,
        cx: &Cx<'_>,
    ) -> Result<Option<Value>, DeviceError> {
        let holds = self.holds_exchanges();
        let Some(slot) = self.slots.get_mut(at) else { return Err(self.not_connected()) };
        let mut limit = step.timeout().unwrap_or(slot.plan.timeout);
        if matches!(step, Step::WriteRegister { format, .. } if format.mask.is_some()) {
            // Read, then written.
            limit *= 2;
        }
        cx.cancel.begin(holds);
        let result =
            slot.call(&self.wire, &self.link, &cx.within(limit), |device, cx| device.perform(step, cx));
        cx.cancel.end();
        if let Some(counts) = self.slots.get(at).and_then(|slot| self.common.counts.get(slot.ix.at())) {
            counts.add(&result);
        }
        if let (Ok(Some(_)), Some(slot)) = (&result, self.slots.get_mut(at)) {
            slot.misses = 0;
        }
        self.heed(at, cx, result)
    }

    /// Takes note of what a result says about the connection.
    pub(super) fn heed<T>(
        &mut self,
        at: usize,
        cx: &Cx<'_>,
        result: Result<T, DeviceError>,
    ) -> Result<T, DeviceError> {
        let linked = self.link.connect != Connect::None;
        let Some(slot) = self.slots.get_mut(at) else { return result };
        match &result {
            Ok(_) => {}
            Err(error) if error.is_disconnected() => self.lost(&error.to_string()),
            Err(DeviceError::Cut) => slot.in_step &= !linked || cx.cancel.written().is_none(),
            Err(error) if error.leaves_out_of_step() => {
                slot.in_step &= !linked;
                slot.misses += u32::from(matches!(error, DeviceError::Timeout));
            }
            Err(_) => {}
        }
        result
    }

    /// On a link whose replies say nothing of whom they are from, every device that left it out of step has
    /// to be heard out, the one asked for last.
    pub(super) fn resync(&mut self, at: usize, cx: &Cx<'_>) -> Result<(), DeviceError> {
        self.same_connection(at, cx)?;
        let others = (0..self.slots.len())
            .filter(|&other| other != at && !self.replies_are_named())
            .filter(|&other| self.slots.get(other).is_some_and(|slot| !slot.in_step));
        for other in others.collect::<Vec<_>>() {
            if self.accepts_bytes(other) {
                self.resync_one(other, cx)?;
            } else if let Some(slot) = self.slots.get_mut(other) {
                slot.in_step = true;
            }
        }
        // Where replies are named, another's silence says nothing about this one's answers.
        if self.replies_are_named() && self.slots.get(at).is_some_and(|slot| slot.in_step) {
            return Ok(());
        }
        self.resync_one(at, cx)
    }

    pub(super) fn resync_one(&mut self, at: usize, cx: &Cx<'_>) -> Result<(), DeviceError> {
        let before = self.wire.connection();
        self.bring_in_step(at, cx)?;
        if let Some(slot) = self.slots.get_mut(at) {
            slot.in_step = true;
        }
        if self.wire.connection() == before { Ok(()) } else { self.open(at, cx).map(drop) }
    }

    pub(super) fn bring_in_step(&mut self, at: usize, cx: &Cx<'_>) -> Result<(), DeviceError> {
        let holds = self.holds_exchanges();
        let Some(slot) = self.slots.get_mut(at) else { return Err(self.not_connected()) };
        cx.cancel.begin(holds);
        let result = slot.call(&self.wire, &self.link, cx, |device, cx| device.resync(cx));
        cx.cancel.end();
        self.heed(at, cx, result)
    }

    pub(super) fn close(&mut self, at: usize, cx: &Cx<'_>) -> Result<(), DeviceError> {
        let others = self.slots.iter().enumerate().any(|(other, slot)| {
            other != at && slot.wanted && matches!(slot.state, State::Open(..) | State::Mute(_))
        });
        self.wire.keep(others);
        let Some(slot) = self.slots.get_mut(at) else { return Ok(()) };
        slot.wanted = false;
        let was_closed = slot.state == State::Closed;
        let closed = slot.close(&self.wire, &self.link, cx);
        self.wire.keep(false);
        self.common.set_open(slot.ix, false);
        // Where there was nothing to hand back, nothing went wrong.
        if was_closed { Ok(()) } else { closed }
    }

    /// The connection is gone for every device on it.
    pub(super) fn lost(&mut self, why: &str) {
        let now = self.now();
        self.wire.disconnect();
        for slot in &mut self.slots {
            let before = std::mem::replace(&mut slot.state, State::Closed);
            slot.in_step = true;
            slot.misses = 0;
            if before == State::Closed {
                continue;
            }
            slot.try_later(now);
            self.common.set_open(slot.ix, false);
            if matches!(before, State::Open(..)) {
                (self.common.events)(LinkEvent::Lost { device: slot.ix, why: why.to_owned() });
            }
        }
    }

    /// The number of the connection, if there is one.
    pub(super) fn live(&self) -> Option<u64> {
        self.wire.is_connected().then(|| self.wire.connection())
    }
}
