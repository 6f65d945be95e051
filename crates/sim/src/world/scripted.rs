//! What scripted instruments are told and asked over lines: whole lines, and by everybody on the line.

use std::time::Instant;

use super::{Job, Reply, World, perform::GARBAGE};
use crate::{
    config::{Answer, Language, Message},
    fault::{FaultError, Seen},
    instruments::{Model, scripted::Came},
};

impl World {
    /// The real-time commands of a line's instruments.
    pub(crate) fn immediate(&self, line: usize) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        for member in &self.lines[line].members {
            if let Model::Scripted(scripted) = &self.instruments[*member].model {
                let make = scripted.make();
                all.extend(make.on.iter().chain(make.off.iter().flatten()).filter_map(|it| match it {
                    Message::Bytes(bytes) => Some(bytes.clone()),
                    _ => None,
                }));
            }
        }
        all
    }

    /// Has a scripted instrument answer a question so from now on.
    pub(crate) fn set_answer(&mut self, name: &str, answer: Answer) -> Result<(), FaultError> {
        let index = self.find(name)?;
        match self.instruments[index].model.scripted() {
            Some(scripted) => {
                scripted.set_answer(answer);
                Ok(())
            }
            None => Err(FaultError::NotScripted { name: name.to_owned() }),
        }
    }

    pub(crate) fn now_ms(&self, now: Instant) -> f64 {
        self.record.t_ms(now)
    }

    /// Notes a line with all whom it means something to; with the first where it means nothing to anybody.
    pub(super) fn receive_scripted(
        &mut self,
        line: usize,
        bytes: Vec<u8>,
        immediate: bool,
        connection: &str,
        now: Instant,
    ) -> Job {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let members = self.lines[line].members.clone();
        let understands = |index: &usize| match &self.instruments[*index].model {
            Model::Scripted(scripted) => immediate || scripted.understands(&text),
            _ => false,
        };
        let mut targets: Vec<usize> = members.iter().copied().filter(understands).collect();
        if targets.is_empty() {
            targets.extend(members.first());
        }
        let shown = if immediate { text.escape_default().to_string() } else { text.clone() };
        let query = text.ends_with('?');
        let note = |index| (index, self.note(index, &shown, query, connection, now));
        Job::Scripted { targets: targets.into_iter().map(note).collect(), line: bytes, immediate }
    }

    pub(super) fn perform_scripted(
        &mut self,
        line: &[u8],
        immediate: bool,
        targets: &[(usize, u64)],
        now: Instant,
    ) -> Reply {
        let mut reply = Reply::default();
        let text = String::from_utf8_lossy(line).into_owned();
        for (index, seq) in targets {
            let instrument = &mut self.instruments[*index];
            let seen = Seen { text: &text, query: text.ends_with('?'), identity: false };
            let effects = instrument.faults.effects(&seen, now);
            let Some(performs) = reply.take(&effects, (*index, instrument.mended)) else {
                self.record.done(*seq, None, effects.fired);
                return reply;
            };
            if performs && let Some(scripted) = instrument.model.scripted() {
                scripted.tell(if immediate { Came::Bytes(line) } else { Came::Line(&text) });
                let answer = if immediate { None } else { scripted.ask(&text) };
                let end = match scripted.make().speaks {
                    Language::Lines { end } => end,
                    Language::Modbus { .. } => "\n",
                };
                // One wire has one answer: the first that has one gives it.
                if let Some(answer) = answer.filter(|_| !effects.mute && reply.bytes.is_empty()) {
                    reply.bytes = match effects.garbage {
                        Some(text) => text.map_or_else(|| GARBAGE.to_vec(), String::into_bytes),
                        None => answer.into_bytes(),
                    };
                    reply.bytes.extend(end.bytes());
                }
            }
            self.record.done(*seq, performs.then_some(now), effects.fired);
        }
        reply
    }
}
