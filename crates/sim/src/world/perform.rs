//! From a frame on a line to what is done and answered, faults included.
//!
//! Arrival and performance are two acts: an instrument that is busy still notes when the bytes came.

use std::time::{Duration, Instant};

use super::World;
use crate::{
    config::Language,
    fault::{Effects, Seen},
    instruments::Model,
    modbus::{self, Exception, Request, tcp::Adu},
    scpi::{self, ScpiError},
};

/// What came over a line, whole.
#[derive(Debug)]
pub(crate) enum Frame {
    /// A line of text without its end.
    Text(String),
    /// Bytes that are a command without a line end.
    Immediate(Vec<u8>),
    /// A line longer than an instrument's buffer; it was thrown away.
    Overrun,
    /// A Modbus TCP request.
    Tcp(Adu),
    /// A Modbus RTU request.
    Rtu(u8, Vec<u8>),
}

/// A frame noted in the record, still to be performed.
#[derive(Debug)]
pub(crate) enum Job {
    Units { instrument: usize, units: Vec<(u64, String)> },
    Overrun { instrument: usize },
    Scripted { line: Vec<u8>, immediate: bool, targets: Vec<(usize, u64)> },
    Modbus { transaction: Option<u16>, unit: u8, pdu: Vec<u8>, targets: Vec<(usize, u64)> },
}

/// What goes back.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    pub(crate) bytes: Vec<u8>,
    /// The instrument does nothing else for so long before it answers.
    pub(crate) busy: Duration,
    /// The answer is under way for so long.
    pub(crate) late: Duration,
    /// The answer never ends, until this instrument has been mended more often than this.
    pub(crate) endless: Option<(usize, u64)>,
    /// No answer: the connection is closed.
    pub(crate) hang_up: bool,
}

pub(super) const GARBAGE: &[u8] = b"\x00\xfe#?!~\x07\x80";

impl World {
    /// Notes a frame's arrival.
    pub(crate) fn receive(
        &mut self,
        line: usize,
        frame: Frame,
        connection: &str,
        now: Instant,
    ) -> Option<Job> {
        match frame {
            Frame::Text(text) if self.is_scripted(line) => {
                Some(self.receive_scripted(line, text.into_bytes(), false, connection, now))
            }
            Frame::Immediate(bytes) => Some(self.receive_scripted(line, bytes, true, connection, now)),
            Frame::Text(text) => {
                let instrument = *self.lines[line].members.first()?;
                let units = scpi::units(&text).into_iter();
                let units: Vec<_> = units
                    .map(|unit| {
                        (self.note(instrument, unit, scpi::is_query(unit), connection, now), unit.to_owned())
                    })
                    .collect();
                (!units.is_empty()).then_some(Job::Units { instrument, units })
            }
            Frame::Overrun => Some(Job::Overrun { instrument: *self.lines[line].members.first()? }),
            Frame::Tcp(Adu { transaction, unit, pdu }) => {
                Some(self.receive_modbus(line, Some(transaction), unit, pdu, connection, now))
            }
            Frame::Rtu(unit, pdu) => Some(self.receive_modbus(line, None, unit, pdu, connection, now)),
        }
    }

    fn receive_modbus(
        &mut self,
        line: usize,
        transaction: Option<u16>,
        unit: u8,
        pdu: Vec<u8>,
        connection: &str,
        now: Instant,
    ) -> Job {
        let request = Request::parse(&pdu);
        let text = match &request {
            Ok(request) => request.to_string(),
            Err(_) => format!("function {} (wrong)", pdu.first().copied().unwrap_or(0)),
        };
        let query = matches!(request, Ok(Request::ReadBits { .. } | Request::ReadWords { .. }));
        // On a serial line 0 addresses everybody; over TCP it is only another number.
        let answers_to =
            |own: Option<u8>| own.is_none_or(|own| own == unit || (unit, transaction) == (0, None));
        let addressed = |index: &usize| match &self.instruments[*index].model {
            Model::Furnace(furnace) => answers_to(furnace.unit()),
            Model::Scripted(scripted) => match scripted.make().speaks {
                Language::Modbus { unit } => answers_to(unit),
                Language::Lines { .. } => false,
            },
            _ => false,
        };
        let targets: Vec<usize> = self.lines[line].members.iter().copied().filter(addressed).collect();
        let note = |index| (index, self.note(index, &text, query, connection, now));
        Job::Modbus { transaction, unit, targets: targets.into_iter().map(note).collect(), pdu }
    }

    fn is_scripted(&self, line: usize) -> bool {
        let first = self.lines[line].members.first();
        first.is_some_and(|first| matches!(self.instruments[*first].model, Model::Scripted(_)))
    }

    pub(super) fn note(
        &mut self,
        instrument: usize,
        text: &str,
        query: bool,
        connection: &str,
        now: Instant,
    ) -> u64 {
        let command = self.record.command(now, &self.instruments[instrument].name, text, connection);
        self.printer.command(&command, query);
        command.seq
    }

