//! Two browsers at one bench: who is in control, and how control passes from one to the other.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod browser;

use browser::{Bench, PATIENT};
use killcord::Role;
use killcord_tests::chromium::{Chromium, Tab};
use killcord_tests::process::Process;
use killcord_tests::wait::{LONG, until_true};

/// Two people, each with a browser of their own: the first is in control of an armed bench.
struct Two {
    bench: Bench,
    _serve: Process,
    holder: Tab,
    other: Tab,
    _browsers: [Chromium; 2],
}

impl Two {
    #[track_caller]
    fn new() -> Self {
        let bench = Bench::with(PATIENT);
        let browsers = [Chromium::start(), Chromium::start()];
        let (serve, holder) = bench.armed_in(&browsers[0]);
        let other = bench.paired(&browsers[1], &serve);
        other.await_text("You are observing");
        other.await_text("Another session is in control.");
        Self { bench, _serve: serve, holder, other, _browsers: browsers }
    }
}

#[test]
fn control_that_is_asked_for_is_given_by_its_holder() {
    let two = Two::new();
    two.other.click("button", "Take control");
    two.other.await_text("Asked for control");
    two.holder.await_text("Another session asks for control");
    two.holder.click("button", "Give control");
    two.holder.await_text("You are observing");
    two.other.await_no_text("You are observing");
    two.bench.await_roles(&[Role::Observer, Role::Operator]);
    // And back again: an armed bench takes no notice.
    two.holder.click("button", "Take control");
    two.other.click("button", "Give control");
    two.bench.await_roles(&[Role::Operator, Role::Observer]);
    assert!(two.bench.is_on() && two.bench.switched() == (1, 0));
}

#[test]
fn control_that_is_asked_for_and_not_refused_passes_after_its_time() {
    let two = Two::new();
    two.other.click("button", "Take control");
    two.holder.await_text("It gets control in");
    two.bench.await_roles(&[Role::Observer, Role::Operator]);
    two.holder.await_text("Another session is in control.");
    assert!(two.bench.is_on() && two.bench.switched() == (1, 0));
}

#[test]
fn what_a_page_wants_that_has_lost_control_is_refused() {
    let bench = Bench::with(PATIENT);
    let browsers = [Chromium::start(), Chromium::start()];
    let serve = bench.serve();
    let holder = bench.author(&browsers[0], &serve);
    holder.await_text("You are in control");
    let epoch = holder.run("bench.model.epoch");
    let other = bench.author(&browsers[1], &serve);
    other.await_text("You are observing");
    other.run("bench.takeControl(true)");
    other.await_text("You are in control");
    holder.await_text("Another session has taken control");
    let refused = holder.run("bench.arm()");
    assert_eq!(refused["ok"], false, "{refused}");
    assert!(!bench.is_on() && bench.switched().0 == 0);
    assert_ne!(other.run("bench.model.epoch"), epoch, "each change of control has a number of its own");
    other.run("bench.arm()");
    until_true("everything to be on", LONG, || bench.is_on());
}

#[test]
fn a_safe_stop_is_taken_from_an_observer_too() {
    let two = Two::new();
    two.other.click("button", "Safe stop");
    two.bench.await_off();
    two.holder.await_no_text("Make safe");
    two.bench.await_roles(&[Role::Operator, Role::Observer]);
}

#[test]
fn the_end_of_whoever_is_in_control_leaves_the_other_observing_a_safe_bench() {
    let Two { bench, _serve, holder, other, _browsers } = Two::new();
    holder.close();
    bench.await_off();
    other.await_text("Nobody is in control.");
    other.click("button", "Take control");
    other.await_no_text("You are observing");
    assert_eq!(bench.switched().0, 1, "taking control arms nothing");
    bench.arm(&other);
}
