//! Control passes from one session to another: after its time, or given.

use super::{
    reader::{alone, quiet_bench},
    *,
};

impl World {
    fn give(&mut self, session: SessionId, to: SessionId) -> Vec<Effect> {
        self.say(Input::YieldControl { session, to: Some(to) })
    }

    fn is_armed(&self) -> bool {
        matches!(self.state.phase(), Phase::Armed { .. })
    }

    fn guest(&mut self, may_operate: bool) -> SessionId {
        self.say(Input::Arrive(Arrival {
            tag: Tag(2),
            kind: SessionKind::Page,
            want: Role::Observer,
            may_operate,
            local: false,
            resume: None,
        }));
        *self.state.sessions().last_key_value().unwrap().0
    }
}

#[test]
fn control_passes_after_fifteen_seconds_and_not_a_tick_earlier() {
    let (mut world, holder) = World::armed(Policy::default());
    let other = world.arrive();
    let asked = world.now;
    world.say(Input::TakeControl { session: other, force: false });
    while world.now < asked + Duration::from_millis(14_999) {
        for session in [holder, other] {
            world.say(Input::Beat { session, n: 1, main_ago: None, input_ago: None });
        }
        world.say(Input::Reading { reading: ReadingIx(0), value: Some(1.0.into()) });
        let step = asked + Duration::from_millis(14_999);
        world.now = world.state.next_wake().min(step);
        world.say(Input::Tick);
        assert_eq!(world.state.operator(), Some(holder));
    }
    world.at(15_000 + u64::try_from(asked.0.as_millis()).unwrap());
    assert_eq!(world.state.operator(), Some(other));
    assert!(matches!(world.state.phase(), Phase::Armed { .. }), "the rig stays armed under the new operator");
}

/// Fifteen seconds after somebody asked, the holder there all along; at twelve that one `goes`.
fn asked_by_somebody_who(goes: impl Fn(&mut World, SessionId)) -> (World, SessionId) {
    let (mut world, holder) = World::armed(Policy::default());
    let other = world.arrive();
    let asked = world.now;
    world.say(Input::TakeControl { session: other, force: false });
    for ms in (500..=20_000).step_by(500) {
        world.say(Input::Beat { session: holder, n: 1, main_ago: None, input_ago: None });
        if ms <= 12_000 {
            world.say(Input::Beat { session: other, n: 1, main_ago: None, input_ago: None });
        }
        world.say(Input::Reading { reading: ReadingIx(0), value: Some(1.0.into()) });
        world.at(ms + u64::try_from(asked.0.as_millis()).unwrap());
        if ms == 12_000 {
            goes(&mut world, other);
        }
    }
    (world, holder)
}

#[test]
fn control_never_passes_to_somebody_who_has_gone_meanwhile() {
    let goodbye = |session| Input::Goodbye { session, reason: SessionEnd::PageClosed, grace: true };
    for goes in [|session| Input::SocketLost { session }, goodbye] {
        let (world, holder) = asked_by_somebody_who(|world, other| {
            world.say(goes(other));
        });
        assert_eq!((world.state.operator(), world.state.asking()), (Some(holder), None));
        assert!(world.is_armed(), "whoever is there goes on");
    }
}

#[test]
fn what_is_yielded_to_somebody_who_has_gone_is_yielded_to_nobody() {
    for ends in [false, true] {
        let (mut world, holder) = World::armed(Policy::default());
        let other = world.arrive();
        world.say(Input::TakeControl { session: other, force: false });
        world.say(Input::SocketLost { session: other });
        let last = if ends {
            Input::Goodbye { session: holder, reason: SessionEnd::PageClosed, grace: false }
        } else {
            Input::YieldControl { session: holder, to: None }
        };
        let effects = world.say(last);
        assert_eq!((world.state.operator(), world.state.asking()), (None, None));
        assert_eq!(orders(&effects).len(), 1, "nobody is there who could hold it");
    }
}

