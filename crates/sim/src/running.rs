//! Starting a bench, and holding it while it runs.

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tokio::{
    net::TcpListener,
    runtime::{self, Runtime},
    sync::watch,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use crate::{
    address::{Address, Addresses, Place},
    config::{Answer, Config, InstrumentConfig, Listen, check::shares_line},
    fault::{Fault, FaultError},
    line::{self, Speaks, pty::Pty},
    printer::Printer,
    snapshot::Snapshot,
    witness,
    world::{Shared, World},
};

/// How often physics and faults go on when nobody asks.
const TICK: Duration = Duration::from_millis(20);
/// Longer than this nobody waits for the tasks to end.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// The simulator.
#[derive(Debug)]
pub struct Sim;

/// A bench that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An instrument cannot listen: another program has the port, or the path is taken.
    #[error(
        "{name} cannot listen at {at}; end the program that has it, or choose another place (port 0: any)"
    )]
    Listen {
        /// The instrument.
        name: String,
        /// The place.
        at: String,
        /// Why.
        source: io::Error,
    },
    /// The witness cannot listen.
    #[error("the witness cannot listen at {at}; choose another port, or 0 for any")]
    Witness {
        /// The place.
        at: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The operating system gives no threads.
    #[error("cannot start the simulator's threads; close other programs and try again")]
    Threads {
        /// Why.
        source: io::Error,
    },
}

/// A state that did not come.
#[derive(Debug, thiserror::Error)]
#[error("the bench was not in the awaited state within {within:?}; it is: {}", outline(last))]
pub struct WaitError {
    /// How long was waited.
    pub within: Duration,
    /// What was there instead.
    pub last: Box<Snapshot>,
}

fn outline(snapshot: &Snapshot) -> String {
    let last: Vec<_> = snapshot.commands.iter().rev().take(5).map(|command| &command.text).collect();
    let states = snapshot.instruments.iter().map(|(name, it)| format!("{name} {:?}", it.outputs));
    format!("{}; last commands (newest first) {last:?}", states.collect::<Vec<_>>().join(", "))
}

/// What another process needs to know of a running bench: the first thing that `killcord sim` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Announcement {
    /// The URL of the witness.
    pub witness: String,
    /// Where each instrument listens, as a rig file's `connect`.
    pub instruments: Addresses,
}

/// A running bench. Dropping it stops it.
#[derive(Debug)]
pub struct Running {
    shared: Arc<Shared>,
    witness: SocketAddr,
    stop: watch::Sender<bool>,
    stopped: mpsc::Receiver<()>,
    runtime: Option<Runtime>,
}

enum Opened {
    Tcp(TcpListener),
    Pty(Pty),
}

impl Sim {
    /// Starts the instruments and the witness; when this returns, all of them listen.
    ///
    /// # Errors
    /// [`StartError`]: a port or path is taken, or there are no threads.
    pub fn start(config: Config) -> Result<Running, StartError> {
        Self::start_printing(config, Printer::none())
    }

    /// The same, with each command and each change printed.
    ///
    /// # Errors
    /// As [`Sim::start`].
    pub fn start_printing(config: Config, printer: Printer) -> Result<Running, StartError> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("sim")
            .enable_all()
            .build()
            .map_err(|source| StartError::Threads { source })?;
        let inside = runtime.enter();
        let mut lines = Vec::new();
        let mut places = Vec::new();
        for (index, instrument) in config.instruments.iter().enumerate() {
            let shared = config.instruments[..index].iter().position(|other| shares_line(instrument, other));
            if let Some(first) = shared {
                let with_first = |(_, members): &&mut (Address, Vec<usize>)| members.contains(&first);
                if let Some((_, members)) = lines.iter_mut().find(with_first) {
                    members.push(index);
                    continue;
                }
            }
            let (place, address) = open(instrument)?;
            lines.push((address, vec![index]));
            places.push((place, speaks(instrument)));
        }
        let at = config.witness;
        let listener = line::tcp::listen(at).map_err(|source| StartError::Witness { at, source })?;
        let witness = listener.local_addr().map_err(|source| StartError::Witness { at, source })?;
        let shared = Arc::new(Shared::new(World::new(&config, lines, printer, Instant::now())));

        let mut tasks = JoinSet::new();
        tasks.spawn(tick(Arc::clone(&shared)));
        tasks.spawn(witness::serve(Arc::clone(&shared), listener));
        for (line, (place, speaks)) in places.into_iter().enumerate() {
            match place {
                Opened::Tcp(listener) => {
                    tasks.spawn(line::tcp::serve(Arc::clone(&shared), line, speaks, listener))
                }
                Opened::Pty(pty) => tasks.spawn(line::pty::serve(Arc::clone(&shared), line, speaks, pty)),
            };
        }
        let (stop, asked) = watch::channel(false);
        let (ended, stopped) = mpsc::sync_channel(1);
        runtime.spawn(supervise(tasks, asked, ended));
        drop(inside);
        Ok(Running { shared, witness, stop, stopped, runtime: Some(runtime) })
    }
}

