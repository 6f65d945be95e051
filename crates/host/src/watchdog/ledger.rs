//! What the watchdog knows of the hardware, kept here too, so that the next one can be told.
//!
//! Written ahead: the first byte that can make a device act waits until the watchdog has answered that it knows.
//! One lock, held for a change and a send that never waits; so what is on record and what was said have one order.

use std::{
    collections::BTreeMap,
    os::fd::{AsFd, BorrowedFd},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
    time::{Duration, Instant},
};

use killcord_core::{DeviceIx, LinkIx, Mode, Plan, Report, watchdog::Told};
use killcord_device::{Announced, Links, WriteAhead, let_go};
use killcord_watchdog::{
    pipe::Pipe,
    reaper::{Tree, started_at},
};

/// The ledger of one host.
pub(crate) struct Ledger {
    plan: Arc<Plan>,
    links: OnceLock<Weak<Links>>,
    entries: Mutex<Entries>,
    /// Called when a watchdog did not take what it was sent.
    overrun: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

struct Entries {
    /// To the watchdog of the moment.
    pipe: Option<Arc<Pipe>>,
    devices: Vec<Entry>,
    teardown: Option<(Mode, Instant)>,
    groups: BTreeMap<u32, u64>,
    app: Option<Tree>,
    /// The number of the last announcement.
    announced: u64,
    /// The host has said goodbye.
    parted: bool,
}

#[derive(Clone, Copy, Default)]
struct Entry {
    connected: bool,
    act: Act,
}

/// Whether a device may act, and whether the watchdog of the moment has said that it knows.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Act {
    #[default]
    No,
    Announced(u64),
    OnRecord,
}

impl Ledger {
    pub(crate) fn new(plan: Arc<Plan>) -> Self {
        let devices = vec![Entry::default(); plan.devices.len()];
        let groups = BTreeMap::new();
        let entries =
            Entries { pipe: None, devices, teardown: None, groups, app: None, announced: 0, parted: false };
        Self { plan, links: OnceLock::new(), entries: Mutex::new(entries), overrun: OnceLock::new() }
    }

    /// The links whose descriptors are handed on.
    pub(crate) fn of_links(&self, links: &Arc<Links>) {
        let _once = self.links.set(Arc::downgrade(links));
    }

