//! The rules over random orders of events, and their times at the exact boundary.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod app;
mod closing;
mod control;
mod frozen;
mod guard;
mod lies;
mod operator;
mod reader;
mod retry;
mod system;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use killcord_core::{
    Cause, ControlIx, DeviceIx, DeviceState, Epoch, Extent, Item, LinkIx, Mode, Now, Policy, ReadingIx,
    Report, Rig, Role, RunId, SessionEnd, SessionId, SessionKind, Status, Step, Time, Value, Verify,
    plan::{Connect, DevicePlan, Failure, LinkPlan, Order, Plan, Protocol, Terminator},
    policy::{ArmPolicy, OnLast, OnLost, Watchdog},
    report::DeviceReport,
    rig::{Control, ControlKind, Limits, Needs, OnLimit, Reading, While},
    rules::{Arrival, Command, CommandKind, Demand, Effect, Event, Input, Liveliness, Phase, State, Tag},
    step::Template,
};
use proptest::prelude::*;
use reader::asked;

fn device(name: &str, link: usize) -> DevicePlan {
    DevicePlan {
        name: name.into(),
        label: None,
        driver: "scpi".into(),
        keys: BTreeMap::new(),
        link: LinkIx::from(link),
        timeout: Duration::from_millis(500),
        budget: Duration::from_secs(4),
        open: Vec::new(),
        id: None,
        expect_id: None,
        sync: None,
        errors: None,
        arm: vec![Item::Do(Step::send("OUTP ON"))],
        safe: vec![Item::Do(Step::send("OUTP OFF"))],
        emergency: vec![Item::Do(Step::send("OUTP OFF"))],
        verify: Verify::None,
        release: Vec::new(),
        instrument_watchdog: None,
        safe_after: Vec::new(),
        arm_after: None,
        optional: false,
        has_controls: true,
    }
}

fn rig(policy: Policy) -> Arc<Rig> {
    let link = |name: &str| LinkPlan {
        name: name.into(),
        connect: Connect::Serial {
            path: PathBuf::from("/dev/null"),
            line: Default::default(),
            protocol: Protocol::Line { terminator: Terminator::Lf },
        },
        cut_in: true,
    };
    let plan = Plan {
        rig: "bench".into(),
        deadline: Duration::from_secs(10),
        links: vec![link("a"), link("b")],
        devices: vec![device("psu", 0), device("load", 1)],
        app: None,
    };
    let control = |name: &str, needs| Control {
        device: DeviceIx(0),
        name: name.into(),
        label: None,
        kind: ControlKind::Number {
            send: Template::Line {
                before: "VOLT ".into(),
                decimals: None,
                after: String::new(),
                answer: None,
            },
            min: 0.0.into(),
            max: 12.0.into(),
        },
        query: None,
        field: None,
        unit: "V".into(),
        needs,
    };
    let reading = Reading {
        device: DeviceIx(0),
        name: "voltage".into(),
        label: None,
        query: Step::query("MEAS:VOLT?"),
        field: None,
        every: Duration::from_millis(200),
        unit: "V".into(),
        stale_after: Duration::from_secs(2),
        limits: Some(Limits {
            min: None,
            max: Some(13.0.into()),
            on: OnLimit::Safe,
            r#while: While::Armed,
            r#for: Duration::from_millis(300),
        }),
    };
    Arc::new(Rig {
        plan,
        policy,
        readings: vec![reading],
        controls: vec![control("setpoint", Needs::Armed), control("preset", Needs::Connected)],
        messages: BTreeMap::new(),
        source: Default::default(),
        remote: None,
        ui: None,
    })
}

/// The rules with a world that does at once what they order.
#[derive(Clone)]
struct World {
    state: State,
    now: Time,
    sent: Vec<Effect>,
    /// Readers answer at once.
    reads: bool,
}

impl World {
    /// A rig that does without a watchdog: what is tested here does not depend on one.
    fn new(mut policy: Policy) -> Self {
        policy.safety.watchdog = Watchdog::Off;
        Self::of(policy)
    }

    fn of(policy: Policy) -> Self {
        let state = State::new(rig(policy), RunId(7), false, Now::default());
        Self { state, now: Time::ZERO, sent: Vec::new(), reads: true }
    }

