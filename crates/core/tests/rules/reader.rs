//! A page's lease and whoever reads its socket: at the exact boundary, late, and never.

use super::*;
use killcord_core::rules::{News, READER_LATE};

const NANO: Duration = Duration::from_nanos(1);
const SECOND: Duration = Duration::from_secs(1);

/// Opened, with a page, armed. Without readings: none goes stale while a test lets the time pass.
pub(super) fn quiet_bench(policy: Policy) -> (World, SessionId) {
    let mut rig = (*rig(policy)).clone();
    rig.readings.clear();
    let state = State::new(Arc::new(rig), RunId(7), false, Now::default());
    let mut world = World { state, now: Time::ZERO, sent: Vec::new(), reads: true };
    world.say(Input::Open);
    world.finish(Status::SafeVerified);
    world.say(Input::Watchdog(News::Ready));
    let session = world.arrive();
    world.command(session, "arm", CommandKind::Arm);
    world.say(Input::Armed);
    assert!(matches!(world.state.phase(), Phase::Armed { .. }));
    (world, session)
}

/// A rig that no watchdog covers.
pub(super) fn alone() -> Policy {
    let mut policy = Policy::default();
    policy.safety.watchdog = Watchdog::Off;
    policy
}

/// The page's lease is over now: its reader was asked and has not answered.
fn due() -> (World, SessionId, Time) {
    let (mut world, session) = quiet_bench(alone());
    world.say(Input::Beat { session, n: 1, main_ago: None, input_ago: None });
    world.reads = false;
    let end = world.now + 5 * SECOND;
    while world.now < end {
        world.now = world.state.next_wake();
        let effects = world.say(Input::Tick);
        assert!(orders(&effects).is_empty());
        assert_eq!(asked(&effects).is_empty(), world.now < end, "asked at its time and not before");
    }
    assert_eq!(world.now, end);
    assert!(world.state.readers_answer(), "it has a moment");
    (world, session, end)
}

/// The questions to readers.
pub(super) fn asked(effects: &[Effect]) -> Vec<(SessionId, Time)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Ask { session, asked } => Some((*session, *asked)),
            _ => None,
        })
        .collect()
}

pub(super) fn ended(effects: &[Effect]) -> Option<SessionEnd> {
    effects.iter().find_map(|effect| match effect {
        Effect::Ended { reason, .. } => Some(*reason),
        _ => None,
    })
}

#[test]
fn nothing_found_ends_a_session_at_once_whenever_the_answer_comes() {
    for late in [Duration::ZERO, READER_LATE, 3 * SECOND] {
        let (mut world, session, asked) = due();
        world.now = world.now + late;
        let effects = world.say(Input::Quiet { session, asked, late: false });
        assert_eq!(ended(&effects), Some(SessionEnd::Expired), "after {late:?}");
        assert_eq!(orders(&effects)[0].cause, Cause::SessionEnded { reason: SessionEnd::Expired });
        assert!(world.state.readers_answer());
    }
}

#[test]
fn a_beat_that_was_read_late_keeps_its_session_and_an_old_answer_says_nothing() {
    let (mut world, session, asked) = due();
    world.pass(3_000);
    world.say(Input::Beat { session, n: 2, main_ago: None, input_ago: None });
    let heard = world.now;
    assert!(world.say(Input::Quiet { session, asked, late: false }).is_empty());
    assert!(world.state.readers_answer());
    world.reads = true;
    world.pass(4_999);
    assert!(matches!(world.state.phase(), Phase::Armed { .. }));
    world.pass(1);
    assert_eq!(world.now, heard + 5 * SECOND);
    assert!(world.state.sessions().is_empty());
}

#[test]
fn one_question_is_asked_and_nothing_else_ends_the_session() {
    let (mut world, session, _) = due();
    world.sent.clear();
    world.pass(4_000);
    assert!(asked(&world.sent).is_empty(), "one is enough");
    assert!(world.state.sessions().contains_key(&session));
    assert!(matches!(world.state.phase(), Phase::Armed { .. }));
}

