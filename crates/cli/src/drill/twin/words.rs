//! From a device of a rig file to a scripted instrument that understands each of its words.
//!
//! The twin believes the file: it cannot know whether `OUTP OFF` turns the real output off, only whether
//! everything that the file calls safe has arrived.

use killcord::core::{
    Control, ControlKind, DevicePlan, Item, Number, Reading, Step, Value,
    plan::Verify,
    rig::{Limits, While},
    step::Template,
};
use killcord_sim::{Answer, Language, Message, Question, Say, ScriptedConfig};

use super::{
    answer::{MUST, Slot, State, Want, Wish},
    compose::{answers, mask, question, same},
    register,
};

/// A device in words of the simulator.
#[derive(Clone, Debug)]
pub(super) struct Words {
    pub(super) config: ScriptedConfig,
    slots: Vec<Slot>,
    /// The programs that its `run` steps would start, in the order of their numbers.
    pub(super) programs: Vec<Vec<String>>,
    /// Demands of the file that no answer can meet.
    pub(super) open: Vec<String>,
}

/// Why a device has no twin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoTwin {
    /// A step that only its driver knows.
    #[error("`call = \"{0}\"` is known to its driver alone")]
    Call(String),
    /// A value that its register cannot hold.
    #[error("{0} does not fit its register")]
    Register(String),
}

impl Words {
    /// Reads a device's own words.
    pub(super) fn of(
        device: &DevicePlan,
        readings: &[&Reading],
        controls: &[&Control],
        speaks: Language,
    ) -> Result<Self, NoTwin> {
        let mut reader = Reader { slots: Vec::new(), programs: Vec::new(), replies: Vec::new() };
        reader.sequences(device);
        for reading in readings {
            reader.reading(reading);
        }
        let (mut on, mut off, mut on_the_way) = (Vec::new(), Vec::new(), Vec::new());
        for item in &device.arm {
            on.extend(reader.messages(item)?);
        }
        let armed_by = on.len();
        for control in controls {
            on.extend(reader.control(control)?);
        }
        for sequence in [&device.safe, &device.emergency] {
            let mut messages = Vec::new();
            for item in sequence {
                if let Item::Ramp(ramp) = item {
                    on_the_way.push(any(&ramp.write));
                }
                messages.extend(reader.messages(item)?);
            }
            if !messages.is_empty() && !off.contains(&messages) {
                off.push(messages);
            }
        }
        for item in device.open.iter().chain(&device.release) {
            // Only what is answered counts; what changes nothing needs no entry.
            reader.messages(item)?;
        }
        let mut open = Vec::new();
        if armed_by > 0 && on[..armed_by].iter().all(|message| off.iter().flatten().any(|it| it == message)) {
            open.push(String::from("its arm and safe sequences send the same"));
            off.clear();
        }
        for slot in &reader.slots {
            for demand in [slot.open(State::Off), slot.open(State::On)].concat() {
                if !open.contains(&demand) {
                    open.push(demand);
                }
            }
        }
        let confirmed_by = match &device.verify {
            Verify::None => Vec::new(),
            Verify::Checks(checks) => checks.iter().filter_map(|check| question(&check.query)).collect(),
        };
        let answers = answers(&reader.slots).into_iter().chain(reader.replies).collect();
        let config = ScriptedConfig { speaks, on, off, on_the_way, answers, confirmed_by };
        Ok(Self { config, slots: reader.slots, programs: reader.programs, open })
    }

    /// The answers that put a reading outside its limits for as long as the output is on; for as long as the
    /// twin lives where it has no output. `None` where no value is outside.
    pub(super) fn outside(&self, reading: &Reading, limits: &Limits) -> Option<Vec<Answer>> {
        let slot = self
            .slots
            .iter()
            .find(|slot| same(&slot.query, &reading.query) && slot.field == reading.field)?;
        let value = slot.outside(limits)?;
        Some(self.while_on(&reading.query, |slots| {
            for slot in slots.iter_mut().filter(|slot| slot.field == reading.field) {
                slot.wants =
                    vec![Want { wish: Wish::Is(value.clone()), on: MUST, stopping: MUST, off: MUST }];
            }
        }))
    }

    /// The answers that are no good value of a reading, for as long as the output is on.
    pub(super) fn spoilt(&self, reading: &Reading) -> Vec<Answer> {
        let mut answers = self.while_on(&reading.query, |_| ());
        let never_on = self.config.on.is_empty();
        for answer in &mut answers {
            let spoilt = match answer.on {
                Say::Text(_) => Say::Text(String::from("?")),
                Say::Word(_) | Say::Nothing => Say::Nothing,
            };
            if never_on {
                answer.off = spoilt.clone();
            }
            answer.on = spoilt;
        }
        answers
    }

