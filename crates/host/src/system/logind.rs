//! systemd-logind: its delay lock, and what it announces.
//!
//! Two threads. One takes and gives back the lock and may wait for an answer of the bus; the other one only
//! listens and goes to the funnel by itself, so that what is announced never stands behind a call. No answer
//! of logind is believed after the connection on which it came is gone.

use std::{
    io,
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use killcord_core::{
    Cause, Extent, Mode,
    policy::OnSuspend,
    rules::{Input, System as Word},
};
use zbus::{
    blocking::{Connection, MessageIterator, Proxy},
    zvariant,
};

use super::{
    bus::{self, Signal},
    wish::{Todo, Wish},
};
use crate::engine::{Item, Shared};

const SERVICE: &str = "org.freedesktop.login1";
const PATH: &str = "/org/freedesktop/login1";
const MANAGER: &str = "org.freedesktop.login1.Manager";

/// Kept of what logind grants for what lies between us and it: its own timer runs from before the signal is
/// sent (DESIGN: an operating system's budget, less 500 ms).
const KEPT: Duration = Duration::from_millis(500);
/// What logind grants where it does not say (`InhibitDelayMaxSec` in logind.conf(5)).
const GRANTED: Duration = Duration::from_secs(5);
/// Between two looks for a bus where there is none: a host may be started before it.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Starts the thread of the lock.
pub(super) fn start(shared: Arc<Shared>, wish: Arc<Wish>) -> io::Result<()> {
    let granted = Arc::new(AtomicU64::new(micros(GRANTED)));
    let keeper = Keeper { shared, wish, granted, seen: 0, lock: None, alone: false };
    thread::Builder::new().name("killcord-system".into()).spawn(move || keeper.keep()).map(drop)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Keeps the lock as it is wished for.
struct Keeper {
    shared: Arc<Shared>,
    wish: Arc<Wish>,
    /// In microseconds: how long logind waits for the lock (`InhibitDelayMaxUSec`).
    granted: Arc<AtomicU64>,
    seen: u64,
    /// Closed, it is given back.
    lock: Option<OwnedFd>,
    /// There was no bus the last time, and that was said.
    alone: bool,
}

impl Keeper {
    fn keep(mut self) {
        loop {
            match bus::of_the_machine().and_then(|connection| Ok((self.listen(&connection)?, connection))) {
                Ok(((), connection)) => {
                    self.alone = false;
                    let over = self.attend(&connection);
                    // Wakes the listener, whose connection this is too.
                    if let Err(error) = connection.close() {
                        tracing::debug!(%error, "the system bus was gone already");
                    }
                    if over {
                        return;
                    }
                }
                Err(error) if !self.alone => {
                    tracing::info!(%error, "no system bus: suspend and shutdown are not delayed");
                }
                Err(_) => {}
            }
            self.alone = true;
            self.lock = None;
            self.say(Word::DelaysNothing);
            if self.without_bus(Instant::now() + LOOK_AGAIN) {
                return;
            }
        }
    }

    /// Waits without a bus; whether the host has ended.
    fn without_bus(&mut self, until: Instant) -> bool {
        loop {
            match self.wish.next(&mut self.seen, Some(until)) {
                None => return false,
                Some(Todo::End) => return true,
                Some(Todo::Take(n)) => self.answer(n, Err("there is no system bus".into())),
                Some(Todo::Give | Todo::Look | Todo::Reconnect) => {}
            }
        }
    }

    fn listen(&self, connection: &Connection) -> zbus::Result<()> {
        let messages = bus::listen(connection, SERVICE, MANAGER)?;
        let listener = Listener {
            shared: Arc::clone(&self.shared),
            wish: Arc::clone(&self.wish),
            granted: Arc::clone(&self.granted),
            owner: bus::owner(connection, SERVICE),
        };
        thread::Builder::new()
            .name("killcord-logind".into())
            .spawn(move || listener.hear(messages))
            .map_err(|error| zbus::Error::InputOutput(Arc::new(error)))?;
        Ok(())
    }

    /// Serves wishes on a connection until it is gone (false) or the host has ended (true).
    fn attend(&mut self, connection: &Connection) -> bool {
        self.look(connection);
        loop {
            match self.wish.next(&mut self.seen, None) {
                Some(Todo::End) => return true,
                Some(Todo::Reconnect) => return false,
                Some(Todo::Look) => self.look(connection),
                Some(Todo::Give) => self.lock = None,
                Some(Todo::Take(n)) => {
                    let taken = match &self.lock {
                        Some(_) => Ok(()),
                        None => self.inhibit(connection).map(|lock| self.lock = Some(lock)),
                    };
                    if let Err(error) = &taken {
                        tracing::warn!(%error, "logind does not give its delay lock");
                    }
                    self.answer(n, taken.map_err(|error| format!("logind: {error}")));
                }
                None => {}
            }
        }
    }

    /// Whether logind is there; what it announced before we heard it.
    fn look(&mut self, connection: &Connection) {
        match there(connection) {
            Ok(manager) => {
                self.granted.store(micros(granted(&manager)), Ordering::Relaxed);
                self.say(Word::Delays);
                for (property, stop) in
                    [("PreparingForSleep", Stop::Sleep), ("PreparingForShutdown", Stop::Shutdown)]
                {
                    if manager.get_property(property).unwrap_or(false) {
                        announced(&self.shared, &self.granted, stop, true);
                    }
                }
            }
            Err(error) => {
                tracing::info!(%error, "no logind: suspend and shutdown are not delayed");
                self.lock = None;
                self.say(Word::DelaysNothing);
            }
        }
    }

    fn inhibit(&self, connection: &Connection) -> zbus::Result<OwnedFd> {
        let rig = &self.shared.rig;
        // A rig that goes on through a suspend has nothing to delay it for.
        let what = match rig.policy.safety.on_suspend {
            OnSuspend::Safe => "sleep:shutdown",
            OnSuspend::Hold => "shutdown",
        };
        let why = format!("{} is armed: its hardware is made safe first", rig.plan.rig);
        let manager = manager(connection)?;
        let lock = lock(&manager, what, &why)?;
        self.granted.store(micros(granted(&manager)), Ordering::Relaxed);
        Ok(lock)
    }

    fn say(&self, word: Word) {
        self.shared.queue.push(Item::Input(Input::System(word)));
    }

    fn answer(&self, n: u64, result: Result<(), String>) {
        self.shared.queue.push(Item::Lock { n, result });
    }
}

/// A lock that delays what is listed; closed, it is given back.
pub(super) fn lock(manager: &Proxy<'_>, what: &str, why: &str) -> zbus::Result<OwnedFd> {
    let lock: zvariant::OwnedFd = manager.call("Inhibit", &(what, "Killcord", why, "delay"))?;
    Ok(lock.into())
}

/// How long logind waits for such a lock.
pub(super) fn granted(manager: &Proxy<'_>) -> Duration {
    manager.get_property("InhibitDelayMaxUSec").map_or(GRANTED, Duration::from_micros)
}

/// logind, if it answers; the bus starts one that can be started.
pub(super) fn there(connection: &Connection) -> zbus::Result<Proxy<'_>> {
    connection.call_method(Some(SERVICE), PATH, Some("org.freedesktop.DBus.Peer"), "Ping", &())?;
    manager(connection)
}

fn manager(connection: &Connection) -> zbus::Result<Proxy<'_>> {
    zbus::blocking::proxy::Builder::new(connection)
        .destination(SERVICE)?
        .path(PATH)?
        .interface(MANAGER)?
        // Asked each time: a cache would be another listener.
        .cache_properties(zbus::proxy::CacheProperties::No)
        .build()
}

