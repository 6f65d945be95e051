//! The wrapped app as the rules see it: when it is started, when a teardown stops it, what its end means.

use killcord_core::{
    App,
    app::{OnCrash, Stop, StopSignal},
    plan::budget::{second_turn, wrap_up},
    rules::{APP_AGAIN_FIRST, APP_AGAIN_MOST, AppNews, AppState, News},
};

use super::*;

const WITHIN: Duration = Duration::from_secs(3);

/// A rig whose app drives these, before it is opened.
fn wrapped(on_crash: OnCrash, drives: &[u16]) -> World {
    wrapped_by(on_crash, drives, |_| {})
}

fn wrapped_by(on_crash: OnCrash, drives: &[u16], change: impl Fn(&mut Policy)) -> World {
    let mut policy = Policy::default();
    policy.safety.watchdog = Watchdog::Off;
    change(&mut policy);
    let mut it = Arc::unwrap_or_clone(rig(policy));
    it.plan.app = Some(App {
        command: vec!["bokeh".into()],
        directory: "/".into(),
        ready: "/".into(),
        ready_within: Duration::from_secs(30),
        before_stop: None,
        stop: Stop { signal: StopSignal::Term, within: WITHIN },
        on_crash,
        drives: drives.iter().copied().map(DeviceIx).collect(),
    });
    let state = State::new(Arc::new(it), RunId(7), false, Now::default());
    World { state, now: Time::ZERO, sent: Vec::new(), reads: true }
}

/// Opened, every device safe, and the app ready.
fn running(on_crash: OnCrash, drives: &[u16]) -> World {
    let mut world = wrapped(on_crash, drives);
    world.say(Input::Open);
    world.finish(Status::SafeVerified);
    world.say(Input::Tick);
    world.say(Input::App(AppNews::Ready));
    assert!(matches!(world.state.app(), Some(AppState::Ready { .. })));
    world.sent.clear();
    world
}

fn exited(world: &mut World) -> Vec<Effect> {
    world.say(Input::App(AppNews::Exited { why: "it ended with status 1".into() }))
}

fn gone(world: &mut World) -> Vec<Effect> {
    world.say(Input::App(AppNews::Gone { why: None }))
}

fn starts(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| **effect == Effect::StartApp).count()
}

/// The first order and what is done to the app, in the order in which they go out.
fn acts(effects: &[Effect]) -> Vec<&Effect> {
    let counts = |effect: &&Effect| matches!(effect, Effect::Teardown(_) | Effect::StopApp { .. });
    effects.iter().filter(counts).collect()
}

fn waits_for_app(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Teardown(order) if order.after_app))
}

#[test]
fn an_app_that_drives_nothing_is_started_beside_the_opening_of_the_rig() {
    let mut world = wrapped(OnCrash::Safe, &[]);
    let effects = world.say(Input::Open);
    assert_eq!(starts(&effects), 1);
    assert_eq!(world.state.app(), Some(&AppState::Starting));
}

#[test]
fn an_app_that_drives_a_device_is_started_once_that_is_safe() {
    let mut world = wrapped(OnCrash::Safe, &[0]);
    assert_eq!(starts(&world.say(Input::Open)), 0);
    assert_eq!(starts(&world.say(Input::Tick)), 0);
    world.finish(Status::SafeVerified);
    assert_eq!(starts(&world.say(Input::Tick)), 1);
}

#[test]
fn an_app_that_drives_a_device_waits_for_a_watchdog_as_arming_does() {
    let mut world = wrapped_by(OnCrash::Restart, &[0], |policy| policy.safety.watchdog = Watchdog::Required);
    world.say(Input::Open);
    world.finish(Status::SafeVerified);
    assert_eq!(starts(&world.say(Input::Tick)), 0);
    world.say(Input::Watchdog(News::Ready));
    assert_eq!(starts(&world.say(Input::Tick)), 1);
    world.say(Input::App(AppNews::Ready));
    // Without one it is ended, and does not come back before there is one.
    world.say(Input::Watchdog(News::Gone { why: "it ended".into() }));
    world.pass(5_000);
    assert_eq!(world.state.teardown_cause(), Some(&Cause::WatchdogLost));
    gone(&mut world);
    world.finish(Status::SafeVerified);
    world.sent.clear();
    world.pass(120_000);
    assert_eq!(starts(&world.sent), 0);
    world.say(Input::Watchdog(News::Ready));
    assert_eq!(starts(&world.say(Input::Tick)), 1);
}

