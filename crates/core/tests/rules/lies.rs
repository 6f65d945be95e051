//! Pages that say what cannot be: of their beats, their clock, and the person in front of them.

use super::{
    reader::{alone, ended, quiet_bench},
    *,
};
use killcord_core::policy::Liveness;

const LEASE: Duration = Duration::from_secs(5);
const IDLE: Duration = Duration::from_secs(60);
/// What a page may say of the time since its thread answered, or since the person did something.
const AGES: [Option<Duration>; 5] =
    [None, Some(Duration::ZERO), Some(Duration::from_millis(1)), Some(LEASE), Some(Duration::MAX)];

#[test]
fn no_beat_keeps_a_session_for_longer_than_a_lease_or_a_person_for_longer_than_they_may_be_away() {
    for liveness in [Liveness::Page, Liveness::Operator, Liveness::Connection] {
        for (main_ago, input_ago) in AGES.into_iter().flat_map(|main| AGES.map(|input| (main, input))) {
            let mut policy = alone();
            policy.session.liveness = liveness;
            policy.session.idle_after = Some(IDLE);
            policy.session.frozen_for = LEASE;
            let (mut world, session) = quiet_bench(policy.clone());
            // Numbers that repeat, run backwards and overflow.
            for n in [1, 1, 0, u64::MAX, 7] {
                let beat = Input::Beat { session, n, main_ago, input_ago };
                for effect in world.say(beat) {
                    if let Effect::Ack { expires_in, idle_in, .. } = effect {
                        assert!(expires_in <= LEASE && idle_in.is_none_or(|it| it <= IDLE));
                    }
                }
            }
            let said = format!("{liveness:?}, {main_ago:?}, {input_ago:?}");
            let kept = &world.state.sessions()[&session];
            assert!(kept.ends_at(&policy.session) <= world.now + LEASE, "{said}");
            assert!(kept.main <= world.now && kept.input <= world.now, "{said}");
            world.sent.clear();
            world.pass(5_000);
            assert_eq!(ended(&world.sent), Some(SessionEnd::Expired), "{said}");
        }
    }
}

#[test]
fn who_says_that_nobody_is_there_is_warned_and_who_says_it_of_long_ago_no_sooner_than_anybody() {
    let mut policy = alone();
    policy.session.idle_after = Some(IDLE);
    let (mut world, session) = quiet_bench(policy);
    world.say(Input::Beat { session, n: 1, main_ago: None, input_ago: Some(Duration::MAX) });
    world.sent.clear();
    world.say(Input::Tick);
    assert_eq!(ended(&world.sent), None, "input is never taken back: the page had some when it came");
}
