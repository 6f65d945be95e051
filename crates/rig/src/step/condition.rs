//! What an answer has to be.

use std::time::Duration;

use killcord_core::{Condition, Expected, Number, Pattern};

use super::{Steps, too_long};
use crate::{fields::Fields, limits, node::Node, source::Span};

/// What a question brings back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Text, which may be read as a number or a truth value.
    Line,
    /// A coil or discrete input.
    Bit,
    /// Registers, as a number.
    Number,
}

/// The keys of a condition, and how long it has time to come true.
pub(super) struct Read {
    pub(super) condition: Option<Condition>,
    pub(super) within: Option<Duration>,
    pub(super) every: Duration,
}

const KEYS: [&str; 5] = ["equals", "below", "above", "between", "matches"];

/// Reads them; `None` where one of them is wrong, which was told.
pub(super) fn read<'a>(steps: Steps<'a>, fields: &Fields<'a>, answer: Answer) -> Option<Read> {
    let mut given = KEYS.into_iter().filter_map(|key| Some((key, fields.field(key)?))).collect::<Vec<_>>();
    let tolerance = fields.field("tolerance");
    let (within, every) = timing(steps, fields, !given.is_empty());
    if let [(_, first), (_, second), ..] = given.as_slice() {
        steps
            .problems
            .error(second.key_span, "a question has one condition")
            .also(first.key_span, "the first")
            .help("write a second question with the other condition")
            .tell();
        return None;
    }
    let condition = match given.pop() {
        None => None,
        Some((key, field)) => Some(one(key, field.node, tolerance.map(|field| field.node), answer)?),
    };
    if let Some(tolerance) = tolerance
        && !matches!(condition, Some(Condition::Equals(Expected::Number { .. })))
    {
        steps
            .problems
            .error(tolerance.key_span, "`tolerance` goes with a number in `equals`")
            .help("leave it out, or write equals = 0, tolerance = 0.1")
            .tell();
        return None;
    }
    Some(Read { condition, within: within?, every: every? })
}

/// `within` and `every`; the outer `None` where one is wrong.
fn timing(
    steps: Steps<'_>,
    fields: &Fields<'_>,
    has_condition: bool,
) -> (Option<Option<Duration>>, Option<Duration>) {
    let within = fields.field("within");
    let every = fields.field("every");
    let within_time = match within {
        None => Some(None),
        Some(field) => match field.node.time() {
            Some(time) if time >= steps.deadline => {
                too_long(field.node, steps.deadline).tell();
                None
            }
            other => other.map(Some),
        },
    };
    let every_time = match every {
        None => Some(limits::CHECK_EVERY),
        Some(field) => field.node.time().and_then(|time| {
            if time >= limits::FASTEST {
                return Some(time);
            }
            field
                .node
                .error(format!("`every` is at least {}", crate::duration::show(limits::FASTEST)))
                .tell();
            None
        }),
    };
    match (within, every) {
        (Some(within), _) if !has_condition => steps
            .problems
            .error(within.key_span, "`within` goes with a condition")
            .help("add one of equals, below, above, between, matches")
            .tell(),
        (None, Some(every)) => steps
            .problems
            .warning(every.key_span, "`every` never takes effect: without `within` it is asked once")
            .help("add within = \"2s\", or leave `every` out")
            .tell(),
        _ => {}
    }
    if let (Some(within), Some(Some(limit)), Some(pause)) = (within, within_time, every_time)
        && limit <= pause
        && has_condition
    {
        within
            .node
            .warning(format!(
                "`within` is not longer than `every` ({}): it is asked once",
                crate::duration::show(pause)
            ))
            .help("make `within` several times `every`")
            .tell();
    }
    (within_time, every_time)
}

