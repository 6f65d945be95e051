//! The bounded record of commands and changes.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use crate::{
    fault::FaultKind,
    snapshot::{Change, Command, OutputValue},
};

/// How many commands are kept, and how many changes.
pub(crate) const KEPT: usize = 10_000;
/// A longer text is cut in the record; performed it was whole.
const LONGEST_TEXT: usize = 200;

#[derive(Debug)]
pub(crate) struct Record {
    started: Instant,
    seq: u64,
    commands: VecDeque<Arc<Command>>,
    changes: VecDeque<Arc<Change>>,
    forgotten: u64,
}

impl Record {
    pub(crate) fn new(started: Instant) -> Self {
        Self { started, seq: 0, commands: VecDeque::new(), changes: VecDeque::new(), forgotten: 0 }
    }

    pub(crate) fn t_ms(&self, at: Instant) -> f64 {
        // From whole nanoseconds, so that it is read back from JSON as it was written: at most as many digits
        // as a float has, where a product would have one more.
        at.saturating_duration_since(self.started).as_nanos() as f64 / 1e6
    }

    /// Notes a command on its arrival; its number identifies it later.
    pub(crate) fn command(
        &mut self,
        now: Instant,
        instrument: &str,
        text: &str,
        connection: &str,
    ) -> Arc<Command> {
        self.seq += 1;
        if self.commands.len() == KEPT {
            self.commands.pop_front();
            self.forgotten += 1;
        }
        let command = Arc::new(Command {
            seq: self.seq,
            t_ms: self.t_ms(now),
            unix_ms: unix_ms(),
            instrument: instrument.to_owned(),
            text: shortened(text),
            connection: connection.to_owned(),
            performed_ms: None,
            faults: Vec::new(),
        });
        self.commands.push_back(Arc::clone(&command));
        command
    }

    /// Notes what became of a command.
    pub(crate) fn done(&mut self, seq: u64, performed: Option<Instant>, faults: Vec<FaultKind>) {
        let performed_ms = performed.map(|at| self.t_ms(at));
        let Ok(index) = self.commands.binary_search_by_key(&seq, |command| command.seq) else {
            return; // already forgotten
        };
        if let Some(command) = self.commands.get_mut(index) {
            let command = Arc::make_mut(command);
            command.performed_ms = performed_ms;
            command.faults = faults;
        }
    }

    pub(crate) fn change(
        &mut self,
        now: Instant,
        instrument: &str,
        output: &str,
        from: OutputValue,
        to: OutputValue,
    ) -> Arc<Change> {
        self.seq += 1;
        if self.changes.len() == KEPT {
            self.changes.pop_front();
        }
        let change = Arc::new(Change {
            seq: self.seq,
            t_ms: self.t_ms(now),
            instrument: instrument.to_owned(),
            output: output.to_owned(),
            from,
            to,
        });
        self.changes.push_back(Arc::clone(&change));
        change
    }

    pub(crate) fn commands(&self) -> impl Iterator<Item = &Arc<Command>> {
        self.commands.iter()
    }

    pub(crate) fn changes(&self) -> impl Iterator<Item = &Arc<Change>> {
        self.changes.iter()
    }

    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

/// The wall clock, milliseconds since 1970.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_stays_bounded_and_says_what_it_forgot() {
        let now = Instant::now();
        let mut record = Record::new(now);
        for _ in 0..KEPT + 7 {
            record.command(now, "psu", &"x".repeat(5000), "tcp#1");
        }
        assert_eq!(record.commands().count(), KEPT);
        assert_eq!(record.forgotten(), 7);
        record.done(3, Some(now), Vec::new()); // long forgotten: nothing happens
        record.done(100, Some(now), Vec::new());
        let performed: Vec<_> = record.commands().filter(|command| command.performed_ms.is_some()).collect();
        assert_eq!(performed.iter().map(|command| command.seq).collect::<Vec<_>>(), [100]);
        assert!(performed[0].text.chars().count() <= LONGEST_TEXT + 1);
    }
}
