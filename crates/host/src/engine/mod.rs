//! The rules' thread: takes inputs, asks the rules, carries out what they want.
//!
//! One std thread. It waits for the next input or the rules' next deadline and for nothing else: devices,
//! disk, pages and callbacks are behind queues that it never waits for. Every input that waits is read
//! before anything is judged by the clock.

mod asked;
mod carry;
mod count;
mod leave;
mod pages;
mod progress;
mod record;
mod shared;
mod wrapped;

pub(crate) use pages::PageNews;
pub(crate) use progress::ended as ended_device;
pub(crate) use shared::Shared;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use killcord_core::{
    Extent, Now, Report, Rig, Time, Value,
    rules::{Arrival, Demand, Input, State, Tag},
};
use killcord_device::{LinkEvent, execute};
use killcord_wire::{ReadingUpdate, RigView};

use crate::{
    app::Wrapped,
    clock::Origin,
    ending::Ending,
    history::History,
    journal::{Comer, Entrance, Journal, Unclean},
    polls::Polled,
    queue::Weighed,
    seats::{Seat, Seats},
    system::{Notices, System},
    view::Shown,
    watchdog::Keeper,
};

/// The most inputs that are read before the clock is looked at again.
const TURN: usize = 1024;
/// How often readings and progress go out to pages. Each time costs a turn of the page's own thread and, in
/// a window, of GTK's: ten times a second looks live, and more is paid for by every bench that idles.
const FLUSH_EVERY: Duration = Duration::from_millis(100);
/// How long the end waits for the record. Hardware is safe by then.
const RECORD_WITHIN: Duration = Duration::from_secs(1);

/// What comes to the rules' thread.
pub(crate) enum Item {
    /// A cause, its fence already raised.
    Demand { demand: Demand, ending: Option<Ending> },
    /// Anything that is an input as it stands.
    Input(Input),
    /// A hello, with the token of the session that it wants to go on with.
    Arrive { arrival: Arrival, seat: Seat, resume: Option<String> },
    /// An attachment is gone.
    Leave(Tag),
    /// Of a page in a browser.
    Page(PageNews),
    /// From the links.
    Link(LinkEvent),
    /// From the executor.
    Executor(execute::Event),
    /// The answer to a word about the system's delay lock.
    Lock { n: u64, result: Result<(), String> },
    /// Who came to the door, for the record.
    Access(Entrance),
    /// From the journal: the end is on the disk, or is not.
    Recorded(Result<(), String>),
    /// From the watchdog: protections that the system did not give it, in words.
    Unprotected(Vec<String>),
}

impl Weighed for Item {
    fn is_light(&self) -> bool {
        matches!(
            self,
            Self::Link(LinkEvent::Polled { .. })
                | Self::Input(
                    Input::Beat { .. } | Input::Renew { .. } | Input::Pong { .. } | Input::Reading { .. }
                )
        )
    }
}

/// What the rules' thread is started with.
pub(crate) struct Parts {
    pub(crate) shared: Arc<Shared>,
    pub(crate) origin: Origin,
    pub(crate) state: State,
    pub(crate) executor: execute::Executor,
    pub(crate) journal: Journal,
    pub(crate) keeper: Option<Keeper>,
    pub(crate) app: Option<Wrapped>,
    pub(crate) unclean: Option<Unclean>,
    pub(crate) polled: Vec<Polled>,
    pub(crate) system: System,
    pub(crate) notices: Notices,
    pub(crate) file: String,
    /// Is called when all is over, before anybody is told: gives lock and door back.
    pub(crate) close: Box<dyn FnOnce() + Send>,
}

pub(crate) struct Engine {
    shared: Arc<Shared>,
    origin: Origin,
    state: State,
    executor: execute::Executor,
    orders: execute::Orders,
    journal: Journal,
    spans: record::Spans,
    /// From where the attachment comes that was taken in last.
    comes: Comer,
    keeper: Option<Keeper>,
    app: Option<Wrapped>,
    /// An app that is being stopped is waited for until then.
    app_until: Option<Time>,
    unclean: Option<Unclean>,
    /// Protections that the watchdog lacks, in words.
    unprotected: Vec<String>,
    polled: Vec<Polled>,
    system: System,
    notices: Notices,
    file: String,
    seats: Seats,
    asked: asked::Asked,
    history: History,
    readbacks: Vec<Option<Value>>,
    shown: Shown,
    changed: bool,
    /// Told when no teardown runs any more.
    waiting: Vec<Ending>,
    /// Told when all is over, before the program is.
    leaving: Vec<Ending>,
    updates: Vec<ReadingUpdate>,
    progress: Option<progress::Watched>,
    flushed: Time,
    /// When the sessions were counted last.
    counted: Time,
    last: Option<Report>,
    /// The end waits for the journal until then.
    recording: Option<Time>,
    recorded: bool,
    dropped: u64,
    over: bool,
}