    /// Opened, and every device safe.
    fn ready(policy: Policy) -> Self {
        let mut world = Self::new(policy);
        world.say(Input::Open);
        world.finish(Status::SafeVerified);
        world
    }

    fn say(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = self.state.handle(Now::awake(self.now), input);
        self.sent.extend(effects.clone());
        if self.reads {
            for (session, asked) in asked(&effects) {
                effects.extend(self.say(Input::Quiet { session, asked, late: false }));
            }
        }
        effects
    }

    fn at(&mut self, ms: u64) -> Vec<Effect> {
        self.now = Time::from_millis(ms);
        self.say(Input::Tick)
    }

    /// Lets the time pass as a host does: at least as often as it is asked to.
    fn pass(&mut self, ms: u64) {
        let until = self.now + Duration::from_millis(ms);
        while self.now < until {
            self.now = self.state.next_wake().max(self.now + Duration::from_nanos(1)).min(until);
            self.say(Input::Tick);
        }
    }

    fn arrive(&mut self) -> SessionId {
        let effects = self.say(Input::Arrive(Arrival {
            tag: Tag(1),
            kind: SessionKind::Page,
            want: Role::Operator,
            may_operate: true,
            local: true,
            resume: None,
        }));
        effects
            .iter()
            .find_map(|effect| match effect {
                Effect::Welcome { session, .. } => Some(*session),
                _ => None,
            })
            .unwrap()
    }

    fn command(&mut self, session: SessionId, id: &str, kind: CommandKind) -> Vec<Effect> {
        let epoch = self.state.epoch();
        self.say(Input::Command(Command { session, id: id.into(), epoch, kind }))
    }

    fn armed(policy: Policy) -> (Self, SessionId) {
        let mut world = Self::ready(policy);
        let session = world.arrive();
        world.command(session, "arm", CommandKind::Arm);
        world.say(Input::Armed);
        assert!(matches!(world.state.phase(), Phase::Armed { .. }));
        (world, session)
    }

    fn demand(&mut self, cause: Cause, mode: Mode, extent: Extent) -> Vec<Effect> {
        let epoch = self.state.epoch().n + 1;
        self.say(Input::Demand(Demand { cause, mode, extent, deadline: None, epoch }))
    }

    /// The report of everything that was ordered.
    fn finish(&mut self, status: Status) -> Vec<Effect> {
        let Phase::Teardown(running) = self.state.phase() else { return Vec::new() };
        let report = Report {
            causes: running
                .causes
                .iter()
                .map(|cause| (self.now, cause.clone()))
                .take(running.open_orders)
                .collect(),
            mode: running.mode,
            extent: running.extent,
            began: self.now,
            took: Duration::ZERO,
            out_of_time: false,
            devices: running.devices.iter().map(|&device| entry(device, status, running.extent)).collect(),
            notes: Vec::new(),
        };
        self.say(Input::Done(Box::new(report)))
    }
}

fn entry(device: DeviceIx, status: Status, extent: Extent) -> DeviceReport {
    let safe = status == Status::SafeVerified;
    DeviceReport {
        device,
        name: format!("d{}", device.0),
        status,
        unverifiable: false,
        mode: Mode::Safe,
        released: safe && extent >= Extent::Release,
        first_byte: None,
        safe_at: None,
        exchanges: Vec::new(),
        remarks: Vec::new(),
    }
}

fn orders(effects: &[Effect]) -> Vec<&Order> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Teardown(order) => Some(order),
            _ => None,
        })
        .collect()
}

fn reply(effects: &[Effect]) -> Option<Result<(), String>> {
    effects.iter().find_map(|effect| match effect {
        Effect::Reply { result, .. } => Some(result.clone().map_err(|refusal| refusal.to_string())),
        _ => None,
    })
}

