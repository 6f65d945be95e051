//! From values to answers: fields to lines, bits and halves to registers.

use killcord::core::{
    Step, Value,
    step::{Register, Table},
};
use killcord_sim::{Answer, Question, Say};

use super::{
    answer::{Slot, State},
    register,
};

/// Whether two steps ask the same; how long one waits for the answer is no difference.
pub(super) fn same(one: &Step, other: &Step) -> bool {
    match (one, other) {
        (Step::Query { text: a, .. }, Step::Query { text: b, .. }) => a.trim() == b.trim(),
        (one, other) => one == other,
    }
}

/// The bits of a register that count.
pub(super) const fn mask(format: Register) -> u16 {
    match format.mask {
        Some(mask) => mask,
        None => u16::MAX,
    }
}

/// The first question of the exchange.
pub(super) fn question(step: &Step) -> Option<Question> {
    match step {
        Step::Query { text, .. } => Some(Question::Line(text.clone())),
        Step::Read { table, address, .. } => Some(place(*table, *address)),
        _ => None,
    }
}

const fn place(table: Table, address: u16) -> Question {
    match table {
        Table::Coil => Question::Coil(address),
        Table::Discrete => Question::Discrete(address),
        Table::Register => Question::Register(address),
        Table::Input => Question::Input(address),
    }
}

/// The slots put together: fields to lines, bits and halves to registers.
pub(super) fn answers(slots: &[Slot]) -> Vec<Answer> {
    let mut answers: Vec<Answer> = Vec::new();
    for (at, slot) in slots.iter().enumerate() {
        match &slot.query {
            Step::Query { text, .. } => {
                let first = slots.iter().position(|other| same(&other.query, &slot.query));
                if first == Some(at) {
                    let of_it: Vec<&Slot> =
                        slots.iter().filter(|other| same(&other.query, &slot.query)).collect();
                    let say = |state| Say::Text(line(&of_it, state));
                    answers.push(Answer {
                        question: Question::Line(text.clone()),
                        on: say(State::On),
                        stopping: say(State::Stopping),
                        off: say(State::Off),
                    });
                }
            }
            Step::Read { table, address, format } => {
                let held = |state| words(&slot.value(state), *format);
                let (on, stopping, off) = (held(State::On), held(State::Stopping), held(State::Off));
                for (step, ((on, stopping), off)) in (0_u16..).zip(on.into_iter().zip(stopping).zip(off)) {
                    let question = place(*table, address.saturating_add(step));
                    let known = answers.iter_mut().find(|answer| answer.question == question);
                    let (on, stopping, off) = (Say::Word(on), Say::Word(stopping), Say::Word(off));
                    match known {
                        Some(known) => {
                            known.on = blend(&known.on, &on, mask(*format));
                            known.stopping = blend(&known.stopping, &stopping, mask(*format));
                            known.off = blend(&known.off, &off, mask(*format));
                        }
                        None => answers.push(Answer { question, on, stopping, off }),
                    }
                }
            }
            _ => {}
        }
    }
    answers
}

/// A line with each field in its place; a whole line where nobody asks for fields.
fn line(slots: &[&Slot], state: State) -> String {
    let fields = slots.iter().filter_map(|slot| Some((slot.field?, slot.value(state).to_string())));
    let fields: Vec<(u16, String)> = fields.collect();
    let Some(last) = fields.iter().map(|(field, _)| *field).max() else {
        return slots.first().map_or_else(String::new, |slot| slot.value(state).to_string());
    };
    let part = |at| fields.iter().find(|(field, _)| *field == at).map_or("0", |(_, text)| text.as_str());
    (1..=last).map(part).collect::<Vec<_>>().join(",")
}

fn words(value: &Value, format: Register) -> Vec<u16> {
    match value {
        Value::Truth(on) => vec![u16::from(*on)],
        Value::Number(number) => register::encode(*number, format).unwrap_or_else(|| vec![0]),
        Value::Text(_) => vec![0],
    }
}

fn blend(known: &Say, more: &Say, mask: u16) -> Say {
    match (known, more) {
        (Say::Word(known), Say::Word(more)) => Say::Word((known & !mask) | (more & mask)),
        _ => more.clone(),
    }
}
