//! The panel's sessions page on a real host, in two real browsers: who is there, and who comes in, has control, and goes.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod browser;

use browser::album::Album;
use browser::{Bench, PATIENT, await_panel};
use killcord::Role;
use killcord_tests::chromium::{Chromium, Tab};
use killcord_tests::process::Process;
use serde_json::json;

/// An armed bench, and the browser that has armed it, on its sessions page.
fn armed() -> (Bench, Process, Chromium, Tab) {
    let bench = Bench::with(PATIENT);
    let chromium = Chromium::start();
    let (serve, holder) = bench.armed_in(&chromium);
    holder.click("button", "Sessions");
    holder.await_text("This page is in control.");
    (bench, serve, chromium, holder)
}

/// The link that the page shows, to one who may observe or operate.
#[track_caller]
fn invite(tab: &Tab, role: &str) -> String {
    tab.click("radio", role);
    tab.click("button", "Make a link");
    tab.await_text("Time left:");
    tab.run("document.querySelector('#link').value").as_str().unwrap().to_owned()
}

/// What the page's list says of a session other than its own.
fn others(tab: &Tab) -> String {
    let rows = "[...document.querySelectorAll('[aria-labelledby=attached-heading] li:not(.own)')]";
    tab.run(&format!("{rows}.map((row) => row.innerText).join('\\n')")).as_str().unwrap().to_owned()
}

#[test]
fn an_operator_lets_a_browser_in_gives_it_control_ends_its_session_and_revokes_it() {
    let (bench, _serve, _chromium, holder) = armed();
    let link = invite(&holder, "operate the rig, and let others in");
    assert!(link.starts_with(&format!("{}killcord/pair#", bench.url())), "{link}");
    Album::of("panel").take(&holder, "sessions-link", "Time left:");

    let second = Chromium::start();
    let other = second.open(&link);
    await_panel(&other);
    other.await_text("You are observing");
    holder.await_text("Observes");
    let row = others(&holder);
    assert!(row.contains("Chrom") && row.contains("127.0.0.1") && row.contains("Live"), "{row}");
    Album::of("panel").take(&holder, "sessions", "Observes");
    let id = bench.sessions()[1].session;
    let called = other.run("document.cookie");
    assert_eq!(called, "", "no script of a page sees its cookie");

    // Control, given to that session and to none else; the bench takes no notice.
    let name = format!("session {}", json!(id));
    let give = holder.run(&format!(
        "[...document.querySelectorAll('button')].find((b) => b.ariaLabel?.startsWith('Give control to {name}'))?.ariaLabel"
    ));
    holder.click("button", give.as_str().expect("control cannot be given"));
    holder.await_text("It is in control at once");
    Album::of("panel").take(&holder, "sessions-give", "It is in control at once");
    holder.click("button", "Give control");
    bench.await_roles(&[Role::Observer, Role::Operator]);
    other.await_no_text("You are observing");
    assert!(bench.is_on() && bench.switched() == (1, 0));

    // Back again, taken without asking; and the other's session is ended, which a reload mends.
    holder.click("button", "Take it now");
    holder.click("button", "Take control now");
    bench.await_roles(&[Role::Operator, Role::Observer]);
    let end = give.as_str().unwrap().replace("Give control to", "End");
    holder.click("button", &end);
    holder.click("button", "End the session");
    other.await_text("An operator ended this session");
    holder.await_text("Ended last");
    other.run("location.reload()");
    await_panel(&other);
    holder.await_text("Observes");

    // Revoked: the session ends at once, and no reload brings it back.
    let revoke = holder.run(
        "[...document.querySelectorAll('button')].map((b) => b.ariaLabel).find((it) => it?.startsWith('Revoke '))",
    );
    let revoke = revoke.as_str().expect("nobody can be revoked");
    let (_, browser) = revoke.trim_end_matches(')').split_once('(').expect("a browser has a name");
    assert!(others(&holder).contains(browser), "the list and the button speak of one browser");
    holder.click("button", revoke);
    Album::of("panel").take(&holder, "sessions-revoke", "is let in no more");
    holder.click("button", "Revoke");
    bench.await_roles(&[Role::Operator]);
    let status = "fetch('/killcord/api/v1/rig').then((answer) => answer.status)";
    assert_eq!(other.run(status), json!(401));
    assert!(bench.is_on() && bench.switched() == (1, 0), "who holds control was not touched");
}

#[test]
fn whoever_is_let_in_to_observe_sees_who_is_there_and_can_change_nothing() {
    let (bench, _serve, _chromium, holder) = armed();
    let link = invite(&holder, "observe");
    let second = Chromium::start();
    let other = second.open(&link);
    await_panel(&other);
    other.click("button", "Sessions");
    other.await_text("This browser was let in to observe");
    other.await_text("In control");
    Album::of("panel").take(&other, "sessions-observer", "This browser was let in to observe");
    for offered in ["Take", "Ask for control", "Give", "End", "Revoke", "Make a link"] {
        let found = other.run(&format!(
            "[...document.querySelectorAll('main button')].some((b) => (b.ariaLabel ?? b.innerText).startsWith('{offered}'))"
        ));
        assert_eq!(found, json!(false), "{offered} is offered");
    }
    assert!(!others(&other).contains("127.0.0.1"), "addresses are for operators");
    // And the browser's "back" is a way back to the bench, no goodbye.
    let session = bench.sessions()[1].session;
    other.run("history.back()");
    other.click("button", "Sessions");
    assert_eq!(bench.sessions()[1].session, session);
    assert!(bench.is_on() && bench.switched() == (1, 0));
}