    pub(crate) fn on_overrun(&self, call: impl Fn() + Send + Sync + 'static) {
        let _once = self.overrun.set(Box::new(call));
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it went out. One that does not take it has fallen behind, and no half-told watchdog is of use.
    fn say(&self, entries: &mut Entries, told: &Told, fds: &[BorrowedFd<'_>]) -> bool {
        let Some(pipe) = &entries.pipe else { return false };
        match pipe.send(told, fds) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "the watchdog did not take a message");
                entries.pipe = None;
                if let Some(overrun) = self.overrun.get() {
                    overrun();
                }
                false
            }
        }
    }

    /// A new watchdog: it is told everything, and has to say anew what it knows.
    pub(super) fn tell_all(&self, pipe: Arc<Pipe>) {
        let mut entries = self.entries();
        entries.pipe = Some(pipe);
        let known = entries.devices.clone();
        let mut links: Vec<LinkIx> = Vec::new();
        for (at, entry) in known.iter().enumerate() {
            let device = DeviceIx::from(at);
            let link = self.plan.devices[at].link;
            if entry.connected {
                if !links.contains(&link) {
                    links.push(link);
                    self.say_link(&mut entries, link);
                }
                self.say(&mut entries, &Told::Connected { device }, &[]);
            }
            if entry.act != Act::No {
                self.announce_to(&mut entries, device);
            }
        }
        for (group, started) in entries.groups.clone() {
            self.say(&mut entries, &Told::GroupStarted { group, started }, &[]);
        }
        if let Some(app) = entries.app.clone() {
            self.say(&mut entries, &started(app), &[]);
        }
        if let Some((mode, until)) = entries.teardown {
            let within = until.saturating_duration_since(Instant::now());
            self.say(&mut entries, &Told::Teardown { mode, within }, &[]);
        }
    }

    /// The watchdog is gone.
    pub(super) fn detach(&self) {
        self.entries().pipe = None;
    }

    fn say_link(&self, entries: &mut Entries, link: LinkIx) {
        let Some(links) = self.links.get().and_then(Weak::upgrade) else { return };
        let handed = match links.handed(link) {
            Ok(handed) => handed,
            Err(error) => {
                tracing::warn!(%error, "a link's descriptors cannot be handed to the watchdog");
                return;
            }
        };
        let told = Told::Link {
            link,
            address: handed.address.map(|address| address.to_string()),
            lock: handed.lock.is_some(),
            port: handed.port.is_some(),
        };
        let fds: Vec<_> = handed.lock.iter().chain(&handed.port).map(AsFd::as_fd).collect();
        self.say(entries, &told, &fds);
        if let Some(port) = handed.port {
            // Perhaps the last copy by now, and a last close may take its time.
            let_go(port);
        }
    }

    fn announce_to(&self, entries: &mut Entries, device: DeviceIx) -> bool {
        entries.announced += 1;
        let n = entries.announced;
        if let Some(entry) = entries.devices.get_mut(device.at()) {
            entry.act = Act::Announced(n);
        }
        self.say(entries, &Told::MayAct { device, n }, &[])
    }

    /// The run before has left it unsafe: it is the watchdog's too, from the start, whether or not it is ever reached.
    pub(crate) fn inherited(&self, device: DeviceIx) {
        self.connected(device);
    }

    /// A device was connected: from here on it is the watchdog's too.
    pub(crate) fn connected(&self, device: DeviceIx) {
        let mut entries = self.entries();
        let Some(entry) = entries.devices.get_mut(device.at()) else { return };
        entry.connected = true;
        self.say(&mut entries, &Told::Connected { device }, &[]);
    }

    /// A link holds another lock, port or address than it did: what was handed on of it is stale.
    pub(crate) fn holdings(&self, link: LinkIx) {
        self.say_link(&mut self.entries(), link);
    }

    /// Read back to be in its safe state: only that takes back that it may act.
    pub(crate) fn safe(&self, device: DeviceIx) {
        let mut entries = self.entries();
        if let Some(entry) = entries.devices.get_mut(device.at()) {
            entry.act = Act::No;
            self.say(&mut entries, &Told::Safe { device }, &[]);
        }
    }

    /// Made safe, handed back and disconnected.
    pub(crate) fn released(&self, device: DeviceIx) {
        let mut entries = self.entries();
        let Some(plan) = self.plan.devices.get(device.at()) else { return };
        entries.devices[device.at()] = Entry::default();
        self.say(&mut entries, &Told::Released { device }, &[]);
        let in_use = self.plan.devices.iter().zip(&entries.devices);
        if !in_use.into_iter().any(|(other, entry)| other.link == plan.link && entry.connected) {
            self.say(&mut entries, &Told::LinkClosed { link: plan.link }, &[]);
        }
    }

    /// A teardown was ordered, or raised. Told after the order has gone out: nothing waits for it.
    pub(crate) fn teardown(&self, mode: Mode, within: Duration) {
        let mut entries = self.entries();
        let until = Instant::now() + within;
        entries.teardown = Some(match entries.teardown {
            Some((before, earlier)) => (before.max(mode), earlier.min(until)),
            None => (mode, until),
        });
        self.say(&mut entries, &Told::Teardown { mode, within }, &[]);
    }

    pub(crate) fn teardown_done(&self) {
        let mut entries = self.entries();
        if entries.teardown.take().is_some() {
            self.say(&mut entries, &Told::TeardownDone, &[]);
        }
    }

    /// Whether a teardown runs that is still inside its deadline.
    pub(crate) fn in_a_teardown(&self) -> bool {
        self.entries().teardown.is_some_and(|(_, until)| Instant::now() < until)
    }

    /// An app is about to be started. Said ahead: a host that dies now leaves nothing that nobody knows of.
    pub(crate) fn app_started(&self, app: &Tree) {
        let mut entries = self.entries();
        entries.app = Some(app.clone());
        self.say(&mut entries, &started(app.clone()), &[]);
    }

    /// Nothing of it is left.
    pub(crate) fn app_gone(&self) {
        let mut entries = self.entries();
        if entries.app.take().is_some() {
            self.say(&mut entries, &Told::AppGone, &[]);
        }
    }

    pub(crate) fn beat(&self, n: u64) {
        self.say(&mut self.entries(), &Told::Beat { n }, &[]);
    }

    /// The host ends: what is confirmed safe is nobody's business any more, the rest is the watchdog's.
    pub(crate) fn goodbye(&self, last: &Report) {
        for entry in last.devices.iter().filter(|entry| entry.confirmed()) {
            self.released(entry.device);
        }
        self.say_goodbye();
    }

    /// Says it once more, to a watchdog that came behind it.
    pub(super) fn say_goodbye(&self) {
        let mut entries = self.entries();
        entries.parted = true;
        self.say(&mut entries, &Told::Goodbye, &[]);
    }

    /// Whether the host has said goodbye and leaves nothing to do: the watchdog goes.
    pub(super) fn is_over(&self) -> bool {
        let parted = self.entries().parted;
        parted && !self.leaves_a_device()
    }

    /// The devices that an end with this report leaves to the watchdog.
    pub(crate) fn leaves(&self, last: &Report) -> Vec<DeviceIx> {
        let entries = self.entries();
        let is_owed = |device: &DeviceIx| {
            entries.devices.get(device.at()).is_some_and(|entry| entry.connected || entry.act != Act::No)
        };
        let unsafe_devices = last.devices.iter().filter(|entry| !entry.confirmed()).map(|entry| entry.device);
        unsafe_devices.filter(is_owed).collect()
    }

    /// Whether a device was not released: it is left to the watchdog.
    pub(super) fn leaves_a_device(&self) -> bool {
        self.entries().devices.iter().any(|entry| entry.connected || entry.act != Act::No)
    }

    /// The watchdog knows by now that a device may act.
    pub(super) fn echo(&self, n: u64) {
        let known = self.entries().devices.iter_mut().any(|entry| {
            let this = entry.act == Act::Announced(n);
            if this {
                entry.act = Act::OnRecord;
            }
            this
        });
        if let Some(links) = self.links.get().and_then(Weak::upgrade).filter(|_| known) {
            links.ring();
        }
    }
}

