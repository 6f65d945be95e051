//! The recent past of every reading, bounded.

use std::collections::VecDeque;

use killcord_core::{Rig, Value, check};

/// How many values of each reading are kept: ten minutes at one a second, twelve seconds at fifty.
const KEPT: usize = 600;

/// Values of all readings, oldest first.
pub(crate) struct History {
    readings: Vec<VecDeque<(u64, f64)>>,
}

impl History {
    pub(crate) fn new(rig: &Rig) -> Self {
        Self { readings: rig.readings.iter().map(|_| VecDeque::new()).collect() }
    }

    /// Keeps a value; what is no number is not kept.
    pub(crate) fn push(&mut self, reading: usize, at_ms: u64, value: &Value) {
        let (Some(values), Some(number)) = (self.readings.get_mut(reading), check::number(value)) else {
            return;
        };
        if !number.is_finite() {
            return;
        }
        if values.len() == KEPT {
            values.pop_front();
        }
        values.push_back((at_ms, number));
    }

    pub(crate) fn of(&self, reading: usize) -> Vec<(u64, f64)> {
        self.readings.get(reading).map(|values| values.iter().copied().collect()).unwrap_or_default()
    }
}
