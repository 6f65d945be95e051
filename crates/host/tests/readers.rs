//! Who is asked before a page's lease ends, and who answers: through the library alone, without a server.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::{
    net::Ipv4Addr,
    pin::pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use killcord::{
    Attachment, FrameReceiver, Host, Options, Registry, Role, SessionEnd, Visitor,
    core::BrowserId,
    wire::{ToHost, ToPage},
};
use tempfile::TempDir;

/// Generous: the machine may be busy with something else.
const SOON: Duration = Duration::from_secs(30);

/// A lease is short, and no hardware depends on it.
const RIG: &str = r#"
[rig]
name = "Test bench"
[safety]
watchdog = "off"
hang_after = "60s"
on_last_session = "safe"
[session]
beat = "50ms"
expire_after = "200ms"
[[device]]
name = "lamp"
driver = "exec"
safe = [{ run = ["true"] }]
verify = "none"
"#;

fn start() -> (Host, TempDir) {
    let file = killcord_rig::RigFile::parse("rig.toml", RIG).unwrap();
    let rig = file.check(&Registry::default().specs()).map_err(|problems| panic!("{problems}")).unwrap().0;
    let dir = tempfile::tempdir().unwrap();
    let mut options = Options::new(dir.path().join("rig.toml")).state_dir(Some(dir.path().join("state")));
    options.runtime_dir = dir.path().join("run");
    (Host::start(rig, options).unwrap(), dir)
}

fn attach(host: &Host) -> (Attachment, FrameReceiver) {
    let visitor = Visitor {
        browser: BrowserId(1),
        address: Ipv4Addr::LOCALHOST.into(),
        direct: true,
        who: "test".into(),
        may_operate: true,
    };
    host.attach_page(visitor)
}

fn page(host: &Host) -> (Attachment, FrameReceiver) {
    let (page, mut frames) = attach(host);
    page.frame(ToHost::Hello { v: 1, resume: None, nonce: "a".into(), want: Role::Operator });
    while !matches!(frames.blocking_recv().as_deref(), Some(ToPage::Welcome { .. })) {}
    (page, frames)
}

/// The result of a future, on this thread.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let until = Instant::now() + SOON;
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return result;
        }
        assert!(Instant::now() < until, "it does not come");
        std::thread::yield_now();
    }
}

fn end(frames: &mut FrameReceiver) -> SessionEnd {
    loop {
        if let ToPage::Ended { reason, .. } = *frames.blocking_recv().unwrap() {
            return reason;
        }
    }
}

fn there_are(host: &Host) -> usize {
    wait(host.sessions()).unwrap().sessions.len()
}

#[test]
fn a_page_that_nobody_reads_for_ends_by_its_time() {
    let (host, _dir) = start();
    let (_page, mut frames) = page(&host);
    assert_eq!(end(&mut frames), SessionEnd::Expired);
}

#[test]
fn a_page_with_a_reader_ends_on_its_answer() {
    let (host, _dir) = start();
    let (page, mut frames) = page(&host);
    let asked = wait(page.asked());
    assert_eq!(there_are(&host), 1);
    page.quiet(asked);
    assert_eq!(end(&mut frames), SessionEnd::Expired);
    // And a beat that it hands over first keeps it.
    let (page, mut frames) = self::page(&host);
    let asked = wait(page.asked());
    page.frame(ToHost::Beat { n: 1, visible: true, main_ms: None, input_ms: None });
    page.quiet(asked);
    while !matches!(frames.blocking_recv().as_deref(), Some(ToPage::Ack { n: 1, .. })) {}
    let asked = wait(page.asked());
    assert_eq!(there_are(&host), 1);
    page.quiet(asked);
    assert_eq!(end(&mut frames), SessionEnd::Expired);
}

#[test]
fn for_a_page_without_a_connection_the_listener_is_asked_and_answers_as_it_goes() {
    let (host, _dir) = start();
    let listener = host.listener();
    drop(page(&host));
    let questions = wait(listener.asked());
    assert_eq!(there_are(&host), 1);
    questions.nothing(false);
    while there_are(&host) > 0 {}
    // One that takes the question away with it has answered it.
    drop(page(&host));
    drop(wait(listener.asked()));
    while there_are(&host) > 0 {}
    // And so has one that goes without having taken it.
    drop(page(&host));
    while wait(host.sessions()).unwrap().sessions.iter().any(|session| session.lease_ms > 0) {}
    drop(listener);
    while there_are(&host) > 0 {}
}

#[test]
fn where_several_take_connections_a_page_is_gone_when_each_of_them_says_so() {
    let (host, _dir) = start();
    let (one, other) = (host.listener(), host.listener());
    drop(page(&host));
    let (first, second) = (wait(one.asked()), wait(other.asked()));
    first.nothing(false);
    assert_eq!(there_are(&host), 1, "the page may come back by the other");
    // The word of one that stood still counts, whoever said it: the page has its time once more.
    second.nothing(true);
    let (first, second) = (wait(one.asked()), wait(other.asked()));
    assert_eq!(there_are(&host), 1);
    second.nothing(false);
    drop(other);
    first.nothing(false);
    while there_are(&host) > 0 {}
    // One that has gone is asked no more.
    drop(page(&host));
    wait(one.asked()).nothing(false);
    while there_are(&host) > 0 {}
}

#[test]
fn hello_is_said_once_however_fast_it_is_repeated() {
    let (host, _dir) = start();
    let (page, mut frames) = page(&host);
    let hello = || ToHost::Hello { v: 1, resume: None, nonce: "a".into(), want: Role::Operator };
    page.frame(hello());
    let refused = |frame: &ToPage| matches!(frame, ToPage::Error { .. });
    while !frames.blocking_recv().as_deref().is_some_and(refused) {}
    // Before it was answered, too.
    let (page, mut frames) = attach(&host);
    page.frame(hello());
    page.frame(hello());
    let mut welcomes = 0;
    while let Some(frame) = frames.blocking_recv() {
        welcomes += usize::from(matches!(*frame, ToPage::Welcome { .. }));
    }
    assert_eq!(welcomes, 1);
}
