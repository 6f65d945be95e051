//! A page that goes: closed at once, or given time to come back.

use std::{io::Write as _, net::TcpStream, time::Instant};

use killcord::{
    Role, SessionEnd,
    core::documents::BEACON_WITHIN,
    wire::{ToHost, ToPage},
};
use tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

use crate::bench::Bench;

#[test]
fn a_closed_page_is_an_end_at_once() {
    // Its grace would be a minute.
    let bench = Bench::start();
    let browser = bench.browser();
    let mut page = browser.page(None);
    page.arm(&bench);
    assert!(bench.is_on());
    assert_eq!(browser.post("/killcord/bye", &page.bye(false)).status, 204);
    bench.until_off();
    assert_eq!(page.closed(), 4001, "page_closed");
}

#[test]
fn a_reloaded_page_leaves_the_hardware_untouched_and_goes_on() {
    let bench = Bench::start();
    let browser = bench.browser();
    let mut page = browser.page(None);
    page.arm(&bench);
    for _ in 0..20 {
        let nonce = browser.document();
        assert_eq!(browser.post("/killcord/bye", &page.bye(false)).status, 204);
        let mut next = browser.hello(&nonce, Some(&page.token));
        assert!(next.resumed() && next.role() == Role::Operator);
        assert_eq!(next.session, page.session);
        next.beat(1);
        page = next;
    }
    assert!(bench.is_on());
    browser.post("/killcord/bye", &page.bye(false));
    bench.until_off();
}

#[test]
fn a_page_in_the_back_forward_cache_comes_back_to_its_session() {
    let bench = Bench::start();
    let browser = bench.browser();
    let mut page = browser.page(None);
    page.arm(&bench);
    browser.post("/killcord/bye", &page.bye(true));
    let close = CloseFrame { code: CloseCode::Away, reason: "".into() };
    page.socket.close(Some(close)).unwrap();
    let mut back = browser.hello(&page.nonce, Some(&page.token));
    assert!(back.resumed());
    back.beat(1);
    assert!(bench.is_on());
}

