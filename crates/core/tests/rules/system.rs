//! Sleep, shutdown, and the lock that makes the system wait for us.

use killcord_core::{
    policy::OnSuspend,
    rules::{ArmBlock, LOCK_WITHIN, Refusal, System},
};

use super::*;

const NANO: Duration = Duration::from_nanos(1);

fn arms(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Arm(_))).count()
}

fn asks(effects: &[Effect]) -> Vec<bool> {
    let asked = effects.iter().filter_map(|effect| match effect {
        Effect::DelayLock(wanted) => Some(*wanted),
        _ => None,
    });
    asked.collect()
}

fn refusal(effects: &[Effect]) -> Option<Refusal> {
    effects.iter().find_map(|effect| match effect {
        Effect::Reply { result: Err(refusal), .. } => Some(refusal.clone()),
        _ => None,
    })
}

/// A rig at rest on a machine whose system gives locks, with an operator.
fn at_rest() -> (World, SessionId) {
    let mut world = World::ready(Policy::default());
    world.say(Input::System(System::Delays));
    let session = world.arrive();
    (world, session)
}

/// The same, armed and locked.
fn locked() -> (World, SessionId) {
    let (mut world, session) = at_rest();
    world.command(session, "arm", CommandKind::Arm);
    world.say(Input::System(System::Locked));
    world.say(Input::Armed);
    assert!(matches!(world.state.phase(), Phase::Armed { .. }));
    (world, session)
}

#[test]
fn no_lock_is_asked_for_while_nothing_may_act() {
    let mut world = World::new(Policy::default());
    let mut seen = world.say(Input::System(System::Delays));
    seen.extend(world.say(Input::Open));
    seen.extend(world.finish(Status::SafeVerified));
    world.arrive();
    seen.extend(world.demand(Cause::SafeStop, Mode::Safe, Extent::Stay));
    seen.extend(world.finish(Status::SafeVerified));
    assert_eq!(asks(&seen), []);
}

#[test]
fn arm_steps_wait_for_the_lock_and_for_nothing_where_there_is_none() {
    let (mut world, session) = at_rest();
    let asked = world.command(session, "arm", CommandKind::Arm);
    assert_eq!((arms(&asked), asks(&asked)), (0, vec![true]));
    assert!(reply(&asked).is_none());
    let held = world.say(Input::System(System::Locked));
    assert_eq!(arms(&held), 1);
    assert_eq!(arms(&world.say(Input::System(System::Locked))), 0, "once is enough");

    let mut without = World::ready(Policy::default());
    let session = without.arrive();
    let armed = without.command(session, "arm", CommandKind::Arm);
    assert_eq!((arms(&armed), asks(&armed)), (1, vec![]));
}

#[test]
fn an_arming_that_waits_begins_when_it_turns_out_that_nobody_gives_locks() {
    let (mut world, session) = at_rest();
    world.command(session, "arm", CommandKind::Arm);
    let effects = world.say(Input::System(System::DelaysNothing));
    assert_eq!((arms(&effects), asks(&effects)), (1, vec![false]));
}

#[test]
fn a_lock_that_does_not_come_refuses_the_arming_at_its_time_and_not_a_tick_earlier() {
    let (mut world, session) = at_rest();
    world.command(session, "arm", CommandKind::Arm);
    let until = world.now + LOCK_WITHIN;
    while world.now < until - NANO {
        world.now = world.state.next_wake().min(until - NANO);
        world.say(Input::Reading { reading: ReadingIx(0), value: Some(1.0.into()) });
        assert!(reply(&world.say(Input::Tick)).is_none(), "refused early, at {}", world.now);
    }
    assert_eq!(world.state.next_wake(), until);
    world.now = until;
    let effects = world.say(Input::Tick);
    let Some(Refusal::Arm { blocks }) = refusal(&effects) else { panic!("not refused: {effects:?}") };
    assert_eq!(blocks, [ArmBlock::NoDelayLock { why: "no answer within 2 s".into() }]);
    assert!(matches!(world.state.phase(), Phase::Idle), "no byte went out: there is nothing to undo");
    assert_eq!(asks(&effects), [false], "one that comes late is given back");
    // And it does not arm behind the refusal.
    assert_eq!(arms(&world.say(Input::System(System::Locked))), 0);
}

