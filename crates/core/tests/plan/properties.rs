//! Whatever the links do, and whatever causes come: the promises of a teardown.

use std::{
    collections::{BTreeMap, BTreeSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    sync::Arc,
};

use killcord_core::{
    Cause, DeviceIx, DevicePlan, Extent, Item, LinkIx, Mode, Number, Plan, Step, Time, Verify,
    plan::{Machine, Next, Order, Teardown, budget::fill_budgets},
    step::{Ramp, Template},
};
use proptest::prelude::*;

use crate::{
    rigs::{all_open, at, device, is_off, ix, ms, plan, socket},
    world::{React, Sim, World, mode_of},
};

fn react() -> impl Strategy<Value = React> {
    prop_oneof![
        12 => Just(React::Obey),
        2 => Just(React::Ignore),
        2 => Just(React::Refuse),
        3 => Just(React::Mute),
        2 => Just(React::Break),
        1 => Just(React::Hang),
        1 => Just(React::Late),
    ]
}

fn sim() -> impl Strategy<Value = Sim> {
    let openable = prop_oneof![8 => Just(Ok(())), 1 => Just(Err(true)), 2 => Just(Err(false))];
    (any::<bool>(), prop::collection::vec(react(), 0..14), openable, 0..60u64)
        .prop_map(|(on, reacts, openable, latency)| Sim { on, reacts, openable, latency })
}

fn ramp() -> Item {
    Item::Ramp(Ramp {
        write: Template::Line { before: "V ".into(), decimals: None, after: String::new(), answer: None },
        from: Step::query("V?"),
        to: Number(0.0),
        per_second: Number(5.0),
        step_every: ms(50),
    })
}

prop_compose! {
    fn some_device(at: usize)(
        link in 0..=(at as u16),
        after in prop::collection::vec(0..at.max(1), 0..2),
        kind in 0..12u8,
        sync in any::<bool>(),
        errors in any::<bool>(),
        within in prop::option::of(0..300u64),
        steps in 1..4usize,
    ) -> DevicePlan {
        let mut it = device(&format!("d{at}"), link);
        it.safe_after = if at == 0 { vec![] } else { after.into_iter().map(DeviceIx::from).collect() };
        it.safe = (0..steps).map(|n| Item::Do(Step::send(format!("OFF{n}")))).collect();
        it.emergency = (0..steps).map(|n| Item::Do(Step::send(format!("CUT{n}")))).collect();
        match kind {
            0 => (it.arm, it.safe, it.emergency, it.verify) = (vec![], vec![], vec![], Verify::None),
            1 => it.verify = Verify::None,
            2 => it.safe.insert(0, ramp()),
            3 => it.safe.insert(0, Item::Wait(ms(700))),
            4 => it.safe.insert(0, Item::Check(is_off())),
            5 => it.release.clear(),
            _ => {}
        }
        if let (Some(within), Verify::Checks(checks)) = (within, &mut it.verify) {
            checks[0].within = Some(ms(within));
        }
        it.sync = sync.then(|| Step::query("SYNC?"));
        it.errors = errors.then(|| Step::query("ERR?"));
        it
    }
}

fn some_plan() -> impl Strategy<Value = Arc<Plan>> {
    (
        (some_device(0), some_device(1), some_device(2), some_device(3)),
        1..=4usize,
        1500..8000u64,
        any::<[bool; 4]>(),
    )
        .prop_map(|((a, b, c, d), count, deadline, sockets)| {
            let devices = [a, b, c, d].into_iter().take(count).collect();
            let mut plan = (*plan(ms(deadline), devices)).clone();
            for (link, _) in plan.links.iter_mut().zip(sockets).filter(|(_, socket)| *socket) {
                link.connect = socket();
            }
            // A plan whose budgets do not fit is run all the same: the deadline holds anyway.
            let _fits = fill_budgets(&mut plan, &[]);
            Arc::new(plan)
        })
}

fn some_order(plan: &Plan) -> impl Strategy<Value = Order> + use<> {
    let devices = plan.devices.len();
    (
        prop_oneof![Just(Mode::Safe), Just(Mode::Emergency)],
        prop_oneof![Just(Extent::Stay), Just(Extent::Release), Just(Extent::End)],
        200..8000u64,
        prop::collection::btree_set(0..devices, 0..=devices),
        any::<bool>(),
        prop::bool::weighted(0.2),
    )
        .prop_map(move |(mode, extent, deadline, some, all, twice)| Order {
            mode,
            extent,
            deadline: at(deadline),
            devices: if all {
                (0..devices).map(DeviceIx::from).collect()
            } else {
                some.into_iter().map(DeviceIx::from).collect()
            },
            cause: Cause::SafeStop,
            twice,
            after_app: false,
        })
}

#[derive(Clone, Debug)]
struct Case {
    plan: Arc<Plan>,
    sims: Vec<Sim>,
    open: BTreeSet<DeviceIx>,
    owed: BTreeMap<LinkIx, bool>,
    order: Order,
    raises: Vec<(Time, Order)>,
}

fn some_case(raises: std::ops::Range<usize>) -> impl Strategy<Value = Case> {
    some_plan()
        .prop_flat_map(move |plan| {
            let devices = plan.devices.len();
            (
                prop::collection::vec(sim(), devices),
                prop::collection::vec(prop::bool::weighted(0.8), devices),
                prop::collection::vec(prop::bool::weighted(0.2), plan.links.len()),
                some_order(&plan),
                prop::collection::vec((0..3000u64, some_order(&plan)), raises.clone()),
                Just(plan),
            )
        })
        .prop_map(|(sims, open, owed, order, raises, plan)| Case {
            sims,
            open: open.iter().enumerate().filter(|(_, o)| **o).map(|(at, _)| DeviceIx::from(at)).collect(),
            owed: owed.into_iter().enumerate().map(|(at, owed)| (LinkIx::from(at), owed)).collect(),
            order,
            raises: raises.into_iter().map(|(ms, order)| (at(ms), order)).collect(),
            plan,
        })
}

impl Case {
    fn world(&self) -> World {
        World::new(self.plan.clone(), self.sims.clone(), self.open.clone(), self.owed.clone())
    }
}

fn cases() -> ProptestConfig {
    // PROPTEST_CASES asks for more, never for fewer.
    let config = ProptestConfig::default();
    ProptestConfig { cases: config.cases.max(600), ..config }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn every_promise_holds_whatever_the_links_do(case in some_case(0..1)) {
        let mut world = case.world();
        let ran = world.run(case.order.clone(), Vec::new());
        world.check_report(&ran, false);
        prop_assert_eq!(ran.report.devices.len(), case.order.devices.len());
    }

    #[test]
    fn every_promise_holds_whatever_causes_join(case in some_case(1..5)) {
        let mut world = case.world();
        let ran = world.run(case.order.clone(), case.raises.clone());
        world.check_report(&ran, true);
        let causes = ran.report.causes.len();
        prop_assert!(causes >= 1 && causes <= 1 + case.raises.len());
    }

    #[test]
    fn devices_that_obey_are_all_safe_verified_each_step_once(case in some_case(0..1)) {
        let mut case = case;
        for sim in &mut case.sims {
            (sim.reacts, sim.openable, sim.latency) = (Vec::new(), Ok(()), sim.latency % 5);
        }
        case.order = Order { deadline: at(20_000), twice: false, ..case.order };
        let mut plan = (*case.plan).clone();
        plan.deadline = ms(20_000);
        prop_assert_eq!(fill_budgets(&mut plan, &[]), Ok(()));
        case.plan = Arc::new(plan);
        let mut world = case.world();
        let ran = world.run(case.order.clone(), Vec::new());
        world.check_report(&ran, false);
        for entry in &ran.report.devices {
            prop_assert!(entry.confirmed() && entry.remarks.is_empty(), "{:#?}", entry);
            prop_assert!(case.plan.devices[entry.device.at()].safe.iter().any(|i| !matches!(i, Item::Do(_)))
                || mode_of(&ran.report, entry.device) == case.order.mode);
            let meter_left_closed = case.plan.devices[entry.device.at()].only_measures()
                && !case.open.contains(&entry.device);
            let released = case.order.extent > Extent::Stay && !meter_left_closed;
            prop_assert_eq!(entry.released, released);
        }
    }

    #[test]
    fn one_devices_trouble_never_changes_what_an_independent_one_gets(case in some_case(0..1)) {
        // The last device alone on its link and in nobody's way: the same, whatever the others do.
        let mut plan = (*case.plan).clone();
        let last = plan.devices.len() - 1;
        plan.devices[last].safe_after.clear();
        plan.devices[last].link = LinkIx::from(plan.links.len());
        plan.links.push(plan.links[0].clone());
        let mut order = case.order.clone();
        order.extent = Extent::Stay;
        order.devices = (0..plan.devices.len()).map(DeviceIx::from).collect();
        let plan = Arc::new(plan);
        let calm: Vec<Sim> = (0..=last).map(|n| if n == last { case.sims[n].clone() } else {
            Sim { on: true, reacts: Vec::new(), openable: Ok(()), latency: 0 }
        }).collect();
        let seen = |sims: Vec<Sim>| {
            let mut world = World::new(plan.clone(), sims, case.open.clone(), case.owed.clone());
            let ran = world.run(order.clone(), Vec::new());
            ran.report.devices[last].exchanges.clone()
        };
        prop_assert_eq!(seen(calm), seen(case.sims.clone()));
    }

    #[test]
    fn the_same_inputs_give_the_same_outputs_and_equal_states_hash_alike(case in some_case(0..3)) {
        let run = || {
            let mut world = case.world();
            world.run(case.order.clone(), case.raises.clone())
        };
        let (one, two) = (run(), run());
        prop_assert_eq!(&one.report, &two.report);
        prop_assert_eq!(&one.teardown, &two.teardown);
        let hash = |teardown: &Teardown| {
            let mut hasher = DefaultHasher::new();
            teardown.hash(&mut hasher);
            hasher.finish()
        };
        prop_assert_eq!(hash(&one.teardown), hash(&two.teardown));
    }

    #[test]
    fn the_emergency_takes_over_exactly_when_it_says(budget in 300..3000u64, deadline in 1000..5000u64, tick in 1..1000u64) {
        let mut slow = device("a", 0);
        slow.safe = vec![Item::Wait(ms(60_000))];
        slow.budget = ms(budget);
        let plan = plan(ms(deadline), vec![slow]);
        let order = Order::whole(&plan, Mode::Safe, Extent::Stay, Cause::SafeStop, at(0));
        let mut teardown = Teardown::new(plan.clone(), order, &all_open(&plan), at(0));
        let wait = teardown.next(at(0));
        let over = teardown.takeover(ix(0)).unwrap();
        let reserve = ms(200);
        let expected = (ms(budget) - reserve).min(ms(deadline) - ms(500) - reserve);
        prop_assert_eq!(over, Time(expected));
        prop_assert_eq!(wait, Next::Wait(over));
        let early = over - std::time::Duration::from_nanos(tick);
        prop_assert_eq!(teardown.next(early), Next::Wait(over));
        let Next::Do(out) = teardown.next(over) else { panic!("nothing at the takeover") };
        prop_assert_eq!(out.len(), 1);
    }
}
