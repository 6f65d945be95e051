//! When a watchdog acts, on what, and when it goes: at the exact boundary of each of its times.

#![allow(clippy::unwrap_used, missing_docs)]

use std::{sync::Arc, time::Duration};

use killcord_core::{
    Cause, DeviceIx, DevicePlan, DeviceReport, Extent, LinkIx, LinkPlan, Mode, Plan, Report, Status, Time,
    Verify,
    plan::{Connect, Order},
    watchdog::{
        Asked, EXIT_ACTED, EXIT_CLEAN, EXIT_UNSAFE, Effect, Input, OVERDUE, Phase, Said, State, Told, Why,
    },
};
use proptest::prelude::*;

const HANG: Duration = Duration::from_secs(5);
const DEADLINE: Duration = Duration::from_secs(10);
const MS: Duration = Duration::from_millis(1);

fn device(name: &str, link: u16) -> DevicePlan {
    DevicePlan {
        name: name.into(),
        label: None,
        driver: "scpi".into(),
        keys: Default::default(),
        link: LinkIx(link),
        timeout: Duration::from_millis(500),
        budget: Duration::from_secs(4),
        open: Vec::new(),
        id: None,
        expect_id: None,
        sync: None,
        errors: None,
        arm: Vec::new(),
        safe: Vec::new(),
        emergency: Vec::new(),
        verify: Verify::None,
        release: Vec::new(),
        instrument_watchdog: None,
        safe_after: Vec::new(),
        arm_after: None,
        optional: false,
        has_controls: false,
    }
}

fn plan() -> Arc<Plan> {
    let link = |name: &str| LinkPlan { name: name.into(), connect: Connect::None, cut_in: true };
    let devices = vec![device("psu", 0), device("load", 1)];
    Arc::new(Plan {
        rig: "bench".into(),
        deadline: DEADLINE,
        links: vec![link("a"), link("b")],
        devices,
        app: None,
    })
}

fn report(ends: &[(u16, Status)]) -> Box<Report> {
    let device = |&(ix, status): &(u16, Status)| DeviceReport {
        device: DeviceIx(ix),
        name: String::new(),
        status,
        unverifiable: false,
        mode: Mode::Safe,
        released: status == Status::SafeVerified,
        first_byte: None,
        safe_at: None,
        exchanges: Vec::new(),
        remarks: Vec::new(),
    };
    Box::new(Report {
        causes: Vec::new(),
        mode: Mode::Safe,
        extent: Extent::Release,
        began: Time::ZERO,
        took: Duration::ZERO,
        out_of_time: false,
        devices: ends.iter().map(device).collect(),
        notes: Vec::new(),
    })
}

/// A watchdog at its post, with both devices connected.
struct Post {
    state: State,
    now: Time,
}

impl Post {
    fn new() -> Self {
        let mut post = Self { state: State::new(Time::ZERO), now: Time::ZERO };
        post.say(Input::Rig { plan: plan(), hang_after: HANG });
        for device in [DeviceIx(0), DeviceIx(1)] {
            post.told(Told::Connected { device });
        }
        post
    }

    fn say(&mut self, input: Input) -> Vec<Effect> {
        self.state.handle(self.now, input)
    }

    fn told(&mut self, told: Told) -> Vec<Effect> {
        self.say(Input::Told(told))
    }

    /// Looks at the clock whenever it asked for that, until then.
    fn until(&mut self, then: Time) -> Vec<Effect> {
        loop {
            self.now = self.state.next_wake().min(then);
            let effects = self.say(Input::Tick);
            if !effects.is_empty() || self.now == then {
                return effects;
            }
        }
    }
}

fn order(effects: &[Effect]) -> (&Order, &Why) {
    let acts: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Act { order, why } => Some((order, why)),
            _ => None,
        })
        .collect();
    let [act] = acts[..] else { panic!("not one pass: {effects:?}") };
    act
}

