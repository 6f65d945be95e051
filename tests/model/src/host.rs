//! The host: its rules' thread, executor, link and the funnel, around `killcord_core::rules::State`.
//!
//! Mirrors `Engine::take`, `Engine::carry_out`, `Engine::executor_event` (`crates/host/src/engine`),
//! `Desk::work`, `tear_down` and `arm` (`crates/device/src/execute/executor.rs`), and the funnel
//! `Shared::queue_cause`. Each action of a thread is one turn of its loop; between any two of them the process can
//! be stopped or die.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use killcord_core::{
    Cause, ControlIx, DeviceState, Epoch, Extent, Mode, Now, Report, Role, RunId, SessionId, SessionKind,
    Status, Time, Value,
    plan::{Arming, Failure, Machine as _, Order, Progress, Teardown, Ticket, Work},
    rules::{Arrival, Command, CommandKind, Demand, Effect, Input, News, Phase, State, Tag},
};

use crate::{
    device::{Device, Party},
    keeper::Keeper,
    ledger::{Act, DEVICE, Ledger},
    line::{self, Came, Job, Line, Owner},
    pipe::Pipe,
    record::{Record, Recording},
    run::Run,
    scope::{Flaw, Scope},
};

/// The window's session, the first and only one.
const SESSION: SessionId = SessionId(1);

/// What waits for the rules' thread.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Item {
    Input(Input),
    /// The link has connected the device.
    Opened,
    Progress(Progress),
    Finished(Box<Report>),
    Armed(u64),
    ArmFailed(u64, String),
}

/// What the executor is told to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Errand {
    Teardown(Order),
    Arm(u64),
}

/// What the executor is at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Task {
    Teardown(Run<Teardown>),
    Arming(Run<Arming>, u64),
}

/// The process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host {
    /// Its rules.
    pub rules: State,
    /// It is stopped, and continued then at the latest.
    pub stopped: Option<Time>,
    /// The page that is its session gives signs of life.
    pub page: bool,
    /// What is on record with the watchdog.
    pub ledger: Ledger,
    /// The thread that keeps a watchdog.
    pub keeper: Keeper,
    /// The link's thread.
    pub line: Line,
    fence: u64,
    causes: VecDeque<Demand>,
    queue: VecDeque<Item>,
    errands: VecDeque<Errand>,
    work: Option<Task>,
    runs: u64,
    /// All is over but the leave-taking; whether the device is confirmed safe.
    pub ends: Option<bool>,
    /// Its links are given back, and it has said goodbye.
    pub leaves: bool,
}

impl Host {
    /// A host that has just been started; `unclean` if the run before had no end.
    #[must_use]
    pub fn new(scope: &Scope, unclean: bool, now: Time) -> Self {
        let rules = State::new(scope.rig.clone(), RunId(1), unclean, Now::awake(now));
        let arrival = Arrival {
            tag: Tag(1),
            kind: SessionKind::Window,
            want: Role::Operator,
            may_operate: true,
            local: true,
            resume: None,
        };
        let mut host = Self {
            rules,
            stopped: None,
            page: true,
            ledger: Ledger::default(),
            keeper: Keeper::Starting,
            line: Line::default(),
            fence: 0,
            causes: VecDeque::new(),
            queue: VecDeque::from([Item::Input(Input::Arrive(arrival))]),
            errands: VecDeque::new(),
            work: None,
            runs: 0,
            ends: None,
            leaves: false,
        };
        // The first input, whatever waits already; there is no watchdog yet that could be told.
        host.input(Input::Open, scope, now, &mut Pipe::default());
        host
    }

    /// Whether anything in it knows that the device may act.
    #[must_use]
    pub fn knows(&self) -> bool {
        let owed = matches!(self.rules.devices()[0], DeviceState::Fault(_));
        self.ledger.act != Act::No
            || self.rules.energised()
            || owed
            || matches!(self.rules.phase(), Phase::Teardown(_))
    }

    /// The funnel: the fence first, then the cause.
    pub fn demand(&mut self, cause: Cause, mode: Mode, extent: Extent) {
        self.fence += 1;
        self.causes.push_back(Demand { cause, mode, extent, deadline: None, epoch: self.fence });
    }

    /// The operator asks for something, under the epoch that the page believes in.
    pub fn command(&mut self, kind: CommandKind) {
        let epoch = self.rules.epoch();
        let command =
            |kind| Item::Input(Input::Command(Command { session: SESSION, id: String::new(), epoch, kind }));
        self.queue.push_back(command(CommandKind::Acknowledge));
        self.queue.push_back(command(kind));
    }

    /// The command that uses the control.
    #[must_use]
    pub fn control() -> CommandKind {
        CommandKind::Set { control: ControlIx(0), value: Value::Truth(true) }
    }

    pub(crate) fn news(&mut self, news: News) {
        self.queue.push_back(Item::Input(Input::Watchdog(news)));
    }

    /// Whether the rules' thread can go on now.
    #[must_use]
    pub fn rules_are_ready(&self, now: Time) -> bool {
        let waits = !self.queue.is_empty() || !self.causes.is_empty();
        self.ends.is_none() && (waits || now >= self.rules.next_wake())
    }