fn speaks(instrument: &InstrumentConfig) -> Speaks {
    match (instrument.kind.is_modbus(), &instrument.listen) {
        (false, _) => Speaks::Text,
        (true, Listen::Pty(_)) => Speaks::ModbusRtu,
        (true, Listen::Tcp(_) | Listen::With(_)) => Speaks::ModbusTcp,
    }
}

fn open(instrument: &InstrumentConfig) -> Result<(Opened, Address), StartError> {
    let modbus = instrument.kind.is_modbus();
    let opened = match &instrument.listen {
        Listen::Tcp(at) => line::tcp::listen(*at).and_then(|listener| {
            let place = Place::Tcp(listener.local_addr()?);
            Ok((Opened::Tcp(listener), Address { place, modbus }))
        }),
        Listen::Pty(link) => Pty::open(link.as_deref()).map(|pty| {
            let place = Place::Pty(pty.path().to_owned());
            (Opened::Pty(pty), Address { place, modbus })
        }),
        // Those that are there have been put on its line.
        Listen::With(_) => Err(io::ErrorKind::NotFound.into()),
    };
    opened.map_err(|source| StartError::Listen {
        name: instrument.name.clone(),
        at: match &instrument.listen {
            Listen::Tcp(at) => at.to_string(),
            Listen::With(name) => format!("the line of {name}"),
            Listen::Pty(link) => {
                link.clone().unwrap_or_else(|| PathBuf::from("a new pty")).display().to_string()
            }
        },
        source,
    })
}

async fn tick(shared: Arc<Shared>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        shared.update(|_, _| ());
    }
}

/// Owns every task; ends them when asked.
async fn supervise(mut tasks: JoinSet<()>, mut asked: watch::Receiver<bool>, ended: mpsc::SyncSender<()>) {
    // An error says that the holder is gone, which asks the same.
    drop(asked.wait_for(|stop| *stop).await);
    tasks.shutdown().await;
    let _nobody_waits = ended.send(());
}

impl Running {
    /// Where each instrument really listens.
    pub fn addresses(&self) -> Addresses {
        let snapshot = self.shared.lock().snapshot(Instant::now(), u64::MAX);
        snapshot.instruments.into_iter().map(|(name, instrument)| (name, instrument.connect)).collect()
    }

    /// The URL of the witness, without a slash at its end.
    pub fn witness_url(&self) -> String {
        format!("http://{}", self.witness)
    }

    /// What another process needs to know.
    pub fn announcement(&self) -> Announcement {
        Announcement { witness: self.witness_url(), instruments: self.addresses() }
    }

    /// The moment, in milliseconds since the start: the clock of the record.
    pub fn now_ms(&self) -> f64 {
        self.shared.lock().now_ms(Instant::now())
    }

    /// Has a scripted instrument answer a question so from now on.
    ///
    /// # Errors
    /// [`FaultError`]: no instrument has that name, or it is not scripted.
    pub fn set_answer(&self, instrument: &str, answer: Answer) -> Result<(), FaultError> {
        self.shared.update(|world, _| world.set_answer(instrument, answer))
    }

    /// Everything as it is now.
    pub fn inspect(&self) -> Snapshot {
        self.shared.update(|world, now| world.snapshot(now, 0))
    }

    /// Adds a fault to an instrument.
    ///
    /// # Errors
    /// [`FaultError`]: no such instrument, or a fault that could never take effect.
    pub fn fault(&self, instrument: &str, fault: Fault) -> Result<(), FaultError> {
        self.shared.update(|world, now| world.add_fault(instrument, fault, now))
    }

    /// Clears all faults of an instrument.
    ///
    /// # Errors
    /// [`FaultError::UnknownInstrument`].
    pub fn clear_faults(&self, instrument: &str) -> Result<(), FaultError> {
        self.shared.update(|world, _| world.clear_faults(instrument))
    }

    /// Waits until the bench is in a state, and gives that state. A state, not a change: if it holds
    /// already, this returns at once.
    ///
    /// # Errors
    /// [`WaitError`] with what was there instead.
    pub fn wait_until(
        &self,
        mut state: impl FnMut(&Snapshot) -> bool,
        within: Duration,
    ) -> Result<Snapshot, WaitError> {
        let deadline = Instant::now() + within;
        loop {
            let world = self.shared.lock();
            let snapshot = world.snapshot(Instant::now(), 0);
            // Judged under the lock, so that no change falls between the look and the wait.
            if state(&snapshot) {
                return Ok(snapshot);
            }
            if Instant::now() >= deadline {
                return Err(WaitError { within, last: Box::new(snapshot) });
            }
            drop(self.shared.wait(world, deadline));
        }
    }

    /// Ends the instruments: connections are closed, ports free, links to ptys removed when this returns.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        self.stop.send_replace(true);
        let _too_late = self.stopped.recv_timeout(STOP_WITHIN);
        // Not its blocking drop: this may run inside another runtime.
        runtime.shutdown_background();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
