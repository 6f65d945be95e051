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
fn a_document_asked_for_behind_the_close_gives_it_the_grace_of_a_reload() {
    // What has come is heard before anything is judged, so at the last moment, too.
    let (mut world, session, from) = closed();
    world.now = from + BEACON_WITHIN;
    world.say(Input::Sought { session });
    let until = world.now + Policy::default().session.reload_grace;
    while world.now < until - NANO {
        assert_eq!(ended(&world.say(Input::Tick)), None);
        world.now = world.state.next_wake().min(until - NANO);
    }
    world.now = until;
    assert_eq!(ended(&world.say(Input::Tick)), Some(SessionEnd::PageClosed));
}

#[test]
fn documents_without_end_outlive_no_lease() {
    let (mut world, session, from) = closed();
    let end = from + Policy::default().session.expire_after;
    while world.now < end {
        world.now = world.state.next_wake().min(end);
        world.say(Input::Sought { session });
        world.say(Input::Tick);
    }
    assert!(world.state.sessions().is_empty());
}

#[test]
fn a_document_ends_no_page_that_said_no_goodbye() {
    // Another tab's: the close of a page that had fallen silent was none, and its lease runs on.
    let (mut world, session) = quiet_bench(alone());
    world.say(Input::Beat { session, n: 1, main_ago: None, input_ago: None });
    world.pass(2_001);
    world.say(Input::Closed { session, wait: BEACON_WITHIN });
    world.say(Input::SocketLost { session });
    world.say(Input::Sought { session });
    world.sent.clear();
    world.pass(2_998);
    assert_eq!(ended(&world.sent), None);
    world.pass(1);
    assert_eq!(ended(&world.sent), Some(SessionEnd::Expired));
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
fn a_close_of_a_page_that_had_fallen_silent_is_no_goodbye() {
    // Chromium closes the connection of a page that it thaws, and the page comes back by another one.
    for (further, counts) in [(Duration::ZERO, true), (NANO, false)] {
        let (mut world, session) = quiet_bench(alone());
        world.say(Input::Beat { session, n: 1, main_ago: None, input_ago: None });
        let beaten = world.now;
        world.pass(2_000);
        world.now = world.now + further;
        assert_eq!(world.now, beaten + Policy::default().session.beat * 2 + further);
        world.say(Input::Closed { session, wait: BEACON_WITHIN });
        world.say(Input::SocketLost { session });
        world.sent.clear();
        world.pass(30);
        assert_eq!(ended(&world.sent), counts.then_some(SessionEnd::PageClosed), "{further:?}");
        if !counts {
            world.pass(2_970);
            assert_eq!(ended(&world.sent), Some(SessionEnd::Expired), "its lease runs on, and no longer");
        }
    }
}

#[test]
fn nor_is_that_of_a_page_that_has_just_begun_to_beat_again() {
    for (since, counts) in [(2_000, false), (2_001, true)] {
        let (mut world, session) = quiet_bench(alone());
        world.pass(2_001);
        for (n, after) in [(1, 0), (2, 1_000), (3, since - 1_000)] {
            world.pass(after);
            world.say(Input::Beat { session, n, main_ago: None, input_ago: None });
        }
        world.say(Input::Closed { session, wait: BEACON_WITHIN });
        world.sent.clear();
        world.pass(30);
        assert_eq!(ended(&world.sent), counts.then_some(SessionEnd::PageClosed), "{since} ms");
    }
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