#[test]
fn a_lease_ends_at_its_time_and_not_a_tick_earlier() {
    let (mut world, session) = World::armed(Policy::default());
    world.say(Input::Beat { session, n: 1, main_ago: None, input_ago: None });
    let end = world.now + Duration::from_secs(5);
    // As a host would: woken in time, all the way.
    while world.now < end - Duration::from_nanos(1) {
        world.now = world.state.next_wake().min(end - Duration::from_nanos(1));
        world.say(Input::Reading { reading: ReadingIx(0), value: Some(1.0.into()) });
        let effects = world.say(Input::Tick);
        assert!(orders(&effects).is_empty(), "ended early, at {}", world.now);
    }
    assert_eq!(world.state.next_wake(), end);
    world.now = end;
    let effects = world.say(Input::Tick);
    assert_eq!(orders(&effects)[0].cause, Cause::SessionEnded { reason: SessionEnd::Expired });
    assert!(world.state.sessions().is_empty());
}

#[test]
fn our_own_stall_is_no_silence_of_a_session() {
    let (mut world, session) = World::armed(Policy::default());
    world.pass(1_000);
    world.say(Input::Beat { session, n: 1, main_ago: None, input_ago: None });
    world.say(Input::Reading { reading: ReadingIx(0), value: Some(1.0.into()) });
    // The host was stopped for 4.9 s behind its last turn: nothing could be heard in that time.
    world.now = world.now + Duration::from_millis(250 + 4_900);
    world.say(Input::Reading { reading: ReadingIx(0), value: Some(1.0.into()) });
    let effects = world.say(Input::Tick);
    assert!(orders(&effects).is_empty(), "{effects:?}");
    assert!(world.state.sessions().contains_key(&session));
}

#[test]
fn a_host_that_starves_beyond_its_credit_makes_the_rig_safe() {
    let (mut world, _) = World::armed(Policy::default());
    world.now = world.now + Duration::from_millis(250 + 5_001);
    let effects = world.say(Input::Tick);
    assert!(orders(&effects).iter().any(|order| order.cause == Cause::HostStarved), "{effects:?}");
}

#[test]
fn a_machine_that_slept_makes_the_rig_safe_on_waking() {
    let (mut world, session) = World::armed(Policy::default());
    let now = Now { mono: world.now, boot: world.now + Duration::from_secs(60) };
    let effects = world.state.handle(now, Input::Tick);
    assert_eq!(orders(&effects)[0].cause, Cause::Suspend);
    assert!(!world.state.sessions().contains_key(&session), "a page's lease is over");
}

#[test]
fn a_reload_leaves_the_hardware_untouched_and_one_that_never_comes_back_does_not() {
    for comes_back in [true, false] {
        let (mut world, session) = World::armed(Policy::default());
        let started = world.now;
        world.say(Input::Goodbye { session, reason: SessionEnd::PageClosed, grace: true });
        let refused = world.command(
            session,
            "set",
            CommandKind::Set { control: ControlIx(0), value: Value::Number(1.0.into()) },
        );
        assert!(reply(&refused).unwrap().is_err(), "commands are refused in grace");
        world.pass(1_999);
        assert!(matches!(world.state.phase(), Phase::Armed { .. }));
        // Else its staleness is due at the very same moment.
        world.say(Input::Reading { reading: ReadingIx(0), value: Some(1.0.into()) });
        if comes_back {
            world.say(Input::Arrive(Arrival {
                tag: Tag(2),
                kind: SessionKind::Page,
                want: Role::Operator,
                may_operate: true,
                local: true,
                resume: Some(session),
            }));
            world.say(Input::Reading { reading: ReadingIx(0), value: Some(1.0.into()) });
            world.pass(1_000);
            assert!(matches!(world.state.phase(), Phase::Armed { .. }));
            assert_eq!(world.state.operator(), Some(session));
        } else {
            world.pass(1);
            assert_eq!(world.now, started + Duration::from_secs(2));
            assert_eq!(
                world.state.teardown_cause(),
                Some(&Cause::SessionEnded { reason: SessionEnd::PageClosed })
            );
        }
    }
}

#[test]
fn safe_is_accepted_from_anybody_at_any_time_until_the_end() {
    let (mut world, _) = World::armed(Policy::default());
    let observer = world.arrive();
    assert_ne!(world.state.operator(), Some(observer));
    let effects = world.demand(Cause::SafeStop, Mode::Emergency, Extent::Stay);
    let order = orders(&effects)[0];
    assert_eq!((order.mode, order.devices.len()), (Mode::Emergency, 2));
    assert!(matches!(effects[0], Effect::Fence(_)), "the fence is raised before anything else");
    world.finish(Status::SafeVerified);
    // Again on a safe rig: what we believe of it is no reason to skip a safe command.
    assert_eq!(orders(&world.demand(Cause::SafeStop, Mode::Safe, Extent::Stay)).len(), 1);
}