#[test]
fn a_late_goodbye_of_the_page_before_a_reload_is_ignored() {
    let bench = Bench::start();
    let browser = bench.browser();
    let mut page = browser.page(None);
    page.arm(&bench);
    let nonce = browser.document();
    drop(page.socket.close(None));
    let mut next = browser.hello(&nonce, Some(&page.token));
    assert!(next.resumed());
    let (session, late) = (page.session, page.nonce);
    let bye = format!(r#"{{"t":"bye","session":{},"nonce":"{late}","persisted":false}}"#, session.0);
    assert_eq!(browser.post("/killcord/bye", &bye).status, 204);
    next.beat(1);
    assert!(bench.is_on());
}

#[test]
fn nobody_says_goodbye_for_another_browsers_page() {
    let bench = Bench::start();
    let (browser, other) = (bench.browser(), bench.browser());
    let mut page = browser.page(None);
    page.arm(&bench);
    assert_eq!(other.post("/killcord/bye", &page.bye(false)).status, 204);
    let mut its = other.page(None);
    its.say(&page.bye(false));
    its.beat(1);
    page.beat(2);
    assert!(bench.is_on());
}

#[test]
fn a_socket_closed_by_a_browser_that_goes_away_is_a_goodbye() {
    let bench = Bench::start();
    let mut page = bench.browser().page(None);
    page.arm(&bench);
    let close = CloseFrame { code: CloseCode::Away, reason: "".into() };
    page.socket.close(Some(close)).unwrap();
    bench.until_off();
}

#[test]
fn a_close_in_front_of_its_beacon_waits_for_it() {
    let bench = Bench::start();
    let browser = bench.browser();
    let mut page = browser.page(None);
    page.arm(&bench);
    for _ in 0..20 {
        // As a browser does that keeps the page: the close at once, the beacon by a connection of its own.
        let mut beacon = TcpStream::connect(bench.at()).unwrap();
        let bye = browser.bye(&page.bye(true));
        let close = CloseFrame { code: CloseCode::Away, reason: "".into() };
        page.socket.close(Some(close)).unwrap();
        beacon.write_all(bye.as_bytes()).unwrap();
        let mut back = browser.hello(&page.nonce, Some(&page.token));
        assert!(back.resumed());
        back.beat(1);
        page = back;
    }
    assert!(bench.is_on());
}

#[test]
fn a_close_in_front_of_the_reloads_request_waits_for_it() {
    let bench = Bench::start();
    let browser = bench.browser();
    let mut page = browser.page(None);
    page.arm(&bench);
    for _ in 0..5 {
        // As Firefox does it, now and then: the close, the request by a connection of its own, the goodbye at last.
        let close = CloseFrame { code: CloseCode::Away, reason: "".into() };
        page.socket.close(Some(close)).unwrap();
        let nonce = browser.document();
        // Its page takes its time to load.
        let asked = Instant::now();
        while asked.elapsed() < BEACON_WITHIN * 3 {
            assert!(bench.is_on());
        }
        assert_eq!(browser.post("/killcord/bye", &page.bye(false)).status, 204);
        let mut back = browser.hello(&nonce, Some(&page.token));
        assert!(back.resumed());
        back.beat(1);
        page = back;
    }
    assert!(bench.is_on());
}

#[test]
fn silence_ends_a_session_after_its_lease_and_never_before() {
    let bench = Bench::with("beat = \"200ms\"\nexpire_after = \"1s\"");
    let mut page = bench.browser().page(None);
    page.arm(&bench);
    page.beat(1);
    let heard = Instant::now();
    drop(page);
    bench.until_off();
    let took = heard.elapsed();
    // The host heard it a little before the answer was here.
    assert!(took.as_millis() >= 900, "{took:?}");
}

#[test]
fn a_page_that_stood_still_until_its_lease_was_over_hears_why_when_it_goes_on() {
    let bench = Bench::with("beat = \"200ms\"\nexpire_after = \"1s\"");
    let mut page = bench.browser().page(None);
    page.arm(&bench);
    bench.until_off();
    // What it had not read by then, and what it says before it reads, takes nothing of that away.
    page.frame(&ToHost::Beat { n: 1, visible: true, main_ms: None, input_ms: None });
    page.until(|frame| matches!(frame, ToPage::Ended { reason: SessionEnd::Expired, .. }));
    assert_eq!(page.closed(), killcord::wire::close_code(SessionEnd::Expired));
}

#[test]
fn a_cut_connection_is_resumed_within_the_lease() {
    let bench = Bench::start();
    let browser = bench.browser();
    let mut page = browser.page(None);
    page.arm(&bench);
    page.socket.get_ref().shutdown(std::net::Shutdown::Both).unwrap();
    let mut back = browser.hello(&page.nonce, Some(&page.token));
    assert!(back.resumed() && back.session == page.session);
    back.beat(1);
    assert!(bench.is_on());
}

#[test]
fn a_page_that_was_cut_before_it_heard_its_welcome_goes_on_all_the_same() {
    let bench = Bench::start();
    let browser = bench.browser();
    let mut page = browser.page(None);
    page.arm(&bench);
    page.socket.get_ref().shutdown(std::net::Shutdown::Both).unwrap();
    // It never hears of another token, however often it tries.
    for _ in 0..3 {
        let unheard = browser.hello(&page.nonce, Some(&page.token));
        assert!(unheard.resumed() && unheard.session == page.session);
        unheard.socket.get_ref().shutdown(std::net::Shutdown::Both).unwrap();
    }
    let mut back = browser.hello(&page.nonce, Some(&page.token));
    assert!(back.resumed() && back.session == page.session);
    back.beat(1);
    let next = back.token.clone();
    back.socket.get_ref().shutdown(std::net::Shutdown::Both).unwrap();
    let again = browser.hello(&page.nonce, Some(&next));
    assert!(again.resumed() && bench.is_on());
    again.socket.get_ref().shutdown(std::net::Shutdown::Both).unwrap();
    assert!(
        !browser.hello(&page.nonce, Some(&page.token)).resumed(),
        "it has come back with a newer one since"
    );
}

#[test]
fn a_tab_duplicated_before_a_reload_gets_a_session_of_its_own_too() {
    let bench = Bench::start();
    let browser = bench.browser();
    let mut page = browser.page(None);
    page.arm(&bench);
    let copied = page.token.clone();
    page.socket.get_ref().shutdown(std::net::Shutdown::Both).unwrap();
    let mut back = browser.hello(&page.nonce, Some(&page.token));
    let session = back.session;
    let answering = std::thread::spawn(move || {
        back.until(|frame| matches!(frame, ToPage::Teardown { done: true, .. }));
    });
    let tab = browser.page(Some(&copied));
    assert!(!tab.resumed() && tab.session != session);
    assert_eq!(tab.role(), Role::Observer);
    bench.host.make_safe(killcord::Cause::Requested).wait(crate::bench::SOON).unwrap();
    answering.join().unwrap();
}

#[test]
fn a_duplicated_tab_gets_a_session_of_its_own_as_observer() {
    let bench = Bench::start();
    let browser = bench.browser();
    let mut page = browser.page(None);
    page.arm(&bench);
    let (session, token) = (page.session, page.token.clone());
    // A browser answers pings whatever its page does: here a thread stands for it.
    let answering = std::thread::spawn(move || {
        page.until(|frame| matches!(frame, ToPage::Teardown { done: true, .. }));
    });
    let tab = browser.page(Some(&token));
    assert!(!tab.resumed() && tab.session != session);
    assert_eq!(tab.role(), Role::Observer);
    assert!(bench.is_on());
    bench.host.make_safe(killcord::Cause::Requested).wait(crate::bench::SOON).unwrap();
    answering.join().unwrap();
}
