//! A step written as a table: the one key that says what it is, and the keys that go with it.

use killcord_core::{Step, driver::StepKind, step::Table};

use super::{Answer, Asked, Parsed, Steps, condition, line, modbus, ramp};
use crate::{
    fields::{Field, Fields},
    limits,
    node::{Node, short},
};

/// The keys that say what a step is.
const VERBS: [&str; 12] = [
    "send",
    "query",
    "ramp",
    "bytes",
    "wait",
    "write_coil",
    "write_register",
    "read_coil",
    "read_discrete",
    "read_register",
    "read_input",
    "run",
];
const CALL: &str = "call";

pub(super) fn parse<'a>(steps: Steps<'a>, node: Node<'a>) -> Option<Parsed> {
    let fields = node.table("the step", "a step")?;
    let mut verbs = VERBS.into_iter().chain([CALL]).filter_map(|verb| Some((verb, fields.peek(verb)?)));
    let Some((verb, field)) = verbs.next() else {
        no_verb(&fields);
        return None;
    };
    if let Some((second, other)) = verbs.next() {
        // A ramp's `from` and a step's value are keys of their own: two verbs are two steps.
        steps
            .problems
            .error(other.key_span, format!("`{verb}` and `{second}` are two steps"))
            .also(field.key_span, "the first")
            .help("write each in braces of its own")
            .tell();
        return None;
    }
    drop(verbs);
    let fields = Fields::new(steps.problems, format!("a `{verb}` step"), fields.span, node.value.as_table()?);
    let parsed = match verb {
        "send" => send(steps, &fields),
        "query" => query(steps, &fields),
        "ramp" => ramp::parse(steps, &fields).map(Parsed::Ramp),
        "bytes" => bytes(steps, &fields, field),
        "wait" => wait(steps, &fields),
        "write_coil" => modbus::write_coil(steps, &fields).map(Parsed::Act),
        "write_register" => modbus::write_register(steps, &fields).map(Parsed::Act),
        "read_coil" => modbus::read(steps, &fields, Table::Coil).map(Parsed::Ask),
        "read_discrete" => modbus::read(steps, &fields, Table::Discrete).map(Parsed::Ask),
        "read_register" => modbus::read(steps, &fields, Table::Register).map(Parsed::Ask),
        "read_input" => modbus::read(steps, &fields, Table::Input).map(Parsed::Ask),
        "run" => run(steps, &fields, field),
        _ => call(steps, &fields, field),
    };
    fields.finish();
    parsed
}

fn no_verb(fields: &Fields<'_>) {
    let draft = fields.error("this is no step").label("nothing here says what to do");
    let near = fields
        .present()
        .find_map(|(name, _)| Some((name, crate::suggest::closest(name, VERBS.into_iter().chain([CALL]))?)));
    match near {
        Some((name, near)) => draft.help(format!("did you mean `{near}` where `{}` stands?", short(name))),
        None => draft.help(format!("one of {}, {CALL}", VERBS.join(", "))),
    }
    .tell();
}

fn send(steps: Steps<'_>, fields: &Fields<'_>) -> Option<Parsed> {
    let node = fields.get("send")?;
    steps.performs(node.span, StepKind::Send);
    let answer = fields.get("answer").map(|answer| line::answer(answer));
    let timeout = steps.step_timeout(fields.get("timeout"));
    let text = node.text()?;
    let answer = match answer {
        Some(given) => Some(given?),
        None => None,
    };
    line::sent(node, text, answer.as_deref())?;
    Some(Parsed::Act(Step::Send { text: text.to_owned(), answer, timeout }))
}

fn query<'a>(steps: Steps<'a>, fields: &Fields<'a>) -> Option<Parsed> {
    let node = fields.get("query")?;
    steps.performs(node.span, StepKind::Query);
    let timeout = steps.step_timeout(fields.get("timeout"));
    let field = fields.get("field").map(|node| node.integer(1..=1000));
    let condition = condition::read(steps, fields, Answer::Line)?;
    let text = node.text()?;
    line::asked(node, text)?;
    let field = match field {
        Some(given) => Some(given? as u16),
        None => None,
    };
    Some(Parsed::Ask(Asked {
        step: Step::Query { text: text.to_owned(), timeout },
        field,
        condition: condition.condition,
        answer: Answer::Line,
        within: condition.within,
        every: condition.every,
    }))
}