/// Runs the rules until the host has ended. A panic in here is answered by making the rig safe without them.
pub(crate) fn run(parts: Parts) {
    let Parts {
        shared,
        origin,
        state,
        executor,
        journal,
        keeper,
        app,
        unclean,
        polled,
        system,
        notices,
        file,
        close,
    } = parts;
    let history = History::new(&shared.rig);
    let readbacks = vec![None; shared.rig.controls.len()];
    let shown = Shown::of(&state, unclean.as_ref(), &[], journal.trouble().into_iter().collect());
    let mut engine = Engine {
        origin,
        state,
        orders: executor.orders(),
        executor,
        journal,
        spans: record::Spans::default(),
        comes: Comer::default(),
        keeper,
        app,
        app_until: None,
        unclean,
        unprotected: Vec::new(),
        polled,
        system,
        notices,
        file,
        seats: Seats::default(),
        asked: asked::Asked::default(),
        history,
        readbacks,
        shown,
        changed: true,
        waiting: Vec::new(),
        leaving: Vec::new(),
        updates: Vec::new(),
        progress: None,
        flushed: Time::ZERO,
        counted: Time::ZERO,
        last: None,
        recording: None,
        recorded: false,
        dropped: 0,
        over: false,
        shared: Arc::clone(&shared),
    };
    if catch_unwind(AssertUnwindSafe(|| engine.turns())).is_err() {
        engine.without_rules();
    }
    engine.leave(close);
}

/// The view before anything has happened, for those who look before the first turn.
pub(crate) fn first_view(rig: &Rig, state: &State, file: &str) -> RigView {
    let readbacks = vec![None; rig.controls.len()];
    Shown::of(state, None, &[], Vec::new()).view(rig, file, None, &readbacks)
}

impl Engine {
    fn turns(&mut self) {
        self.input(Input::Open);
        while !self.over {
            let wake = self.next_wake();
            let first = self.shared.queue.pop_until(self.origin.instant(wake));
            self.count_lateness(wake);
            if let Some(item) = first {
                self.take(item);
                // Read, then judge: whatever waits is heard before a lease is looked at.
                for _ in 1..TURN {
                    let Some(item) = self.shared.queue.try_pop() else { break };
                    self.take(item);
                }
            }
            let dropped = self.shared.queue.dropped();
            if dropped > self.dropped {
                tracing::warn!(
                    dropped,
                    "more came than could be read; signs of life and readings were dropped"
                );
                self.dropped = dropped;
            }
            self.input(Input::Tick);
            self.give_up_recording();
            self.end_once_all_is_over();
            self.flush();
            self.notices.turn(&self.state, self.origin.now().mono, self.answers());
            self.count_turn();
        }
    }

    fn next_wake(&self) -> Time {
        let mut wake = self.state.next_wake();
        if !self.updates.is_empty() || self.progress.as_ref().is_some_and(progress::Watched::is_news) {
            wake = wake.min(self.flushed + FLUSH_EVERY);
        }
        if let Some(until) = self.recording {
            wake = wake.min(until);
        }
        if let Some(until) = self.app_until.filter(|_| self.recorded) {
            wake = wake.min(until);
        }
        wake
    }

    /// Whether every part of the host that owes an answer is in time with it.
    fn answers(&self) -> bool {
        self.shared.links.answering() && self.state.readers_answer()
    }

    fn now(&self) -> Now {
        self.origin.now()
    }

    fn input(&mut self, input: Input) {
        let effects = self.state.handle(self.now(), input);
        for effect in effects {
            self.carry_out(effect);
        }
    }

    fn take(&mut self, item: Item) {
        match item {
            Item::Demand { demand, ending } => {
                match demand.extent {
                    Extent::End => self.leaving.extend(ending),
                    _ => self.waiting.extend(ending),
                }
                self.input(Input::Demand(demand));
                self.answer_waiting();
            }
            Item::Input(input) => self.input(input),
            Item::Arrive { mut arrival, seat, resume } => {
                self.comes = Comer { address: seat.address, who: seat.who.clone() };
                arrival.resume = self.seats.arrive(seat, resume);
                self.input(Input::Arrive(arrival));
            }
            Item::Leave(tag) => {
                if let Some(session) = self.seats.leave(tag) {
                    self.input(Input::SocketLost { session });
                }
            }
            Item::Page(news) => self.page(news),
            Item::Link(event) => self.link(event),
            Item::Executor(event) => self.executor_event(event),
            Item::Lock { n, result } => self.lock_answer(n, result),
            Item::Access(entrance) => self.record_access(entrance),
            Item::Recorded(result) => self.recorded(result),
            Item::Unprotected(missing) => {
                self.unprotected = missing;
                self.changed = true;
            }
        }
    }
}
