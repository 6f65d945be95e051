//! A scripted instrument's inner life: [`ScriptedConfig`] says what it understands.

use crate::{
    config::{Answer, Message, Question, Say, ScriptedConfig},
    modbus::{self, Exception, Registers, Request, Table},
    snapshot::OutputValue,
};

use std::collections::BTreeMap;

/// What came over the line.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Came<'a> {
    Line(&'a str),
    Bytes(&'a [u8]),
    Bits(u16, &'a [bool]),
    Words(u16, &'a [u16]),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Off,
    On,
    /// Something that belongs to turning it off came, not yet all of it.
    Stopping,
}

#[derive(Debug)]
pub(crate) struct Scripted {
    make: ScriptedConfig,
    state: State,
    stuck: bool,
    /// For each message of `off`, whether it came since the output was last on.
    came: Vec<Vec<bool>>,
    /// For each of `confirmed_by`, whether it was asked since the output went off.
    asked: Vec<bool>,
    coils: BTreeMap<u16, bool>,
    registers: BTreeMap<u16, u16>,
}

impl Scripted {
    pub(crate) fn new(make: ScriptedConfig) -> Self {
        let came = make.off.iter().map(|sequence| vec![false; sequence.len()]).collect();
        let asked = vec![false; make.confirmed_by.len()];
        let (coils, registers) = (BTreeMap::new(), BTreeMap::new());
        Self { make, state: State::Off, stuck: false, came, asked, coils, registers }
    }

    pub(crate) fn make(&self) -> &ScriptedConfig {
        &self.make
    }

    pub(crate) fn set_stuck(&mut self, stuck: bool) {
        self.stuck = stuck;
        self.settle();
    }

    pub(crate) fn energised(&self) -> bool {
        self.state != State::Off
    }

    pub(crate) fn outputs(&self, each: &mut dyn FnMut(&str, OutputValue)) {
        let confirmed = self.state == State::Off && self.asked.iter().all(|asked| *asked);
        each("output", OutputValue::Switch(self.energised()));
        each("stopping", OutputValue::Switch(self.state == State::Stopping));
        each("confirmed", OutputValue::Switch(confirmed));
    }

    /// From now on the question is answered so.
    pub(crate) fn set_answer(&mut self, answer: Answer) {
        match self.make.answers.iter_mut().find(|known| known.question == answer.question) {
            Some(known) => *known = answer,
            None => self.make.answers.push(answer),
        }
    }

    /// Whether a line means anything to it.
    pub(crate) fn understands(&self, line: &str) -> bool {
        let came = Came::Line(line);
        self.all_messages().any(|message| message.is(came))
            || self.make.answers.iter().any(|answer| answer.question.is_line(line))
    }

    fn all_messages(&self) -> impl Iterator<Item = &Message> {
        self.make.off.iter().flatten().chain(&self.make.on).chain(&self.make.on_the_way)
    }

    /// Does what the message says.
    pub(crate) fn tell(&mut self, came: Came<'_>) {
        let mut ends = self.state != State::Off && self.make.on_the_way.iter().any(|it| it.is(came));
        for (sequence, arrived) in self.make.off.iter().zip(&mut self.came) {
            for (message, arrived) in sequence.iter().zip(arrived) {
                if message.is(came) {
                    *arrived = true;
                    ends = true;
                }
            }
        }
        if ends {
            if self.state == State::On {
                self.state = State::Stopping;
            }
        } else if self.make.on.iter().any(|message| message.is(came)) {
            self.state = State::On;
            self.came.iter_mut().flatten().for_each(|came| *came = false);
            self.asked.fill(false);
        }
        self.settle();
    }

    fn settle(&mut self) {
        let done = |came: &Vec<bool>| !came.is_empty() && came.iter().all(|came| *came);
        if self.state == State::Stopping && !self.stuck && self.came.iter().any(done) {
            self.state = State::Off;
        }
    }

    /// What is answered to a line; `None`: nothing.
    pub(crate) fn ask(&mut self, line: &str) -> Option<String> {
        let at = self.make.answers.iter().position(|answer| answer.question.is_line(line))?;
        self.heard(|question| question.is_line(line));
        match self.say(at) {
            Say::Text(text) => Some(text.clone()),
            Say::Word(_) | Say::Nothing => None,
        }
    }

    fn say(&self, answer: usize) -> &Say {
        let answer = &self.make.answers[answer];
        match self.state {
            State::On => &answer.on,
            State::Stopping => &answer.stopping,
            State::Off => &answer.off,
        }
    }

    fn heard(&mut self, is: impl Fn(&Question) -> bool) {
        if self.state == State::Off {
            for (question, asked) in self.make.confirmed_by.iter().zip(&mut self.asked) {
                *asked = *asked || is(question);
            }
        }
    }

    /// Performs a Modbus request and gives the answer's PDU.
    pub(crate) fn request(&mut self, request: &Request) -> Result<Vec<u8>, Exception> {
        let answer = modbus::answer(self, request)?;
        match request {
            Request::WriteBits { address, bits, .. } => self.tell(Came::Bits(*address, bits)),
            Request::WriteWords { address, words, .. } => self.tell(Came::Words(*address, words)),
            Request::ReadBits { table, address, count } | Request::ReadWords { table, address, count } => {
                let end = address.saturating_add(*count);
                self.heard(|question| {
                    question.address().is_some_and(|(of, at)| of == *table && (*address..end).contains(&at))
                });
            }
        }
        Ok(answer)
    }

    /// What is scripted for an address.
    fn scripted(&self, table: Table, address: u16) -> Option<Result<u16, Exception>> {
        let asked = |answer: &Answer| answer.question.address() == Some((table, address));
        let at = self.make.answers.iter().position(asked)?;
        Some(match self.say(at) {
            Say::Word(word) => Ok(*word),
            Say::Text(_) | Say::Nothing => Err(Exception::DeviceFailure),
        })
    }
}

impl Registers for Scripted {
    fn bit(&self, table: Table, address: u16) -> Result<bool, Exception> {
        match (self.scripted(table, address), table) {
            (Some(scripted), _) => scripted.map(|word| word != 0),
            (None, Table::Coils) => Ok(self.coils.get(&address).copied().unwrap_or_default()),
            (None, _) => Ok(false),
        }
    }

    fn word(&self, table: Table, address: u16) -> Result<u16, Exception> {
        match (self.scripted(table, address), table) {
            (Some(scripted), _) => scripted,
            (None, Table::Holding) => Ok(self.registers.get(&address).copied().unwrap_or_default()),
            (None, _) => Ok(0),
        }
    }

    fn check_bit(&self, _: u16) -> Result<(), Exception> {
        Ok(())
    }

    fn check_word(&self, _: u16, _: u16) -> Result<(), Exception> {
        Ok(())
    }

    fn set_bit(&mut self, address: u16, on: bool) {
        self.coils.insert(address, on);
    }

    fn set_word(&mut self, address: u16, value: u16) {
        self.registers.insert(address, value);
    }
}

fn between(line: &str, before: &str, after: &str) -> bool {
    line.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).is_some_and(|value| !value.is_empty())
}

impl Message {
    fn is(&self, came: Came<'_>) -> bool {
        match (self, came) {
            (Self::Line(line), Came::Line(came)) => line.trim() == came,
            (Self::LineWith { before, after }, Came::Line(came)) => {
                between(came, before.trim_start(), after.trim_end())
            }
            (Self::Bytes(bytes), Came::Bytes(came)) => bytes == came,
            (Self::Coil { address, on }, Came::Bits(first, bits)) => {
                let bit = address.checked_sub(first).and_then(|at| bits.get(usize::from(at)));
                bit.is_some_and(|bit| on.is_none_or(|on| on == *bit))
            }
            (Self::Registers { address, words, mask }, Came::Words(first, came)) => {
                let came = address.checked_sub(first).and_then(|at| came.get(usize::from(at)..));
                let same = |(want, got): (&u16, &u16)| want & mask == got & mask;
                came.is_some_and(|came| match words {
                    Some(words) => came.len() >= words.len() && words.iter().zip(came).all(same),
                    None => !came.is_empty(),
                })
            }
            _ => false,
        }
    }
}

impl Question {
    fn is_line(&self, came: &str) -> bool {
        match self {
            Self::Line(line) => line.trim() == came,
            Self::LineWith { before, after } => between(came, before.trim_start(), after.trim_end()),
            _ => false,
        }
    }

    const fn address(&self) -> Option<(Table, u16)> {
        match self {
            Self::Coil(at) => Some((Table::Coils, *at)),
            Self::Discrete(at) => Some((Table::Discrete, *at)),
            Self::Register(at) => Some((Table::Holding, *at)),
            Self::Input(at) => Some((Table::Input, *at)),
            Self::Line(_) | Self::LineWith { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Message {
        Message::Line(text.to_owned())
    }

    fn supply() -> Scripted {
        let question = Question::Line("OUTP?".to_owned());
        let say = |text: &str| Say::Text(text.to_owned());
        Scripted::new(ScriptedConfig {
            on: vec![line("OUTP ON"), Message::LineWith { before: "VOLT ".to_owned(), after: String::new() }],
            off: vec![vec![line("VOLT 0"), line("OUTP OFF")], vec![line("ABOR")]],
            on_the_way: vec![Message::LineWith { before: "VOLT ".to_owned(), after: String::new() }],
            answers: vec![Answer {
                question: question.clone(),
                on: say("1"),
                stopping: say("1"),
                off: say("0"),
            }],
            confirmed_by: vec![question],
            ..ScriptedConfig::default()
        })
    }

    fn shows(scripted: &Scripted) -> String {
        let mut shown = Vec::new();
        scripted.outputs(&mut |name, value| {
            if value == OutputValue::Switch(true) {
                shown.push(name.to_owned());
            }
        });
        shown.join(" ")
    }

    #[test]
    fn the_output_is_off_only_once_a_whole_sequence_has_come_since_it_was_on() {
        for (came, expected) in [
            (&["OUTP ON"][..], "output"),
            (&["VOLT 5"], "output"),
            (&["OUTP ON", "VOLT 0"], "output stopping"),
            (&["OUTP ON", "VOLT 0", "OUTP OFF"], ""),
            (&["OUTP ON", "OUTP OFF", "VOLT 0"], ""),
            (&["OUTP ON", "OUTP OFF", "VOLT 6", "VOLT 3", "VOLT 0"], ""),
            (&["OUTP ON", "VOLT 0", "OUTP ON", "OUTP OFF"], "output stopping"),
            (&["VOLT 0", "OUTP OFF", "OUTP ON", "OUTP OFF"], "output stopping"),
            (&["OUTP ON", "VOLT 0", "ABOR"], ""),
            (&["OUTP ON", "NOISE"], "output"),
        ] {
            let mut supply = supply();
            came.iter().for_each(|line| supply.tell(Came::Line(line)));
            assert_eq!(shows(&supply), expected, "{came:?}");
        }
    }

    #[test]
    fn only_a_question_after_the_end_confirms_it() {
        let mut supply = supply();
        supply.tell(Came::Line("OUTP ON"));
        assert_eq!(supply.ask("OUTP?").as_deref(), Some("1"));
        supply.tell(Came::Line("ABOR"));
        assert_eq!(shows(&supply), "");
        assert_eq!(supply.ask("OUTP?").as_deref(), Some("0"));
        assert_eq!(shows(&supply), "confirmed");
        supply.tell(Came::Line("OUTP ON"));
        supply.tell(Came::Line("ABOR"));
        assert_eq!(shows(&supply), "");
        assert_eq!(supply.ask("FREQ?"), None);
    }

    #[test]
    fn a_stuck_output_never_goes_off() {
        let mut supply = supply();
        supply.set_stuck(true);
        supply.tell(Came::Line("OUTP ON"));
        supply.tell(Came::Line("ABOR"));
        assert_eq!(shows(&supply), "output stopping");
        supply.set_stuck(false);
        assert_eq!(shows(&supply), "");
    }

    #[test]
    fn registers_count_whole_and_by_their_mask() {
        let words =
            |address, words: &[u16], mask| Message::Registers { address, words: Some(words.to_vec()), mask };
        for (message, came, expected) in [
            (words(100, &[0, 7], 0xFFFF), Came::Words(100, &[0, 7]), true),
            (words(100, &[0, 7], 0xFFFF), Came::Words(100, &[0, 8]), false),
            (words(100, &[0, 7], 0xFFFF), Came::Words(100, &[0]), false),
            (words(101, &[7], 0xFFFF), Came::Words(100, &[0, 7]), true),
            (words(100, &[0], 0x0004), Came::Words(100, &[0xFFF3]), true),
            (words(100, &[0], 0x0004), Came::Words(100, &[0x0004]), false),
            (Message::Coil { address: 1, on: Some(false) }, Came::Bits(0, &[true, false]), true),
            (Message::Coil { address: 1, on: None }, Came::Bits(0, &[true]), false),
        ] {
            assert_eq!(message.is(came), expected, "{message:?} {came:?}");
        }
    }
}
