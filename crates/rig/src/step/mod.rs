//! Steps, in each form that the rig file has for them, and the places where they may stand.
//!
//! A step is read first and judged second: what it is does not depend on where it stands, whether it may
//! stand there does.

mod condition;
mod line;
mod modbus;
mod ramp;
mod table;

use std::time::Duration;

use killcord_core::{
    Check, Condition, Item, Step,
    driver::{DriverSpec, StepKind},
    step::{Ramp, Template},
};

pub(crate) use self::{condition::Answer, modbus::fits, table::words};
use crate::{
    duration::show,
    limits,
    node::Node,
    problems::{Draft, Problems},
    source::Span,
};

/// Where steps are read for: one device.
#[derive(Clone, Copy)]
pub(crate) struct Steps<'a> {
    pub(crate) problems: &'a Problems,
    /// `None` where the driver is unknown, which was told already: then every step is taken.
    pub(crate) driver: Option<&'static DriverSpec>,
    /// The rig's deadline: nothing in a sequence can take longer.
    pub(crate) deadline: Duration,
}

/// A list of steps of the rig file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `open`: changes no output.
    Open,
    /// `arm`, `safe`, `release`, and those of an instrument watchdog.
    Sequence,
    /// `emergency`: removes power at once.
    Emergency,
}

/// A step, before its place is known.
enum Parsed {
    Act(Step),
    Ask(Asked),
    Ramp(Ramp),
    Wait(Duration),
}

/// A question, with what the answer has to be if that is written there.
pub(crate) struct Asked {
    pub(crate) step: Step,
    pub(crate) field: Option<u16>,
    pub(crate) condition: Option<Condition>,
    pub(crate) answer: Answer,
    within: Option<Duration>,
    every: Duration,
}

/// What bare text stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Text {
    Sent,
    Asked,
}

impl<'a> Steps<'a> {
    /// A list of steps that act, ask and wait.
    pub(crate) fn sequence(self, node: Node<'a>, place: Place) -> Vec<Item> {
        let entries = node.list("a list of steps", limits::STEPS).unwrap_or_default();
        entries.into_iter().filter_map(|entry| self.item(entry, place)).collect()
    }

    /// `verify`: a list of questions, each with its condition.
    pub(crate) fn checks(self, node: Node<'a>) -> Vec<Check> {
        let takes = "\"none\", or a list of questions with their conditions";
        let entries = node.list(takes, limits::STEPS).unwrap_or_default();
        entries.into_iter().filter_map(|entry| self.check(entry)).collect()
    }

    /// One question with its condition.
    pub(crate) fn check(self, node: Node<'a>) -> Option<Check> {
        if let Some(text) = node.value.as_str() {
            let text = crate::node::short(text.trim());
            let draft = node.error(format!("`{}` takes questions with their conditions", node.key));
            if text.ends_with('?') {
                draft.label("what has to be the answer?").help(format!(
                    "write {{ query = \"{text}\", equals = false }}, with the condition that has to hold"
                ))
            } else {
                draft.label("this acts on the device").help(ASK)
            }
            .tell();
            return None;
        }
        match self.parse(node, Text::Asked)? {
            Parsed::Ask(asked) => self.with_condition(node, asked),
            Parsed::Act(_) => {
                node.error(format!("`{}` only asks, it must change nothing", node.key))
                    .label("this acts on the device")
                    .help(ASK)
                    .tell();
                None
            }
            Parsed::Ramp(_) | Parsed::Wait(_) => {
                node.error(format!("`{}` only asks", node.key))
                    .help("to give the device time, let the question be asked again: within = \"2s\"")
                    .tell();
                None
            }
        }
    }

    /// A question without a condition: text, or a table with `query` or `read_…`.
    pub(crate) fn question(self, node: Node<'a>) -> Option<Asked> {
        let asked = self.asked(node)?;
        if asked.condition.is_some() || asked.within.is_some() {
            node.error(format!("`{}` only asks: nothing here has to hold", node.key))
                .help("leave the condition out; conditions belong into `verify` and the sequences")
                .tell();
            return None;
        }
        Some(asked)
    }

    /// A question that is asked again by itself, its condition allowed.
    pub(crate) fn readback(self, node: Node<'a>) -> Option<Asked> {
        let asked = self.asked(node)?;
        if asked.within.is_some() {
            node.error(format!("`{}` is asked again and again: `within` has no place here", node.key))
                .help("leave `within` out")
                .tell();
            return None;
        }
        Some(asked)
    }

    fn asked(self, node: Node<'a>) -> Option<Asked> {
        match self.parse(node, Text::Asked)? {
            Parsed::Ask(asked) => Some(asked),
            _ => {
                node.error(format!("`{}` takes a question", node.key))
                    .label("this does not ask")
                    .help("write the question as text, as { query = \"…\" } or as { read_register = … }")
                    .tell();
                None
            }
        }
    }

    /// One exchange that acts.
    pub(crate) fn action(self, node: Node<'a>) -> Option<Step> {
        match self.parse(node, Text::Sent)? {
            Parsed::Act(step) => Some(step),
            _ => {
                node.error(format!("`{}` takes one step that acts", node.key))
                    .label("this only asks or waits")
                    .help("write text to send, { write_coil = 0, value = true } or the like")
                    .tell();
                None
            }
        }
    }

