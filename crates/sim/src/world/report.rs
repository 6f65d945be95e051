//! What the world shows: changes as they happen, and a snapshot of everything.

use std::time::Instant;

use super::World;
use crate::{
    fault::FaultError,
    record::unix_ms,
    snapshot::{InstrumentSnapshot, Snapshot},
};

impl World {
    /// Records and prints each output that is no longer what it was.
    pub(super) fn note_changes(&mut self, now: Instant) {
        for instrument in &mut self.instruments {
            let mut index = 0;
            let (name, shown) = (&instrument.name, &mut instrument.shown);
            instrument.model.outputs(&mut |output, value| {
                // A model names its outputs always in the same order.
                if let Some((_, last)) = shown.get_mut(index)
                    && *last != value
                {
                    let change = self.record.change(now, name, output, *last, value);
                    self.printer.change(&change);
                    *last = value;
                }
                index += 1;
            });
        }
    }

    /// Everything; of commands and changes only those after number `after`.
    pub(crate) fn snapshot(&self, now: Instant, after: u64) -> Snapshot {
        let instruments = self.instruments.iter().enumerate();
        Snapshot {
            t_ms: self.record.t_ms(now),
            unix_ms: unix_ms(),
            instruments: instruments.map(|(index, it)| (it.name.clone(), self.show(index))).collect(),
            commands: self.record.commands().filter(|command| command.seq > after).cloned().collect(),
            changes: self.record.changes().filter(|change| change.seq > after).cloned().collect(),
            forgotten: self.record.forgotten(),
        }
    }

    /// One instrument by name.
    pub(crate) fn instrument(&self, name: &str) -> Result<InstrumentSnapshot, FaultError> {
        self.find(name).map(|index| self.show(index))
    }

    fn show(&self, index: usize) -> InstrumentSnapshot {
        let instrument = &self.instruments[index];
        let line = &self.lines[instrument.line];
        let mut shown = InstrumentSnapshot {
            kind: instrument.kind.to_owned(),
            connect: line.address.clone(),
            listening: line.listening,
            connections: line.connections,
            energised: instrument.model.energised(),
            outputs: Default::default(),
            readings: Default::default(),
            faults: instrument.faults.list(),
        };
        instrument.model.outputs(&mut |name, value| {
            shown.outputs.insert(name.to_owned(), value);
        });
        instrument.model.readings(&mut |name, value| {
            shown.readings.insert(name.to_owned(), value);
        });
        shown
    }
}
