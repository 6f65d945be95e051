//! The rules: who may act, when hardware has to be made safe, and what everybody is told.
//!
//! One pure machine. The host feeds it [`Input`]s with the time and carries out the [`Effect`]s in the order
//! they are given; a fence raised by one of them is raised before anything behind it. The machine never
//! waits, never fails and holds no lock: a cause that goes in comes out as an order in the same call.
//!
//! **Architecture Invariant:** a teardown is ordered in one place, `State::teardown`. Nothing else in the
//! workspace decides to talk a device into its safe state.

mod app;
mod clock;
mod command;
mod control;
mod effect;
mod frozen;
mod guard;
mod hardware;
mod input;
mod interlock;
mod lease;
mod reader;
mod representative;
mod system;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

pub use app::{APP_AGAIN_FIRST, APP_AGAIN_MOST, AppNews, AppState};
pub use command::{ArmBlock, Refusal};
pub use effect::{Effect, Event, Warning};
pub use guard::{Guard, News, SILENT, WATCHDOG_WITHIN};
pub use hardware::{Phase, Running};
pub use input::{Arrival, Command, CommandKind, Demand, Input, Tag};
pub use interlock::Trip;
pub use lease::{Liveliness, Session};
pub use reader::READER_LATE;
pub use system::{LOCK_WITHIN, System};

use crate::{Cause, ControlIx, DeviceState, Epoch, Now, Rig, RunId, SessionId, Time, Value};

/// How long the holder of control has to answer when another session asks for it.
pub const TAKE_OVER_AFTER: Duration = Duration::from_secs(15);

/// The machine. Compare and hash it freely: it is all of the rules' memory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    rig: Arc<Rig>,
    epoch: Epoch,
    phase: Phase,
    devices: Vec<DeviceState>,
    identities: Vec<Option<String>>,
    retries: Vec<Option<hardware::Retry>>,
    /// A control was used since the rig was last safe: it counts as energised though nobody armed it.
    touched: bool,
    sessions: BTreeMap<SessionId, Session>,
    next_session: u64,
    operator: Option<SessionId>,
    asking: Option<control::Asking>,
    hold: Option<control::Hold>,
    /// When the last operator's lease was renewed last: from there a hold runs.
    operator_renewed: Now,
    trip: Option<Trip>,
    unclean: bool,
    limits: Vec<interlock::Watch>,
    auto_arm: command::AutoArm,
    delay: system::Delay,
    answered: VecDeque<command::Answered>,
    setpoints: BTreeMap<ControlIx, Value>,
    guard: Guard,
    app: app::Wrapped,
    now: Now,
    wake: Option<Time>,
}

impl State {
    /// The rules of a rig that is about to be opened. `unclean` says that the run before did not end
    /// cleanly: recovery comes first and a person has to acknowledge it.
    #[must_use]
    pub fn new(rig: Arc<Rig>, run: RunId, unclean: bool, now: Now) -> Self {
        let devices = rig.plan.devices.len();
        let limits = rig.readings.iter().map(interlock::Watch::new).collect();
        let auto_arm = command::AutoArm::new(rig.policy.safety.arm, unclean);
        let guard = Guard::new(rig.policy.safety.watchdog, now.mono);
        Self {
            rig,
            epoch: Epoch { run, n: 1 },
            phase: Phase::Idle,
            devices: vec![DeviceState::Disconnected; devices],
            identities: vec![None; devices],
            retries: vec![None; devices],
            touched: false,
            sessions: BTreeMap::new(),
            next_session: 1,
            operator: None,
            asking: None,
            hold: None,
            operator_renewed: now,
            trip: None,
            unclean,
            limits,
            auto_arm,
            delay: system::Delay::default(),
            answered: VecDeque::new(),
            setpoints: BTreeMap::new(),
            guard,
            app: app::Wrapped::default(),
            now,
            wake: None,
        }
    }

