//! A simulated world: links and devices that obey, refuse, fall silent, answer late, lie, break and hang.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use killcord_core::{
    DeviceIx, LinkIx, Mode, Plan, Report, Status, Time, Value,
    plan::{Dispatch, Failure, Machine, Next, Order, SLACK, StepResult, Teardown, Work},
    report::Phase,
};

use crate::rigs::{at, ms};

/// What a device makes of one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum React {
    Obey,
    /// Taken, and nothing done.
    Ignore,
    Refuse,
    /// No answer; it comes later and is taken for the next one's.
    Mute,
    Break,
    /// The link's thread never comes back.
    Hang,
    /// Done, but the result comes past the dispatch's deadline.
    Late,
}

#[derive(Clone, Debug)]
pub(crate) struct Sim {
    pub(crate) on: bool,
    /// Used up one an exchange; obeys when they are through.
    pub(crate) reacts: Vec<React>,
    pub(crate) openable: Result<(), bool>,
    pub(crate) latency: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Done {
    pub(crate) handed: Time,
    pub(crate) ended: Option<Time>,
    pub(crate) dispatch: Dispatch,
    pub(crate) outcome: Option<Result<(), Failure>>,
}

pub(crate) struct World {
    pub(crate) plan: Arc<Plan>,
    pub(crate) sims: Vec<Sim>,
    pub(crate) owed: BTreeMap<LinkIx, bool>,
    pub(crate) log: Vec<Done>,
    pub(crate) open: BTreeSet<DeviceIx>,
    pending: Vec<(Time, usize, StepResult)>,
    read: BTreeMap<DeviceIx, usize>,
}

pub(crate) struct Ran {
    pub(crate) report: Report,
    pub(crate) ended: Time,
    pub(crate) teardown: Teardown,
}

impl World {
    pub(crate) fn new(
        plan: Arc<Plan>,
        sims: Vec<Sim>,
        open: BTreeSet<DeviceIx>,
        owed: BTreeMap<LinkIx, bool>,
    ) -> Self {
        Self { plan, sims, owed, log: Vec::new(), open, pending: Vec::new(), read: BTreeMap::new() }
    }

    fn react(&mut self, device: DeviceIx) -> React {
        let count = self.read.entry(device).or_default();
        let react = self.sims[device.at()].reacts.get(*count).copied().unwrap_or(React::Obey);
        *count += 1;
        react
    }

    fn start(&mut self, now: Time, dispatch: Dispatch) {
        let device = dispatch.device;
        let index = self.log.len();
        let react = self.react(device);
        let latency = ms(self.sims[device.at()].latency);
        let owed = self.owed.get(&dispatch.link).copied().unwrap_or(false);
        let sim = &mut self.sims[device.at()];
        let mut done = now + latency;
        let mut written = Some(now);
        let executes = matches!(react, React::Obey | React::Mute | React::Late);
        let mut outcome: Result<Option<Value>, Failure> = match &dispatch.work {
            Work::Open => match sim.openable {
                Ok(()) => Ok(None),
                Err(true) => Err(Failure::WrongIdentity("another".into())),
                Err(false) => Err(Failure::Disconnected("refused".into())),
            },
            Work::Close | Work::Resync => Ok(None),
            Work::Step(step) if step.is_query() => {
                // An owed reply comes first: a zero, whatever is the case.
                let on = sim.on && !owed;
                Ok(Some(Value::Text(if on { "1" } else { "0" }.into())))
            }
            Work::Step(_) => {
                if executes {
                    sim.on = false;
                }
                Ok(None)
            }
        };
        let mut owes = owed;
        match react {
            React::Obey | React::Ignore => {}
            React::Refuse => outcome = outcome.and(Err(Failure::Refused("no".into()))),
            React::Mute => {
                outcome = outcome.and(Err(Failure::Timeout));
                done = dispatch.deadline;
                owes = true;
            }
            React::Late => {
                done = dispatch.deadline + SLACK / 2;
                outcome = outcome.and(Err(Failure::Timeout));
                owes = true;
            }
            React::Break => {
                outcome = Err(Failure::Disconnected("broken".into()));
                written = None;
                owes = false;
            }
            React::Hang => done = Time(std::time::Duration::MAX),
        }
        // No link's thread works past the deadline that it was given.
        if done > dispatch.deadline && !matches!(react, React::Late | React::Hang) {
            done = dispatch.deadline;
            outcome = Err(Failure::Timeout);
            owes = true;
        }
        if outcome.is_ok() && matches!(dispatch.work, Work::Resync | Work::Open) {
            owes = false;
        }
        self.owed.insert(dispatch.link, owes);
        let result = StepResult { ticket: dispatch.ticket, outcome, out_of_step: owed, written };
        self.log.push(Done { handed: now, ended: None, dispatch, outcome: None });
        self.pending.push((done, index, result));
    }