#[test]
fn an_app_that_drives_a_device_which_is_not_safe_is_not_started() {
    let mut world = wrapped(OnCrash::Safe, &[0]);
    world.say(Input::Open);
    world.finish(Status::Failed);
    assert_eq!(starts(&world.say(Input::Tick)), 0);
}

#[test]
fn a_safe_stop_leaves_an_app_that_drives_nothing_and_kills_one_that_drives_before_the_first_byte() {
    let mut world = running(OnCrash::Safe, &[]);
    let effects = world.demand(Cause::SafeStop, Mode::Emergency, Extent::Stay);
    assert!(matches!(acts(&effects)[..], [Effect::Teardown(_)]), "{effects:?}");
    assert!(!waits_for_app(&effects));

    let mut world = running(OnCrash::Safe, &[0]);
    let effects = world.demand(Cause::SafeStop, Mode::Emergency, Extent::Stay);
    assert!(
        matches!(acts(&effects)[..], [Effect::StopApp { at_once: true, .. }, Effect::Teardown(_)]),
        "{effects:?}"
    );
    assert!(waits_for_app(&effects));
}

#[test]
fn a_controlled_teardown_stops_the_app_behind_its_first_order_and_a_raise_kills_it_ahead_of_the_next() {
    let mut world = running(OnCrash::Safe, &[0]);
    let effects = world.demand(Cause::Requested, Mode::Safe, Extent::Stay);
    let [Effect::Teardown(order), Effect::StopApp { at_once: false, kill_by }] = acts(&effects)[..] else {
        panic!("{effects:?}")
    };
    assert!(order.after_app);
    assert_eq!(*kill_by, world.now + WITHIN);
    let effects = world.demand(Cause::SafeStop, Mode::Emergency, Extent::Stay);
    assert!(matches!(acts(&effects)[..], [Effect::StopApp { at_once: true, .. }, Effect::Teardown(_)]));
}