    /// Does what was received and says what goes back.
    pub(crate) fn perform(&mut self, job: Job, now: Instant) -> Reply {
        match job {
            Job::Units { instrument, units } => self.perform_units(instrument, units, now),
            Job::Overrun { instrument } => {
                self.instruments[instrument].parser.queue(ScpiError::INPUT_OVERRUN);
                Reply::default()
            }
            Job::Scripted { line, immediate, targets } => {
                self.perform_scripted(&line, immediate, &targets, now)
            }
            Job::Modbus { transaction, unit, pdu, targets } => {
                self.perform_modbus(transaction, unit, &pdu, &targets, now)
            }
        }
    }

    fn perform_units(&mut self, index: usize, units: Vec<(u64, String)>, now: Instant) -> Reply {
        let mut reply = Reply::default();
        let mut answers: Vec<Vec<u8>> = Vec::new();
        let mut path = String::new();
        let instrument = &mut self.instruments[index];
        for (seq, text) in units {
            let seen = Seen { text: &text, query: scpi::is_query(&text), identity: scpi::is_identity(&text) };
            let effects = instrument.faults.effects(&seen, now);
            let Some(performs) = reply.take(&effects, (index, instrument.mended)) else {
                self.record.done(seq, None, effects.fired);
                return reply;
            };
            let mut answer = None;
            if let Some(said) = &effects.refuse {
                instrument.parser.queue(ScpiError::EXECUTION);
                answer = said.clone();
            } else if performs && let Some(model) = instrument.model.scpi() {
                answer = instrument.parser.perform(model, &mut path, &text, now);
                if let Model::Supply(supply) = &mut instrument.model {
                    supply.feed(now);
                }
            }
            if let (Some(other), Some(_)) = (&effects.wrong_identity, &answer) {
                answer = Some(other.clone().unwrap_or_else(|| "ACME,OTHER INSTRUMENT,0,0".to_owned()));
            }
            if !effects.mute
                && let Some(answer) = answer
            {
                answers.push(match effects.garbage {
                    Some(text) => text.map_or_else(|| GARBAGE.to_vec(), String::into_bytes),
                    None => answer.into_bytes(),
                });
            }
            self.record.done(seq, performs.then_some(now), effects.fired);
        }
        if !answers.is_empty() {
            reply.bytes = answers.join(&b';');
            if reply.endless.is_none() {
                reply.bytes.push(b'\n');
            }
        }
        reply
    }

    fn perform_modbus(
        &mut self,
        transaction: Option<u16>,
        unit: u8,
        pdu: &[u8],
        targets: &[(usize, u64)],
        now: Instant,
    ) -> Reply {
        let mut reply = Reply::default();
        let frame = |answer: &[u8]| match transaction {
            Some(transaction) => modbus::tcp::frame(transaction, unit, answer),
            None => modbus::rtu::frame(unit, answer),
        };
        if targets.is_empty() && transaction.is_some() {
            reply.bytes = frame(&modbus::exception(pdu, Exception::NoSuchUnit));
        }
        let request = Request::parse(pdu);
        for (index, seq) in targets {
            let instrument = &mut self.instruments[*index];
            let text = request.as_ref().map(ToString::to_string).unwrap_or_default();
            let identity = request.as_ref().is_ok_and(Request::is_identity);
            let effects = instrument.faults.effects(&Seen { text: &text, query: true, identity }, now);
            let Some(performs) = reply.take(&effects, (*index, instrument.mended)) else {
                self.record.done(*seq, None, effects.fired);
                return reply;
            };
            let answer = if effects.refuse.is_some() {
                Err(Exception::DeviceFailure)
            } else if performs && let Some(scripted) = instrument.model.scripted() {
                request.as_ref().map_err(|wrong| *wrong).and_then(|request| scripted.request(request))
            } else if performs && let Some(furnace) = instrument.model.furnace() {
                furnace.disguise(effects.wrong_identity.is_some());
                let answer = request
                    .as_ref()
                    .map_err(|wrong| *wrong)
                    .and_then(|request| modbus::answer(furnace, request));
                furnace.disguise(false);
                answer
            } else {
                Err(Exception::DeviceFailure)
            };
            let performed = performs && answer.is_ok();
            let broadcast = unit == 0 && transaction.is_none();
            if !(effects.mute || effects.dead || broadcast) {
                reply.bytes = match effects.garbage {
                    Some(text) => text.map_or_else(|| GARBAGE.to_vec(), String::into_bytes),
                    None => frame(&answer.unwrap_or_else(|wrong| modbus::exception(pdu, wrong))),
                };
            }
            self.record.done(*seq, performed.then_some(now), effects.fired);
        }
        reply
    }
}

impl Reply {
    /// Takes over what the faults do to the answer. `None`: the connection closes; else whether the
    /// command is performed.
    pub(super) fn take(&mut self, effects: &Effects, instrument: (usize, u64)) -> Option<bool> {
        if effects.hang_up {
            self.hang_up = true;
            return None;
        }
        self.busy += effects.busy;
        self.late += effects.late;
        if effects.endless {
            self.endless = Some(instrument);
        }
        Some(!effects.dead && effects.refuse.is_none())
    }
}