    /// The answers to one question with other wishes while the output is on.
    fn while_on(&self, query: &Step, change: impl FnOnce(&mut Vec<Slot>)) -> Vec<Answer> {
        let mut slots: Vec<Slot> =
            self.slots.iter().filter(|slot| same(&slot.query, query)).cloned().collect();
        let before = answers(&slots);
        change(&mut slots);
        let mut after = answers(&slots);
        for (answer, before) in after.iter_mut().zip(before) {
            answer.stopping = before.stopping;
            if !self.config.on.is_empty() {
                answer.off = before.off;
            }
        }
        after
    }
}

/// Takes a device's words in.
struct Reader {
    slots: Vec<Slot>,
    programs: Vec<Vec<String>>,
    /// Lines that are confirmed (`answer = "ok"`), and programs.
    replies: Vec<Answer>,
}

impl Reader {
    /// Everything that is asked in the device's sequences, and what has to come of it.
    fn sequences(&mut self, device: &DevicePlan) {
        if let Some(id) = &device.id {
            let wish = match &device.expect_id {
                Some(expected) => Wish::Contains(expected.clone()),
                None => Wish::Is(Value::Text(String::from("KILLCORD TWIN"))),
            };
            self.want(id, None, wish, [MUST; 3]);
        }
        if let Some(sync) = &device.sync {
            self.want(sync, None, Wish::Is(Value::Number(Number(1.0))), [10; 3]);
        }
        if let Some(errors) = &device.errors {
            let none = match errors {
                Step::Query { .. } => Value::Text(String::from("0,\"No error\"")),
                _ => Value::Number(Number(0.0)),
            };
            self.want(errors, None, Wish::Is(none), [MUST; 3]);
        }
        if let Verify::Checks(checks) = &device.verify {
            for check in checks {
                let condition = check.condition.clone();
                self.want(&check.query, check.field, Wish::Holds(condition.clone()), [0, 0, MUST]);
                self.want(&check.query, check.field, Wish::Breaks(condition), [100, 100, 0]);
            }
        }
        if let Some(watchdog) = &device.instrument_watchdog {
            let check = &watchdog.check;
            self.want(&check.query, check.field, Wish::Holds(check.condition.clone()), [600; 3]);
            self.asks(&watchdog.feed);
            self.items(&watchdog.arm, [1; 3], None);
            self.items(&watchdog.disarm, [1; 3], None);
        }
        self.items(&device.open, [200; 3], None);
        self.items(&device.arm, [MUST, 1, 1], None);
        let started = armed_value(device);
        self.items(&device.safe, [0, 500, 500], started);
        self.items(&device.emergency, [0, 500, 500], started);
        self.items(&device.release, [1, 1, 500], None);
    }

    /// What the checks and ramps of a sequence ask. `from`: where a ramp begins that has to be gone down.
    fn items(&mut self, items: &[Item], weights: [u32; 3], from: Option<Number>) {
        for item in items {
            match item {
                Item::Check(check) => {
                    self.want(&check.query, check.field, Wish::Holds(check.condition.clone()), weights);
                }
                Item::Ramp(ramp) => {
                    let from = from.unwrap_or(Number(ramp.to.0 + ramp.per_second.0 / 2.0));
                    self.want(&ramp.from, None, Wish::Is(Value::Number(from)), [10, 10, 0]);
                    self.want(&ramp.from, None, Wish::Is(Value::Number(ramp.to)), [0, 0, 10]);
                }
                Item::Do(step) if step.is_query() => self.asks(step),
                Item::Do(_) | Item::Wait(_) => {}
            }
        }
    }

    fn reading(&mut self, reading: &Reading) {
        match &reading.limits {
            Some(limits) => {
                let idle = if limits.r#while == While::Always { 800 } else { 1 };
                let wish = Wish::Within(limits.clone());
                self.want(&reading.query, reading.field, wish, [MUST, idle, idle]);
            }
            None => drop(self.slot(&reading.query, reading.field)),
        }
    }

    /// The messages of a control, and its readback.
    fn control(&mut self, control: &Control) -> Result<Vec<Message>, NoTwin> {
        if let Some(query) = &control.query {
            match (query, &control.kind) {
                // Holds what is written to it.
                (Step::Read { .. }, _) => {}
                (_, ControlKind::Number { min, max, .. }) => {
                    let middle = Number(f64::midpoint(min.0, max.0));
                    self.want(query, control.field, Wish::Is(Value::Number(middle)), [1; 3]);
                }
                _ => drop(self.slot(query, control.field)),
            }
        }
        let steps = match &control.kind {
            ControlKind::Number { send, .. } | ControlKind::Choice { send, .. } => {
                self.confirmed(send);
                return Ok(vec![any(send)]);
            }
            ControlKind::Toggle { on, off, .. } => vec![on, off],
            ControlKind::Button { send } => vec![send],
        };
        steps.into_iter().filter_map(|step| self.message(step).transpose()).collect()
    }

