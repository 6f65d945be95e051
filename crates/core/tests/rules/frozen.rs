//! Pages that their browsers froze: pings are answered, and nothing beats.

use super::{
    reader::{alone, ended, quiet_bench},
    *,
};
use killcord_core::policy::Liveness;

const NANO: Duration = Duration::from_nanos(1);
const LEASE: Duration = Duration::from_secs(5);

impl World {
    /// Until then, the browser of `session` answering four times a second.
    fn answering_until(&mut self, session: SessionId, until: Time) -> Vec<Effect> {
        let from = self.sent.len();
        while self.now < until {
            let next = self.state.next_wake().min(self.now + Duration::from_millis(250));
            self.now = next.max(self.now + NANO).min(until);
            self.say(Input::Pong { session });
            self.say(Input::Tick);
        }
        self.sent[from..].to_vec()
    }

    fn is_frozen(&self, session: SessionId) -> bool {
        self.state.sessions().get(&session).is_some_and(|it| it.liveliness == Liveliness::Frozen)
    }
}

fn beaten(policy: Policy) -> (World, SessionId, Time) {
    let (mut world, session) = quiet_bench(policy);
    world.say(Input::Beat { session, n: 1, main_ago: None, input_ago: None });
    let now = world.now;
    (world, session, now)
}

#[test]
fn a_frozen_operator_loses_control_when_any_silence_would_and_keeps_its_session() {
    let (mut world, session, from) = beaten(alone());
    let early = world.answering_until(session, from + (LEASE - NANO));
    assert!(orders(&early).is_empty() && world.state.operator() == Some(session));
    let effects = world.answering_until(session, from + LEASE);
    assert_eq!(orders(&effects)[0].cause, Cause::ControlLost { reason: SessionEnd::Frozen });
    assert_eq!(orders(&effects)[0].extent, Extent::Stay);
    assert!(world.state.operator().is_none() && world.is_frozen(session));
    world.finish(Status::SafeVerified);
    let over = from + Policy::default().session.frozen_for;
    assert_eq!(ended(&world.answering_until(session, over - NANO)), None);
    let effects = world.answering_until(session, over);
    assert_eq!(ended(&effects), Some(SessionEnd::Frozen));
    assert_eq!(orders(&effects)[0].extent, Extent::Release, "the last session has ended");
}

#[test]
fn a_cut_is_no_frozen_page() {
    // The last answer may come a beat after the last beat.
    let (mut world, session, from) = beaten(alone());
    world.answering_until(session, from + (LEASE / 2 - NANO));
    world.pass(10_000);
    let order = orders(&world.sent).last().map(|order| order.cause.clone());
    assert_eq!(order, Some(Cause::SessionEnded { reason: SessionEnd::Expired }));
    let (mut world, session, from) = beaten(alone());
    world.answering_until(session, from + LEASE / 2);
    let answered = world.now;
    world.pass(2_500);
    assert!(world.is_frozen(session));
    world.finish(Status::SafeVerified);
    let end = answered + LEASE;
    while world.now < end - NANO {
        world.now = world.state.next_wake().min(end - NANO);
        assert_eq!(ended(&world.say(Input::Tick)), None);
    }
    world.now = end;
    assert_eq!(ended(&world.say(Input::Tick)), Some(SessionEnd::Expired), "its browser is gone as well");
}

#[test]
fn a_page_that_thaws_observes_and_may_take_control() {
    let (mut world, session, from) = beaten(alone());
    world.answering_until(session, from + LEASE);
    world.finish(Status::SafeVerified);
    world.say(Input::TakeControl { session, force: true });
    assert_eq!(world.state.operator(), None, "who takes control has to beat first");
    world.say(Input::Beat { session, n: 2, main_ago: None, input_ago: None });
    assert!(!world.is_frozen(session));
    assert_eq!(world.state.operator(), None, "nothing is given back by itself");
    world.say(Input::TakeControl { session, force: false });
    assert_eq!(world.state.operator(), Some(session));
}

