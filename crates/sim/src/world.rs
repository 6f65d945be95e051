//! All instruments under one lock: commands come in, time goes by, outputs change.
//!
//! Nothing in here waits: no socket, no file, no clock but the moment it is given.

mod perform;
mod physics;
mod report;
mod scripted;

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use crate::{
    address::Address,
    config::Config,
    fault::{Fault, FaultError, FaultKind, Faults},
    instruments::Model,
    printer::Printer,
    record::Record,
    scpi::Parser,
    snapshot::OutputValue,
};

pub(crate) use self::perform::{Frame, Job, Reply};

/// What a line's tasks obey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gate {
    pub(crate) reading: bool,
    pub(crate) plugged: bool,
    /// One client at a time, and how long one that has gone is believed in.
    pub(crate) one_client: Option<Duration>,
}

/// A socket or pty with the instruments on it.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) address: Address,
    pub(crate) members: Vec<usize>,
    gate: watch::Sender<Gate>,
    pub(crate) connections: usize,
    pub(crate) listening: bool,
}

#[derive(Debug)]
struct Instrument {
    name: String,
    kind: &'static str,
    model: Model,
    parser: Parser,
    faults: Faults,
    /// Counts how often faults ended, so that an endless answer knows its end.
    mended: u64,
    line: usize,
    /// For a load: the index of its supply.
    source: Option<usize>,
    /// The outputs as last recorded.
    shown: Vec<(String, OutputValue)>,
}

/// The bench.
#[derive(Debug)]
pub(crate) struct World {
    last: Instant,
    instruments: Vec<Instrument>,
    lines: Vec<Line>,
    record: Record,
    printer: Printer,
    connections_so_far: u64,
}

impl World {
    /// `lines`: each one's address and the indices of its instruments.
    pub(crate) fn new(
        config: &Config,
        lines: Vec<(Address, Vec<usize>)>,
        printer: Printer,
        now: Instant,
    ) -> Self {
        let line_of =
            |index: usize| lines.iter().position(|(_, members)| members.contains(&index)).unwrap_or(0);
        let named = |name: &str| config.instruments.iter().position(|instrument| instrument.name == name);
        let instruments = config.instruments.iter().enumerate().map(|(index, config)| {
            let mut faults = Faults::default();
            config.faults.iter().for_each(|fault| faults.add(fault.clone(), now));
            let model = Model::new(&config.kind, now);
            let mut shown = Vec::new();
            model.outputs(&mut |name, value| shown.push((name.to_owned(), value)));
            let source = match &model {
                Model::Load(load) => load.source().and_then(named),
                _ => None,
            };
            Instrument {
                name: config.name.clone(),
                kind: config.kind.word(),
                model,
                parser: Parser::default(),
                faults,
                mended: 0,
                line: line_of(index),
                source,
                shown,
            }
        });
        let instruments = instruments.collect();
        let line = |(address, members)| Line {
            address,
            members,
            gate: watch::Sender::new(Gate { reading: true, plugged: true, one_client: None }),
            connections: 0,
            listening: true,
        };
        let mut world = Self {
            last: now,
            instruments,
            lines: lines.into_iter().map(line).collect(),
            record: Record::new(now),
            printer,
            connections_so_far: 0,
        };
        world.faults_changed();
        world
    }

    pub(crate) fn line(&mut self, line: usize) -> &mut Line {
        &mut self.lines[line]
    }

    pub(crate) fn gate(&self, line: usize) -> watch::Receiver<Gate> {
        self.lines[line].gate.subscribe()
    }

    /// A number for a new connection.
    pub(crate) fn next_connection(&mut self) -> u64 {
        self.connections_so_far += 1;
        self.connections_so_far
    }

    pub(crate) fn mended(&self, instrument: usize) -> u64 {
        self.instruments[instrument].mended
    }

    pub(crate) fn add_fault(&mut self, name: &str, fault: Fault, now: Instant) -> Result<(), FaultError> {
        fault.check()?;
        let index = self.find(name)?;
        self.instruments[index].faults.add(fault, now);
        self.faults_changed();
        Ok(())
    }

    pub(crate) fn clear_faults(&mut self, name: &str) -> Result<(), FaultError> {
        let index = self.find(name)?;
        self.instruments[index].faults.clear();
        self.instruments[index].mended += 1;
        self.faults_changed();
        Ok(())
    }

    pub(crate) fn faults(&self, name: &str) -> Result<Vec<Fault>, FaultError> {
        Ok(self.instruments[self.find(name)?].faults.list())
    }

    fn find(&self, name: &str) -> Result<usize, FaultError> {
        self.instruments.iter().position(|instrument| instrument.name == name).ok_or_else(|| {
            let known: Vec<_> = self.instruments.iter().map(|instrument| instrument.name.as_str()).collect();
            FaultError::UnknownInstrument { name: name.to_owned(), known: known.join(", ") }
        })
    }

    /// Carries the faults that are states into outputs and lines.
    fn faults_changed(&mut self) {
        for instrument in &mut self.instruments {
            instrument.model.set_stuck(instrument.faults.stuck());
        }
        for line in &self.lines {
            let none_has =
                |kind| !line.members.iter().any(|member| self.instruments[*member].faults.has(kind));
            let one_client =
                line.members.iter().filter_map(|member| self.instruments[*member].faults.one_client()).max();
            let gate = Gate {
                reading: none_has(FaultKind::NotReading),
                plugged: none_has(FaultKind::Unplugged),
                one_client,
            };
            line.gate.send_if_modified(|current| std::mem::replace(current, gate) != gate);
        }
    }

    /// Brings everything to `now`.
    fn advance(&mut self, now: Instant) {
        let mut ended = false;
        for instrument in &mut self.instruments {
            if instrument.faults.expire(now) {
                instrument.mended += 1;
                ended = true;
            }
        }
        if ended {
            self.faults_changed();
        }
        self.let_time_pass(now);
    }
}

/// The world with its lock, and those who wait for it to change.
#[derive(Debug)]
pub(crate) struct Shared {
    world: Mutex<World>,
    changed: Condvar,
}

impl Shared {
    pub(crate) fn new(world: World) -> Self {
        Self { world: Mutex::new(world), changed: Condvar::new() }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the world to now, does something to it, records what changed, wakes who waits.
    pub(crate) fn update<R>(&self, act: impl FnOnce(&mut World, Instant) -> R) -> R {
        let mut world = self.lock();
        let now = Instant::now();
        world.advance(now);
        world.note_changes(now);
        let result = act(&mut world, now);
        world.note_changes(now);
        drop(world);
        self.changed.notify_all();
        result
    }

    /// Waits for the next update, at most until `deadline`.
    pub(crate) fn wait<'a>(&self, world: MutexGuard<'a, World>, deadline: Instant) -> MutexGuard<'a, World> {
        let left = deadline.saturating_duration_since(Instant::now());
        self.changed.wait_timeout(world, left).unwrap_or_else(PoisonError::into_inner).0
    }
}