#[test]
fn a_stale_epoch_and_an_observer_reach_no_device() {
    let (mut world, operator) = World::armed(Policy::default());
    let observer = world.arrive();
    let set = |epoch, session| {
        Input::Command(Command {
            session,
            id: "x".into(),
            epoch,
            kind: CommandKind::Set { control: ControlIx(0), value: Value::Number(1.0.into()) },
        })
    };
    let now = world.state.epoch();
    for (epoch, session) in [
        (Epoch { n: now.n - 1, ..now }, operator),
        (Epoch { n: now.n + 1, ..now }, operator),
        (Epoch { run: RunId(6), ..now }, operator),
        (now, observer),
    ] {
        let effects = world.say(set(epoch, session));
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Set { .. })), "{epoch} {session}");
    }
    world.say(Input::TakeControl { session: observer, force: true });
    assert!(!world.say(set(now, operator)).iter().any(|effect| matches!(effect, Effect::Set { .. })));
}

#[test]
fn a_command_seen_before_is_answered_and_not_repeated() {
    let (mut world, session) = World::armed(Policy::default());
    let set = CommandKind::Set { control: ControlIx(0), value: Value::Number(5.0.into()) };
    let first = world.command(session, "a", set.clone());
    assert!(first.iter().any(|effect| matches!(effect, Effect::Set { .. })));
    let again = world.command(session, "a", set.clone());
    assert!(again.is_empty(), "it still runs: {again:?}");
    world.say(Input::SetDone {
        session,
        id: "a".into(),
        control: ControlIx(0),
        value: Value::Number(5.0.into()),
        result: Ok(()),
    });
    let again = world.command(session, "a", set);
    assert_eq!(reply(&again), Some(Ok(())));
    assert!(!again.iter().any(|effect| matches!(effect, Effect::Set { .. })));
}

#[test]
fn a_value_outside_what_a_control_takes_is_refused_with_what_it_takes() {
    let (mut world, session) = World::armed(Policy::default());
    for value in [
        Value::Number(12.5.into()),
        Value::Number(f64::NAN.into()),
        Value::Text("lots".into()),
        Value::Truth(true),
    ] {
        let effects = world.command(session, "", CommandKind::Set { control: ControlIx(0), value });
        assert!(reply(&effects).unwrap().unwrap_err().contains("takes"), "{effects:?}");
    }
}

#[test]
fn an_interlock_trips_at_its_time_latches_and_waits_for_a_person() {
    let (mut world, session) = World::armed(Policy::default());
    let read = |value: f64| Input::Reading { reading: ReadingIx(0), value: Some(value.into()) };
    world.say(read(13.0));
    world.pass(500);
    assert!(world.state.trip().is_none(), "on the limit is within it");
    world.say(read(13.1));
    world.pass(200);
    world.say(read(12.0));
    world.pass(200);
    assert!(world.state.trip().is_none(), "not long enough");
    world.say(read(14.0));
    let since = world.now;
    world.pass(299);
    assert!(world.state.trip().is_none());
    world.pass(1);
    assert_eq!(world.state.trip().unwrap().at, since + Duration::from_millis(300));
    assert_eq!(world.state.teardown_cause(), Some(&Cause::Interlock { reading: ReadingIx(0) }));
    world.finish(Status::SafeVerified);
    world.say(Input::Beat { session, n: 1, main_ago: None, input_ago: None });
    assert!(
        reply(&world.command(session, "again", CommandKind::Arm)).unwrap().unwrap_err().contains("tripped")
    );
    world.command(session, "", CommandKind::Acknowledge);
    assert!(world.command(session, "now", CommandKind::Arm).contains(&Effect::Arm(world.state.epoch())));
}