#[test]
fn the_end_of_the_host_stops_every_app_and_a_shorter_deadline_kills_it_sooner() {
    let mut world = running(OnCrash::Restart, &[]);
    let effects = world.demand(Cause::WindowClosed, Mode::Safe, Extent::End);
    assert!(matches!(acts(&effects)[..], [Effect::Teardown(_), Effect::StopApp { at_once: false, .. }]));
    let deadline = world.now + Duration::from_secs(2);
    let epoch = world.state.epoch().n + 1;
    let again = Demand {
        cause: Cause::Shutdown,
        mode: Mode::Safe,
        extent: Extent::End,
        deadline: Some(deadline),
        epoch,
    };
    let effects = world.say(Input::Demand(again));
    let plan = world.state.rig().plan.clone();
    let by = deadline - wrap_up(&plan, Extent::End) - second_turn(&plan);
    let [Effect::Teardown(_), Effect::StopApp { at_once: false, kill_by }] = acts(&effects)[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(*kill_by, by);
    world.finish(Status::SafeVerified);
    assert!(world.state.app_lives(), "it is not known to be gone");
    gone(&mut world);
    assert_eq!(world.state.app(), Some(&AppState::Stopped));
    world.pass(60_000);
    assert_eq!(starts(&world.sent), 0, "started behind the end");
}

#[test]
fn the_last_session_s_release_leaves_an_app_that_drives_nothing() {
    let mut world = running(OnCrash::Safe, &[]);
    let effects = world.demand(Cause::Requested, Mode::Safe, Extent::Release);
    assert!(matches!(acts(&effects)[..], [Effect::Teardown(_)]));
    world.finish(Status::SafeVerified);
    assert!(matches!(world.state.app(), Some(AppState::Ready { .. })));
}

#[test]
fn a_released_rig_starts_the_app_that_drove_it_when_somebody_comes() {
    let mut world = running(OnCrash::Safe, &[0]);
    world.demand(Cause::Requested, Mode::Safe, Extent::Release);
    gone(&mut world);
    world.finish(Status::SafeVerified);
    world.pass(60_000);
    assert_eq!((starts(&world.sent), world.state.app()), (0, Some(&AppState::Stopped)));
    world.arrive();
    world.finish(Status::SafeVerified);
    world.say(Input::Tick);
    assert_eq!(starts(&world.sent), 1);
}

#[test]
fn an_app_that_ends_by_itself_has_the_rig_made_safe_and_stays_down() {
    let mut world = running(OnCrash::Safe, &[0]);
    let effects = exited(&mut world);
    assert!(waits_for_app(&effects), "what it left behind may still drive the supply");
    assert_eq!(world.state.teardown_cause(), Some(&Cause::AppExited));
    let effects = gone(&mut world);
    assert!(effects.contains(&Effect::AppGone));
    world.finish(Status::SafeVerified);
    world.pass(60_000);
    assert_eq!(starts(&world.sent), 0);
    assert_eq!(world.state.app(), Some(&AppState::Exited { why: "it ended with status 1".into() }));
}

#[test]
fn a_restart_waits_for_the_safe_rig_and_for_its_pause_to_the_tick() {
    let mut world = running(OnCrash::Restart, &[]);
    exited(&mut world);
    gone(&mut world);
    world.now = world.now + APP_AGAIN_FIRST * 2;
    assert_eq!(starts(&world.say(Input::Tick)), 0, "the rig is not safe yet");
    world.finish(Status::SafeVerified);
    assert_eq!(starts(&world.say(Input::Tick)), 1);

    // The second time in a row it waits twice as long, whatever the rig does.
    exited(&mut world);
    gone(&mut world);
    world.finish(Status::SafeVerified);
    let due = world.now + APP_AGAIN_FIRST * 2;
    world.now = due - Duration::from_nanos(1);
    assert_eq!(starts(&world.say(Input::Tick)), 0);
    world.now = due;
    assert_eq!(starts(&world.say(Input::Tick)), 1);
    assert!(!world.state.energised(), "a restart armed something");
}

#[test]
fn an_app_that_stood_long_enough_begins_with_the_first_pause_again() {
    for (stood, pause) in
        [(APP_AGAIN_MOST - Duration::from_nanos(1), APP_AGAIN_FIRST * 2), (APP_AGAIN_MOST, APP_AGAIN_FIRST)]
    {
        let mut world = running(OnCrash::Restart, &[]);
        exited(&mut world);
        gone(&mut world);
        world.finish(Status::SafeVerified);
        world.now = world.now + APP_AGAIN_FIRST;
        world.say(Input::Tick);
        world.say(Input::App(AppNews::Ready));
        world.now = world.now + stood;
        exited(&mut world);
        gone(&mut world);
        assert!(
            matches!(world.state.app(), Some(AppState::Again { at, .. }) if *at == world.now + pause),
            "{:?}",
            world.state.app()
        );
    }
}

#[test]
fn an_app_that_drives_is_not_started_on_a_tripped_rig_before_somebody_has_looked() {
    let mut world = running(OnCrash::Restart, &[0]);
    let session = world.arrive();
    world.command(session, "arm", CommandKind::Arm);
    world.say(Input::Armed);
    world.say(Input::Reading { reading: ReadingIx(0), value: Some(99.0.into()) });
    world.at(300);
    world.say(Input::Reading { reading: ReadingIx(0), value: Some(99.0.into()) });
    world.say(Input::Tick);
    assert!(world.state.trip().is_some());
    gone(&mut world);
    world.finish(Status::SafeVerified);
    world.say(Input::Tick);
    assert_eq!(starts(&world.sent), 0);
    world.command(session, "seen", CommandKind::Acknowledge);
    assert_eq!(starts(&world.say(Input::Tick)), 1);
}

#[test]
fn news_of_an_app_that_is_not_there_changes_nothing() {
    let mut world = World::ready(Policy::default());
    assert_eq!(exited(&mut world), []);
    assert_eq!(gone(&mut world), []);
    assert_eq!(world.state.app(), None);
}

#[test]
fn a_host_that_only_waits_for_its_app_still_shows_its_watchdog_that_it_lives() {
    let mut it = Arc::unwrap_or_clone(rig(Policy::default()));
    it.plan.app = wrapped(OnCrash::Safe, &[]).state.rig().plan.app.clone();
    let state = State::new(Arc::new(it), RunId(7), false, Now::default());
    let mut world = World { state, now: Time::ZERO, sent: Vec::new(), reads: true };
    world.say(Input::Open);
    world.say(Input::Watchdog(News::Ready));
    world.finish(Status::SafeVerified);
    world.demand(Cause::WindowClosed, Mode::Safe, Extent::End);
    world.finish(Status::SafeVerified);
    assert!(matches!(world.state.phase(), Phase::Ended) && world.state.app_lives());
    world.sent.clear();
    world.pass(1000);
    let beats = world.sent.iter().filter(|effect| matches!(effect, Effect::Beat(_))).count();
    assert!(beats >= 4, "{beats} in a second");
}

/// Whether a teardown was ordered, the app's stop with it.
fn made_safe(effects: &[Effect]) -> bool {
    matches!(acts(effects)[..], [Effect::Teardown(_), Effect::StopApp { .. }])
}

#[test]
fn what_an_app_drives_is_as_live_as_what_was_armed() {
    assert!(!running(OnCrash::Safe, &[]).state.energised());
    let mut world = running(OnCrash::Safe, &[0]);
    assert!(world.state.energised());
    exited(&mut world);
    world.finish(Status::SafeVerified);
    gone(&mut world);
    assert!(!world.state.energised());
}

/// The app drives the first device, an operator's page is there, and perhaps an observer's.
fn driven_before(change: impl Fn(&mut Policy), observed: bool) -> (World, SessionId) {
    let mut world = wrapped_by(OnCrash::Safe, &[0], change);
    world.say(Input::Open);
    world.finish(Status::SafeVerified);
    world.say(Input::Tick);
    world.say(Input::App(AppNews::Ready));
    let operator = world.arrive();
    if observed {
        world.arrive();
    }
    (world, operator)
}

fn leaves(world: &mut World, session: SessionId) -> Vec<Effect> {
    world.say(Input::Goodbye { session, reason: SessionEnd::PageClosed, grace: false })
}

#[test]
fn whoever_leaves_what_an_app_drives_leaves_it_safe_though_nothing_was_armed() {
    let keep = |policy: &mut Policy| policy.safety.on_last_session = OnLast::Safe;
    for observed in [false, true] {
        let (mut world, operator) = driven_before(keep, observed);
        assert!(made_safe(&leaves(&mut world, operator)), "observed: {observed}");
    }
    let hold = |policy: &mut Policy| {
        policy.safety.on_last_session = OnLast::Hold;
        policy.safety.hold_for = Duration::from_secs(60);
        policy.session.expire_after = Duration::from_secs(5);
    };
    let (mut world, operator) = driven_before(hold, false);
    assert!(acts(&leaves(&mut world, operator)).is_empty(), "it is held");
    assert!(acts(&world.at(59_999)).is_empty());
    assert!(made_safe(&world.at(60_000)), "and no longer than that");
}

#[test]
fn limits_hold_for_what_an_app_drives_as_for_what_is_armed() {
    let (mut world, _) = driven_before(|_| {}, false);
    world.say(Input::Reading { reading: ReadingIx(0), value: Some(14.0.into()) });
    assert!(acts(&world.at(299)).is_empty());
    assert!(made_safe(&world.at(300)));
}

#[test]
fn an_app_that_was_stopped_for_a_device_found_behind_its_start_comes_back_and_after_a_safe_stop_it_does_not()
{
    for pressed in [false, true] {
        let mut world = running(OnCrash::Safe, &[0]);
        world.say(Input::Opened { device: DeviceIx(0), identity: None });
        assert!(made_safe(&world.say(Input::Tick)));
        if pressed {
            world.demand(Cause::SafeStop, Mode::Safe, Extent::Stay);
        }
        assert_eq!(starts(&gone(&mut world)), 0, "not while the teardown runs");
        world.finish(Status::SafeVerified);
        let started =
            starts(&world.say(Input::Tick)) > 0 || matches!(world.state.app(), Some(AppState::Starting));
        assert_eq!(started, !pressed);
    }
}

#[test]
fn an_app_waits_for_a_device_that_is_to_be_tried_again() {
    let mut world = wrapped(OnCrash::Safe, &[0]);
    world.say(Input::Open);
    world.finish(Status::SafeUnverified);
    assert_eq!(starts(&world.say(Input::Tick)), 0);
    world.at(1_000);
    world.finish(Status::SafeVerified);
    world.say(Input::Tick);
    assert!(matches!(world.state.app(), Some(AppState::Starting)));
}