#[test]
fn control_that_is_given_passes_in_one_step_and_the_rig_stays_armed() {
    let (mut world, holder) = World::armed(Policy::default());
    let (asks, other) = (world.arrive(), world.guest(true));
    world.say(Input::TakeControl { session: asks, force: false });
    let before = world.state.epoch();
    let effects = world.give(holder, other);
    assert_eq!((world.state.operator(), world.state.asking()), (Some(other), None));
    assert!(world.is_armed() && orders(&effects).is_empty());
    assert!(
        effects.contains(&Effect::Fence(Epoch { n: before.n + 1, ..before })),
        "what was sent before is stale"
    );
    let set = CommandKind::Set { control: ControlIx(0), value: Value::Number(5.0.into()) };
    assert!(reply(&world.command(holder, "late", set.clone())).unwrap().is_err());
    let effects = world.command(other, "mine", set);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Set { .. })));
}

#[test]
fn control_that_nobody_can_take_stays_and_the_giver_is_told_why() {
    let (mut world, holder) = quiet_bench(alone());
    let (ended, observer) = (world.guest(true), world.guest(false));
    let (cut, reloading) = (world.guest(true), world.guest(true));
    world.say(Input::Goodbye { session: ended, reason: SessionEnd::PageClosed, grace: false });
    world.say(Input::SocketLost { session: cut });
    world.say(Input::Goodbye { session: reloading, reason: SessionEnd::PageClosed, grace: true });
    for (to, why) in [
        (SessionId(99), "ended"),
        (ended, "ended"),
        (observer, "may only observe"),
        (cut, "out of reach"),
        (reloading, "closed or reloaded"),
    ] {
        let epoch = world.state.epoch();
        let refusal = reply(&world.give(holder, to)).unwrap().unwrap_err();
        assert!(refusal.contains(why) && refusal.contains("control stays"), "{refusal}");
        assert_eq!((world.state.operator(), world.state.epoch()), (Some(holder), epoch), "{why}");
    }
    assert!(world.is_armed());
}

#[test]
fn control_is_not_given_to_a_frozen_page() {
    let (mut world, holder) = quiet_bench(alone());
    let frozen = world.guest(true);
    let until = world.now + Duration::from_secs(5);
    while world.now < until {
        world.now = world.state.next_wake().min(world.now + Duration::from_millis(250)).min(until);
        world.say(Input::Beat { session: holder, n: 1, main_ago: None, input_ago: None });
        world.say(Input::Pong { session: frozen });
        world.say(Input::Tick);
    }
    assert_eq!(world.state.sessions()[&frozen].liveliness, Liveliness::Frozen);
    assert!(reply(&world.give(holder, frozen)).unwrap().unwrap_err().contains("frozen"));
    assert_eq!(world.state.operator(), Some(holder));
}

#[test]
fn only_whoever_has_control_gives_it_and_to_oneself_nothing_changes() {
    let (mut world, holder) = World::armed(Policy::default());
    let other = world.arrive();
    let epoch = world.state.epoch();
    for (session, to) in [(other, other), (SessionId(99), other)] {
        assert!(reply(&world.give(session, to)).unwrap().is_err());
    }
    assert!(world.give(holder, holder).is_empty());
    world.say(Input::Goodbye { session: holder, reason: SessionEnd::PageClosed, grace: true });
    assert!(reply(&world.give(holder, other)).unwrap().is_err(), "who said goodbye gives nothing away");
    assert_eq!((world.state.operator(), world.state.epoch()), (Some(holder), epoch));
    assert!(world.is_armed());
}

#[test]
fn an_arming_under_way_is_not_handed_over_half_done() {
    let mut world = World::ready(Policy::default());
    let holder = world.arrive();
    let other = world.arrive();
    world.command(holder, "arm", CommandKind::Arm);
    let effects = world.give(holder, other);
    assert_eq!(world.state.operator(), Some(other));
    assert!(matches!(orders(&effects)[0].cause, Cause::ControlLost { .. }), "as in a take-over");
}
