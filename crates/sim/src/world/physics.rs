//! The bench's physics: what the supplies give, what the loads draw, how the furnaces warm.

use std::time::{Duration, Instant};

use super::World;
use crate::instruments::{Model, load};

/// The models are stable with steps of this length, s.
const STEP: f64 = 0.01;
/// After a long stop of the machine the steps grow instead of their number.
const MOST_STEPS: f64 = 200.0;

impl World {
    pub(super) fn let_time_pass(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.last);
        if passed < Duration::from_micros(100) {
            return;
        }
        self.last = now;
        let passed = passed.as_secs_f64();
        let steps = (passed / STEP).ceil().clamp(1.0, MOST_STEPS);
        for instrument in &mut self.instruments {
            if let Model::Supply(supply) = &mut instrument.model {
                supply.check_watchdog(now);
            }
        }
        for _ in 0..steps as usize {
            self.step(passed / steps);
        }
    }

    fn step(&mut self, dt: f64) {
        for index in 0..self.instruments.len() {
            let fed = self.instruments[index].source.is_some();
            match &mut self.instruments[index].model {
                Model::Supply(_) => self.step_supply(index, dt),
                Model::Furnace(furnace) => furnace.step(dt),
                Model::Load(load) if !fed => load.connect(load::BATTERY, 1.0),
                Model::Load(_) | Model::Generic(_) | Model::Scripted(_) => {}
            }
        }
    }

    /// A supply and the loads that it feeds.
    fn step_supply(&mut self, index: usize, dt: f64) {
        let Model::Supply(supply) = &self.instruments[index].model else { return };
        let volts = supply.volts;
        let fed = self.instruments.iter().filter(|other| other.source == Some(index));
        let demand: f64 = fed
            .map(|other| match &other.model {
                Model::Load(load) => load.demand(volts),
                _ => 0.0,
            })
            .sum();
        let Model::Supply(supply) = &mut self.instruments[index].model else { return };
        supply.step(dt, demand);
        let volts = supply.volts;
        // Off, the output capacitor feeds the load; on, the supply does, up to its limit.
        let share = if supply.output.live && demand > 0.0 { (supply.amps / demand).min(1.0) } else { 1.0 };
        for other in self.instruments.iter_mut().filter(|other| other.source == Some(index)) {
            if let Model::Load(load) = &mut other.model {
                load.connect(volts, share);
            }
        }
    }
}