fn names(order: &Order) -> Vec<u16> {
    order.devices.iter().map(|device| device.0).collect()
}

#[test]
fn every_way_a_host_can_go_ends_it_first_and_then_makes_the_rig_safe() {
    for (input, expected) in [
        (Input::PipeEnded, Why::PipeEnded),
        (Input::HostExited, Why::Exited),
        (Input::Told(Told::Dying { why: "SIGSEGV".into() }), Why::Dying { said: "SIGSEGV".into() }),
        (Input::Asked(Asked::TakeOver), Why::Asked),
    ] {
        let mut post = Post::new();
        let effects = post.say(input);
        assert_eq!(effects.first(), Some(&Effect::EndHost), "the host first, whatever happened to it");
        let (order, why) = order(&effects);
        assert_eq!(*why, expected);
        assert_eq!((order.mode, order.extent, order.twice), (Mode::Safe, Extent::Release, true));
        assert_eq!((names(order), order.cause.clone()), (vec![0, 1], Cause::HostLost));
        assert_eq!(order.deadline, Time(DEADLINE));
    }
}

#[test]
fn a_silent_host_is_hung_at_hang_after_and_not_a_tick_earlier() {
    let mut post = Post::new();
    post.now = Time::from_millis(700);
    assert_eq!(post.told(Told::Beat { n: 1 }), [Effect::Say(Said::Beat { n: 1 })]);
    let hung = post.now + HANG;
    assert_eq!(post.until(hung - MS), []);
    let effects = post.until(hung);
    assert_eq!(*order(&effects).1, Why::Hung);
}

#[test]
fn our_own_lateness_is_not_the_hosts_silence() {
    let mut post = Post::new();
    post.until(Time::from_millis(1000));
    // Stopped for longer than a host may be silent, and continued before the host was.
    post.now = Time::from_millis(9000);
    assert_eq!(post.say(Input::Tick), [], "it was us who did not listen");
    let effects = post.until(post.now + HANG);
    assert_eq!(*order(&effects).1, Why::Hung, "and it is judged all the same, one silence later");
}

#[test]
fn a_word_that_came_in_time_counts_although_we_were_late() {
    let mut post = Post::new();
    post.now = Time::from_millis(60_000);
    post.told(Told::Beat { n: 1 });
    assert_eq!(post.say(Input::Tick), []);
}

#[test]
fn a_teardown_is_left_alone_until_a_second_after_its_deadline() {
    let mut post = Post::new();
    post.told(Told::Teardown { mode: Mode::Safe, within: Duration::from_secs(3) });
    post.told(Told::Safe { device: DeviceIx(0) });
    let overdue = Time(Duration::from_secs(3) + OVERDUE);
    let mut n = 0;
    while post.now < overdue - MS {
        n += 1;
        post.told(Told::Beat { n });
        let next = (post.now + Duration::from_millis(250)).min(overdue - MS);
        assert_eq!(post.until(next), []);
    }
    let effects = post.until(overdue);
    let (order, why) = order(&effects);
    assert_eq!((names(order), order.mode), (vec![1], Mode::Emergency), "only what is not safe, and at once");
    assert_eq!(*why, Why::Overdue);
}

#[test]
fn a_raise_only_shortens_a_teardown_and_its_end_is_believed() {
    let mut post = Post::new();
    post.told(Told::Teardown { mode: Mode::Safe, within: Duration::from_secs(2) });
    post.told(Told::Teardown { mode: Mode::Emergency, within: Duration::from_secs(9) });
    assert_eq!(post.state.next_wake(), Time::from_millis(250));
    let mut early = Post { state: post.state.clone(), now: post.now };
    let effects = early.until(Time(Duration::from_secs(2) + OVERDUE));
    assert_eq!(*order(&effects).1, Why::Overdue);
    post.told(Told::TeardownDone);
    assert_eq!(post.until(Time(Duration::from_secs(2) + OVERDUE)), []);
}

