//! A page that is hidden for more than ten minutes in a Chromium as people have it: nothing of its throttling is
//! shortened. It runs by `cargo xtask test --long`.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod browser;

use std::time::{Duration, Instant};

use browser::Bench;
use killcord::Role;
use killcord_tests::chromium::Chromium;
use killcord_tests::wait::{LONG, let_pass, until_true};

/// Beyond the five minutes after which Chromium wakes a hidden page's timers once a minute.
const HIDDEN: Duration = Duration::from_secs(11 * 60);

#[test]
fn a_page_that_is_hidden_for_eleven_minutes_keeps_its_lease_and_its_control() {
    let bench = Bench::with("beat = \"1s\"\nexpire_after = \"10s\"\nreload_grace = \"60s\"");
    let chromium = Chromium::start();
    let (_serve, tab) = bench.armed_in(&chromium);
    let session = bench.session();
    // The page's own timers tell for how long they were held up.
    tab.run(
        "{ let last = performance.now(); globalThis.slowest = 0; setInterval(() => { \
         globalThis.slowest = Math.max(globalThis.slowest, performance.now() - last); \
         last = performance.now(); }, 200); }",
    );
    let front = chromium.blank();
    front.front();
    until_true("the page to be hidden", LONG, || tab.run("document.visibilityState") == "hidden");
    let began = Instant::now();
    while began.elapsed() < HIDDEN {
        let_pass(Duration::from_secs(5));
        assert!(bench.is_on() && bench.switched() == (1, 0), "lost after {:?}", began.elapsed());
    }
    let slowest = tab.run("slowest").as_f64().unwrap();
    assert!(slowest > 30_000.0, "the browser has slowed nothing down ({slowest} ms): this shows nothing");
    bench.await_roles(&[Role::Operator]);
    assert_eq!(bench.session(), session);
    tab.front();
    tab.await_text("Make safe");
    tab.close();
    bench.await_off();
}
