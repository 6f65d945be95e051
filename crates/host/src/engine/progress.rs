//! A teardown as pages watch it.

use std::collections::BTreeMap;

use killcord_core::{
    Cause, Control, ControlKind, DeviceIx, DeviceReport, DeviceState, Extent, Mode, Number, Report, Rig,
    Time, Value,
    check::truth,
    plan::{Order, Progress},
    report::Phase,
};
use killcord_wire::{TeardownDevice, ToPage};

use crate::view::ms;

/// The running teardown, or the one that has just ended.
pub(crate) struct Watched {
    cause: Cause,
    mode: Mode,
    extent: Extent,
    deadline: Time,
    devices: BTreeMap<DeviceIx, TeardownDevice>,
    news: bool,
    done: bool,
}

impl Watched {
    pub(super) fn new(order: &Order, rig: &Rig) -> Self {
        let mut watched = Self {
            cause: order.cause.clone(),
            mode: order.mode,
            extent: order.extent,
            deadline: order.deadline,
            devices: BTreeMap::new(),
            news: true,
            done: false,
        };
        watched.add(order, rig);
        watched
    }

    pub(super) fn raise(&mut self, order: &Order, rig: &Rig) {
        // A cause of a person's or the world's names what the host began on its own.
        if is_own(&self.cause) && !is_own(&order.cause) {
            self.cause = order.cause.clone();
        }
        self.mode = self.mode.max(order.mode);
        self.extent = self.extent.max(order.extent);
        self.deadline = self.deadline.min(order.deadline);
        self.add(order, rig);
        self.news = true;
    }

    fn add(&mut self, order: &Order, rig: &Rig) {
        for &device in &order.devices {
            let waits = rig.plan.devices.get(device.at()).map_or(&[][..], |plan| &plan.safe_after);
            let names: Vec<_> = waits
                .iter()
                .filter_map(|ix| rig.plan.devices.get(ix.at()))
                .map(|plan| plan.title())
                .collect();
            let doing =
                if names.is_empty() { "waiting".into() } else { format!("waiting for {}", names.join(", ")) };
            self.devices.entry(device).or_insert(TeardownDevice {
                device: device.0,
                doing,
                status: None,
                confirmed: false,
                released: false,
                remarks: Vec::new(),
            });
        }
    }

    pub(super) fn take(&mut self, progress: &Progress) {
        let (device, doing) = match progress {
            Progress::State { device, state: DeviceState::Safe } => (device, "safe".to_owned()),
            Progress::State { device, state: DeviceState::Released } => (device, "released".to_owned()),
            Progress::State { device, state: DeviceState::Fault(fault) } => (device, fault.to_string()),
            Progress::State { .. } | Progress::Settled { .. } => return,
            Progress::Phase { device, phase } => (device, words(*phase).to_owned()),
            Progress::Step { device, exchange } => (device, exchange.step.clone()),
        };
        if let Some(entry) = self.devices.get_mut(device)
            && entry.status.is_none()
        {
            entry.doing = doing;
            self.news = true;
        }
    }

    pub(super) fn done(&mut self, report: &Report) {
        for device in &report.devices {
            let Some(entry) = self.devices.get_mut(&device.device) else { continue };
            *entry = ended(device);
        }
        self.done = self.devices.values().all(|entry| entry.status.is_some());
        self.news = true;
    }

    pub(super) const fn is_done(&self) -> bool {
        self.done
    }

    pub(super) const fn is_news(&self) -> bool {
        self.news
    }

    /// The frame, once; `None` for what the host does on its own, which pages see by the devices' states.
    pub(super) fn tell(&mut self, now: Time) -> Option<ToPage> {
        self.news = false;
        self.frame(now)
    }

    pub(super) fn frame(&self, now: Time) -> Option<ToPage> {
        if is_own(&self.cause) {
            return None;
        }
        Some(ToPage::Teardown {
            cause: self.cause.clone(),
            text: self.cause.to_string(),
            mode: self.mode,
            extent: self.extent,
            deadline_ms: ms(self.deadline.since(now)),
            devices: self.devices.values().cloned().collect(),
            done: self.done,
        })
    }
}

/// A device at the end of a teardown.
pub(crate) fn ended(device: &DeviceReport) -> TeardownDevice {
    TeardownDevice {
        device: device.device.0,
        doing: match (device.confirmed(), device.released) {
            (true, true) => "safe and released".into(),
            (true, false) => "safe".into(),
            (false, _) => "not confirmed safe".into(),
        },
        status: Some(device.status),
        confirmed: device.confirmed(),
        released: device.released,
        remarks: device.remarks.clone(),
    }
}

/// What the host does on its own: opening a rig, and making a device safe that was found again.
const fn is_own(cause: &Cause) -> bool {
    matches!(cause, Cause::Start | Cause::Recovery | Cause::Retry { .. })
}

const fn words(phase: Phase) -> &'static str {
    match phase {
        Phase::Open => "connecting",
        Phase::Arm => "arming",
        Phase::Safe => "making safe",
        Phase::Emergency => "making safe at once",
        Phase::Errors => "reading its errors",
        Phase::Resync => "bringing the line in step",
        Phase::Verify => "reading back",
        Phase::Release => "handing back",
    }
}

/// A readback in the control's own terms: a number for a number, on or off for a toggle.
pub(super) fn readback(control: &Control, value: &Value) -> Value {
    match (&control.kind, value) {
        (ControlKind::Number { .. }, value) => shown_value(value.clone()),
        (ControlKind::Toggle { is_on: Some(condition), .. }, value) => Value::Truth(condition.holds(value)),
        (ControlKind::Toggle { .. }, Value::Text(text)) => {
            truth(text).map_or_else(|| value.clone(), Value::Truth)
        }
        (ControlKind::Toggle { .. }, Value::Number(number)) if !number.0.is_nan() => {
            Value::Truth(number.0 != 0.0)
        }
        // One of a choice's words, or what nobody can make anything of.
        (_, Value::Text(_)) => value.clone(),
        (_, value) => shown_value(value.clone()),
    }
}

/// A reading as pages get it: a number where it is one. What JSON has no number for is a word.
pub(super) fn shown_value(value: Value) -> Value {
    match &value {
        Value::Text(text) => match Number::parse(text) {
            Some(number) if number.0.is_finite() => Value::Number(number),
            _ => value,
        },
        Value::Number(number) if !number.0.is_finite() => Value::Text(number.to_string()),
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use killcord_core::{DeviceIx, Step, rig::Needs};

    use super::*;

    #[test]
    fn a_register_that_holds_no_number_is_neither_on_nor_off_and_is_told_in_a_word() {
        let toggle = Control {
            device: DeviceIx(0),
            name: "output".into(),
            label: None,
            kind: ControlKind::Toggle { on: Step::send("ON"), off: Step::send("OFF"), is_on: None },
            query: None,
            field: None,
            unit: String::new(),
            needs: Needs::Armed,
        };
        let nan = Value::Number(f64::NAN.into());
        assert_eq!(readback(&toggle, &nan), Value::Text("NaN".into()));
        assert_eq!(readback(&toggle, &Value::Number(0.0.into())), Value::Truth(false));
        assert_eq!(shown_value(nan), Value::Text("NaN".into()));
        assert_eq!(shown_value(Value::Number(f64::INFINITY.into())), Value::Text("inf".into()));
    }
}