#[test]
fn a_host_that_dies_in_an_emergency_is_followed_by_one() {
    let mut post = Post::new();
    post.told(Told::Teardown { mode: Mode::Emergency, within: DEADLINE });
    let effects = post.say(Input::PipeEnded);
    assert_eq!(order(&effects).0.mode, Mode::Emergency);
}

#[test]
fn only_what_was_connected_and_not_released_is_touched() {
    let mut post = Post::new();
    post.told(Told::Safe { device: DeviceIx(0) });
    post.told(Told::Released { device: DeviceIx(0) });
    let effects = post.say(Input::PipeEnded);
    assert_eq!(names(order(&effects).0), [1]);
}

#[test]
fn a_device_that_may_act_is_known_before_the_host_gets_its_echo() {
    let mut post = Post { state: State::new(Time::ZERO), now: Time::ZERO };
    post.say(Input::Rig { plan: plan(), hang_after: HANG });
    let effects = post.told(Told::MayAct { device: DeviceIx(1), n: 9 });
    assert_eq!(effects, [Effect::Say(Said::Echo { n: 9 })]);
    let effects = post.say(Input::HostExited);
    assert_eq!(names(order(&effects).0), [1], "it was never said to be connected, and may act all the same");
}

#[test]
fn sent_home_it_goes_and_what_is_not_safe_keeps_it() {
    let mut post = Post::new();
    for device in [DeviceIx(0), DeviceIx(1)] {
        post.told(Told::Released { device });
    }
    assert_eq!(post.told(Told::Goodbye), [Effect::Exit(EXIT_CLEAN)]);

    let mut post = Post::new();
    post.told(Told::Released { device: DeviceIx(0) });
    assert_eq!(post.told(Told::Goodbye), [Effect::Say(Said::Staying)]);
    assert_eq!(post.say(Input::PipeEnded), [], "the host has said that it goes");
    assert_eq!(post.until(Time::from_millis(999)), []);
    let effects = post.until(Time::from_millis(1000));
    let (order, why) = order(&effects);
    assert_eq!((names(order), order.mode), (vec![1], Mode::Emergency));
    assert_eq!(*why, Why::Left);
}