#[test]
fn a_reading_without_a_good_value_trips_when_it_is_stale() {
    let (mut world, session) = World::armed(Policy::default());
    world.say(Input::Beat { session, n: 1, main_ago: None, input_ago: None });
    world.say(Input::Reading { reading: ReadingIx(0), value: Some(1.0.into()) });
    let good = world.now;
    world.pass(1_000);
    world.say(Input::Reading { reading: ReadingIx(0), value: None });
    world.say(Input::Reading { reading: ReadingIx(0), value: Some(f64::NAN.into()) });
    world.pass(999);
    assert!(world.state.trip().is_none());
    world.pass(1);
    assert_eq!(world.state.trip().unwrap().at, good + Duration::from_secs(2));
    assert_eq!(world.state.teardown_cause(), Some(&Cause::Stale { reading: ReadingIx(0) }));
}

#[test]
fn a_device_lost_while_armed_makes_the_others_safe_and_one_found_again_is_made_safe() {
    let (mut world, _) = World::armed(Policy::default());
    let effects = world.say(Input::Lost { device: DeviceIx(1), why: "unplugged".into() });
    assert_eq!(orders(&effects)[0].devices.len(), 2, "the lost one is tried as well");
    world.finish(Status::Unreachable);
    assert!(!world.state.arm_blocks().is_empty());
    world.say(Input::Opened { device: DeviceIx(1), identity: None });
    let effects = world.say(Input::Tick);
    assert_eq!(orders(&effects)[0].cause, Cause::Retry { device: DeviceIx(1) });
    assert_eq!(orders(&effects)[0].devices, [DeviceIx(1)]);
}

#[test]
fn a_device_that_took_its_safe_commands_blindly_is_made_safe_when_it_is_found() {
    let (mut world, _) = World::armed(Policy::default());
    world.demand(Cause::SafeStop, Mode::Safe, Extent::Stay);
    world.finish(Status::SafeUnverified);
    assert_eq!(world.state.devices()[1], DeviceState::Safe);
    world.say(Input::Opened { device: DeviceIx(1), identity: None });
    let effects = world.say(Input::Tick);
    assert_eq!(orders(&effects)[0].cause, Cause::Retry { device: DeviceIx(1) });
    assert_eq!(orders(&effects)[0].devices, [DeviceIx(1)]);
}

#[test]
fn a_hold_runs_from_the_operators_last_sign_of_life_and_observers_do_not_renew_it() {
    let mut policy = Policy::default();
    policy.safety.on_control_lost = OnLost::Hold;
    policy.safety.hold_for = Duration::from_secs(60);
    let (mut world, operator) = World::armed(policy);
    let observer = world.arrive();
    let last = world.now;
    world.say(Input::Goodbye { session: operator, reason: SessionEnd::PageClosed, grace: false });
    assert_eq!(world.state.hold_until(), Some(last + Duration::from_secs(60)));
    while world.now < last + Duration::from_millis(59_999) {
        world.say(Input::Beat { session: observer, n: 1, main_ago: None, input_ago: None });
        world.say(Input::Reading { reading: ReadingIx(0), value: Some(1.0.into()) });
        world.now = world.state.next_wake().min(last + Duration::from_millis(59_999));
        world.say(Input::Tick);
        assert!(matches!(world.state.phase(), Phase::Armed { .. }));
    }
    world.pass(1);
    assert_eq!(world.state.teardown_cause(), Some(&Cause::HoldOver));
}

#[test]
fn a_second_signal_shortens_the_deadline_and_never_skips_a_device() {
    let (mut world, _) = World::armed(Policy::default());
    let first = world.demand(Cause::Signal { signal: 15 }, Mode::Safe, Extent::End);
    let deadline = orders(&first)[0].deadline;
    let second = world.demand(Cause::Signal { signal: 15 }, Mode::Safe, Extent::End);
    let order = orders(&second)[0];
    assert!(order.deadline < deadline);
    assert_eq!(order.devices.len(), 2);
}

#[test]
fn the_first_session_arms_once_and_never_again() {
    let mut policy = Policy::default();
    policy.safety.arm = ArmPolicy::OnFirstSession;
    let mut world = World::new(policy);
    world.say(Input::Open);
    let session = world.arrive();
    assert!(matches!(world.state.phase(), Phase::Teardown(_)), "not before the rig is safe");
    world.finish(Status::SafeVerified);
    let effects = world.say(Input::Tick);
    assert!(effects.contains(&Effect::Arm(world.state.epoch())), "{effects:?}");
    world.say(Input::Armed);
    world.say(Input::Goodbye { session, reason: SessionEnd::PageClosed, grace: false });
    world.finish(Status::SafeVerified);
    world.arrive();
    world.finish(Status::SafeVerified);
    world.pass(1_000);
    assert_eq!(world.sent.iter().filter(|effect| matches!(effect, Effect::Arm(_))).count(), 1);
}