#[test]
fn a_page_whose_connection_goes_as_it_thaws_comes_back_to_its_session() {
    for how in ["cut", "closed", "reloaded"] {
        let (mut world, session, from) = beaten(alone());
        world.answering_until(session, from + LEASE * 3);
        world.finish(Status::SafeVerified);
        match how {
            "closed" => world.say(Input::Closed { session, wait: Duration::ZERO }),
            "reloaded" => world.say(Input::Goodbye { session, reason: SessionEnd::PageClosed, grace: true }),
            _ => Vec::new(),
        };
        world.say(Input::SocketLost { session });
        world.pass(1_999);
        assert!(world.state.sessions().contains_key(&session), "{how}");
        world.pass(5_000);
        assert!(!world.state.sessions().contains_key(&session), "{how}: it does not stay for ever");
    }
}

/// Until then, one page beating and the browser of the other answering.
fn side_by_side(world: &mut World, beats: SessionId, answers: SessionId, until: Time) {
    while world.now < until {
        world.now = world.state.next_wake().min(world.now + Duration::from_millis(250)).min(until);
        world.say(Input::Beat { session: beats, n: 2, main_ago: None, input_ago: None });
        world.say(Input::Pong { session: answers });
        world.say(Input::Tick);
    }
}

#[test]
fn a_frozen_page_that_asked_for_control_does_not_get_it() {
    let (mut world, holder, from) = beaten(alone());
    let asks = world.arrive();
    world.say(Input::TakeControl { session: asks, force: false });
    side_by_side(&mut world, holder, asks, from + LEASE);
    assert!(world.is_frozen(asks));
    assert_eq!(world.state.asking(), None);
    side_by_side(&mut world, holder, asks, from + LEASE * 4);
    assert_eq!(world.state.operator(), Some(holder));
}

#[test]
fn frozen_pages_are_no_company_for_hardware_that_is_held() {
    for (last, holds) in [(OnLast::Safe, false), (OnLast::Release, false), (OnLast::Hold, true)] {
        let mut policy = alone();
        policy.safety.on_control_lost = OnLost::Hold;
        policy.safety.on_last_session = last;
        let (mut world, session, from) = beaten(policy.clone());
        let effects = world.answering_until(session, from + LEASE);
        let held = (orders(&effects).is_empty(), world.state.hold_until().is_some());
        assert_eq!(held, (holds, holds), "{last:?}");
        // With somebody else there it is held, until that one leaves.
        let (mut world, session, from) = beaten(policy);
        let observer = world.arrive();
        side_by_side(&mut world, observer, session, from + LEASE);
        assert!(world.is_frozen(session) && world.state.hold_until().is_some());
        let reason = SessionEnd::PageClosed;
        let effects = world.say(Input::Goodbye { session: observer, reason, grace: false });
        assert_eq!(orders(&effects).is_empty(), holds, "{last:?}");
    }
}

#[test]
fn a_frozen_operator_is_lost_control_and_no_last_session() {
    let mut policy = alone();
    policy.safety.on_last_session = OnLast::Hold;
    let (mut world, session, from) = beaten(policy);
    let effects = world.answering_until(session, from + LEASE);
    assert_eq!(orders(&effects)[0].cause, Cause::ControlLost { reason: SessionEnd::Frozen });
}

#[test]
fn where_answers_renew_the_lease_nothing_freezes_and_where_the_time_is_short_neither() {
    let mut policy = alone();
    policy.session.liveness = Liveness::Connection;
    let (mut world, session, from) = beaten(policy);
    world.answering_until(session, from + LEASE * 10);
    assert_eq!(world.state.operator(), Some(session));
    let mut policy = alone();
    policy.session.frozen_for = LEASE;
    let (mut world, session, from) = beaten(policy);
    let effects = world.answering_until(session, from + LEASE);
    assert_eq!(ended(&effects), Some(SessionEnd::Expired));
}

#[test]
fn many_small_latenesses_beside_a_frozen_page_are_no_starved_host() {
    let (mut world, session, from) = beaten(alone());
    let operator = world.arrive();
    side_by_side(&mut world, operator, session, from + LEASE);
    world.finish(Status::SafeVerified);
    world.say(Input::TakeControl { session: operator, force: true });
    world.command(operator, "arm again", CommandKind::Arm);
    world.say(Input::Armed);
    world.sent.clear();
    for n in 0..1_500 {
        world.now = world.state.next_wake() + Duration::from_millis(10);
        world.say(Input::Pong { session });
        world.say(Input::Beat { session: operator, n, main_ago: None, input_ago: None });
        world.say(Input::Tick);
    }
    assert!(world.is_frozen(session) && matches!(world.state.phase(), Phase::Armed { .. }));
    assert!(orders(&world.sent).is_empty());
}