    /// Drives it to its end, the orders of `raises` joining at their times.
    pub(crate) fn run(&mut self, order: Order, mut raises: Vec<(Time, Order)>) -> Ran {
        raises.sort_by_key(|(at, _)| *at);
        let mut now = at(0);
        let mut teardown = Teardown::new(self.plan.clone(), order, &self.open, now);
        let (mut mode, mut extent, mut deadline) = (teardown.mode(), teardown.extent(), teardown.deadline());
        for _ in 0..200_000 {
            match teardown.next(now) {
                Next::Do(dispatches) => {
                    assert!(!dispatches.is_empty());
                    for dispatch in dispatches {
                        self.check(&teardown, &dispatch, now);
                        self.start(now, dispatch);
                    }
                }
                Next::Wait(until) => {
                    assert!(until > now, "waits for the past: {until} at {now}");
                    assert!(until <= teardown.deadline());
                    let result = self.pending.iter().map(|(at, _, _)| *at).min();
                    let raise = raises.first().map(|(at, _)| *at);
                    let next = [Some(until), result, raise].into_iter().flatten().min().unwrap();
                    now = next.max(now);
                    while let Some(at) = self.pending.iter().position(|(at, _, _)| *at <= now) {
                        let (_, index, result) = self.pending.remove(at);
                        self.log[index].ended = Some(now);
                        self.log[index].outcome = Some(result.outcome.clone().map(|_| ()));
                        teardown.result(now, result);
                    }
                    while raises.first().is_some_and(|(at, _)| *at <= now) {
                        teardown.raise(now, raises.remove(0).1, &self.open);
                    }
                }
                Next::Done => {
                    return Ran { report: teardown.report(now), ended: now, teardown };
                }
            }
            assert!(
                teardown.mode() >= mode && teardown.extent() >= extent && teardown.deadline() <= deadline
            );
            (mode, extent, deadline) = (teardown.mode(), teardown.extent(), teardown.deadline());
        }
        panic!("it does not come to an end: {:#?}", self.log.last());
    }

    fn check(&self, teardown: &Teardown, dispatch: &Dispatch, now: Time) {
        assert!(dispatch.deadline > now && dispatch.deadline <= teardown.deadline(), "{dispatch:?} at {now}");
        let busy = self.log.iter().any(|done| {
            done.dispatch.link == dispatch.link
                && done.ended.is_none()
                && now < done.dispatch.deadline + SLACK
        });
        assert!(!busy, "two on one link: {dispatch:?}");
        if let Some(over) = teardown.takeover(dispatch.device) {
            let controlled = !matches!(dispatch.phase, Phase::Open | Phase::Emergency | Phase::Release);
            assert!(over > now, "past its takeover: {dispatch:?} at {now}");
            assert!(!controlled || dispatch.deadline <= over, "{dispatch:?}");
        }
        let lost = self.log.iter().any(|done| {
            done.dispatch.device == dispatch.device
                && matches!(done.outcome, Some(Err(Failure::WrongIdentity(_))))
        });
        assert!(!lost || dispatch.work == Work::Close, "a byte for another instrument: {dispatch:?}");
    }

    /// The exchanges of a device in these phases.
    pub(crate) fn of(&self, device: DeviceIx, phases: &[Phase]) -> impl Iterator<Item = &Done> {
        self.log
            .iter()
            .filter(move |done| done.dispatch.device == device && phases.contains(&done.dispatch.phase))
    }

