//! A person who is away, and a page that is out of sight or frozen by its browser.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod browser;

use browser::{Bench, await_panel};
use killcord::Role;
use killcord_tests::chromium::Chromium;
use killcord_tests::wait::{LONG, maybe, until_true};

/// Long enough for a loaded machine to arm in, and to press a button.
const IDLE: &str =
    "expire_after = \"60s\"\nreload_grace = \"60s\"\nidle_after = \"40s\"\nidle_warning = \"30s\"";

#[test]
fn an_idle_person_is_warned_and_may_stay() {
    let bench = Bench::with(IDLE);
    let chromium = Chromium::start();
    let (_serve, tab) = bench.armed_in(&chromium);
    tab.await_text("Are you still there?");
    tab.await_text("This session ends in");
    tab.click("button", "Stay");
    tab.await_no_text("Are you still there?");
    // Warned a second time: the first has not merely been put away.
    tab.await_text("Are you still there?");
    tab.click("button", "Stay");
    tab.await_no_text("Are you still there?");
    assert!(bench.is_on() && bench.switched() == (1, 0));
}

#[test]
fn a_person_who_does_not_answer_the_warning_has_left() {
    let session =
        "expire_after = \"60s\"\nreload_grace = \"60s\"\nidle_after = \"20s\"\nidle_warning = \"10s\"";
    let bench = Bench::with(session);
    let chromium = Chromium::start();
    let (_serve, tab) = bench.armed_in(&chromium);
    tab.await_text("Are you still there?");
    bench.await_off();
    tab.await_text("Nobody was at the screen for too long.");
    bench.await_reasons(&["idle"]);
    tab.click("button", "Reload");
    await_panel(&tab);
    assert!(bench.is_off() && bench.switched().0 == 1);
    bench.arm(&tab);
}

/// The browser's own slowing of hidden pages, ten seconds after they are hidden instead of minutes.
const THROTTLED: &str =
    "--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/1,QuickIntensiveThrottlingAfterLoading";

#[test]
fn a_hidden_page_whose_timers_the_browser_slows_down_keeps_its_lease() {
    let bench = Bench::with("beat = \"1s\"\nexpire_after = \"10s\"\nreload_grace = \"60s\"");
    let chromium = Chromium::with(&[THROTTLED]);
    let (_serve, tab) = bench.armed_in(&chromium);
    // The page's own timers tell when they are held up for longer than the lease.
    tab.run(
        "{ let last = performance.now(); globalThis.slowest = 0; setInterval(() => { \
         globalThis.slowest = Math.max(globalThis.slowest, performance.now() - last); \
         last = performance.now(); }, 200); }",
    );
    let front = chromium.blank();
    front.front();
    until_true("the page to be hidden", LONG, || tab.run("document.visibilityState") == "hidden");
    // Once a minute, when it has begun to.
    let slowed = maybe(3 * LONG, || tab.run("slowest").as_f64().filter(|slowest| *slowest > 15_000.0));
    assert!(slowed.is_some(), "the browser slows nothing down ({}): this shows nothing", tab.run("slowest"));
    assert!(bench.is_on() && bench.switched() == (1, 0));
    bench.await_roles(&[Role::Operator]);
    tab.front();
    tab.await_text("Make safe");
    tab.close();
    bench.await_off();
}

#[test]
fn a_frozen_page_loses_control_in_its_time_and_keeps_its_session() {
    let bench =
        Bench::with("beat = \"500ms\"\nexpire_after = \"6s\"\nreload_grace = \"60s\"\nfrozen_for = \"10m\"");
    let chromium = Chromium::start();
    let (_serve, tab) = bench.armed_in(&chromium);
    let session = bench.session();
    let earliest = bench.not_before();
    let front = chromium.blank();
    front.front();
    tab.life("frozen");
    bench.await_off();
    assert!(bench.off_at() >= earliest, "{:?} early", earliest - bench.off_at());
    bench.await_roles(&[Role::Observer]);
    tab.life("active");
    tab.front();
    await_panel(&tab);
    tab.await_text("Nobody is in control.");
    assert_eq!(bench.session(), session);
    assert!(bench.is_off() && bench.switched().0 == 1, "a page that wakes up arms nothing");
}

#[test]
fn a_page_that_thaws_before_its_lease_is_over_keeps_the_bench() {
    let bench = Bench::with("beat = \"500ms\"\nexpire_after = \"10s\"\nreload_grace = \"5s\"");
    let chromium = Chromium::start();
    let (_serve, tab) = bench.armed_in(&chromium);
    let session = bench.session();
    let front = chromium.blank();
    for round in 0..5 {
        front.front();
        tab.life("frozen");
        // Something is waiting for it by then; Chromium cuts its connection as it thaws, now and then.
        until_true("the page to be silent", LONG, || bench.lease() < 7_000);
        tab.life("active");
        tab.front();
        until_true("the page to beat again", LONG, || bench.lease() > 9_000);
        assert_eq!(bench.session(), session, "round {round}");
    }
    bench.await_roles(&[Role::Operator]);
    assert!(bench.is_on() && bench.switched() == (1, 0));
    tab.close();
    bench.await_off();
}