/// Hears what is announced.
struct Listener {
    shared: Arc<Shared>,
    wish: Arc<Wish>,
    granted: Arc<AtomicU64>,
    owner: Option<String>,
}

impl Listener {
    fn hear(mut self, messages: MessageIterator) {
        for message in messages {
            let Ok(message) = message else { break };
            let header = message.header();
            let Some(signal) = Signal::of(&message, &header) else { continue };
            if let Some(owner) = signal.new_owner(SERVICE) {
                self.owner = owner;
                self.wish.turn();
            } else if signal.is_from(self.owner.as_deref()) {
                let stop = match signal.member {
                    "PrepareForSleep" => Stop::Sleep,
                    "PrepareForShutdown" => Stop::Shutdown,
                    _ => continue,
                };
                if let Some(begins) = signal.truth() {
                    announced(&self.shared, &self.granted, stop, begins);
                }
            }
        }
        // The connection is gone, or the host is.
        self.wish.lose();
    }
}

/// What is announced.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    Sleep,
    Shutdown,
}

/// Sleep or shutdown begins, or is over.
fn announced(shared: &Shared, granted: &AtomicU64, stop: Stop, begins: bool) {
    if stop == Stop::Sleep && shared.rig.policy.safety.on_suspend == OnSuspend::Hold {
        return;
    }
    if !begins {
        shared.queue.push(Item::Input(Input::System(Word::GoesOn)));
        return;
    }
    // First the word that refuses an arming, then the cause that goes ahead of everything: between the two
    // nothing can be armed.
    shared.queue.push(Item::Input(Input::System(Word::Stops)));
    let (cause, extent) = match stop {
        Stop::Sleep => (Cause::Suspend, Extent::Stay),
        Stop::Shutdown => (Cause::Shutdown, Extent::End),
    };
    let within = Duration::from_micros(granted.load(Ordering::Relaxed)).saturating_sub(KEPT);
    drop(shared.demand_within(cause, Mode::Safe, extent, within));
}
