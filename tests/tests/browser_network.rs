//! The network between a page and its host is cut, and is there again: in time, and too late.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod browser;

use browser::{Bench, await_panel};
use killcord::Role;
use killcord_tests::chromium::Chromium;
use killcord_tests::network::Network;
use killcord_tests::wait::{LONG, until_true};

#[test]
fn a_network_that_is_back_in_time_costs_nothing() {
    let bench = Bench::with("beat = \"500ms\"\nexpire_after = \"40s\"\nreload_grace = \"40s\"");
    let network = Network::to(bench.port());
    let chromium = Chromium::behind(&network);
    let (_serve, tab) = bench.armed_in(&chromium);
    let session = bench.session();
    for _ in 0..3 {
        network.cut();
        until_true("a part of its lease to be gone", LONG, || bench.lease() < 36_000);
        assert!(bench.is_on());
        network.restore();
        until_true("its lease to be whole again", LONG, || bench.lease() > 38_000);
    }
    tab.await_text("Make safe");
    assert_eq!(bench.session(), session);
    bench.await_roles(&[Role::Operator]);
    assert_eq!(bench.switched(), (1, 0));
    tab.close();
    bench.await_off();
}

#[test]
fn a_network_that_stays_away_ends_the_session_in_its_time_and_the_page_says_what_it_cannot_know() {
    let bench = Bench::with("beat = \"500ms\"\nexpire_after = \"6s\"\nreload_grace = \"60s\"");
    let network = Network::to(bench.port());
    let chromium = Chromium::behind(&network);
    let (_serve, tab) = bench.armed_in(&chromium);
    let earliest = bench.not_before();
    network.cut();
    tab.await_text("Out of reach");
    tab.await_text("this page cannot confirm it");
    bench.await_off();
    assert!(bench.off_at() >= earliest, "{:?} early", earliest - bench.off_at());
    tab.await_text("the bench was to be made safe by");
    assert!(tab.says("last known: Armed"), "{}", tab.text());
    bench.await_reasons(&["expired"]);
    network.restore();
    tab.await_no_text("Out of reach");
    await_panel(&tab);
    bench.await_roles(&[Role::Operator]);
    assert!(bench.is_off() && bench.switched().0 == 1, "a page that comes back arms nothing");
    bench.arm(&tab);
}