fn started(app: Tree) -> Told {
    Told::AppStarted { reaper: app.reaper, started: app.started, mark: app.mark }
}

impl WriteAhead for Ledger {
    fn announce(&self, device: DeviceIx) -> Announced {
        let mut entries = self.entries();
        match entries.devices.get(device.at()).map(|entry| entry.act) {
            None => Announced::Refused("there is no such device".into()),
            Some(_) if entries.pipe.is_none() => Announced::Refused("there is no watchdog".into()),
            Some(Act::OnRecord) => Announced::OnRecord,
            Some(Act::Announced(_)) => Announced::Pending,
            Some(Act::No) if self.announce_to(&mut entries, device) => Announced::Pending,
            Some(Act::No) => Announced::Refused("the watchdog does not keep up".into()),
        }
    }

    fn is_on_record(&self, device: DeviceIx) -> bool {
        self.entries().devices.get(device.at()).is_some_and(|entry| entry.act == Act::OnRecord)
    }

    fn group_started(&self, group: u32) {
        // Gone already: nothing is left to be ended.
        let Some(started) = started_at(group) else { return };
        let mut entries = self.entries();
        entries.groups.insert(group, started);
        self.say(&mut entries, &Told::GroupStarted { group, started }, &[]);
    }

    fn group_ended(&self, group: u32) {
        let mut entries = self.entries();
        entries.groups.remove(&group);
        self.say(&mut entries, &Told::GroupEnded { group }, &[]);
    }
}