#[test]
fn a_reader_that_never_answers_is_a_hang_and_no_end_of_a_session() {
    let (mut world, session, asked) = due();
    let hung = asked + Policy::default().safety.hang_after;
    while world.now < hung - NANO {
        world.now = world.state.next_wake().min(hung - NANO);
        assert!(orders(&world.say(Input::Tick)).is_empty(), "no hang yet, at {}", world.now);
    }
    assert_eq!(world.state.next_wake(), hung);
    world.now = hung;
    // No watchdog covers this rig.
    let effects = world.say(Input::Tick);
    assert_eq!(orders(&effects)[0].cause, Cause::HostStarved);
    world.finish(Status::SafeVerified);
    world.pass(60_000);
    assert!(world.state.sessions().contains_key(&session), "nobody knows that it is gone");
}

#[test]
fn a_reader_has_a_fifth_of_a_hang_for_its_answer_and_not_more() {
    let (mut world, session, asked) = due();
    let until = asked + Policy::default().safety.hang_after / 5;
    world.now = until - NANO;
    world.say(Input::Tick);
    assert!(world.state.readers_answer());
    world.now = until;
    world.say(Input::Tick);
    assert!(!world.state.readers_answer(), "so the watchdog hears of no beat");
    world.say(Input::Quiet { session, asked, late: false });
    assert!(world.state.readers_answer());
}

#[test]
fn the_grace_of_a_reload_is_no_lateness_that_a_host_starves_by() {
    let (mut world, session) = quiet_bench(alone());
    world.say(Input::SocketLost { session });
    world.reads = false;
    let (gone, mut questions) = (world.now, 0);
    while world.state.sessions().contains_key(&session) {
        assert!(world.now.since(gone) < 12 * SECOND, "it is held for one lease more");
        // Each turn is a little late, as on a busy machine.
        world.now = world.state.next_wake() + Duration::from_millis(5);
        let effects = world.say(Input::Tick);
        assert!(orders(&effects).iter().all(|order| order.cause != Cause::HostStarved), "{effects:?}");
        for (session, asked) in asked(&effects) {
            questions += 1;
            world.say(Input::Quiet { session, asked, late: true });
        }
    }
    assert!(questions > 3, "{questions}: its credit was never full");
}

#[test]
fn where_there_is_a_watchdog_the_hang_is_its_business() {
    let (mut watched, _) = quiet_bench(Policy::default());
    watched.reads = false;
    for _ in 0..200 {
        watched.now = watched.now + Duration::from_millis(100);
        watched.say(Input::Watchdog(News::Beat));
        assert!(orders(&watched.say(Input::Tick)).is_empty());
    }
    assert!(!watched.state.readers_answer(), "so the watchdog hears of no beat");
}

#[test]
fn a_page_without_a_connection_has_its_grace_once_more_where_none_was_taken() {
    for (late, lately, ends) in
        [(READER_LATE, false, true), (READER_LATE + NANO, false, false), (Duration::ZERO, true, false)]
    {
        let (mut world, session) = quiet_bench(alone());
        let gone = world.now;
        world.reads = false;
        world.say(Input::Goodbye { session, reason: SessionEnd::PageClosed, grace: true });
        world.pass(2_000);
        assert_eq!(world.now, gone + 2 * SECOND);
        let (_, since) = asked(&world.sent)[0];
        world.now = since + late;
        let effects = world.say(Input::Quiet { session, asked: since, late: lately });
        assert_eq!(ended(&effects), ends.then_some(SessionEnd::PageClosed), "{late:?} late");
        if !ends {
            world.reads = true;
            let until = world.now + Policy::default().session.reload_grace;
            while world.now < until - NANO {
                world.now = world.state.next_wake().min(until - NANO);
                assert_eq!(ended(&world.say(Input::Tick)), None);
            }
            world.now = until;
            assert_eq!(ended(&world.say(Input::Tick)), Some(SessionEnd::PageClosed));
        }
    }
}

