//! The host: one rig, held from start to end. A handle to it can be cloned and used from any thread.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use killcord_core::{
    BrowserId, Cause, DeviceIx, Extent, Mode, Rig, SessionId, SessionKind, Time, policy, rules::State,
    watchdog::Brief,
};
use killcord_device::{Clock, Fence, Links, NoRecord, SystemClock, Tally, WriteAhead, execute};
use killcord_wire::RigView;

use crate::{
    AppAddress, Attachment, Ending, FrameReceiver, Options, Visitor, app,
    clock::Origin,
    door::{self, Door},
    engine::{self, Item, PageNews, Parts, Shared},
    journal::Journal,
    lock::{self, HeldBy, LockError, RigLock},
    metrics::Metrics,
    polls,
    queue::Queue,
    readers::Listener,
    system::{Notices, System},
    watchdog::{self, Keeper, Ledger, Post, Standby},
};

/// Why a host could not be started. Nothing was sent to any device.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process holds the rig.
    #[error("the rig is held by {}; close it there first", match by { Some(by) => format!("{} (process {})", by.program, by.pid), None => "another process".into() })]
    Held {
        /// Who, if it could be read.
        by: Option<HeldBy>,
    },
    /// The lock could not be opened.
    #[error("the rig cannot be locked")]
    Lock(#[source] LockError),
    /// The links could not be started.
    #[error("the rig's links cannot be started")]
    Links(#[from] killcord_device::StartError),
    /// The system gave no thread.
    #[error("the system gives no thread; raise `ulimit -u`")]
    Thread(#[source] std::io::Error),
}

/// Whatever a raise of the window calls.
type Raise = Box<dyn Fn() + Send + Sync>;

/// A handle to a running host. The last one dropped without [`Host::shutdown`] is a cause too; do not rely
/// on it.
#[derive(Clone)]
pub struct Host {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
    raise: Arc<Mutex<Vec<Raise>>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.shared.end.outcome().is_none() {
            drop(self.shared.demand(Cause::HandleDropped, Mode::Safe, Extent::End));
        }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("rig", &self.handle.shared.rig.plan.rig).finish_non_exhaustive()
    }
}

impl Host {
    /// Takes the rig's lock, opens its journal, starts its threads and begins to open it: every device is
    /// connected, identified and made safe. Returns before any of that is done.
    ///
    /// # Errors
    /// [`StartError`]; nothing was sent to any device then.
    pub fn start(rig: Rig, options: Options) -> Result<Self, StartError> {
        let lock = options.clone().wait_for_watchdog(rig.plan.deadline).lock()?;
        Self::start_locked(rig, options, lock, None)
    }

    /// The same with a lock that was taken before, by [`Options::lock`] of the same rig file: for a program
    /// that has things to do in between which a second start must not get to.
    ///
    /// # Errors
    /// As [`Host::start`], but for the lock.
    pub fn start_locked(
        rig: Rig,
        options: Options,
        lock: RigLock,
        standby: Option<Standby>,
    ) -> Result<Self, StartError> {
        crate::system::make_room();
        let mut rig = rig;
        if !options.runs_app {
            rig.plan.app = None;
        }
        let rig = Arc::new(rig);
        let origin = Origin::new();
        let opened = Journal::open(&options.rig_dir(), &options.reports(), &rig, &options.file);
        let fence = Arc::new(Fence::new(opened.run));
        let queue = Arc::new(Queue::new());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (polls, polled) = polls::of(&rig);
        let plan = Arc::new(rig.plan.clone());
        let events = {
            let queue = Arc::clone(&queue);
            Arc::new(move |event| queue.push(Item::Link(event)))
        };
        let guarded = rig.policy.safety.watchdog == policy::Watchdog::Required;
        let ledger = guarded.then(|| Arc::new(Ledger::new(Arc::clone(&plan))));
        let ahead: Arc<dyn WriteAhead> = match &ledger {
            Some(ledger) => Arc::<Ledger>::clone(ledger),
            None => Arc::new(NoRecord),
        };
        let links = Links::start(
            &plan,
            polls,
            killcord_device::Shared {
                drivers: options.drivers.clone(),
                fence: Arc::clone(&fence),
                clock: Arc::clone(&clock),
                events,
                ahead,
            },
        )?;
        let links = Arc::new(links);
        let sink = {
            let queue = Arc::clone(&queue);
            move |event| queue.push(Item::Executor(event))
        };
        let timeline = execute::Timeline::new(clock, origin.instant(Time::ZERO));
        let lines: Arc<dyn execute::Lines> = Arc::<Links>::clone(&links);
        let executor =
            execute::Executor::start(Arc::clone(&plan), lines, timeline, sink).map_err(StartError::Thread)?;
        let state = State::new(Arc::clone(&rig), opened.run, opened.unclean.is_some(), origin.now());
        fence.advance(state.epoch());
        let file = options.file.display().to_string();
        let view = engine::first_view(&rig, &state, &file);
        let keeper = match &ledger {
            Some(ledger) => {
                ledger.of_links(&links);
                opened.owed.iter().for_each(|&device| ledger.inherited(device));
                let brief = Brief {
                    hang_after: rig.policy.safety.hang_after,
                    run: opened.run,
                    reports: options.reports().into(),
                    door: options.watchdog_door(),
                };
                let program = options.watchdog.clone();
                let post = Post { program, plan, brief, lock: lock.share().map_err(StartError::Thread)? };
                watchdog::give_way_to_the_watchdog();
                // For its door. Where it cannot be made, the watchdog says so.
                let _unmade = lock::private_folder(&options.runtime_dir);
                Some(Keeper::start(post, standby, ledger, &queue).map_err(StartError::Thread)?)
            }
            None => None,
        };
        let app = match rig.plan.app.clone() {
            Some(app) => {
                let (program, ledger) = (options.watchdog.clone(), ledger.clone());
                let (sockets, queue) = (options.app_folder(), Arc::clone(&queue));
                let post = app::Post { app, sockets, program, ledger, queue };
                Some(app::Wrapped::new(post).map_err(StartError::Thread)?)
            }
            None => None,
        };
        let address = app.as_ref().map(app::Wrapped::address);
        let shared = Arc::new(Shared::new(rig, queue, fence, links, ledger, view, origin).with_app(address));
        let system = System::watch(&shared);
        let raise: Arc<Mutex<Vec<Raise>>> = Arc::default();
        // Without a door the rig is safe all the same: only a second start cannot raise the window.
        let door = match Door::open(&options.door(), answers(&shared, &raise)) {
            Ok(door) => Some(door),
            Err(error) => {
                tracing::warn!(%error, "the local door cannot be opened");
                None
            }
        };
        let close = Box::new(move || {
            drop(door);
            drop(lock);
        });
        let parts = Parts {
            shared: Arc::clone(&shared),
            origin,
            state,
            executor,
            journal: opened.journal,
            keeper,
            app,
            unclean: opened.unclean,
            polled,
            system,
            notices: Notices::to(options.service),
            file,
            close,
        };
        thread::Builder::new()
            .name("killcord-rules".into())
            .spawn(move || engine::run(parts))
            .map_err(StartError::Thread)?;
        Ok(Self { handle: Arc::new(Handle { shared, raise }) })
    }

    /// Makes the rig safe, releases it, records it and ends the host. Returns at once, from any thread.
    #[must_use = "await it, or wait for it, before the process ends"]
    pub fn shutdown(&self, cause: Cause) -> Ending {
        self.handle.shared.demand(cause, Mode::Safe, Extent::End)
    }

    /// The same where less time is left than the rig's own deadline: each device goes over to its emergency
    /// sequence when what is left is just enough for that.
    #[must_use = "await it, or wait for it, before the process ends"]
    pub fn shutdown_within(&self, cause: Cause, within: Duration) -> Ending {
        self.handle.shared.demand_within(cause, Mode::Safe, Extent::End, within)
    }

    /// The same by the emergency sequences: power removed at once.
    #[must_use = "await it, or wait for it, before the process ends"]
    pub fn shutdown_at_once(&self, cause: Cause) -> Ending {
        self.handle.shared.demand(cause, Mode::Emergency, Extent::End)
    }

    /// Makes the rig safe and stays connected. Returns at once, from any thread.
    pub fn make_safe(&self, cause: Cause) -> Ending {
        self.handle.shared.demand(cause, Mode::Safe, Extent::Stay)
    }

    /// The same where less time is left than the rig's own deadline, as [`Self::shutdown_within`].
    pub fn make_safe_within(&self, cause: Cause, within: Duration) -> Ending {
        self.handle.shared.demand_within(cause, Mode::Safe, Extent::Stay, within)
    }

    /// The safe stop, by the rig's `on_safe_stop`. Returns at once, from any thread.
    pub fn safe_stop(&self) -> Ending {
        let mode = self.handle.shared.rig.policy.safety.on_safe_stop;
        self.handle.shared.demand(Cause::SafeStop, mode, Extent::Stay)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }

    /// Attaches a GUI. Its first frame is a hello.
    #[must_use]
    pub fn attach(&self, kind: SessionKind) -> (Attachment, FrameReceiver) {
        Attachment::new(Arc::clone(&self.handle.shared), kind, None)
    }

    /// Takes it on to answer for pages that have no connection at present; to be had before their connections are
    /// taken.
    #[must_use = "dropped, nobody answers for pages without a connection"]
    pub fn listener(&self) -> Listener {
        Listener::new(Arc::clone(&self.handle.shared))
    }

    /// Attaches a page in a browser. Its first frame is a hello. Whoever reads its socket answers
    /// [`Attachment::asked`].
    #[must_use]
    pub fn attach_page(&self, visitor: Visitor) -> (Attachment, FrameReceiver) {
        Attachment::new(Arc::clone(&self.handle.shared), SessionKind::Page, Some(visitor))
    }

    /// A browser asks for a document that will carry this nonce. To be told before the answer's first byte: by it
    /// a page that is reloaded is told from one that is closed.
    pub fn document(&self, browser: BrowserId, nonce: String) {
        self.handle.shared.queue.push(Item::Page(PageNews::Document { browser, nonce }));
    }

    /// A page of that browser says goodbye although its connection may be gone. One that is not the session's
    /// page is ignored.
    pub fn goodbye(&self, browser: BrowserId, session: SessionId, nonce: String, persisted: bool) {
        let news = PageNews::Bye { browser: Some(browser), session, nonce, persisted };
        self.handle.shared.queue.push(Item::Page(news));
    }

    /// What a page would be shown now, without the past of its readings.
    #[must_use]
    pub fn view(&self) -> Arc<RigView> {
        self.handle.shared.view()
    }

    /// What is counted of it. Reading it costs the host nothing.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.handle.shared.metrics
    }

    /// How long ago the rules' thread went round last. It does so four times a second at least.
    #[must_use]
    pub fn turn_age(&self) -> Duration {
        self.handle.shared.metrics.turn_age(self.handle.shared.now())
    }

    /// How long ago the watchdog was heard of last; `None` where none watches.
    #[must_use]
    pub fn watchdog_echo_age(&self) -> Option<Duration> {
        self.handle.shared.metrics.echo_age(self.handle.shared.now())
    }

    /// How many exchanges a device has had.
    #[must_use]
    pub fn exchanges(&self, device: DeviceIx) -> Tally {
        self.handle.shared.links.tally(device)
    }

    /// The rig.
    #[must_use]
    pub fn rig(&self) -> &Rig {
        &self.handle.shared.rig
    }

    /// Where the wrapped app answers or is about to; whether it does is in [`RigView::app`]. `None` where none runs.
    #[must_use]
    pub fn app_address(&self) -> Option<AppAddress> {
        self.handle.shared.app.as_ref()?.get()
    }

    /// The end of this host, whatever brings it about.
    #[must_use]
    pub fn ended(&self) -> Ending {
        self.handle.shared.end.clone()
    }

    /// Is called, on a thread of the local door, when a second start wants to see the window.
    pub fn on_raise(&self, raise: impl Fn() + Send + Sync + 'static) {
        self.handle.raise.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(raise));
    }
}

