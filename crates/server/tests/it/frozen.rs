//! A page that its browser froze, as a server sees it: pings are answered, and no beat comes.

use killcord::{
    SessionEnd,
    wire::{Standing, ToHost, ToPage},
};

use crate::bench::{Bench, Page};

const SHORT: &str = "beat = \"200ms\"\nexpire_after = \"1s\"\nfrozen_for = \"3s\"";

/// Until it has lost control; its pings are answered as they are read.
fn freeze(page: &mut Page) {
    page.until(|frame| matches!(frame, ToPage::Control { holder: None, .. }));
}

#[test]
fn it_loses_control_and_the_hardware_is_safe_and_its_session_ends_later_as_frozen() {
    let bench = Bench::with(SHORT);
    let mut page = bench.browser().page(None);
    page.arm(&bench);
    freeze(&mut page);
    bench.until_off();
    assert_eq!(bench.sessions().sessions[0].standing, Standing::Frozen);
    let end = page.until(|frame| matches!(frame, ToPage::Ended { .. }));
    assert!(matches!(end, ToPage::Ended { reason: SessionEnd::Frozen, .. }));
    assert_eq!(page.closed(), 4003, "frozen");
}

#[test]
fn it_thaws_into_its_session_without_control() {
    let bench = Bench::with(SHORT);
    let mut page = bench.browser().page(None);
    page.arm(&bench);
    freeze(&mut page);
    page.beat(2);
    assert_eq!(bench.sessions().sessions[0].standing, Standing::Live);
    let me = page.session;
    page.frame(&ToHost::TakeControl { force: false });
    page.until(|frame| matches!(frame, ToPage::Control { holder: Some(id), .. } if *id == me));
}
