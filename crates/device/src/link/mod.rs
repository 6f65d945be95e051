//! Links: one thread for each wire or socket, which does all its devices' input and output.
//!
//! Jobs go by two lanes ahead of polling: `Safe`, which cuts in on whatever is in flight, and the rest.
//! Nothing here decides what is to be done; it decides what goes first on a wire, and never lets a stale or
//! unanswered exchange pass for a good one.

mod common;
mod exchange;
mod idle;
mod job;
mod open;
mod poll;
mod queue;
mod slot;
mod tally;
mod worker;

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::Ordering,
        mpsc::{Receiver, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use killcord_core::{DeviceIx, Epoch, LinkIx, Plan, plan::Failure};

use self::{
    common::Common,
    poll::Schedule,
    queue::{Queue, Refusal},
    slot::Slot,
    tally::Counts,
    worker::LinkWorker,
};
pub use self::{
    common::{Shared, StartError},
    job::{Done, Job, Lane, LinkEvent, Reply},
    poll::{Poll, PollId},
    tally::Tally,
};
use crate::{
    Setup,
    transport::{self, Handed, Holdings, Transport, Wire},
};

/// The stack of a link's thread. The watchdog's memory is locked, so each counts in full; nothing of ours on it
/// is larger than a 4 KiB buffer, and nothing recurses.
const STACK: usize = 256 * 1024;

/// Is told what happens on the links; called on their threads, and must not block.
pub type Events = Arc<dyn Fn(LinkEvent) + Send + Sync>;

struct Link {
    queue: Arc<Queue>,
    holdings: Holdings,
    ended: Mutex<Receiver<()>>,
    /// Never joined: a thread that is stuck must not hold anybody up; `ended` says when it is gone.
    _thread: JoinHandle<()>,
}

/// The links of a rig. Opens nothing by itself: the first [`killcord_core::plan::Work::Open`] of a device
/// does, and from then on a lost connection is opened again in the background until the device is closed.
pub struct Links {
    links: Vec<Link>,
    common: Arc<Common>,
}

impl Links {
    /// Starts a thread for each link.
    ///
    /// # Errors
    /// When a driver is missing or refuses its device, or the system gives no thread.
    pub fn start(plan: &Plan, polls: Vec<Poll>, shared: Shared) -> Result<Self, StartError> {
        Self::over(plan, polls, shared, real(plan, false, Vec::new()), false)
    }

    /// The same for lines that another process used until now and may have left in the middle of a message:
    /// on a line protocol the first bytes are a bare terminator, and a serial line is out of step until its
    /// device has said its name or was brought in step. A link goes on with what it was `handed`: the lock, the
    /// port as it stands, the address without a name server. A port that turns out dead is opened by its path.
    ///
    /// # Errors
    /// As [`Links::start`].
    pub fn take_over(
        plan: &Plan,
        polls: Vec<Poll>,
        shared: Shared,
        handed: Vec<Handed>,
    ) -> Result<Self, StartError> {
        Self::over(plan, polls, shared, real(plan, true, handed), true)
    }

    /// The same over given transports, one for each link of the plan: scripted ones, for tests.
    ///
    /// # Errors
    /// As [`Links::start`].
    pub fn over_transports(
        plan: &Plan,
        polls: Vec<Poll>,
        shared: Shared,
        transports: Vec<Box<dyn Transport>>,
    ) -> Result<Self, StartError> {
        let wires = transports.into_iter().map(|transport| (transport, Holdings::default())).collect();
        Self::over(plan, polls, shared, wires, false)
    }

    fn over(
        plan: &Plan,
        mut polls: Vec<Poll>,
        shared: Shared,
        wires: Vec<(Box<dyn Transport>, Holdings)>,
        takeover: bool,
    ) -> Result<Self, StartError> {
        if let Some(lost) = plan.devices.iter().find(|device| device.link.at() >= wires.len()) {
            return Err(StartError::NoLink { device: lost.name.clone() });
        }
        let drivers = shared.drivers.clone();
        let common = Common::new(plan, shared);
        let mut workers = Vec::with_capacity(wires.len());
        for (at, (transport, holdings)) in wires.into_iter().enumerate() {
            let Some(link) = plan.links.get(at) else { continue };
            let wire = Wire::new(transport);
            let on_link = |device: DeviceIx| {
                plan.devices.get(device.at()).is_some_and(|device| device.link == LinkIx::from(at))
            };
            let mut slots = Vec::new();
            for (index, device) in plan.devices.iter().enumerate() {
                if !on_link(DeviceIx::from(index)) {
                    continue;
                }
                let driver = drivers.get(&device.driver).ok_or_else(|| StartError::NoDriver {
                    device: device.name.clone(),
                    driver: device.driver.clone(),
                })?;
                let made = driver.device(&Setup { device, link }, Box::new(wire.clone()));
                let made =
                    made.map_err(|source| StartError::Setup { device: device.name.clone(), source })?;
                slots.push(Slot::new(DeviceIx::from(index), device.clone(), driver.clone(), made));
            }
            let (ours, others) = polls.into_iter().partition(|poll| on_link(poll.device));
            polls = others;
            let system = |source| StartError::System { link: link.name.clone(), source };
            let queue = Arc::new(Queue::new(common.clock.now()).map_err(system)?);
            let worker = LinkWorker {
                ix: LinkIx::from(at),
                link: link.clone(),
                slots,
                schedule: Schedule::new(ours, common.clock.now()),
                wire,
                queue: queue.clone(),
                common: common.clone(),
                taken_over: takeover,
                told_holdings: holdings.changes(),
                holdings: holdings.clone(),
            };
            workers.push((link.name.clone(), worker, queue, holdings));
        }
        // Threads last: a setup that is refused leaves none behind.
        let mut links = Vec::with_capacity(workers.len());
        for (name, worker, queue, holdings) in workers {
            let (end, ended) = sync_channel(1);
            let builder = std::thread::Builder::new().name(format!("link {name}")).stack_size(STACK);
            let thread = builder.spawn(move || {
                worker.run();
                // Whoever stops us may have given up waiting.
                let _nobody_waits = end.send(());
            });
            match thread {
                Ok(thread) => links.push(Link { queue, holdings, ended: Mutex::new(ended), _thread: thread }),
                Err(source) => {
                    drop(Self { links, common });
                    return Err(StartError::System { link: name, source });
                }
            }
        }
        Ok(Self { links, common })
    }

    /// Hands a job to a link's thread. Never blocks.
    ///
    /// What cannot be taken (a full lane, a link that does not exist or is being stopped) is answered at
    /// once, on this thread.
    pub fn submit(&self, link: LinkIx, job: Job) {
        let refused = match self.links.get(link.at()) {
            Some(link) => link.queue.submit(job).err(),
            None => Some(Refusal { job, why: Failure::Driver(String::from("there is no such link")) }),
        };
        if let Some(Refusal { job, why }) = refused {
            (job.reply)(Done { outcome: Err(why), out_of_step: false, written: None });
        }
    }

    /// Makes every link's thread look up: exchanges in flight that are not `Safe` are cut where the line
    /// allows it. To be called right after the fence was raised.
    pub fn wake(&self) {
        for link in &self.links {
            link.queue.cut();
        }
    }

    /// Makes every link's thread look up: what it waits for outside its line (a record) may have come.
    pub fn ring(&self) {
        for link in &self.links {
            link.queue.ring();
        }
    }

    /// No polling, feeding and reconnecting while a teardown runs.
    pub fn quiet(&self, on: bool) {
        self.common.quiet.store(on, Ordering::SeqCst);
        for link in &self.links {
            link.queue.ring();
        }
    }

    /// Feeds the device's instrument watchdog as long as the fence stands at `epoch`; `None` ends it.
    pub fn feed(&self, device: DeviceIx, epoch: Option<Epoch>) {
        if let Some(fed) = self.common.fed.get(device.at()) {
            *fed.lock().unwrap_or_else(PoisonError::into_inner) = epoch;
        }
        for link in self.links.iter().filter(|_| epoch.is_some()) {
            link.queue.ring();
        }
    }

    /// Whether the device is connected and is the one that it has to be.
    #[must_use]
    pub fn is_open(&self, device: DeviceIx) -> bool {
        self.common.is_open(device)
    }

    /// How many exchanges a device has had; nothing for one that does not exist. Never waits for its link's thread.
    #[must_use]
    pub fn tally(&self, device: DeviceIx) -> Tally {
        self.common.counts.get(device.at()).map(Counts::read).unwrap_or_default()
    }

    /// Whether no link's thread is past its deadline. Asked before each beat to the watchdog.
    #[must_use]
    pub fn answering(&self) -> bool {
        self.stuck().is_empty()
    }

    /// The links whose threads are past the deadline of what they do.
    #[must_use]
    pub fn stuck(&self) -> Vec<LinkIx> {
        let now = self.common.clock.now();
        let stuck = self.links.iter().enumerate().filter(|(_, link)| link.queue.is_overdue(now));
        stuck.map(|(at, _)| LinkIx::from(at)).collect()
    }

    /// What another process needs to go on with the link: second descriptors of what it holds now. Never waits
    /// for the link's thread.
    ///
    /// # Errors
    /// When the process is out of descriptors, or there is no such link.
    pub fn handed(&self, link: LinkIx) -> io::Result<Handed> {
        self.links.get(link.at()).ok_or(io::ErrorKind::NotFound)?.holdings.share(link)
    }

    /// Ends the threads: what waits is refused, connections that were not closed are dropped. A thread that
    /// is stuck is left behind after `within`; returns whether there was none.
    pub fn stop(&self, within: Duration) -> bool {
        for link in &self.links {
            link.queue.stop();
        }
        let until = Instant::now() + within;
        let mut all = true;
        for link in &self.links {
            let left = until.saturating_duration_since(Instant::now());
            let ended = link.ended.lock().unwrap_or_else(PoisonError::into_inner);
            // Disconnected is as good: the thread is gone.
            all &= !matches!(ended.recv_timeout(left), Err(std::sync::mpsc::RecvTimeoutError::Timeout));
        }
        all
    }
}

/// Without [`Links::stop`] the threads are told to end, and nobody waits for them.
impl Drop for Links {
    fn drop(&mut self) {
        for link in &self.links {
            link.queue.stop();
        }
    }
}

/// The transports that the plan names, each with what it holds.
fn real(plan: &Plan, takeover: bool, handed: Vec<Handed>) -> Vec<(Box<dyn Transport>, Holdings)> {
    let mut handed: BTreeMap<LinkIx, Handed> = handed.into_iter().map(|given| (given.link, given)).collect();
    let links = plan.links.iter().enumerate();
    links.map(|(at, link)| transport::for_link(link, takeover, handed.remove(&LinkIx::from(at)))).collect()
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Links").field("links", &self.links.len()).finish_non_exhaustive()
    }
}
