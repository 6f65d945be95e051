//! A wrapped app, and a page of another site, that try to get hold of Killcord's session, in a real Chromium; and what a
//! person does in an app, which counts although nothing of it is seen.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod browser;

use browser::{Bench, await_panel};
use killcord_tests::chromium::{Chromium, Reload, Tab};
use killcord_tests::door;
use killcord_tests::elsewhere::Elsewhere;
use killcord_tests::page::{Browser, link, nth_link};
use killcord_tests::place;
use killcord_tests::station::quoted;
use killcord_tests::wait::{LONG, until, until_true};
use killcord_tests::wrapped::Wrapped;
use rustix::process::Signal;
use serde_json::json;

/// Nobody's lease or grace is over while a test looks elsewhere.
const PATIENT: &str = "expire_after = \"60s\"\nreload_grace = \"60s\"";

fn hostile(session: &str) -> Wrapped {
    let program = quoted(&place::root().join("tests/apps/hostile/app.py"));
    Wrapped::new(
        session,
        &format!("[\"python3\", \"-u\", {program}, \"{{port}}\"]"),
        "ready = \"/attack.js\"",
    )
}

/// The app's page, once it is there.
#[track_caller]
fn framed(tab: &Tab) -> Tab {
    until("the app's page", LONG, || {
        let frame = tab.framed().ok()?;
        frame.try_run("typeof attack").is_ok_and(|it| it == "function").then_some(frame)
    })
}

#[test]
fn a_hostile_app_gets_no_hold_of_the_session_and_cannot_end_it() {
    let bench = hostile(PATIENT);
    let serve = bench.serve();
    let witness = Browser::pair(&link(&serve));
    bench.await_app("ready");
    let chromium = Chromium::start();
    let tab = chromium.open(&nth_link(&serve, 1));
    let frame = framed(&tab);
    bench.until("ON");
    let sessions = || {
        let all = witness.sessions().sessions;
        all.into_iter().map(|session| (session.session, session.role)).collect::<Vec<_>>()
    };
    let before = sessions();
    let address = tab.run("location.href");

    let main = format!("http://{}", witness.at());
    let cookie = witness.cookie().split_once('=').unwrap().0;
    let said = frame.run(&format!("attack({}, {})", json!(main), json!(cookie)));
    for attempt in
        ["document", "domain", "read", "page", "ticket", "sign_out", "key", "worker", "tauri", "top"]
    {
        assert_eq!(said[attempt], "refused", "{attempt}: {said}");
    }
    // Sent without being able to read the answer: the browser keeps even its status, or drops it.
    for attempt in ["read_blind", "safe", "stop", "release", "links"] {
        let blind = said[attempt].as_str().unwrap();
        assert!(blind == "refused" || blind == "opaque 0 0", "{attempt}: {said}");
    }
    assert_eq!((&said["socket"], &said["script"]), (&json!("error"), &json!("error")), "{said}");
    assert!(said["framed"] == "unseen" || said["framed"] == "refused", "{said}");
    assert_eq!(said["storage"], "{}", "{said}");
    assert!(!said["way"].as_str().unwrap().contains("ticket"), "{said}");
    // At most what it has put there itself, under another path.
    let mut theirs = said["cookies"].as_str().unwrap().split("; ").filter(|it| it.contains("killcord-"));
    assert!(theirs.all(|cookie| cookie.ends_with("=evil")), "{said}");

    // What only a press lets it do: a window that it opens is none of its own to script, and a form is refused there.
    assert_eq!(frame.run(&format!("open_main({})", json!(main))), "none");
    frame.run(&format!("post_in_a_tab({})", json!(main)));
    until_true("both to be open", LONG, || chromium.targets().len() >= 4);
    tab.front();

    assert_eq!(tab.run("location.href"), address, "its tab is where it was");
    assert!(bench.is("ON"), "nothing was stopped");
    for (id, role) in before {
        assert!(sessions().contains(&(id, role)), "{id:?} was ended");
    }
    // Its cookie is worth what it was: a reload goes on with the session.
    tab.reload(Reload::Button);
    framed(&tab);
    assert_eq!(tab.run("location.href"), address);
    assert!(!tab.says("not paired"), "{}", tab.text());
    assert!(bench.is("ON"));
    assert_eq!(door::rig(&bench.station)["state"], "armed");
}

#[test]
fn a_page_of_the_app_that_hangs_holds_up_nothing_of_killcord_s() {
    let bench = hostile("beat = \"500ms\"\nexpire_after = \"8s\"\nliveness = \"operator\"");
    let serve = bench.serve();
    let chromium = Chromium::start();
    let tab = chromium.open(&link(&serve));
    let frame = framed(&tab);
    bench.until("ON");
    frame.run("void setTimeout(() => { for (;;); })");
    let began = std::time::Instant::now();
    while began.elapsed() < std::time::Duration::from_secs(12) {
        assert_eq!(tab.run("document.visibilityState"), "visible", "the page around it answers");
        assert!(bench.is("ON"));
        killcord_tests::wait::let_pass(std::time::Duration::from_millis(500));
    }
    tab.click("button", "Safe stop");
    bench.until("OFF");
}

#[test]
fn a_press_in_the_app_is_a_sign_of_the_person() {
    let bench = hostile(&format!("{PATIENT}\nidle_after = \"30s\"\nidle_warning = \"25s\""));
    let serve = bench.serve();
    let chromium = Chromium::start();
    let tab = chromium.open(&link(&serve));
    let _frame = framed(&tab);
    bench.until("ON");
    for _ in 0..2 {
        tab.await_text("Are you still there?");
        tab.click_framed("document.querySelector('button')");
        tab.await_no_text("Are you still there?");
    }
    assert!(bench.is("ON"));
}

#[test]
fn a_page_of_another_site_that_leads_to_the_bench_opens_no_session_and_switches_nothing_on() {
    let bench = Bench::with_all(PATIENT, "on_last_session = \"safe\"\narm = \"on-first-session\"");
    let (chromium, site) = (Chromium::naming("evil.example"), Elsewhere::start());
    let mut serve = bench.serve();
    let tab = bench.paired(&chromium, &serve);
    until_true("what a person opens to arm", LONG, || bench.is_on());
    tab.close();
    serve.signal(Signal::TERM);
    serve.wait(LONG);
    let serve = bench.serve();
    bench.psu.forget();
    let led = |from: &str, to: &str| {
        let tab = chromium.open(from);
        tab.run(&format!("void setTimeout(() => location.assign({}))", json!(bench.url() + to)));
        tab
    };
    let foreign = site.url().replace("127.0.0.1", "evil.example");
    let mut tabs = Vec::new();
    for way in ["#x", "killcord/pair#x", "killcord/panel#x"] {
        let tab = led(&foreign, way);
        tab.await_text("Press “Open” if it was you");
        assert!(bench.is_off() && bench.sessions().is_empty(), "{way}: {:?}", bench.sessions());
        tabs.push(tab);
    }
    // Another port is of the same site: the cookie goes along, and there is a session.
    let tab = led(&site.url(), "");
    await_panel(&tab);
    assert!(bench.switched().0 == 0 && bench.is_off());
    bench.arm(&tab);
    tab.close();
    bench.await_off();
    let tab = tabs.pop().unwrap();
    tab.click("button", "Open");
    await_panel(&tab);
    drop(serve);
}
