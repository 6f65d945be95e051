//! What comes over a socket that should not, and what goes out to the last.

use std::io::Write as _;

use killcord::{
    Cause, Role, SessionEnd,
    core::Epoch,
    wire::{ErrorCode, RigState, SessionsView, ToHost, ToPage},
};
use tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use crate::bench::{Bench, Page, SOON};

const HELLO: &str = r#"{"t":"hello","v":1,"nonce":"a","want":"observer"}"#;

fn code(frame: &ToPage) -> Option<ErrorCode> {
    match frame {
        ToPage::Error { code, .. } => Some(*code),
        _ => None,
    }
}

fn refused(page: &mut Page, text: &str) -> ErrorCode {
    page.say(text);
    code(&page.until(|frame| code(frame).is_some())).unwrap()
}

/// The reason that it is closed for.
fn why(page: &mut Page) -> String {
    loop {
        if let Message::Close(close) = page.socket.read().unwrap() {
            return close.unwrap().reason.to_string();
        }
    }
}

#[test]
fn what_is_no_frame_is_refused_and_the_session_goes_on() {
    let bench = Bench::start();
    let mut page = bench.browser().page(None);
    for text in
        ["", "{", "[]", "null", "\u{0}", r#"{"t":"fire"}"#, r#"{"t":"arm"}"#, r#"{"t":"beat","n":-1}"#]
    {
        assert_eq!(refused(&mut page, text), ErrorCode::BadFrame, "{text}");
    }
    page.beat(1);
}

#[test]
fn frames_out_of_order_are_refused() {
    let bench = Bench::start();
    let browser = bench.browser();
    let mut early = browser.socket().unwrap();
    assert_eq!(refused(&mut early, r#"{"t":"yield_control"}"#), ErrorCode::HelloFirst);
    let old = r#"{"t":"hello","v":0,"nonce":"a","want":"operator"}"#;
    assert_eq!(refused(&mut early, old), ErrorCode::Version);
    let long = "n".repeat(65);
    let long = format!(r#"{{"t":"hello","v":1,"nonce":"{long}","want":"operator"}}"#);
    assert_eq!(refused(&mut early, &long), ErrorCode::BadFrame);
    let mut page = browser.page(None);
    let hello = r#"{"t":"hello","v":1,"nonce":"a","want":"operator"}"#;
    assert_eq!(refused(&mut page, hello), ErrorCode::HelloFirst);
    page.beat(1);
}

#[test]
fn an_oversized_frame_ends_the_socket_and_not_the_session() {
    let bench = Bench::start();
    let browser = bench.browser();
    let mut page = browser.page(None);
    page.arm(&bench);
    // The server may have closed before all of it was written.
    drop(page.socket.send(Message::text("x".repeat(1024 * 1024))));
    page.closed();
    assert!(browser.hello(&page.nonce, Some(&page.token)).resumed());
    assert!(bench.is_on());
}

#[test]
fn a_frame_in_fragments_without_end_ends_the_socket() {
    let bench = Bench::start();
    let mut page = bench.browser().page(None);
    let part = |opcode| Frame::message(vec![b'x'; 1024], OpCode::Data(opcode), false);
    let mut sent = page.socket.send(Message::Frame(part(Data::Text)));
    for _ in 0..1000 {
        if sent.is_err() {
            break;
        }
        sent = page.socket.send(Message::Frame(part(Data::Continue)));
    }
    page.closed();
}

#[test]
fn empty_fragments_without_end_end_the_socket_while_another_page_s_beats_are_acknowledged() {
    let bench = Bench::start();
    let (mut hostile, mut page) = (bench.browser().page(None), bench.browser().page(None));
    let stream = hostile.socket.get_mut();
    stream.set_write_timeout(Some(SOON)).unwrap();
    // A text without its end, and what goes on with it without a word, masked by nothing (RFC 6455 section 5.2).
    stream.write_all(&[0x01, 0x80, 0, 0, 0, 0]).unwrap();
    let fragments = [0x00, 0x80, 0, 0, 0, 0].repeat(10_000);
    let mut n = 0;
    while stream.write_all(&fragments).is_ok() {
        n += 1;
        page.beat(n);
        assert!(n < 200, "12 MB of nothing, and it goes on");
    }
    page.beat(n + 1);
}

#[test]
fn binary_frames_and_floods_end_the_socket_with_the_reason() {
    let bench = Bench::start();
    let browser = bench.browser();
    let mut page = browser.page(None);
    page.socket.send(Message::binary(vec![1, 2, 3])).unwrap();
    assert_eq!(page.closed(), 1003);
    let mut flood = browser.page(None);
    for n in 0..2000 {
        let beat = format!(r#"{{"t":"beat","n":{n},"visible":true}}"#);
        if flood.socket.send(Message::text(beat)).is_err() {
            break;
        }
    }
    assert!(matches!(flood.closed(), 1008 | 0), "closed, or reset with our frames unread");
}

#[test]
fn a_socket_that_never_says_hello_is_closed() {
    let bench = Bench::start();
    let mut silent = bench.browser().socket().unwrap();
    assert_eq!(silent.closed(), 1008);
}

#[test]
fn a_guest_s_silent_sockets_are_few_and_for_one_more_the_oldest_of_his_own_goes() {
    let bench = Bench::start();
    let (browser, other) = (bench.browser(), bench.browser());
    let (mut page, mut others) = (browser.page(None), other.socket().unwrap());
    let mut sockets: Vec<Page> = Vec::new();
    for n in 0..20 {
        let socket = browser.socket().unwrap();
        if n >= 8 {
            // Not for its silence, which is for later.
            assert_eq!(why(&mut sockets.remove(0)), "this browser has opened others since");
        }
        sockets.push(socket);
    }
    page.beat(1);
    others.say(HELLO);
    others.until(|frame| matches!(frame, ToPage::Welcome { .. }));
    for mut left in sockets {
        left.say(HELLO);
        left.until(|frame| matches!(frame, ToPage::Welcome { .. }));
    }
}

#[test]
fn a_guest_with_many_sockets_is_refused_one_more_and_a_page_of_another_comes_back_and_stops() {
    let bench = Bench::start();
    let (hog, browser) = (bench.browser(), bench.browser());
    let mut page = browser.page(None);
    page.arm(&bench);
    let mut all: Vec<Page> = Vec::new();
    while let Ok(mut socket) = hog.socket() {
        socket.say(HELLO);
        socket.until(|frame| matches!(frame, ToPage::Welcome { .. }));
        all.push(socket);
        assert!(all.len() <= 32, "sockets without end");
    }
    assert_eq!(all.len(), 32);
    // Its connection blips.
    let (nonce, token) = (page.nonce.clone(), page.token.clone());
    drop(page);
    let mut back = browser.hello(&nonce, Some(&token));
    assert!(back.resumed() && bench.is_on());
    back.frame(&ToHost::Stop);
    bench.until_off();
}

#[test]
fn stale_epochs_and_observers_are_refused_and_a_command_is_done_once() {
    let bench = Bench::start();
    let (browser, other) = (bench.browser(), bench.browser());
    let mut page = browser.page(None);
    let mut observer = other.page(None);
    assert_eq!(observer.role(), Role::Observer);
    page.arm(&bench);
    page.beat(1);
    let now = page.epoch.unwrap();
    let arm = |epoch, id: &str| ToHost::Arm { epoch, id: id.into() };
    page.frame(&arm(Epoch { n: now.n - 1, ..now }, "old"));
    assert_eq!(page.answer("old"), Err(ErrorCode::StaleEpoch));
    observer.frame(&arm(now, "mine"));
    assert_eq!(observer.answer("mine"), Err(ErrorCode::NotOperator));
    // Replayed: answered, and not done again.
    let armed = bench.sim.inspect().received("psu").iter().filter(|line| line.contains("OUTP ON")).count();
    page.frame(&arm(now, "arm0"));
    assert_eq!(page.answer("arm0"), Ok(()));
    let again = bench.sim.inspect().received("psu").iter().filter(|line| line.contains("OUTP ON")).count();
    assert_eq!((armed, again), (1, 1));
}

#[test]
fn whoever_comes_is_told_who_is_in_control() {
    let bench = Bench::start();
    let first = bench.browser().page(None);
    let mut second = bench.browser().page(None);
    let told = second.until(|frame| matches!(frame, ToPage::Control { .. }));
    assert!(
        matches!(told, ToPage::Control { holder: Some(holder), .. } if holder == first.session),
        "{told:?}"
    );
}

#[test]
fn anybody_may_stop_and_control_is_given_or_taken() {
    let bench = Bench::start();
    let (browser, other) = (bench.browser(), bench.browser());
    let mut holder = browser.page(None);
    let mut asks = other.page(None);
    holder.arm(&bench);
    asks.frame(&ToHost::Stop);
    bench.until_off();
    bench.wait_for(RigState::Safe);
    asks.frame(&ToHost::TakeControl { force: false });
    let (me, them) = (asks.session, holder.session);
    holder.until(|frame| matches!(frame, ToPage::Control { asking: Some(id), .. } if *id == me));
    holder.frame(&ToHost::YieldControl { to: None });
    let given =
        |to| move |frame: &ToPage| matches!(frame, ToPage::Control { holder: Some(id), .. } if *id == to);
    asks.until(given(me));
    holder.until(given(me));
    let before = asks.epoch.unwrap();
    holder.frame(&ToHost::TakeControl { force: true });
    asks.until(given(them));
    asks.frame(&ToHost::Arm { epoch: before, id: "late".into() });
    assert!(matches!(asks.answer("late"), Err(ErrorCode::NotOperator | ErrorCode::StaleEpoch)));
    assert_eq!(refused(&mut holder, r#"{"t":"yield_control","to":99}"#), ErrorCode::NotGiven);
    holder.frame(&ToHost::YieldControl { to: Some(me) });
    asks.until(given(me));
}

#[test]
fn a_page_is_told_the_rigs_own_words_with_its_welcome_and_at_its_end() {
    let bench = Bench::with(
        "[messages]\nhost_gone = \"*{rig}* is gone.\"\nended_by_operator = \"At {time}: {hardware}.\"",
    );
    let browser = bench.browser();
    let (_page, mut other) = (browser.page(None), browser.page(None));
    let ToPage::Welcome { messages: Some(messages), .. } = other.welcome() else { panic!("no words came") };
    assert_eq!(messages["host_gone"].trim_end(), "<p><em>Test bench</em> is gone.</p>");
    bench.wait_for(RigState::Safe);
    browser.delete(&format!("/killcord/api/v1/sessions/{}", other.session.0));
    let ToPage::Ended { message, .. } = other.until(|frame| matches!(frame, ToPage::Ended { .. })) else {
        panic!("no end came")
    };
    assert!(
        message.contains(" UTC</span>: <span data-killcord=\"hardware\">every device is confirmed safe"),
        "{message}"
    );
}

#[test]
fn pages_see_the_end_of_the_host_to_the_last() {
    let bench = Bench::start();
    let mut page = bench.browser().page(None);
    page.arm(&bench);
    let ending = bench.host.shutdown(Cause::Requested);
    page.until(|frame| matches!(frame, ToPage::Teardown { done: true, .. }));
    page.until(|frame| matches!(frame, ToPage::Ended { .. }));
    assert_eq!(page.closed(), 4008, "host_stopping");
    ending.wait(SOON).unwrap();
    assert!(!bench.is_on());
}

#[test]
fn sessions_are_listed_and_an_operator_ends_one() {
    let bench = Bench::start();
    let browser = bench.browser();
    let (page, mut other) = (browser.page(None), browser.page(None));
    let list =
        || -> SessionsView { serde_json::from_str(&browser.get("/killcord/api/v1/sessions").body).unwrap() };
    let all = list();
    let roles: Vec<_> = all.sessions.iter().map(|one| (one.session, one.role)).collect();
    assert_eq!(roles, [(page.session, Role::Operator), (other.session, Role::Observer)]);
    assert!(all.sessions.iter().all(|one| one.address == Some([127, 0, 0, 1].into()) && one.lease_ms > 0));
    let end = |session: &str| browser.delete(&format!("/killcord/api/v1/sessions/{session}"));
    assert_eq!(end(&other.session.0.to_string()).status, 204);
    assert_eq!(other.closed(), 4006, "ended_by_operator");
    let after = list();
    assert_eq!(after.sessions.len(), 1);
    assert_eq!((after.ended[0].session, after.ended[0].reason), (other.session, SessionEnd::EndedByOperator));
    assert_eq!(end(&other.session.0.to_string()).code(), "unknown");
    assert_eq!(end("me").code(), "unknown");
    drop(page);
}
