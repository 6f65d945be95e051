//! Pages that hang: the worker beats, the main thread does not answer.

use super::{
    reader::{alone, ended, quiet_bench},
    *,
};
use killcord_core::{policy::Liveness, rules::Warning};

const NANO: Duration = Duration::from_nanos(1);
const SECOND: Duration = Duration::from_secs(1);
const LEASE: Duration = Duration::from_secs(5);

fn policy(liveness: Liveness) -> Policy {
    let mut policy = alone();
    policy.session.liveness = liveness;
    policy
}

/// Beats until then, the main thread's last answer at `answered`.
fn hang_until(world: &mut World, session: SessionId, answered: Time, until: Time) -> Vec<Effect> {
    let from = world.sent.len();
    while world.now < until {
        world.now = world.state.next_wake().min(world.now + SECOND / 4).max(world.now + NANO).min(until);
        let main_ago = Some(world.now.since(answered));
        world.say(Input::Beat { session, n: 1, main_ago, input_ago: Some(Duration::ZERO) });
        world.say(Input::Pong { session });
        world.say(Input::Tick);
    }
    world.sent[from..].to_vec()
}

fn warned(effects: &[Effect]) -> usize {
    let told = |effect: &&Effect| matches!(effect, Effect::Warn { warning: Warning::PageNotResponding, .. });
    effects.iter().filter(told).count()
}

#[test]
fn a_hung_page_is_gone_a_lease_after_its_last_answer_where_it_has_to_be_operable() {
    let (mut world, session) = quiet_bench(policy(Liveness::Operator));
    world.say(Input::Beat { session, n: 1, main_ago: Some(Duration::ZERO), input_ago: None });
    let answered = world.now;
    let early = hang_until(&mut world, session, answered, answered + (LEASE - NANO));
    assert_eq!((ended(&early), world.state.operator()), (None, Some(session)));
    let effects = hang_until(&mut world, session, answered, answered + LEASE);
    assert_eq!(ended(&effects), Some(SessionEnd::Expired), "it is no frozen page: its worker beats");
    assert_eq!(orders(&effects)[0].cause, Cause::SessionEnded { reason: SessionEnd::Expired });
}

#[test]
fn an_answer_renews_from_when_it_was_given() {
    let (mut world, session) = quiet_bench(policy(Liveness::Operator));
    let from = world.now;
    hang_until(&mut world, session, from, from + 2 * SECOND);
    hang_until(&mut world, session, from + SECOND, from + 3 * SECOND);
    let effects = hang_until(&mut world, session, from + SECOND, from + SECOND + (LEASE - NANO));
    assert_eq!(ended(&effects), None);
    let effects = hang_until(&mut world, session, from + SECOND, from + SECOND + LEASE);
    assert_eq!(ended(&effects), Some(SessionEnd::Expired));
}

#[test]
fn elsewhere_a_hung_page_is_told_of_once_and_keeps_its_session() {
    let (mut world, session) = quiet_bench(policy(Liveness::Page));
    let answered = world.now;
    let early = hang_until(&mut world, session, answered, answered + (3 * SECOND - NANO));
    assert_eq!(warned(&early), 0);
    let effects = hang_until(&mut world, session, answered, answered + 60 * SECOND);
    assert_eq!((warned(&effects), ended(&effects)), (1, None));
    // It goes on, and hangs again.
    let again = world.now;
    hang_until(&mut world, session, again, again + SECOND);
    assert_eq!(warned(&hang_until(&mut world, session, again, again + 10 * SECOND)), 1);
}

#[test]
fn a_page_that_beats_by_itself_answers_by_that() {
    let (mut world, session) = quiet_bench(policy(Liveness::Operator));
    for n in 0..100 {
        world.now = world.state.next_wake();
        world.say(Input::Beat { session, n, main_ago: None, input_ago: None });
        world.say(Input::Tick);
    }
    assert_eq!(world.state.operator(), Some(session));
}

#[test]
fn a_page_that_says_it_never_answered_renews_nothing_and_breaks_nothing() {
    let (mut world, session) = quiet_bench(policy(Liveness::Operator));
    let end = world.now + LEASE;
    while world.now < end {
        world.now = world.state.next_wake();
        world.say(Input::Beat {
            session,
            n: 1,
            main_ago: Some(Duration::MAX),
            input_ago: Some(Duration::MAX),
        });
        world.say(Input::Tick);
    }
    assert_eq!(world.now, end);
    assert!(world.state.sessions().is_empty());
}

#[test]
fn a_window_that_is_there_keeps_the_lease_unless_its_page_has_to_be_operable() {
    for (liveness, lives) in [(Liveness::Page, true), (Liveness::Operator, false)] {
        let mut world = World::ready(policy(liveness));
        world.say(Input::Arrive(Arrival {
            tag: Tag(1),
            kind: SessionKind::Window,
            want: Role::Operator,
            may_operate: true,
            local: true,
            resume: None,
        }));
        let (&session, _) = world.state.sessions().first_key_value().unwrap();
        let end = world.now + LEASE;
        while world.now < end {
            world.now = world.state.next_wake().min(end);
            world.say(Input::Renew { session });
            world.say(Input::Tick);
        }
        assert_eq!(world.state.sessions().contains_key(&session), lives, "{liveness:?}");
    }
}

#[test]
fn a_frozen_page_that_has_to_be_operable_thaws_with_its_main_thread() {
    let (mut world, session) = quiet_bench(policy(Liveness::Operator));
    let from = world.now;
    while world.now < from + LEASE {
        world.now = world.state.next_wake().min(from + LEASE);
        world.say(Input::Pong { session });
        world.say(Input::Tick);
    }
    let frozen = |world: &World| world.state.sessions()[&session].liveliness == Liveliness::Frozen;
    assert!(frozen(&world));
    world.say(Input::Beat { session, n: 1, main_ago: Some(LEASE), input_ago: None });
    assert!(frozen(&world), "its worker alone");
    world.say(Input::Beat { session, n: 2, main_ago: Some(Duration::ZERO), input_ago: None });
    assert!(!frozen(&world));
}