fn bytes(steps: Steps<'_>, fields: &Fields<'_>, field: Field<'_>) -> Option<Parsed> {
    let node = fields.get("bytes")?;
    steps.performs(field.node.span, StepKind::Bytes);
    let text = node.text()?;
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or_default();
    let bytes: Option<Vec<u8>> = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                Some((digit(high)? << 4 | digit(low)?) as u8)
            }
            _ => None,
        })
        .collect();
    match bytes {
        Some(bytes) if !bytes.is_empty() && bytes.len() <= 256 => Some(Parsed::Act(Step::Bytes(bytes))),
        _ => {
            let draft = node.error("`bytes` takes pairs of hex digits behind 0x, at most 256 bytes");
            let plain: String = text.chars().filter(char::is_ascii_hexdigit).collect();
            if digits.is_empty()
                && plain.len() == text.len()
                && plain.len().is_multiple_of(2)
                && plain.len() <= 32
            {
                draft.help(format!("write bytes = \"0x{plain}\""))
            } else {
                draft.help("such as bytes = \"0x18\" for Ctrl-X")
            }
            .tell();
            None
        }
    }
}

fn wait(steps: Steps<'_>, fields: &Fields<'_>) -> Option<Parsed> {
    let node = fields.get("wait")?;
    let wait = node.time()?;
    if wait >= steps.deadline {
        super::too_long(node, steps.deadline).tell();
        return None;
    }
    Some(Parsed::Wait(wait))
}

fn run(steps: Steps<'_>, fields: &Fields<'_>, field: Field<'_>) -> Option<Parsed> {
    let node = fields.get("run")?;
    steps.performs(field.key_span, StepKind::Run);
    let timeout = steps.step_timeout(fields.get("timeout"));
    let command = words(node, "such as run = [\"uhubctl\", \"-a\", \"off\"]")?;
    Some(Parsed::Act(Step::Run { command, timeout }))
}

fn call(steps: Steps<'_>, fields: &Fields<'_>, field: Field<'_>) -> Option<Parsed> {
    let node = fields.get("call")?;
    steps.performs(field.key_span, StepKind::Call);
    let name = node.text()?;
    if let Some(driver) = steps.driver
        && !driver.calls.is_empty()
        && !driver.calls.contains(&name)
    {
        node.error(format!("the driver `{}` has no step \"{}\"", driver.name, short(name)))
            .suggest(name, driver.calls.iter().copied())
            .help(format!("its steps to call are {}", driver.calls.join(", ")))
            .tell();
        return None;
    }
    Some(Parsed::Act(Step::Call { name: name.to_owned() }))
}

/// A program and each of its arguments by itself; `example` is shown where there is none.
pub(crate) fn words(node: Node<'_>, example: &str) -> Option<Vec<String>> {
    let key = node.key;
    if let Some(text) = node.value.as_str() {
        let words: Vec<_> = text.split_whitespace().map(|word| format!("\"{}\"", short(word))).collect();
        node.error(format!("`{key}` takes a list: the program and each argument by itself"))
            .label("there is no shell that would take it apart")
            .help(format!("write {key} = [{}]", words.join(", ")))
            .tell();
        return None;
    }
    let words = node.list("a list: the program and its arguments", limits::WORDS)?;
    let mut command = Vec::with_capacity(words.len());
    for word in words {
        match word.value.as_str() {
            Some(text) if !text.contains('\0') && text.len() <= limits::LINE => command.push(text.to_owned()),
            Some(_) => {
                word.error("an argument is at most 4096 bytes, none of them 0").tell();
                return None;
            }
            None => {
                word.text()?;
            }
        }
    }
    if command.first().is_none_or(|program| program.trim().is_empty()) {
        node.error(format!("`{key}` names no program")).help(example).tell();
        return None;
    }
    Some(command)
}
