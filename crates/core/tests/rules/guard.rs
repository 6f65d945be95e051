//! The watchdog as the rules see it: what its absence and its silence mean, at the exact boundary.

use killcord_core::rules::{ArmBlock, Guard, News, WATCHDOG_WITHIN};

use super::*;

/// A rig that requires a watchdog, opened and safe, without one yet.
fn unguarded() -> World {
    let mut world = World::of(Policy::default());
    world.say(Input::Open);
    world.finish(Status::SafeVerified);
    world
}

/// It has one, and is armed.
fn guarded() -> World {
    let mut world = unguarded();
    world.say(Input::Watchdog(News::Ready));
    let session = world.arrive();
    world.command(session, "arm", CommandKind::Arm);
    world.say(Input::Armed);
    assert!(matches!(world.state.phase(), Phase::Armed { .. }));
    world
}

/// Signs of life and values come as they should; whenever the rules want to be woken, they are.
fn calm_until(world: &mut World, then: Time) {
    while world.now < then {
        let session = *world.state.sessions().keys().next().unwrap();
        world.say(Input::Renew { session });
        world.say(Input::Reading { reading: ReadingIx(0), value: Some(1.0.into()) });
        world.now = world.state.next_wake().max(world.now + Duration::from_nanos(1)).min(then);
        let effects = world.say(Input::Tick);
        assert_eq!(causes(&effects), [], "at {}", world.now);
    }
}

fn beats(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Beat(_))).count()
}

fn causes(effects: &[Effect]) -> Vec<Cause> {
    let order = |effect: &Effect| match effect {
        Effect::Teardown(order) => Some(order.cause.clone()),
        _ => None,
    };
    effects.iter().filter_map(order).collect()
}

#[test]
fn without_a_watchdog_nothing_is_armed_and_the_reason_is_said() {
    let mut world = unguarded();
    assert_eq!(world.state.arm_blocks(), [ArmBlock::Watchdog { why: None }]);
    world.say(Input::Watchdog(News::Ready));
    assert_eq!(world.state.arm_blocks(), []);
    world.say(Input::Watchdog(News::Gone { why: "it ended".into() }));
    assert_eq!(world.state.arm_blocks(), [ArmBlock::Watchdog { why: Some("it ended".into()) }]);
}

#[test]
fn an_armed_rig_without_a_watchdog_is_made_safe_after_five_seconds_and_not_a_tick_earlier() {
    let mut world = guarded();
    let lost = world.now;
    world.say(Input::Watchdog(News::Gone { why: "it ended".into() }));
    let end = lost + WATCHDOG_WITHIN;
    calm_until(&mut world, end - Duration::from_nanos(1));
    world.now = end;
    let last = world.say(Input::Tick);
    assert_eq!(causes(&last), [Cause::WatchdogLost]);
}

#[test]
fn its_absence_is_one_cause_of_a_teardown_and_is_not_found_anew_at_each_turn() {
    let mut world = guarded();
    let session = *world.state.sessions().keys().next().unwrap();
    world.command(
        session,
        "volts",
        CommandKind::Set { control: ControlIx(0), value: Value::Number(1.0.into()) },
    );
    world.say(Input::Watchdog(News::Gone { why: "it ended".into() }));
    let end = world.now + WATCHDOG_WITHIN;
    calm_until(&mut world, end - Duration::from_nanos(1));
    let mut found = Vec::new();
    for turn in 0..10 {
        world.now = end + Duration::from_millis(turn);
        found.extend(causes(&world.say(Input::Tick)));
        assert!(world.state.next_wake() > world.now, "the rules have time until something is due");
    }
    assert_eq!(found, [Cause::WatchdogLost]);
}

#[test]
fn one_that_is_back_in_time_leaves_the_rig_as_it_is() {
    let mut world = guarded();
    world.say(Input::Watchdog(News::Gone { why: "it ended".into() }));
    let back = world.now + (WATCHDOG_WITHIN - Duration::from_millis(1));
    calm_until(&mut world, back);
    world.say(Input::Watchdog(News::Ready));
    calm_until(&mut world, back + Duration::from_millis(900));
    assert!(matches!(world.state.phase(), Phase::Armed { .. }));
}

#[test]
fn one_that_does_not_answer_is_replaced_at_hang_after_and_not_a_tick_earlier() {
    let mut world = guarded();
    world.say(Input::Watchdog(News::Beat));
    let hung = world.now + Policy::default().safety.hang_after;
    calm_until(&mut world, hung - Duration::from_millis(1));
    assert!(world.state.guard().is_watching());
    world.now = hung;
    let effects = world.say(Input::Tick);
    assert!(effects.contains(&Effect::ReplaceWatchdog), "{effects:?}");
    assert!(matches!(world.state.guard(), Guard::Missing { .. }));
}

#[test]
fn our_own_stall_is_not_the_watchdogs_silence() {
    let mut world = guarded();
    let then = world.now + Duration::from_secs(2);
    calm_until(&mut world, then);
    // Stopped for four seconds: its answers wait in the queue, or it was not asked.
    world.now = world.now + Duration::from_secs(4);
    let effects = world.say(Input::Tick);
    assert!(!effects.contains(&Effect::ReplaceWatchdog));
}

#[test]
fn it_hears_of_every_turn_at_most_five_times_a_second() {
    let mut world = guarded();
    let (begin, mut heard) = (world.now, 0);
    while world.now < begin + Duration::from_secs(10) {
        world.now = world.now + Duration::from_millis(10);
        let session = *world.state.sessions().keys().next().unwrap();
        world.say(Input::Renew { session });
        world.say(Input::Watchdog(News::Beat));
        heard += beats(&world.say(Input::Tick));
    }
    assert_eq!(heard, 50);
}

#[test]
fn a_rig_that_does_without_hears_of_none() {
    let mut world = World::ready(Policy::default());
    world.say(Input::Watchdog(News::Gone { why: "nobody asked".into() }));
    assert_eq!(world.state.guard(), &Guard::Off);
    assert_eq!(world.state.arm_blocks(), []);
}