    /// One input, causes first; and once none waits, the clock: read, then judge.
    pub fn turn_rules(&mut self, scope: &Scope, now: Time, pipe: &mut Pipe) {
        if let Some(demand) = self.causes.pop_front() {
            self.input(Input::Demand(demand), scope, now, pipe);
        } else if let Some(item) = self.queue.pop_front() {
            self.take(item, scope, now, pipe);
        }
        if self.queue.is_empty() && self.causes.is_empty() {
            if self.page {
                // Whatever signs of life there are were queued in time.
                self.input(Input::Renew { session: SESSION }, scope, now, pipe);
            }
            self.input(Input::Tick, scope, now, pipe);
        }
    }

    fn input(&mut self, input: Input, scope: &Scope, now: Time, pipe: &mut Pipe) {
        for effect in self.rules.handle(Now::awake(now), input) {
            self.carry_out(effect, scope, now, pipe);
        }
    }

    fn take(&mut self, item: Item, scope: &Scope, now: Time, pipe: &mut Pipe) {
        match item {
            Item::Input(input) => self.input(input, scope, now, pipe),
            Item::Opened => {
                self.ledger.connected(pipe);
                self.input(Input::Opened { device: DEVICE, identity: None }, scope, now, pipe);
            }
            Item::Progress(progress) => {
                match &progress {
                    Progress::Settled { status: Status::SafeVerified, .. } => self.ledger.safe(pipe),
                    Progress::State { state: DeviceState::Released, .. } => self.ledger.released(pipe),
                    _ => {}
                }
                if let Progress::State { device, state } = progress {
                    self.input(Input::Progress { device, state }, scope, now, pipe);
                }
            }
            Item::Finished(report) => {
                self.input(Input::Done(report), scope, now, pipe);
                if !matches!(self.rules.phase(), Phase::Teardown(_)) {
                    self.ledger.teardown_done(pipe);
                }
            }
            Item::Armed(epoch) if epoch == self.rules.epoch().n => self.input(Input::Armed, scope, now, pipe),
            Item::ArmFailed(epoch, why) if epoch == self.rules.epoch().n => {
                self.input(Input::ArmFailed { device: DEVICE, why }, scope, now, pipe);
            }
            Item::Armed(_) | Item::ArmFailed(..) => {}
        }
    }

    fn carry_out(&mut self, effect: Effect, scope: &Scope, now: Time, pipe: &mut Pipe) {
        match effect {
            Effect::Fence(Epoch { n, .. }) => self.fence = self.fence.max(n),
            Effect::Teardown(order) => {
                let (mode, until) = (order.mode, order.deadline);
                if matches!(order.cause, Cause::Start | Cause::Recovery) {
                    self.ledger.teardown_done(pipe);
                }
                self.errands.push_back(Errand::Teardown(order));
                self.ledger.teardown(pipe, mode, until, now);
            }
            Effect::Arm(Epoch { n, .. }) => self.errands.push_back(Errand::Arm(n)),
            Effect::Set { step, epoch, .. } => {
                let timeout = scope.rig.plan.devices[0].timeout;
                self.line.submit(Job {
                    owner: Owner::Control,
                    work: Work::Step(step),
                    act: Some(epoch.n),
                    deadline: now + timeout * 2,
                });
            }
            Effect::Beat(_) => {
                let answering = !self.line.is_overdue(now) || scope.has(Flaw::BlindBeat);
                if answering || self.ledger.in_a_teardown(now) {
                    self.ledger.beat(pipe);
                } else {
                    self.news(News::Beat);
                }
            }
            Effect::ReplaceWatchdog => self.keeper.replace(),
            Effect::End(report) => self.ends = Some(report.confirmed()),
            // For people and the journal.
            _ => {}
        }
    }

    /// Whether the executor's thread can go on now.
    #[must_use]
    pub fn executor_is_ready(&self, now: Time) -> bool {
        !self.errands.is_empty()
            || match &self.work {
                None => false,
                Some(Task::Teardown(run)) => run.is_ready(now),
                Some(Task::Arming(run, _)) => run.is_ready(now),
            }
    }

    /// Takes what it is told, then one turn of its machine.
    pub fn turn_executor(&mut self, scope: &Scope, now: Time) {
        match self.work.take() {
            None => self.begin(scope, now),
            Some(Task::Teardown(mut run)) => {
                for errand in std::mem::take(&mut self.errands) {
                    if let Errand::Teardown(order) = errand {
                        let at = run.clock(now);
                        let _taken = run.machine.raise(at, on_clock(order, now, at), &self.open_devices());
                    }
                }
                let over = run.turn(now, None, &mut self.line);
                self.tell(run.machine.drain_events());
                if over {
                    self.queue.push_back(Item::Finished(Box::new(run.machine.report(run.clock(now)))));
                } else {
                    self.work = Some(Task::Teardown(run));
                }
            }
            Some(Task::Arming(mut run, epoch)) => {
                self.errands.retain(|errand| matches!(errand, Errand::Teardown(_)));
                if !self.errands.is_empty() {
                    // Superseded: dropped where it stands.
                    return;
                }
                let over = run.turn(now, Some(epoch), &mut self.line);
                self.tell(run.machine.drain_events());
                match run.machine.outcome() {
                    Some(Err(failed)) if over => {
                        self.queue.push_back(Item::ArmFailed(epoch, failed.why.clone()));
                    }
                    _ if over => self.queue.push_back(Item::Armed(epoch)),
                    _ => self.work = Some(Task::Arming(run, epoch)),
                }
            }
        }
    }

