//! A connection that was closed as by a browser that goes away, and the goodbye that may be behind it.

use super::{
    reader::{alone, ended, quiet_bench},
    *,
};
use killcord_core::documents::{BEACON_WITHIN, beacon_wait};

const NANO: Duration = Duration::from_nanos(1);

fn closed() -> (World, SessionId, Time) {
    let (mut world, session) = quiet_bench(alone());
    let effects = world.say(Input::Closed { session, wait: BEACON_WITHIN });
    assert_eq!(ended(&effects), None);
    world.say(Input::SocketLost { session });
    let now = world.now;
    (world, session, now)
}

fn bye(world: &mut World, session: SessionId, grace: bool) -> Vec<Effect> {
    world.say(Input::Goodbye { session, reason: SessionEnd::PageClosed, grace })
}

#[test]
fn a_close_ends_its_session_when_no_goodbye_has_come_in_its_time() {
    let (mut world, _, from) = closed();
    assert_eq!(world.state.next_wake(), from + BEACON_WITHIN);
    world.now = from + (BEACON_WITHIN - NANO);
    assert_eq!(ended(&world.say(Input::Tick)), None);
    world.now = from + BEACON_WITHIN;
    let effects = world.say(Input::Tick);
    assert_eq!(ended(&effects), Some(SessionEnd::PageClosed));
    assert_eq!(orders(&effects)[0].cause, Cause::SessionEnded { reason: SessionEnd::PageClosed });
}

#[test]
fn a_goodbye_of_a_page_that_was_kept_gives_it_the_grace_of_one() {
    let (mut world, session, from) = closed();
    world.now = from + (BEACON_WITHIN - NANO);
    bye(&mut world, session, true);
    let until = world.now + Policy::default().session.reload_grace;
    while world.now < until - NANO {
        world.now = world.state.next_wake().min(until - NANO);
        assert_eq!(ended(&world.say(Input::Tick)), None);
    }
    world.now = until;
    assert_eq!(ended(&world.say(Input::Tick)), Some(SessionEnd::PageClosed));
}

#[test]
fn a_goodbye_of_a_page_that_is_gone_ends_it_at_once() {
    let (mut world, session, _) = closed();
    assert_eq!(ended(&bye(&mut world, session, false)), Some(SessionEnd::PageClosed));
}

#[test]
fn goodbyes_without_end_outlive_no_lease() {
    let (mut world, session, from) = closed();
    let end = from + Policy::default().session.expire_after;
    while world.now < end {
        world.now = world.state.next_wake().min(end);
        bye(&mut world, session, true);
        world.say(Input::Tick);
    }
    assert!(world.state.sessions().is_empty());
}

#[test]
fn a_close_behind_a_goodbye_takes_nothing_from_its_grace() {
    let (mut world, session) = quiet_bench(alone());
    bye(&mut world, session, true);
    world.say(Input::Closed { session, wait: BEACON_WITHIN });
    world.pass(1_999);
    assert!(world.state.sessions().contains_key(&session));
}

#[test]
fn the_wait_grows_with_the_way_and_is_a_reloads_where_that_is_not_known() {
    assert_eq!(beacon_wait(Some(Duration::ZERO)), BEACON_WITHIN);
    assert_eq!(beacon_wait(Some(Duration::from_millis(50))), BEACON_WITHIN + Duration::from_millis(150));
    let (mut world, session) = quiet_bench(alone());
    let from = world.now;
    world.say(Input::Closed { session, wait: beacon_wait(None) });
    world.pass(1_999);
    assert!(world.state.sessions().contains_key(&session));
    world.pass(1);
    assert_eq!(world.now, from + Policy::default().session.reload_grace);
    assert!(world.state.sessions().is_empty());
}