#[test]
fn what_is_not_safe_is_tried_again_with_longer_pauses_until_it_is() {
    let mut post = Post::new();
    post.say(Input::PipeEnded);
    assert_eq!(post.say(Input::Done(report(&[(0, Status::SafeVerified), (1, Status::Unreachable)]))), []);
    let mut pauses = Vec::new();
    for _ in 0..7 {
        let Phase::Resting { until, pause } = *post.state.phase() else { panic!("it does not rest") };
        assert_eq!(until, post.now + pause);
        assert_eq!(post.until(until - MS), []);
        let effects = post.until(until);
        assert_eq!(names(order(&effects).0), [1]);
        pauses.push(pause.as_secs());
        assert_eq!(post.say(Input::Done(report(&[(1, Status::Failed)]))), []);
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
    let Phase::Resting { until, .. } = *post.state.phase() else { panic!("it does not rest") };
    post.until(until);
    let effects = post.say(Input::Done(report(&[(1, Status::SafeVerified)])));
    assert_eq!(effects, [Effect::Exit(EXIT_ACTED)]);
}

#[test]
fn it_gives_way_between_two_passes_and_never_within_one() {
    let mut post = Post::new();
    post.say(Input::PipeEnded);
    assert_eq!(post.say(Input::Asked(Asked::GiveWay)), [], "a pass runs");
    let effects = post.say(Input::Done(report(&[(0, Status::SafeVerified), (1, Status::Unreachable)])));
    assert_eq!(effects, [Effect::Exit(EXIT_UNSAFE)]);

    let mut post = Post::new();
    post.told(Told::Goodbye);
    assert_eq!(post.say(Input::Asked(Asked::GiveWay)), [Effect::Exit(EXIT_UNSAFE)]);

    let mut post = Post::new();
    assert_eq!(post.say(Input::Asked(Asked::GiveWay)), [], "its host lives");
    assert_eq!(*post.state.phase(), Phase::Watching);
}

#[test]
fn before_it_has_a_rig_there_is_nothing_to_do() {
    let mut post = Post { state: State::new(Time::ZERO), now: Time::ZERO };
    assert_eq!(post.until(Time(Duration::from_secs(3600))), []);
    assert_eq!(post.say(Input::PipeEnded), [Effect::Exit(EXIT_CLEAN)]);
}

fn words() -> impl Strategy<Value = Input> {
    let device = (0_u16..3).prop_map(DeviceIx);
    let told = prop_oneof![
        device.clone().prop_map(|device| Told::Connected { device }),
        (device.clone(), 0_u64..9).prop_map(|(device, n)| Told::MayAct { device, n }),
        device.clone().prop_map(|device| Told::Safe { device }),
        device.prop_map(|device| Told::Released { device }),
        (0_u64..4000).prop_map(|ms| Told::Teardown { mode: Mode::Safe, within: Duration::from_millis(ms) }),
        Just(Told::TeardownDone),
        (0_u64..9).prop_map(|n| Told::Beat { n }),
        Just(Told::Dying { why: "SIGABRT".into() }),
        Just(Told::Goodbye),
    ];
    prop_oneof![
        9 => told.prop_map(Input::Told),
        1 => Just(Input::PipeEnded),
        1 => Just(Input::HostExited),
        1 => Just(Input::Asked(Asked::TakeOver)),
        1 => Just(Input::Asked(Asked::GiveWay)),
        2 => Just(Input::Done(report(&[(0, Status::SafeVerified), (1, Status::Failed)]))),
        3 => Just(Input::Tick),
    ]
}

proptest! {
    /// Whatever is said in whatever order: no device is touched beside a living host, every pass is ordered once,
    /// no device that may act is left behind, and it never asks to be woken in the past.
    #[test]
    fn nothing_that_is_said_makes_it_act_beside_a_host_or_leave_what_may_act(
        inputs in prop::collection::vec((0_u64..3000, words()), 1..60)
    ) {
        let mut post = Post::new();
        let (mut ended, mut over, mut running) = (false, false, false);
        for (ms, input) in inputs {
            post.now = post.now + Duration::from_millis(ms);
            let goodbye = matches!(input, Input::Told(Told::Goodbye));
            let may_act = |state: &State| state.devices().iter().any(|device| device.may_act);
            running &= !matches!(input, Input::Done(_));
            for effect in post.say(input) {
                prop_assert!(!over, "it has left");
                match effect {
                    Effect::EndHost => ended = true,
                    Effect::Act { .. } => {
                        prop_assert!(ended, "beside a living host");
                        prop_assert!(!running, "two passes at once");
                        running = true;
                    }
                    Effect::Exit(status) => {
                        over = true;
                        prop_assert!(status == EXIT_UNSAFE || !may_act(&post.state));
                    }
                    Effect::Say(Said::Staying) => ended = true,
                    Effect::Say(_) => prop_assert!(!ended, "a word to a host that is gone"),
                }
            }
            ended |= goodbye;
            prop_assert!(post.state.next_wake() >= post.now);
        }
    }
}

#[test]
fn a_state_told_at_an_earlier_time_does_the_same_as_much_earlier() {
    let by = Duration::from_secs(3);
    let mut post = Post::new();
    post.until(Time::from_millis(4000));
    post.told(Told::Beat { n: 1 });
    post.told(Told::Teardown { mode: Mode::Safe, within: DEADLINE });
    let mut earlier = Post { state: post.state.representative(by), now: post.now - by };
    post.until(Time::from_millis(60_000));
    earlier.until(Time::from_millis(60_000) - by);
    assert_eq!(post.now - by, earlier.now);
    assert_eq!(post.state.representative(by), earlier.state.representative(Duration::ZERO));
}