    fn begin(&mut self, scope: &Scope, now: Time) {
        // Told apart from the run before, whose last job may still be out.
        self.runs = (self.runs + 1) % 4;
        self.work = match self.errands.pop_front() {
            Some(Errand::Teardown(order)) => {
                let order = on_clock(order, now, Time::ZERO);
                let machine = Teardown::new(scope.plan(), order, &self.open_devices(), Time::ZERO);
                Some(Task::Teardown(Run::new(self.runs, machine, now)))
            }
            Some(Errand::Arm(epoch)) => {
                Some(Task::Arming(Run::new(self.runs, Arming::new(scope.plan()), now), epoch))
            }
            None => None,
        };
    }

    fn open_devices(&self) -> BTreeSet<killcord_core::DeviceIx> {
        self.line.open.then_some(DEVICE).into_iter().collect()
    }

    fn tell(&mut self, events: Vec<Progress>) {
        // Single exchanges and phases are for those who watch.
        let told = events.into_iter().filter(|event| {
            matches!(event, Progress::State { .. } | Progress::Settled { status: Status::SafeVerified, .. })
        });
        self.queue.extend(told.map(Item::Progress));
    }

    fn record(&self, scope: &Scope) -> Record {
        let on_record = self.ledger.act == Act::OnRecord;
        Record { fence: self.fence, on_record, flaw: scope.flaw }
    }

    /// Whether the link's thread can go on now.
    #[must_use]
    pub fn line_is_ready(&self, scope: &Scope, now: Time) -> bool {
        self.line.is_ready(now, &self.record(scope))
    }

    /// One step of the link's thread.
    pub fn turn_line(&mut self, scope: &Scope, now: Time, pipe: &mut Pipe, device: &mut Device) {
        let record = self.record(scope);
        let Self { line, ledger, .. } = self;
        match line.step(now, &mut Recording { record, ledger, pipe }, device, Party::Host) {
            Came::On => {}
            Came::Opened(owner) => {
                self.queue.push_back(Item::Opened);
                self.over(owner, Ok(None), None);
            }
            Came::Done(owner, outcome, written) => self.over(owner, outcome, written.then_some(now)),
        }
    }

    fn over(&mut self, owner: Owner, outcome: Result<Option<Value>, Failure>, written: Option<Time>) {
        match (owner, &mut self.work) {
            (Owner::Run(number, ticket), Some(Task::Teardown(run))) if run.number == number => {
                run.result(outcome_of(run, ticket, outcome, written));
            }
            (Owner::Run(number, ticket), Some(Task::Arming(run, _))) if run.number == number => {
                run.result(outcome_of(run, ticket, outcome, written));
            }
            // What an earlier run had out.
            (Owner::Run(..), _) => {}
            (Owner::Control, _) => {
                let CommandKind::Set { control, value } = Self::control() else { return };
                let result = outcome.map(drop);
                let input = Input::SetDone { session: SESSION, id: String::new(), control, value, result };
                self.queue.push_back(Item::Input(input));
            }
        }
    }

    /// When one of its threads goes on by itself.
    pub fn wakes(&self) -> impl Iterator<Item = Time> {
        let run = match &self.work {
            None => None,
            Some(Task::Teardown(run)) => run.wakes(),
            Some(Task::Arming(run, _)) => run.wakes(),
        };
        let rules = self.ends.is_none().then(|| self.rules.next_wake());
        rules.into_iter().chain(run).chain(self.line.wakes()).chain(self.keeper.wakes())
    }

    /// Everything told `by` earlier.
    pub(crate) fn earlier(&mut self, by: Duration, pipe: &Pipe) {
        self.rules = self.rules.representative(by);
        self.stopped.iter_mut().for_each(|until| *until = *until - by);
        self.ledger.earlier(by, pipe);
        self.keeper.earlier(by);
        self.line.earlier(by);
        match &mut self.work {
            None => {}
            Some(Task::Teardown(run)) => run.earlier(by),
            Some(Task::Arming(run, _)) => run.earlier(by),
        }
        for errand in &mut self.errands {
            if let Errand::Teardown(order) = errand {
                order.deadline = order.deadline - by;
            }
        }
    }
}

fn outcome_of<M: killcord_core::plan::Machine>(
    run: &Run<M>,
    ticket: Ticket,
    outcome: Result<Option<Value>, Failure>,
    written: Option<Time>,
) -> killcord_core::plan::StepResult {
    line::result(ticket, outcome, written.map(|at| run.clock(at)))
}

/// An order of the rules, on the clock of a machine that stands at `at`.
fn on_clock(order: Order, now: Time, at: Time) -> Order {
    Order { deadline: at + order.deadline.since(now), ..order }
}