#[test]
fn a_refused_lock_refuses_the_arming_with_its_reason_and_the_next_try_asks_again() {
    let (mut world, session) = at_rest();
    world.command(session, "arm", CommandKind::Arm);
    let effects = world.say(Input::System(System::Refused { why: "access denied".into() }));
    assert!(reply(&effects).unwrap().unwrap_err().contains("access denied"));
    assert!(matches!(world.state.phase(), Phase::Idle));
    assert_eq!(asks(&world.command(session, "again", CommandKind::Arm)), [true]);
    assert_eq!(arms(&world.say(Input::System(System::Locked))), 1);
}

#[test]
fn a_cause_that_comes_while_an_arming_waits_ends_it_and_nothing_is_armed_when_the_lock_comes() {
    let (mut world, session) = at_rest();
    world.command(session, "arm", CommandKind::Arm);
    let effects = world.demand(Cause::SafeStop, Mode::Safe, Extent::Stay);
    assert!(reply(&effects).unwrap().is_err());
    assert_eq!(arms(&world.say(Input::System(System::Locked))), 0);
    assert_eq!(asks(&world.finish(Status::SafeVerified)), [false]);
}

#[test]
fn the_lock_is_given_back_when_the_teardown_is_over_and_not_before() {
    let (mut world, _) = locked();
    let until = world.now + Duration::from_millis(4_500);
    let epoch = world.state.epoch().n + 1;
    let demand = Demand {
        cause: Cause::Suspend,
        mode: Mode::Safe,
        extent: Extent::Stay,
        deadline: Some(until),
        epoch,
    };
    let mut effects = world.say(Input::Demand(demand));
    assert_eq!(orders(&effects)[0].deadline, until, "what the system grants, not the rig's deadline");
    effects.extend(world.say(Input::System(System::Stops)));
    effects.extend(world.at(1_000));
    assert_eq!(asks(&effects), []);
    assert_eq!(asks(&world.finish(Status::SafeVerified)), [false]);
}

#[test]
fn a_device_that_answers_and_is_not_safe_keeps_the_lock_until_a_retry_has_made_it_safe() {
    let (mut world, _) = locked();
    let mut effects = world.demand(Cause::SafeStop, Mode::Safe, Extent::Stay);
    effects.extend(world.finish(Status::Failed));
    assert_eq!(asks(&effects), []);
    let mut effects = world.at(1_000);
    assert!(!orders(&effects).is_empty(), "it is tried again");
    effects.extend(world.finish(Status::SafeVerified));
    assert_eq!(asks(&effects), [false]);

    // What was announced waits for one teardown.
    let (mut world, _) = locked();
    world.say(Input::System(System::Stops));
    world.demand(Cause::Suspend, Mode::Safe, Extent::Stay);
    assert_eq!(asks(&world.finish(Status::Failed)), [false]);
}

#[test]
fn a_shutdown_keeps_the_lock_until_the_host_is_gone() {
    let (mut world, _) = locked();
    let mut effects = world.demand(Cause::Shutdown, Mode::Safe, Extent::End);
    effects.extend(world.finish(Status::SafeVerified));
    assert!(matches!(world.state.phase(), Phase::Ended));
    assert_eq!(asks(&effects), [], "the record is delayed for as well");
}

