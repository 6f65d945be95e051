//! A value brought down (or up) over time.

use killcord_core::{
    Number,
    step::{Ramp, Template},
};

use super::{Answer, Steps, fits, line};
use crate::{fields::Fields, limits};
use std::time::Duration;

/// Time between two writes when `step_every` is left out.
const STEP_EVERY: Duration = Duration::from_millis(100);

pub(super) fn parse<'a>(steps: Steps<'a>, fields: &Fields<'a>) -> Option<Ramp> {
    let write = fields.get("ramp").and_then(|node| steps.template(node));
    let answer = fields.get("answer").map(|node| line::answer(node));
    let from_node = fields.require("from", "write the question for the value it starts at: from = \"VOLT?\"");
    let from = from_node.and_then(|node| {
        let asked = steps.question(node)?;
        if asked.answer == Answer::Bit || asked.field.is_some() {
            node.error("a ramp starts at a number that the answer is as a whole").tell();
            return None;
        }
        Some(asked.step)
    });
    let to_node = fields.require("to", "write the value it ends at: to = 0");
    let to = to_node.and_then(|node| Some((node, node.number()?)));
    let per_second = fields
        .require("per_second", "write its rate: per_second = 5, in units of the value")
        .and_then(|node| match node.number()? {
            rate if rate > 0.0 => Some(Number(rate)),
            _ => {
                node.error("`per_second` must be more than 0")
                    .label("the ramp would never end")
                    .help("the rate has no sign: up or down is decided by `from` and `to`")
                    .tell();
                None
            }
        });
    let step_every = fields.get("step_every").map(|node| {
        let every = node.time()?;
        if every < limits::FASTEST || every >= steps.deadline {
            node.error("`step_every` is from 10ms to less than the rig's deadline").tell();
            return None;
        }
        Some(every)
    });
    let mut write = write?;
    let (to_node, to) = to?;
    match &mut write {
        Template::Coil { .. } => {
            fields.error("a coil cannot be ramped").help("write { write_coil = 0, value = false }").tell();
            return None;
        }
        Template::Register { format, .. } => fits(to_node, to, *format)?,
        Template::Line { answer: slot, .. } => {
            if let Some(answer) = answer {
                *slot = Some(answer?);
            }
        }
    }
    Some(Ramp {
        write,
        from: from?,
        to: Number(to),
        per_second: per_second?,
        step_every: step_every.unwrap_or(Some(STEP_EVERY))?,
    })
}