    /// One exchange, whether it acts or asks: text is asked where it ends in a question mark.
    pub(crate) fn exchange(self, node: Node<'a>) -> Option<Step> {
        let text = match node.value.as_str() {
            Some(text) if text.trim_end().ends_with('?') => Text::Asked,
            _ => Text::Sent,
        };
        match self.parse(node, text)? {
            Parsed::Act(step)
            | Parsed::Ask(Asked { step, condition: None, within: None, field: None, .. }) => Some(step),
            _ => {
                node.error(format!("`{}` takes one exchange, without a condition or field", node.key))
                    .help("such as \"*OPC?\" or { write_register = 4096, value = 1 }")
                    .tell();
                None
            }
        }
    }

    /// A step with a place for a value in it.
    pub(crate) fn template(self, node: Node<'a>) -> Option<Template> {
        let Some(table) = node.value.as_table() else {
            let text = node.text()?;
            self.performs(node.span, StepKind::Send);
            return line::template(node, text, None);
        };
        if table.contains_key("write_coil") || table.contains_key("write_register") {
            return modbus::template(self, node);
        }
        let fields = node.table("a step with {} in it", "a step with {} in it")?;
        let send = fields.require(
            "send",
            "write { send = \"VOLT {}\" }, { write_register = 100 } or { write_coil = 0 }, without a value",
        );
        let answer = fields.get("answer").and_then(|answer| line::answer(answer));
        fields.finish();
        let send = send?;
        let text = send.text()?;
        self.performs(node.span, StepKind::Send);
        line::template(send, text, answer)
    }

    fn item(self, node: Node<'a>, place: Place) -> Option<Item> {
        let parsed = self.parse(node, Text::Sent)?;
        match (parsed, place) {
            (Parsed::Act(step), _) => Some(Item::Do(step)),
            (Parsed::Ask(asked), _) => self.with_condition(node, asked).map(Item::Check),
            (Parsed::Ramp(_), Place::Emergency) => {
                node.error("`emergency` is the immediate sequence (stop category 0)")
                    .label("a ramp takes time")
                    .help("put it into `safe`, and what removes power at once into `emergency`")
                    .tell();
                None
            }
            (Parsed::Ramp(_), Place::Open) => {
                node.error("`open` changes no output: a ramp does not belong here")
                    .help("put it into `arm` or `safe`")
                    .tell();
                None
            }
            (Parsed::Ramp(ramp), Place::Sequence) => Some(Item::Ramp(ramp)),
            (Parsed::Wait(wait), _) => Some(Item::Wait(wait)),
        }
    }

    fn with_condition(self, node: Node<'a>, asked: Asked) -> Option<Check> {
        let Some(condition) = asked.condition else {
            node.error("a question in a sequence needs a condition, or its answer means nothing")
                .label("no condition")
                .help("add one of equals, below, above, between, matches: { query = \"OUTP?\", equals = false }")
                .tell();
            return None;
        };
        Some(Check {
            query: asked.step,
            field: asked.field,
            condition,
            within: asked.within,
            every: asked.every,
        })
    }

    fn parse(self, node: Node<'a>, text: Text) -> Option<Parsed> {
        if node.value.is_table() {
            return table::parse(self, node);
        }
        let line = node.text()?;
        match text {
            Text::Sent => {
                self.performs(node.span, StepKind::Send);
                line::sent(node, line, None)?;
                Some(Parsed::Act(Step::send(line)))
            }
            Text::Asked => {
                self.performs(node.span, StepKind::Query);
                line::asked(node, line)?;
                Some(Parsed::Ask(Asked::plain(Step::query(line), Answer::Line)))
            }
        }
    }

    /// Tells where the device's driver has no such step.
    fn performs(self, span: Span, kind: StepKind) {
        let Some(driver) = self.driver else { return };
        if driver.steps.contains(&kind) {
            return;
        }
        let forms: Vec<_> = driver.steps.iter().map(|kind| form(*kind)).collect();
        let draft = self
            .problems
            .error(span, format!("the driver `{}` {}", driver.name, cannot(kind)))
            .label("not a step of this driver");
        if forms.is_empty() { draft } else { draft.help(format!("its steps are {}", forms.join(", "))) }
            .tell();
    }

    /// `timeout` of a step: above 0, below the rig's deadline.
    fn step_timeout(self, node: Option<Node<'_>>) -> Option<Duration> {
        let node = node?;
        let timeout = node.time()?;
        if timeout >= self.deadline {
            too_long(node, self.deadline).tell();
            return None;
        }
        Some(timeout)
    }
}

impl Asked {
    fn plain(step: Step, answer: Answer) -> Self {
        Self { step, field: None, condition: None, answer, within: None, every: limits::CHECK_EVERY }
    }
}

const ASK: &str = "write a question with its condition: { query = \"OUTP?\", equals = false } or { read_coil = 0, \
                   equals = false }";

/// A part of a teardown cannot take as long as the whole of it.
pub(crate) fn too_long(node: Node<'_>, deadline: Duration) -> Draft<'_> {
    node.error(format!("`{}` must be shorter than the rig's deadline of {}", node.key, show(deadline)))
        .help("shorten it, or raise `deadline` in [rig]")
}

fn form(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Send => "\"TEXT\"",
        StepKind::Query => "{ query = \"TEXT?\", equals = false }",
        StepKind::Bytes => "{ bytes = \"0x18\" }",
        StepKind::Modbus => "{ write_coil = 0, value = false } and its like",
        StepKind::Run => "{ run = [\"prog\", \"arg\"] }",
        StepKind::Call => "{ call = \"…\" }",
    }
}

fn cannot(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Send => "sends no text",
        StepKind::Query => "asks nothing in text",
        StepKind::Bytes => "sends no bytes",
        StepKind::Modbus => "knows no coils and registers",
        StepKind::Run => "runs no programs",
        StepKind::Call => "has no steps to call",
    }
}