/// What the local door answers.
fn answers(
    shared: &Arc<Shared>,
    raise: &Arc<Mutex<Vec<Raise>>>,
) -> impl Fn(door::Request) -> door::Reply + Send + Sync + 'static {
    let (shared, raise) = (Arc::clone(shared), Arc::clone(raise));
    move |request| {
        let end = match request {
            door::Request::Raise => {
                let raise = raise.lock().unwrap_or_else(PoisonError::into_inner);
                raise.iter().for_each(|raise| raise());
                return door::Reply::Raised { window: !raise.is_empty() };
            }
            door::Request::Status => {
                return door::Reply::Status {
                    pid: std::process::id(),
                    rig: Box::new((*shared.view()).clone()),
                };
            }
            door::Request::Safe => shared.demand_at_door(Cause::SafeStop, Mode::Safe, Extent::Stay),
            door::Request::Shutdown => shared.demand_at_door(Cause::Requested, Mode::Safe, Extent::End),
        };
        // The deadline, and what the end takes behind it.
        match end.wait(shared.rig.plan.deadline + Duration::from_secs(2)) {
            Some(outcome) => {
                door::Reply::Done { exit: outcome.exit, report: Box::new(outcome.report.clone()) }
            }
            None => {
                door::Reply::Error { message: "the teardown has not ended in time; look at the bench".into() }
            }
        }
    }
}
