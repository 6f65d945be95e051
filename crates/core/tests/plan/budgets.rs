//! Orders, reserves and budgets.

use std::time::Duration;

use killcord_core::{
    Item, Step, Verify,
    plan::{
        BudgetProblem, Graph, arm_order,
        budget::{RECORD, release_time, reserve, wrap_up},
        fill_budgets, safe_order, worst_case,
    },
};

use crate::rigs::{device, is_off, ix, ms, plan};

#[test]
fn a_device_comes_behind_all_that_it_is_safe_after_and_else_in_file_order() {
    let mut devices = vec![device("a", 0), device("b", 1), device("c", 2)];
    devices[0].safe_after = vec![ix(2)];
    assert_eq!(safe_order(&devices).unwrap(), [ix(1), ix(2), ix(0)]);
    assert_eq!(arm_order(&devices).unwrap(), [ix(0), ix(1), ix(2)], "read backwards: a before c");
}

#[test]
fn arm_after_overrides_the_backward_reading() {
    let mut devices = vec![device("a", 0), device("b", 1)];
    devices[1].safe_after = vec![ix(0)];
    assert_eq!(arm_order(&devices).unwrap(), [ix(1), ix(0)]);
    devices[0].arm_after = Some(Vec::new());
    devices[1].arm_after = Some(vec![ix(0)]);
    assert_eq!(arm_order(&devices).unwrap(), [ix(0), ix(1)]);
}

#[test]
fn a_ring_is_shown_without_what_only_leads_to_it() {
    let mut devices = vec![device("a", 0), device("b", 1), device("c", 2)];
    devices[0].safe_after = vec![ix(1)];
    devices[1].safe_after = vec![ix(2)];
    devices[2].safe_after = vec![ix(1)];
    assert_eq!(safe_order(&devices).unwrap_err().0, [ix(1), ix(2)]);
    devices[1].safe_after = vec![ix(1)];
    assert_eq!(safe_order(&devices).unwrap_err().0, [ix(1)]);
}

#[test]
fn a_damaged_plan_with_a_ring_still_orders_every_device() {
    let mut devices = vec![device("a", 0), device("b", 1)];
    devices[0].safe_after = vec![ix(1), ix(99)];
    devices[1].safe_after = vec![ix(0)];
    assert_eq!(Graph::whole(&plan(ms(1000), devices)).order(), [ix(0), ix(1)]);
}

#[test]
fn a_reserve_is_one_timeout_a_step_its_own_where_it_has_one_and_within_counts() {
    let mut it = device("a", 0);
    assert_eq!(reserve(&it), ms(200));
    it.emergency.push(Item::Do(Step::Query { text: "X?".into(), timeout: Some(ms(30)) }));
    assert_eq!(reserve(&it), ms(230));
    let mut slow = is_off();
    slow.within = Some(ms(500));
    it.verify = Verify::Checks(vec![is_off(), slow]);
    assert_eq!(reserve(&it), ms(130 + 100 + 500));
}

#[test]
fn a_budget_left_out_is_an_equal_share_along_the_longest_chain() {
    let mut devices = vec![device("a", 0), device("b", 1), device("c", 2)];
    devices[1].safe_after = vec![ix(0)];
    let mut rig = (*plan(ms(4000), devices)).clone();
    fill_budgets(&mut rig, &[None, None, None]).unwrap();
    let available = ms(4000) - RECORD - ms(300);
    assert_eq!(rig.devices[0].budget, available / 2);
    assert_eq!(rig.devices[1].budget, available / 2);
    assert_eq!(worst_case(&rig).safe, available);
    fill_budgets(&mut rig, &[Some(ms(1200)), None, None]).unwrap();
    assert_eq!(rig.devices[1].budget, available - ms(1200));
}

#[test]
fn a_shared_link_counts_in_series() {
    let devices = vec![device("a", 0), device("b", 0)];
    let mut rig = (*plan(ms(4000), devices)).clone();
    fill_budgets(&mut rig, &[None, None]).unwrap();
    let case = worst_case(&rig);
    assert_eq!(case.chain, [ix(0), ix(1)]);
    assert_eq!(rig.devices[0].budget, (ms(4000) - RECORD - release_time(&rig)) / 2);
    assert_eq!(case.devices[1].begins, rig.devices[0].budget);
}

#[test]
fn budgets_that_exactly_fit_are_taken_and_one_tick_more_is_not() {
    let mut devices = vec![device("a", 0), device("b", 1)];
    devices[1].safe_after = vec![ix(0)];
    let mut rig = (*plan(ms(4000), devices)).clone();
    let half = (ms(4000) - wrap_up(&rig, killcord_core::Extent::End)) / 2;
    assert_eq!(fill_budgets(&mut rig, &[Some(half), Some(half)]), Ok(()));
    let more = half + Duration::from_nanos(1);
    let problems = fill_budgets(&mut rig, &[Some(half), Some(more)]).unwrap_err();
    assert!(matches!(&problems[..], [BudgetProblem::TooLong { chain, needs, .. }]
        if *chain == [ix(0), ix(1)] && *needs == half + more));
}

#[test]
fn a_budget_below_its_reserve_and_reserves_above_the_deadline_are_refused() {
    let mut rig = (*plan(ms(4000), vec![device("a", 0)])).clone();
    let problems = fill_budgets(&mut rig, &[Some(ms(199))]).unwrap_err();
    assert!(matches!(problems[..], [BudgetProblem::BelowReserve { .. }]));
    assert_eq!(fill_budgets(&mut rig, &[Some(ms(200))]), Ok(()));
    rig.deadline = ms(600);
    let problems = fill_budgets(&mut rig, &[None]).unwrap_err();
    assert!(matches!(problems[..], [BudgetProblem::TooLong { .. }]));
}