fn one(key: &str, node: Node<'_>, tolerance: Option<Node<'_>>, answer: Answer) -> Option<Condition> {
    if answer == Answer::Bit && (key != "equals" || node.value.as_bool().is_none()) {
        node.error("a coil or discrete input is true or false")
            .help("write equals = false, or equals = true")
            .tell();
        return None;
    }
    match key {
        "equals" => equals(node, tolerance, answer),
        "below" => node.number().map(|limit| Condition::Below(Number(limit))),
        "above" => node.number().map(|limit| Condition::Above(Number(limit))),
        "between" => between(node),
        _ => matches(node, answer),
    }
}

fn equals(node: Node<'_>, tolerance: Option<Node<'_>>, answer: Answer) -> Option<Condition> {
    if let Some(on) = node.value.as_bool() {
        return Some(Condition::Equals(Expected::Truth(on)));
    }
    if let Some(text) = node.value.as_str() {
        if answer == Answer::Number {
            node.error("registers hold a number, text never equals it").help("write equals = 0").tell();
            return None;
        }
        let text = node.text().map(|_| text)?;
        let meant = match text.trim() {
            t if t.eq_ignore_ascii_case("off") => Some("false".to_owned()),
            t if t.eq_ignore_ascii_case("on") => Some("true".to_owned()),
            t => Number::parse(t).filter(|_| t.parse::<f64>().is_ok()).map(|number| number.to_string()),
        };
        if let Some(meant) = meant {
            let kind = if meant == "true" || meant == "false" { "truth value" } else { "number" };
            node.warning(format!("this compares as text; a {kind} was surely meant"))
                .label(if kind == "number" {
                    "an answer of +0.000E+00 or 0.0 would not be \"0\""
                } else {
                    "an answer of 0 or 1 would not be it"
                })
                .help(format!("write equals = {meant}, without quotes"))
                .tell();
        }
        return Some(Condition::Equals(Expected::Text(text.to_owned())));
    }
    if node.value.is_array() || node.value.is_table() || node.value.is_datetime() {
        node.error("`equals` takes a number, true, false or text")
            .help("for a range write between = [0, 0.5]")
            .tell();
        return None;
    }
    let value = Number(node.number()?);
    let tolerance = match tolerance {
        None => Number(0.0),
        Some(node) => match node.number()? {
            tolerance if tolerance < 0.0 => {
                node.error("`tolerance` is never negative").tell();
                return None;
            }
            tolerance => Number(tolerance),
        },
    };
    Some(Condition::Equals(Expected::Number { value, tolerance }))
}

fn between(node: Node<'_>) -> Option<Condition> {
    let both = node.list("two numbers, [low, high]", 2)?;
    let [low, high] = both.as_slice() else {
        node.error("`between` takes two numbers").help("such as between = [0, 0.5]").tell();
        return None;
    };
    let (low, high) = (low.number()?, high.number()?);
    if low >= high {
        node.error("nothing lies between these two: the lower one comes first").tell();
        return None;
    }
    Some(Condition::Between(Number(low), Number(high)))
}

fn matches(node: Node<'_>, answer: Answer) -> Option<Condition> {
    if answer != Answer::Line {
        node.error("`matches` looks at text, registers hold a number")
            .help("write equals, below, above or between")
            .tell();
        return None;
    }
    let source = node.text()?;
    if source.len() > limits::PATTERN {
        node.error(format!("a regular expression is at most {} bytes", limits::PATTERN)).tell();
        return None;
    }
    match Pattern::new(source) {
        Ok(pattern) => Some(Condition::Matches(pattern)),
        Err(why) => {
            let (span, why) = place_of_error(node, source).unwrap_or((node.span, why.to_string()));
            node.problems.error(span, "this is no regular expression").label(why).tell();
            None
        }
    }
}

/// The engine that is used at run time does not say where an expression is wrong; its bigger sister does.
fn place_of_error(node: Node<'_>, source: &str) -> Option<(Span, String)> {
    let error = regex_syntax::ast::parse::Parser::new().parse(source).err()?;
    let span = error.span();
    Some((node.part(span.start.offset, span.end.offset), error.kind().to_string()))
}