#[test]
fn a_report_that_was_overtaken_by_a_raise_does_not_end_the_teardown() {
    let (mut world, _) = World::armed(Policy::default());
    world.demand(Cause::SafeStop, Mode::Safe, Extent::Stay);
    let Phase::Teardown(running) = world.state.phase().clone() else { panic!() };
    // The executor finishes the first order as the second is on its way.
    world.demand(Cause::WindowClosed, Mode::Safe, Extent::End);
    let report = |causes: Vec<Cause>, extent| Report {
        causes: causes.into_iter().map(|cause| (Time::ZERO, cause)).collect(),
        mode: Mode::Safe,
        extent,
        began: Time::ZERO,
        took: Duration::ZERO,
        out_of_time: false,
        devices: running.devices.iter().map(|&device| entry(device, Status::SafeVerified, extent)).collect(),
        notes: Vec::new(),
    };
    world.say(Input::Done(Box::new(report(vec![Cause::SafeStop], Extent::Stay))));
    assert!(matches!(world.state.phase(), Phase::Teardown(_)));
    let effects = world.say(Input::Done(Box::new(report(vec![Cause::WindowClosed], Extent::End))));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::End(_))));
    assert!(matches!(world.state.phase(), Phase::Ended));
}

#[test]
fn a_released_rig_is_opened_again_by_the_next_session_and_never_armed_by_it() {
    let (mut world, session) = World::armed(Policy::default());
    world.say(Input::Goodbye { session, reason: SessionEnd::PageClosed, grace: false });
    world.finish(Status::SafeVerified);
    assert!(matches!(world.state.phase(), Phase::Released));
    world.arrive();
    assert_eq!(world.state.teardown_cause(), Some(&Cause::Start));
    world.finish(Status::SafeVerified);
    assert!(matches!(world.state.phase(), Phase::Idle));
}

/// What a test may do to the rules. Sessions are counted from one, so that most of them exist.
#[derive(Clone, Debug)]
enum Act {
    Pass(u64),
    Arrive,
    Beat(u64),
    Bye(u64, bool),
    Lost(u64),
    Take(u64, bool),
    Yield(u64, Option<u64>),
    Arm(u64, i8),
    Armed,
    ArmFailed,
    Set(u64, i8, u16),
    Acknowledge(u64),
    Cause(u8),
    Finish(Status),
    DeviceLost(u16),
    DeviceFound(u16),
    Reading(f64),
    Sleep,
    Stall(u64),
    Pong(u64),
    /// Readers answer, or no longer.
    Reads(bool),
}

fn act() -> impl Strategy<Value = Act> {
    let session = 1_u64..5;
    prop_oneof![
        4 => (1_u64..3_000).prop_map(Act::Pass),
        3 => Just(Act::Arrive),
        6 => session.clone().prop_map(Act::Beat),
        4 => session.clone().prop_map(Act::Pong),
        2 => (session.clone(), any::<bool>()).prop_map(|(s, grace)| Act::Bye(s, grace)),
        1 => session.clone().prop_map(Act::Lost),
        2 => (session.clone(), any::<bool>()).prop_map(|(s, force)| Act::Take(s, force)),
        1 => (session.clone(), prop::option::of(session.clone())).prop_map(|(s, to)| Act::Yield(s, to)),
        6 => (session.clone(), -1_i8..2).prop_map(|(s, e)| Act::Arm(s, e)),
        6 => Just(Act::Armed),
        1 => Just(Act::ArmFailed),
        3 => (session.clone(), -1_i8..2, 0_u16..3).prop_map(|(s, e, c)| Act::Set(s, e, c)),
        2 => session.prop_map(Act::Acknowledge),
        3 => (0_u8..5).prop_map(Act::Cause),
        8 => prop_oneof![
            4 => Just(Status::SafeVerified), 1 => Just(Status::SafeUnverified),
            1 => Just(Status::Failed), 1 => Just(Status::Unreachable)
        ].prop_map(Act::Finish),
        1 => (0_u16..3).prop_map(Act::DeviceLost),
        1 => (0_u16..3).prop_map(Act::DeviceFound),
        2 => (10.0..15.0_f64).prop_map(Act::Reading),
        1 => Just(Act::Sleep),
        1 => (1_u64..8_000).prop_map(Act::Stall),
        1 => any::<bool>().prop_map(Act::Reads),
    ]
}

