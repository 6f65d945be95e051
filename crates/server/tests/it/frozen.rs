//! Pages that do not respond, as a server sees them: frozen by the browser, where pings are answered and no beat comes,
//! or hung, where the worker beats on.

use killcord::{
    SessionEnd,
    wire::{Standing, ToHost, ToPage, WarningKind},
};

use std::time::{Duration, Instant};

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

/// Beats as the worker of a page that hangs, until such a frame comes.
fn hang(page: &mut Page, until: impl Fn(&ToPage) -> bool) -> ToPage {
    let since = Instant::now();
    loop {
        let main_ms = u64::try_from(since.elapsed().as_millis()).ok();
        page.frame(&ToHost::Beat { n: 3, visible: true, main_ms, input_ms: None });
        if let Some(frame) = page.within(Duration::from_millis(50), &until) {
            return frame;
        }
    }
}

#[test]
fn a_page_that_hangs_is_told_so_and_shown_with_its_silence() {
    let bench = Bench::with(SHORT);
    let mut page = bench.browser().page(None);
    page.arm(&bench);
    hang(&mut page, |frame| matches!(frame, ToPage::Warning { kind: WarningKind::PageNotResponding, .. }));
    let silent = bench.sessions().sessions[0].main_ms.unwrap();
    assert!(silent >= 600, "three beats: {silent}");
    assert!(bench.is_on());
}

#[test]
fn a_page_that_hangs_is_gone_where_it_has_to_be_operable() {
    let bench = Bench::with("beat = \"200ms\"\nexpire_after = \"1s\"\nliveness = \"operator\"");
    let mut page = bench.browser().page(None);
    page.arm(&bench);
    let end = hang(&mut page, |frame| matches!(frame, ToPage::Ended { .. }));
    assert!(matches!(end, ToPage::Ended { reason: SessionEnd::Expired, .. }), "{end:?}");
    bench.until_off();
}