    /// Takes one input and says what is to be done, in this order.
    pub fn handle(&mut self, now: Now, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        let fx = &mut effects;
        self.clocks(now, fx);
        let sign_of_life = matches!(input, Input::Beat { .. } | Input::Pong { .. } | Input::Renew { .. });
        match input {
            Input::Open => self.open(fx),
            Input::Demand(demand) => self.demand(demand, fx),
            Input::Arrive(arrival) => self.arrive(arrival, fx),
            Input::Beat { session, n, main_ago, input_ago } => {
                self.beat(session, n, main_ago.unwrap_or_default(), input_ago, fx);
            }
            Input::Renew { session } => self.renew(session),
            Input::Pong { session } => self.pong(session),
            Input::Quiet { session, asked, late } => self.quiet(session, asked, late, fx),
            Input::SocketLost { session } => self.socket_lost(session, fx),
            Input::Goodbye { session, reason, grace } => self.goodbye(session, reason, grace, fx),
            Input::Closed { session, wait } => self.closed(session, wait, fx),
            Input::Sought { session } => self.sought(session),
            Input::TakeControl { session, force } => self.take_control(session, force, fx),
            Input::YieldControl { session, to: None } => self.yield_control(session, fx),
            Input::YieldControl { session, to: Some(to) } => self.give_control(session, to, fx),
            Input::Stay { session } => self.stay(session),
            Input::Command(command) => self.command(command, fx),
            Input::SetDone { session, id, control, value, result } => {
                self.set_done(session, &id, control, value, result, fx);
            }
            Input::Opened { device, identity } => self.opened(device, identity, fx),
            Input::OpenFailed { device, failure } => self.open_failed(device, &failure, fx),
            Input::Lost { device, why } => self.lost(device, why, fx),
            Input::Progress { device, state } => self.progress(device, state, fx),
            Input::Armed => self.armed(fx),
            Input::ArmFailed { device, why } => self.arm_failed(device, why, fx),
            Input::Done(report) => self.teardown_done(&report, fx),
            Input::Watchdog(news) => self.watchdog(news, fx),
            Input::Reading { reading, value } => self.reading(reading, value, fx),
            Input::System(system) => self.system(system, fx),
            Input::App(news) => self.app_news(news, fx),
            // Read, then judge: nothing is due until the host has handed over everything that waited.
            Input::Tick => self.due(fx),
        }
        self.want_lock(fx);
        // A sign of life makes nothing due sooner, and of a thousand sessions they come by the thousand. Behind them
        // comes a tick.
        if self.wake.is_none() || !sign_of_life {
            self.wake = Some(self.next_wake());
        }
        effects
    }

    /// The rig.
    #[must_use]
    pub fn rig(&self) -> &Rig {
        &self.rig
    }

    /// The present epoch.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Where the rig stands.
    #[must_use]
    pub const fn phase(&self) -> &Phase {
        &self.phase
    }

    /// Where each device stands, in file order.
    #[must_use]
    pub fn devices(&self) -> &[DeviceState] {
        &self.devices
    }

    /// What each device said it is, in file order.
    #[must_use]
    pub fn identities(&self) -> &[Option<String>] {
        &self.identities
    }

    /// The sessions that have not ended.
    #[must_use]
    pub const fn sessions(&self) -> &BTreeMap<SessionId, Session> {
        &self.sessions
    }

    /// The session in control.
    #[must_use]
    pub const fn operator(&self) -> Option<SessionId> {
        self.operator
    }

    /// The session that waits for control.
    #[must_use]
    pub fn asking(&self) -> Option<SessionId> {
        self.asking.as_ref().map(|asking| asking.session)
    }

    /// Until when, on the boot clock, hardware may be left without an operator.
    #[must_use]
    pub fn hold_until(&self) -> Option<Time> {
        self.hold.map(|hold| hold.until)
    }

    /// What tripped and was not acknowledged yet.
    #[must_use]
    pub const fn trip(&self) -> Option<&Trip> {
        self.trip.as_ref()
    }

    /// The run before did not end cleanly and nobody has acknowledged it yet.
    #[must_use]
    pub const fn unclean(&self) -> bool {
        self.unclean
    }

    /// The value of each control that was set and confirmed since its device was last connected.
    #[must_use]
    pub const fn setpoints(&self) -> &BTreeMap<ControlIx, Value> {
        &self.setpoints
    }

    /// Whether a device may act because of bytes of ours, or of the app's: armed, arming, a control was used, or an
    /// app is there that drives devices by itself.
    #[must_use]
    pub fn energised(&self) -> bool {
        let ours = self.touched || matches!(self.phase, Phase::Arming { .. } | Phase::Armed { .. });
        ours || self.app_may_drive()
    }

    /// Whether a device may act and is not being made safe: what is found amiss then begins a teardown. One that runs is
    /// not raised by finding it again at each turn.
    fn acts(&self) -> bool {
        self.energised() && !matches!(self.phase, Phase::Teardown(_))
    }

    /// Raises the epoch; nothing that carries an older one reaches a device any more.
    fn fence(&mut self, fx: &mut Vec<Effect>) {
        self.epoch.n += 1;
        fx.push(Effect::Fence(self.epoch));
    }

    fn record(&self, event: Event, fx: &mut Vec<Effect>) {
        fx.push(Effect::Record(event));
    }

    /// The longest a whole teardown may take, from now.
    fn deadline(&self) -> Time {
        self.now.mono + self.rig.plan.deadline
    }

    /// Whether the cause that names the running teardown is this one (for tests and views).
    #[must_use]
    pub fn teardown_cause(&self) -> Option<&Cause> {
        match &self.phase {
            Phase::Teardown(running) => running.causes.first(),
            _ => None,
        }
    }
}