#[test]
fn a_late_taker_of_connections_is_credited_for_one_lease_at_most() {
    let (mut world, session) = quiet_bench(alone());
    world.say(Input::SocketLost { session });
    world.reads = false;
    let from = world.now;
    world.sent.clear();
    for _ in 0..100 {
        if world.state.sessions().is_empty() {
            break;
        }
        world.now = world.state.next_wake();
        let questions = asked(&world.say(Input::Tick));
        for (session, asked) in questions {
            world.now = asked + Duration::from_millis(900);
            world.say(Input::Quiet { session, asked, late: false });
        }
    }
    let took = world.now.since(from);
    assert!(world.state.sessions().is_empty());
    assert!(took >= 5 * SECOND && took <= 11 * SECOND, "{took:?}");
}

#[test]
fn a_connection_that_ends_in_front_of_the_question_has_it_asked_elsewhere() {
    let (mut world, session, old) = due();
    world.say(Input::SocketLost { session });
    assert!(world.state.readers_answer());
    world.now = world.now + NANO;
    let effects = world.say(Input::Tick);
    let [(_, asked)] = asked(&effects)[..] else { panic!("{effects:?}") };
    assert!(
        world.say(Input::Quiet { session, asked: old, late: false }).is_empty(),
        "the old one is nobody's"
    );
    assert_eq!(ended(&world.say(Input::Quiet { session, asked, late: false })), Some(SessionEnd::Expired));
}

#[test]
fn a_frozen_page_whose_connection_ends_in_front_of_the_question_has_it_asked_elsewhere() {
    let (mut world, session) = quiet_bench(alone());
    let from = world.now;
    while world.now < from + 6 * SECOND {
        world.now = world.state.next_wake();
        if world.now <= from + 5 * SECOND {
            world.say(Input::Pong { session });
        }
        world.say(Input::Tick);
    }
    world.finish(Status::SafeVerified);
    world.reads = false;
    world.sent.clear();
    world.pass(5_000);
    assert_eq!(asked(&world.sent).len(), 1, "its browser is silent now");
    world.say(Input::SocketLost { session });
    world.now = world.now + NANO;
    let effects = world.say(Input::Tick);
    let [(_, asked)] = asked(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!(ended(&world.say(Input::Quiet { session, asked, late: false })), Some(SessionEnd::Expired));
}

#[test]
fn a_thousand_leases_that_end_together_are_a_thousand_questions_in_one_turn() {
    let (mut world, _) = quiet_bench(alone());
    let others: Vec<_> = (0..999).map(|_| world.arrive()).collect();
    world.reads = false;
    world.sent.clear();
    world.pass(5_000);
    let questions = asked(&world.sent);
    assert_eq!(questions.len(), others.len() + 1);
    assert_eq!(questions.iter().map(|(_, at)| *at).collect::<std::collections::BTreeSet<_>>().len(), 1);
    for (session, asked) in questions {
        world.say(Input::Quiet { session, asked, late: false });
    }
    assert!(world.state.sessions().is_empty());
}

#[test]
fn a_window_has_no_reader_and_ends_by_its_time() {
    let mut world = World::ready(alone());
    world.reads = false;
    world.say(Input::Arrive(Arrival {
        tag: Tag(1),
        kind: SessionKind::Window,
        want: Role::Operator,
        may_operate: true,
        local: true,
        resume: None,
    }));
    world.pass(5_000);
    assert!(world.state.sessions().is_empty());
}

#[test]
fn lateness_below_a_busy_machines_turns_is_no_credit_however_often_it_comes() {
    let (most, nano) = (Duration::from_millis(5), Duration::from_nanos(1));
    for (by, credit) in [(most - nano, Duration::ZERO), (most, most * 10)] {
        let (mut world, session) = quiet_bench(alone());
        for _ in 0..10 {
            world.now = world.state.next_wake() + by;
            world.say(Input::Tick);
        }
        assert_eq!(world.state.sessions()[&session].credit, credit, "{by:?}");
    }
}
