//! Devices that are owed their safe state: when each is tried again.

use super::*;

#[test]
fn a_device_that_could_not_be_read_back_is_made_safe_again_until_it_can() {
    let (mut world, _) = World::armed(Policy::default());
    world.demand(Cause::SafeStop, Mode::Safe, Extent::Stay);
    world.finish(Status::SafeUnverified);
    world.pass(999);
    assert!(matches!(world.state.phase(), Phase::Idle));
    world.pass(1);
    assert_eq!(world.state.teardown_cause(), Some(&Cause::Retry { device: DeviceIx(0) }));
    world.finish(Status::SafeVerified);
    world.pass(1);
    world.finish(Status::SafeVerified);
    world.pass(3_000);
    assert!(matches!(world.state.phase(), Phase::Idle), "it is safe, and left alone");
}

#[test]
fn a_device_that_is_not_safe_is_tried_again_with_back_off_as_long_as_the_host_lives() {
    let (mut world, _) = World::armed(Policy::default());
    world.demand(Cause::SafeStop, Mode::Safe, Extent::Stay);
    let mut pauses = Vec::new();
    let keep = |world: &mut World| {
        let sessions: Vec<_> = world.state.sessions().keys().copied().collect();
        sessions.into_iter().for_each(|session| drop(world.say(Input::Renew { session })));
    };
    for _ in 0..7 {
        world.finish(Status::Failed);
        assert!(matches!(world.state.devices()[0], DeviceState::Fault(_)));
        let from = world.now;
        // Both devices are tried; the first order of them is what counts here.
        while !matches!(world.state.phase(), Phase::Teardown(_)) {
            keep(&mut world);
            world.now = world.state.next_wake().max(world.now + Duration::from_millis(1));
            let effects = world.say(Input::Tick);
            if let Some(order) = orders(&effects).first() {
                assert_eq!(order.mode, Mode::Emergency);
            }
        }
        pauses.push(world.now.since(from).as_secs());
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
}

#[test]
fn a_device_out_of_reach_at_a_release_is_looked_for_as_long_as_the_host_lives() {
    let (mut world, session) = World::armed(Policy::default());
    world.say(Input::Goodbye { session, reason: SessionEnd::PageClosed, grace: false });
    world.finish(Status::Unreachable);
    assert!(matches!(world.state.phase(), Phase::Released));
    // Its connection was closed with the others: no link looks for it by itself.
    world.sent.clear();
    world.pass(1_000);
    assert_eq!(world.state.teardown_cause(), Some(&Cause::Retry { device: DeviceIx(0) }));
    let orders = orders(&world.sent);
    assert!(!orders.is_empty() && orders.iter().all(|order| order.extent == Extent::Release), "{orders:?}");
    world.finish(Status::SafeVerified);
    assert_eq!(world.state.devices()[0], DeviceState::Released);
    assert!(matches!(world.state.phase(), Phase::Released));
}

#[test]
fn a_program_that_could_not_be_started_is_tried_again_until_it_was() {
    let mut policy = Policy::default();
    policy.safety.watchdog = Watchdog::Off;
    let mut it = Arc::unwrap_or_clone(rig(policy));
    it.plan.links[0].connect = Connect::None;
    let state = State::new(Arc::new(it), RunId(7), false, Now::default());
    let mut world = World { state, now: Time::ZERO, sent: Vec::new(), reads: true };
    world.say(Input::Open);
    world.finish(Status::SafeVerified);
    world.demand(Cause::SafeStop, Mode::Safe, Extent::Stay);
    world.finish(Status::Unreachable);
    // The one with a link is looked for by that.
    let again = world.now + Duration::from_secs(1);
    world.now = again - Duration::from_nanos(1);
    assert!(orders(&world.say(Input::Tick)).is_empty());
    world.now = again;
    let effects = world.say(Input::Tick);
    assert_eq!(orders(&effects)[0].cause, Cause::Retry { device: DeviceIx(0) });
    assert_eq!(orders(&effects).len(), 1);
    world.finish(Status::SafeVerified);
    world.pass(60_000);
    assert!(matches!(world.state.phase(), Phase::Idle));
    assert_eq!(world.state.devices()[0], DeviceState::Safe);
}