    /// What may be said of a report, whatever happened.
    pub(crate) fn check_report(&self, ran: &Ran, raised: bool) {
        let report = &ran.report;
        // A cause may shorten the deadline to what is already past: then it ends there and then.
        let latest = report.causes.iter().map(|(at, _)| *at).max().unwrap_or_default();
        assert!(ran.ended <= ran.teardown.deadline().max(latest), "past its deadline");
        for entry in &report.devices {
            let plan = &self.plan.devices[entry.device.at()];
            let sim = &self.sims[entry.device.at()];
            let context = || format!("{entry:?}\n{:?}", self.log);
            if plan.only_measures() {
                assert!(entry.confirmed());
                assert_eq!(self.of(entry.device, &[Phase::Safe, Phase::Emergency, Phase::Verify]).count(), 0);
                continue;
            }
            let commands = [Phase::Safe, Phase::Emergency];
            match entry.status {
                Status::SafeVerified => {
                    assert!(!sim.on, "a false verified: {}", context());
                    let last = self.of(entry.device, &[Phase::Verify]).last().expect("it was verified");
                    assert_eq!(last.outcome, Some(Ok(())));
                }
                Status::SafeUnverified => {
                    assert!(self.of(entry.device, &commands).count() > 0, "{}", context())
                }
                Status::Failed | Status::Unreachable => {
                    assert!(
                        entry.remarks.iter().any(|r| r.starts_with("Check by hand that")),
                        "{}",
                        context()
                    );
                }
            }
            // Each safe step is delivered at most once on a connection, and attempted on every teardown.
            for phase in commands {
                let mut delivered = BTreeMap::<(usize, String), usize>::new();
                // One that led nowhere was closed; the next one is told anew.
                let mut connection = 0;
                for done in self.of(entry.device, &[Phase::Open, phase]) {
                    match &done.dispatch.work {
                        Work::Close => connection += 1,
                        Work::Step(step) if done.outcome == Some(Ok(())) && !step.is_query() => {
                            *delivered.entry((connection, step.to_string())).or_default() += 1;
                        }
                        _ => {}
                    }
                }
                assert!(delivered.values().all(|n| *n == 1), "{delivered:?} {}", context());
            }
            let mut connected = self.open.contains(&entry.device);
            for done in self.log.iter().filter(|done| done.dispatch.device == entry.device) {
                match (&done.outcome, &done.dispatch.work) {
                    (Some(Err(Failure::Disconnected(_) | Failure::WrongIdentity(_))), _) => connected = false,
                    (Some(_), Work::Open) => connected = true,
                    _ => {}
                }
            }
            let link_hung = self.log.iter().any(|done| {
                done.dispatch.link == plan.link
                    && (done.ended.is_none_or(|at| at >= done.dispatch.deadline + SLACK))
            });
            let attempted = self.of(entry.device, &commands).count() > 0;
            assert!(
                attempted || !connected || link_hung || report.out_of_time,
                "not attempted: {}",
                context()
            );
            // In order.
            for before in &plan.safe_after {
                self.check_order(*before, entry.device, raised);
            }
            let release = self.of(entry.device, &[Phase::Release]).next();
            if let Some(release) = release
                && !raised
            {
                let late = self.log.iter().any(|done| {
                    done.handed > release.handed && !matches!(done.dispatch.phase, Phase::Release)
                });
                assert!(!late, "released before all was safe: {}", context());
            }
            if report.extent > killcord_core::Extent::Stay && !report.out_of_time && !link_hung {
                let closes =
                    self.of(entry.device, &[Phase::Release]).filter(|done| done.dispatch.work == Work::Close);
                assert_eq!(closes.count(), 1, "{}", context());
            }
        }
    }

    fn check_order(&self, before: DeviceIx, after: DeviceIx, raised: bool) {
        if self.plan.devices[before.at()].only_measures() {
            return;
        }
        if let Some(first) = self.of(after, &[Phase::Safe]).next()
            && !raised
        {
            let phases = [Phase::Safe, Phase::Verify, Phase::Errors, Phase::Emergency];
            let late = self.of(before, &phases).find(|done| done.handed > first.handed);
            assert!(late.is_none(), "{after:?} before {before:?} was done: {late:?}");
        }
        if let Some(first) = self.of(after, &[Phase::Emergency]).next() {
            // Its predecessor's first command came before, unless it has none at all.
            let own = self.of(before, &[Phase::Safe, Phase::Emergency]).next();
            assert!(
                own.is_none_or(|own| own.handed <= first.handed) || raised || self.open_failed(before),
                "{after:?} before {before:?}: {:#?}",
                self.log
            );
        }
    }

    fn open_failed(&self, device: DeviceIx) -> bool {
        self.of(device, &[Phase::Open]).any(|done| matches!(done.outcome, Some(Err(_))))
    }
}

/// The sequence that ended a device.
pub(crate) fn mode_of(report: &Report, device: DeviceIx) -> Mode {
    report.device(device).expect("it is in the report").mode
}
