//! A SCPI instrument with named values only: `NAME <value>` sets, `NAME?` answers.
//!
//! A truth value in the file is a switch; it counts as the instrument's output.

use std::time::Instant;

use super::Switch;
use crate::{
    config::GenericConfig,
    fault::Readback,
    scpi::{ScpiError, ScpiModel, Unit, number, show_number, show_switch, switch},
    snapshot::OutputValue,
};

#[derive(Debug)]
enum Value {
    Switch(Switch),
    Number { now: f64, first: f64 },
}

#[derive(Debug)]
pub(crate) struct Generic {
    idn: String,
    remote: bool,
    values: Vec<(String, Value)>,
}

impl Generic {
    pub(crate) fn new(make: &GenericConfig) -> Self {
        let value = |value: &OutputValue| match *value {
            OutputValue::Switch(on) => Value::Switch(Switch { commanded: on, live: on, ..Switch::default() }),
            OutputValue::Number(number) => Value::Number { now: number, first: number },
        };
        let values = make.values.iter().map(|(name, first)| (name.clone(), value(first))).collect();
        Self { idn: make.idn.clone(), remote: false, values }
    }

    fn switches(&mut self) -> impl Iterator<Item = &mut Switch> {
        self.values.iter_mut().filter_map(|(_, value)| match value {
            Value::Switch(switch) => Some(switch),
            Value::Number { .. } => None,
        })
    }

    pub(crate) fn set_stuck(&mut self, stuck: Option<Readback>) {
        self.switches().for_each(|switch| switch.set_stuck(stuck));
    }

    pub(crate) fn energised(&self) -> bool {
        self.values.iter().any(|(_, value)| matches!(value, Value::Switch(switch) if switch.live))
    }

    pub(crate) fn outputs(&self, each: &mut dyn FnMut(&str, OutputValue)) {
        for (name, value) in &self.values {
            match value {
                Value::Switch(switch) => each(name, OutputValue::Switch(switch.live)),
                Value::Number { now, .. } => each(name, OutputValue::Number(*now)),
            }
        }
        each("remote", OutputValue::Switch(self.remote));
    }
}

impl ScpiModel for Generic {
    fn idn(&self) -> &str {
        &self.idn
    }

    fn reset(&mut self) {
        for (_, value) in &mut self.values {
            match value {
                Value::Switch(switch) => switch.command(false),
                Value::Number { now, first } => *now = *first,
            }
        }
    }

    fn set_remote(&mut self, remote: bool) {
        self.remote = remote;
    }

    fn perform(&mut self, unit: &Unit, _now: Instant) -> Result<Option<String>, ScpiError> {
        for (name, value) in &mut self.values {
            match value {
                Value::Switch(state) if unit.tells(name) => state.command(switch(unit.argument()?)?),
                Value::Number { now, .. } if unit.tells(name) => {
                    *now = number(unit.argument()?, f64::MIN..=f64::MAX)?
                }
                Value::Switch(state) if unit.asks(name) => return Ok(show_switch(state.readback())),
                Value::Number { now, .. } if unit.asks(name) => return Ok(show_number(*now)),
                _ => continue,
            }
            return Ok(None);
        }
        Err(ScpiError::UNDEFINED_HEADER)
    }
}
