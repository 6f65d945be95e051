//! A server whose thread stands still: nobody's silence, and no end without an answer.

use std::{
    thread,
    time::{Duration, Instant},
};

use killcord::wire::{RigState, ToHost, ToPage};

use crate::bench::{Bench, SOON};

const SHORT: &str = "beat = \"200ms\"\nexpire_after = \"2s\"\nreload_grace = \"1s\"";
/// Longer than what the server itself takes for a busy moment.
const STANDSTILL: Duration = Duration::from_millis(300);

#[test]
fn a_beat_that_a_stalled_server_has_not_read_keeps_its_session() {
    let bench = Bench::with(SHORT);
    let mut page = bench.browser().page(None);
    page.arm(&bench);
    let stalled = bench.stall();
    page.frame(&ToHost::Beat { n: 7, visible: true, main_ms: None, input_ms: None });
    bench.until_due();
    assert_eq!(bench.sessions().sessions.len(), 1, "its reader has not answered");
    drop(stalled);
    page.until(|frame| matches!(frame, ToPage::Ack { n: 7, expires_ms, .. } if *expires_ms > 0));
    assert!(bench.is_on());
}

#[test]
fn a_page_that_was_silent_through_a_stall_ends_when_its_reader_looks() {
    let bench = Bench::with(SHORT);
    let mut page = bench.browser().page(None);
    page.arm(&bench);
    let stalled = bench.stall();
    bench.until_due();
    assert!(bench.is_on() && bench.sessions().sessions.len() == 1);
    drop(stalled);
    bench.until_off();
    assert_eq!(page.closed(), 4002, "expired");
}

#[test]
fn a_page_that_reloads_in_front_of_a_stalled_server_goes_on() {
    let bench = Bench::with(SHORT);
    let browser = bench.browser();
    let mut page = browser.page(None);
    page.arm(&bench);
    let nonce = browser.document();
    assert_eq!(browser.post("/killcord/bye", &page.bye(false)).status, 204);
    let stalled = bench.stall();
    let token = page.token.clone();
    let back = thread::spawn(move || browser.hello(&nonce, Some(&token)));
    let since = Instant::now();
    bench.until_due();
    while since.elapsed() < STANDSTILL {
        thread::yield_now();
    }
    drop(stalled);
    let mut back = back.join().unwrap();
    assert!(back.resumed() && back.session == page.session);
    back.beat(1);
    assert!(bench.is_on());
}

#[test]
fn a_server_that_never_reads_again_has_the_rig_made_safe_where_there_is_no_watchdog() {
    let bench = Bench::of(SHORT, "hang_after = \"1s\"", "");
    let mut page = bench.browser().page(None);
    page.arm(&bench);
    let stalled = bench.stall();
    bench.until_off();
    assert_eq!(bench.sessions().sessions.len(), 1, "nobody knows whether it is gone");
    bench.wait_for(RigState::Safe);
    drop(stalled);
}

#[test]
fn a_page_that_is_shown_out_and_keeps_its_connection_is_no_hang_of_the_host() {
    let session = "beat = \"200ms\"\nexpire_after = \"1s\"";
    let bench = Bench::of(session, "hang_after = \"1s\"", "");
    let mut page = bench.browser().page(None);
    page.arm(&bench);
    let mut rude = bench.browser().page(None);
    rude.socket.send(tungstenite::Message::binary(b"no frame of ours".as_slice())).unwrap();
    let until = Instant::now() + SOON;
    for n in 1.. {
        page.beat(n);
        // As often as a page does, about.
        page.within(Duration::from_millis(50), |_| false);
        if bench.sessions().sessions.iter().all(|session| session.session == page.session) {
            break;
        }
        assert!(Instant::now() < until, "{:?}", bench.sessions());
    }
    assert!(bench.is_on(), "nothing was owed to anybody");
}