#[test]
fn nothing_arms_between_the_announcement_and_the_waking() {
    let (mut world, session) = locked();
    world.say(Input::System(System::Stops));
    world.demand(Cause::Suspend, Mode::Safe, Extent::Stay);
    world.finish(Status::SafeVerified);
    let refused = world.command(session, "between", CommandKind::Arm);
    let Some(Refusal::Arm { blocks }) = refusal(&refused) else { panic!("not refused: {refused:?}") };
    assert_eq!(blocks, [ArmBlock::SystemStops]);
    let set = CommandKind::Set { control: ControlIx(1), value: Value::Number(1.0.into()) };
    let refused = world.command(session, "set", set);
    assert_eq!(refusal(&refused), Some(Refusal::SystemStops), "a control may energise as well");
    assert_eq!(asks(&world.sent.clone()), [true, false]);

    world.say(Input::System(System::GoesOn));
    assert!(world.state.arm_blocks().is_empty());
    let again = world.command(session, "again", CommandKind::Arm);
    assert_eq!((arms(&again), asks(&again)), (0, vec![true]), "a new lock first");
    assert_eq!(arms(&world.say(Input::System(System::Locked))), 1);
}

#[test]
fn a_control_that_energises_a_rig_that_nobody_armed_is_covered_by_the_lock_too() {
    let (mut world, session) = at_rest();
    let set = CommandKind::Set { control: ControlIx(1), value: Value::Number(1.0.into()) };
    assert_eq!(asks(&world.command(session, "set", set)), [true]);
    // A refusal is not asked about again with every input.
    let mut after = world.say(Input::System(System::Refused { why: "no".into() }));
    after.extend(world.at(500));
    assert_eq!(asks(&after), []);
    // An arming is: it depends on it.
    assert_eq!(asks(&world.command(session, "arm", CommandKind::Arm)), [true]);
}

#[test]
fn a_system_that_comes_back_while_armed_is_asked_again() {
    let (mut world, _) = locked();
    assert_eq!(asks(&world.say(Input::System(System::DelaysNothing))), [false]);
    let back = world.say(Input::System(System::Delays));
    assert_eq!(asks(&back), [true]);
    assert_eq!(arms(&world.say(Input::System(System::Locked))), 0, "it is armed already");
    assert!(matches!(world.state.phase(), Phase::Armed { .. }));
}

/// The clocks, a jump of the boot clock by this much behind them.
fn slept(world: &World, by: Duration) -> Now {
    Now { mono: world.now, boot: world.now + by }
}

#[test]
fn a_jump_of_the_boot_clock_is_a_suspend_above_one_second_and_not_at_it() {
    let (mut world, _) = World::armed(Policy::default());
    let effects = world.state.handle(slept(&world, Duration::from_secs(1)), Input::Tick);
    assert!(orders(&effects).is_empty(), "two clocks read one after the other: {effects:?}");
    let (mut world, _) = World::armed(Policy::default());
    let effects = world.state.handle(slept(&world, Duration::from_secs(1) + NANO), Input::Tick);
    assert_eq!(orders(&effects)[0].cause, Cause::Suspend);
}

#[test]
fn a_rig_that_holds_through_a_suspend_keeps_hardware_and_sessions() {
    let policy = Policy {
        safety: killcord_core::policy::Safety { on_suspend: OnSuspend::Hold, ..Default::default() },
        ..Default::default()
    };
    let (mut world, session) = World::armed(policy);
    let effects = world.state.handle(slept(&world, Duration::from_secs(3_600)), Input::Tick);
    assert!(orders(&effects).is_empty(), "{effects:?}");
    assert!(world.state.sessions().contains_key(&session));
}

#[test]
fn a_suspend_that_was_announced_is_not_answered_a_second_time_on_waking() {
    let (mut world, _) = locked();
    world.say(Input::System(System::Stops));
    world.demand(Cause::Suspend, Mode::Safe, Extent::Stay);
    world.finish(Status::SafeVerified);
    let effects = world.state.handle(slept(&world, Duration::from_secs(600)), Input::Tick);
    // Its page is gone, and that alone is answered.
    let causes: Vec<_> = orders(&effects).into_iter().map(|order| order.cause.clone()).collect();
    assert_eq!(causes, [Cause::SessionEnded { reason: SessionEnd::Expired }]);
}
