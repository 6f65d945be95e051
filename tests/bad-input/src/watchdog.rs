//! What the watchdog reads from its pipe: the plan, then what the host tells; and what is asked at its door.

use std::{sync::Arc, time::Duration};

use killcord_core::{
    Extent, Mode, Plan, Time,
    watchdog::{Asked, Effect, Input, State, Told},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::play::{self, Answers};

/// A plan on the first line, then a message on each: what is told, or what is asked at the door. A line that is neither
/// stands for the end of what came so far.
///
/// - What was read is the same once written and read again.
/// - A plan that can be read can be made safe by, whatever numbers are in it.
/// - The host is ended before anything is done to a device, and never twice; only devices of the plan are acted on.
/// - It asks to be called at a time that is not past.
///
/// # Panics
/// When one of these does not hold.
pub fn watchdog(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let plan: Option<Arc<Plan>> = lines.next().and_then(again).map(Arc::new);
    if let Some(plan) = &plan {
        for answers in [Answers::Zero, Answers::Never] {
            play::teardown(plan, Mode::Safe, answers);
        }
    }
    let mut told = Listening { state: State::new(Time::ZERO), now: Time::ZERO, devices: 0, ended: false };
    if let Some(plan) = plan {
        told.devices = plan.devices.len();
        told.hear(Input::Rig { plan, hang_after: Duration::from_secs(1) });
    }
    for line in lines {
        let input = match (again::<Told>(line), again::<Asked>(line)) {
            (Some(told), _) => Input::Told(told),
            (None, Some(asked)) => Input::Asked(asked),
            (None, None) => Input::Tick,
        };
        told.hear(input);
    }
    told.hear(Input::PipeEnded);
    told.hear(Input::HostExited);
}

/// Reads it, and the same once more from what is written of it.
fn again<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(text: &[u8]) -> Option<T> {
    let read: T = serde_json::from_slice(text).ok()?;
    let written = serde_json::to_string(&read).expect("what was read can be written");
    let back: T = serde_json::from_str(&written).expect("what was written can be read");
    assert_eq!(back, read, "it is another one once written");
    Some(read)
}

struct Listening {
    state: State,
    now: Time,
    devices: usize,
    ended: bool,
}

impl Listening {
    fn hear(&mut self, input: Input) {
        self.now = self.now + Duration::from_millis(100);
        for effect in self.state.handle(self.now, input) {
            match effect {
                Effect::EndHost => {
                    assert!(!self.ended, "the host is ended twice");
                    self.ended = true;
                }
                Effect::Act { order, .. } => {
                    let known = order.devices.iter().all(|device| device.at() < self.devices);
                    assert!(known && !order.devices.is_empty(), "{order:?} is about no device of the plan");
                    assert!(order.extent >= Extent::Release, "what is made safe is handed back");
                }
                Effect::Say(_) | Effect::Exit(_) => {}
            }
        }
        assert!(self.state.next_wake() >= self.now, "it wants to be called in the past");
    }
}