fn policies() -> impl Strategy<Value = Policy> {
    (any::<bool>(), 0_u8..3, any::<bool>()).prop_map(|(hold, last, auto)| {
        let mut policy = Policy::default();
        policy.safety.on_control_lost = if hold { OnLost::Hold } else { OnLost::Safe };
        policy.safety.on_last_session = [OnLast::Release, OnLast::Safe, OnLast::Hold][usize::from(last)];
        policy.safety.hold_for = Duration::from_secs(20);
        policy.safety.arm = if auto { ArmPolicy::OnFirstSession } else { ArmPolicy::Manual };
        policy
    })
}

impl World {
    fn act(&mut self, act: Act) -> Vec<Effect> {
        let epoch = |world: &Self, by: i8| {
            let now = world.state.epoch();
            Epoch { n: now.n.saturating_add_signed(by.into()), ..now }
        };
        match act {
            Act::Pass(ms) => {
                self.pass(ms);
                Vec::new()
            }
            Act::Arrive => self.say(Input::Arrive(Arrival {
                tag: Tag(9),
                kind: SessionKind::Page,
                want: Role::Operator,
                may_operate: true,
                local: true,
                resume: None,
            })),
            Act::Beat(s) => {
                self.say(Input::Beat { session: SessionId(s), n: 0, main_ago: None, input_ago: None })
            }
            Act::Bye(s, grace) => {
                self.say(Input::Goodbye { session: SessionId(s), reason: SessionEnd::PageClosed, grace })
            }
            Act::Pong(s) => self.say(Input::Pong { session: SessionId(s) }),
            Act::Lost(s) => self.say(Input::SocketLost { session: SessionId(s) }),
            Act::Take(s, force) => self.say(Input::TakeControl { session: SessionId(s), force }),
            Act::Yield(s, to) => {
                self.say(Input::YieldControl { session: SessionId(s), to: to.map(SessionId) })
            }
            Act::Arm(s, by) => {
                let epoch = epoch(self, by);
                self.say(Input::Command(Command {
                    session: SessionId(s),
                    id: String::new(),
                    epoch,
                    kind: CommandKind::Arm,
                }))
            }
            Act::Armed => self.say(Input::Armed),
            Act::ArmFailed => self.say(Input::ArmFailed { device: DeviceIx(0), why: "no".into() }),
            Act::Set(s, by, control) => {
                let epoch = epoch(self, by);
                let kind = CommandKind::Set { control: ControlIx(control), value: Value::Number(1.0.into()) };
                self.say(Input::Command(Command { session: SessionId(s), id: String::new(), epoch, kind }))
            }
            Act::Acknowledge(s) => {
                let epoch = epoch(self, 0);
                let kind = CommandKind::Acknowledge;
                self.say(Input::Command(Command { session: SessionId(s), id: String::new(), epoch, kind }))
            }
            Act::Cause(which) => match which {
                0 => self.demand(Cause::SafeStop, Mode::Emergency, Extent::Stay),
                1 => self.demand(Cause::SafeStop, Mode::Safe, Extent::Stay),
                2 => self.demand(Cause::Requested, Mode::Safe, Extent::Release),
                3 => self.demand(Cause::Signal { signal: 15 }, Mode::Safe, Extent::End),
                _ => self.demand(Cause::WindowClosed, Mode::Safe, Extent::End),
            },
            Act::Finish(status) => self.finish(status),
            Act::DeviceLost(d) => self.say(Input::Lost { device: DeviceIx(d), why: "gone".into() }),
            Act::DeviceFound(d) => self.say(Input::Opened { device: DeviceIx(d), identity: None }),
            Act::Reading(value) => {
                self.say(Input::Reading { reading: ReadingIx(0), value: Some(value.into()) })
            }
            Act::Sleep => {
                // Only the boot clock goes on.
                let now = Now { mono: self.now, boot: self.now + Duration::from_secs(30) };
                let effects = self.state.handle(now, Input::Tick);
                self.sent.extend(effects.clone());
                effects
            }
            Act::Reads(reads) => {
                self.reads = reads;
                Vec::new()
            }
            Act::Stall(ms) => {
                self.now = self.now + Duration::from_millis(ms);
                self.say(Input::OpenFailed { device: DeviceIx(9), failure: Failure::Timeout })
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_happens_in_whatever_order_the_promises_hold(
        policy in policies(),
        acts in proptest::collection::vec(act(), 1..120),
    ) {
        let mut world = World::ready(policy);
        let mut armed_since_teardown = false;
        for act in acts {
            let before = world.state.clone();
            let seen = world.sent.len();
            let was_cause = matches!(act, Act::Cause(_));
            world.act(act.clone());
            world.say(Input::Tick);
            let effects = world.sent[seen..].to_vec();
            let state = &world.state;

            // Whatever was due is dealt with: a host that waits until then does wait.
            prop_assert!(state.next_wake() > world.now, "due again at once");
            // A cause is never without consequence, except after the end.
            if was_cause && !matches!(before.phase(), Phase::Ended) {
                prop_assert!(!orders(&effects).is_empty(), "a cause was lost: {act:?}");
            }
            // No armed device without a live operator's lease or a running hold.
            if matches!(state.phase(), Phase::Arming { .. } | Phase::Armed { .. }) {
                prop_assert!(state.operator().is_some() || state.hold_until().is_some(), "armed with nobody responsible");
                if let Some(operator) = state.operator() {
                    let session = state.sessions().get(&operator);
                    prop_assert!(session.is_some_and(|it| it.liveliness != Liveliness::Frozen));
                }
            }
            // Everything about a running teardown only goes up.
            if let (Phase::Teardown(was), Phase::Teardown(is)) = (before.phase(), state.phase())
                && is.causes.starts_with(&was.causes)
            {
                prop_assert!(is.mode >= was.mode && is.extent >= was.extent && is.deadline <= was.deadline);
                prop_assert!(was.devices.is_subset(&is.devices));
            }
            // One teardown between two arms, however many causes: each is begun once and joined after that.
            let mut running = matches!(before.phase(), Phase::Teardown(_));
            let mut epoch = before.epoch();
            for effect in &effects {
                match effect {
                    Effect::Ended { reason: SessionEnd::Expired, .. } => {
                        prop_assert!(world.reads || matches!(act, Act::Sleep), "ended though its reader had not answered");
                    }
                    Effect::Record(Event::Cause { joined, .. }) => {
                        prop_assert_eq!(*joined, running, "a second teardown beside a running one");
                        running = true;
                        armed_since_teardown = false;
                    }
                    Effect::Record(Event::Teardown(_)) => running = false,
                    Effect::Fence(to) => {
                        prop_assert!(to.n > epoch.n && to.run == epoch.run, "an epoch never repeats");
                        epoch = *to;
                    }
                    Effect::Arm(under) => {
                        prop_assert!(!running && !armed_since_teardown, "armed twice, or beside a teardown");
                        prop_assert_eq!(*under, epoch);
                        prop_assert!(state.trip().is_none());
                        armed_since_teardown = true;
                    }
                    Effect::Set { epoch: under, .. } => {
                        prop_assert_eq!(*under, epoch, "a stale epoch went out");
                        prop_assert!(!running);
                    }
                    // Whoever is not handed back is concerned, whatever we believe of it.
                    Effect::Teardown(order) if !matches!(order.cause, Cause::Retry { .. }) => {
                        for (at, device) in before.devices().iter().enumerate() {
                            let known = *device == DeviceState::Released || *device != state.devices()[at] || running;
                            prop_assert!(known || order.devices.contains(&DeviceIx::from(at)), "{at} was left out");
                        }
                    }
                    _ => {}
                }
            }
        }
        // Whatever came before, closing the window ends it.
        world.demand(Cause::WindowClosed, Mode::Safe, Extent::End);
        world.finish(Status::SafeVerified);
        prop_assert!(matches!(world.state.phase(), Phase::Ended));
    }
}
