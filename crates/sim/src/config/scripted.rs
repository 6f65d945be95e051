//! A scripted instrument: a list of messages says what it understands, and whether its output is on depends
//! on which of them came last.
//!
//! For whoever has an instrument's words but no model of it. It is made by programs; the file has no such
//! kind.

/// A scripted instrument's make.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScriptedConfig {
    /// What it speaks.
    pub speaks: Language,
    /// Any of these turns the output on.
    pub on: Vec<Message>,
    /// The output is off once every message of one of these sequences has come since it was last on. A
    /// message that stands here never turns it on.
    pub off: Vec<Vec<Message>>,
    /// While the output is on, these belong to turning it off and change nothing by themselves: the values
    /// that a ramp passes.
    pub on_the_way: Vec<Message>,
    /// The questions that it answers; a register that is not named holds what was written to it.
    pub answers: Vec<Answer>,
    /// Once all of these were asked since the output went off, somebody has read back that it is.
    pub confirmed_by: Vec<Question>,
}

/// What a scripted instrument speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Lines, whatever ends them; answers end in these bytes.
    Lines {
        /// `"\n"`, `"\r"` or `"\r\n"`.
        end: &'static str,
    },
    /// Modbus, as this unit; over TCP `None` is any.
    Modbus {
        /// The unit.
        unit: Option<u8>,
    },
}

impl Default for Language {
    fn default() -> Self {
        Self::Lines { end: "\n" }
    }
}

/// Something that an instrument is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// This line.
    Line(String),
    /// A line that begins and ends so, with a value between.
    LineWith {
        /// Before the value.
        before: String,
        /// Behind the value.
        after: String,
    },
    /// These bytes where a line could begin, without a line end: a real-time command.
    Bytes(Vec<u8>),
    /// One coil, written.
    Coil {
        /// On the wire, from 0.
        address: u16,
        /// With this value; `None`: any.
        on: Option<bool>,
    },
    /// Registers, written in one request.
    Registers {
        /// The first one's, on the wire, from 0.
        address: u16,
        /// With these values; `None`: any.
        words: Option<Vec<u16>>,
        /// The bits that count.
        mask: u16,
    },
}

/// Something that an instrument is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// This line.
    Line(String),
    /// A line that begins and ends so, with a value between.
    LineWith {
        /// Before the value.
        before: String,
        /// Behind the value.
        after: String,
    },
    /// A coil.
    Coil(u16),
    /// A discrete input.
    Discrete(u16),
    /// A holding register.
    Register(u16),
    /// An input register.
    Input(u16),
}

/// A question and what is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What is asked.
    pub question: Question,
    /// While the output is on.
    pub on: Say,
    /// From the first message that belongs to turning it off until it is off.
    pub stopping: Say,
    /// While it is off.
    pub off: Say,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Say {
    /// A line.
    Text(String),
    /// A register; of a coil or discrete input, 0 is off.
    Word(u16),
    /// None: Modbus exception 04, and silence on a line.
    Nothing,
}

impl Answer {
    /// The same answer in every state.
    #[must_use]
    pub fn always(question: Question, say: Say) -> Self {
        Self { question, on: say.clone(), stopping: say.clone(), off: say }
    }
}