    /// What one entry of a sequence sends; of a ramp, its end.
    fn messages(&mut self, item: &Item) -> Result<Option<Message>, NoTwin> {
        match item {
            Item::Do(step) => self.message(step),
            Item::Ramp(ramp) => {
                self.confirmed(&ramp.write);
                self.message(&ramp.write.fill(&Value::Number(ramp.to)))
            }
            Item::Check(_) | Item::Wait(_) => Ok(None),
        }
    }

    fn message(&mut self, step: &Step) -> Result<Option<Message>, NoTwin> {
        Ok(Some(match step {
            Step::Send { text, answer, .. } => {
                if let Some(answer) = answer {
                    self.reply(Question::Line(text.clone()), answer);
                }
                Message::Line(text.clone())
            }
            Step::Bytes(bytes) => Message::Bytes(bytes.clone()),
            Step::WriteCoil { address, value } => Message::Coil { address: *address, on: Some(*value) },
            Step::WriteRegister { address, value, format } => {
                let words = register::encode(*value, *format);
                let words = words.ok_or_else(|| NoTwin::Register(step.to_string()))?;
                Message::Registers { address: *address, words: Some(words), mask: mask(*format) }
            }
            Step::Run { command, .. } => {
                let line = run_line(self.number(command));
                self.reply(Question::Line(line.clone()), "ok");
                Message::Line(line)
            }
            Step::Call { name } => return Err(NoTwin::Call(name.clone())),
            Step::Query { .. } | Step::Read { .. } => return Ok(None),
        }))
    }

    fn number(&mut self, command: &[String]) -> usize {
        let known = self.programs.iter().position(|program| program == command);
        known.unwrap_or_else(|| {
            self.programs.push(command.to_vec());
            self.programs.len() - 1
        })
    }

    fn confirmed(&mut self, template: &Template) {
        if let Template::Line { before, after, answer: Some(answer), .. } = template {
            self.reply(Question::LineWith { before: before.clone(), after: after.clone() }, answer);
        }
    }

    fn reply(&mut self, question: Question, answer: &str) {
        if !self.replies.iter().any(|known| known.question == question) {
            self.replies.push(Answer::always(question, Say::Text(answer.to_owned())));
        }
    }

    fn asks(&mut self, step: &Step) {
        if step.is_query() {
            self.slot(step, None);
        }
    }

    /// `weights`: on, stopping, off.
    fn want(&mut self, query: &Step, field: Option<u16>, wish: Wish, [on, stopping, off]: [u32; 3]) {
        self.slot(query, field).wants.push(Want { wish, on, stopping, off });
    }

    fn slot(&mut self, query: &Step, field: Option<u16>) -> &mut Slot {
        let known = self.slots.iter().position(|slot| same(&slot.query, query) && slot.field == field);
        let at = known.unwrap_or_else(|| {
            self.slots.push(Slot { query: query.clone(), field, wants: Vec::new() });
            self.slots.len() - 1
        });
        &mut self.slots[at]
    }
}

/// The line that stands for the program of that number.
pub(super) fn run_line(number: usize) -> String {
    format!("run {number}")
}

/// A template with whatever value.
fn any(template: &Template) -> Message {
    match template {
        Template::Line { before, after, .. } => {
            Message::LineWith { before: before.clone(), after: after.clone() }
        }
        Template::Coil { address } => Message::Coil { address: *address, on: None },
        Template::Register { address, format } => {
            Message::Registers { address: *address, words: None, mask: mask(*format) }
        }
    }
}

/// The value that arming sets and that the first ramp of `safe` brings down.
fn armed_value(device: &DevicePlan) -> Option<Number> {
    let ramp = device.safe.iter().find_map(|item| match item {
        Item::Ramp(ramp) => Some(ramp),
        _ => None,
    })?;
    device.arm.iter().find_map(|item| match (item, &ramp.write) {
        (Item::Do(Step::Send { text, .. }), Template::Line { before, after, .. }) => {
            Number::parse(text.strip_prefix(before.as_str())?.strip_suffix(after.as_str())?)
        }
        (Item::Do(Step::WriteRegister { address, value, .. }), Template::Register { address: same, .. }) => {
            (address == same).then_some(*value)
        }
        _ => None,
    })
}
