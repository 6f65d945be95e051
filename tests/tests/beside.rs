//! One host behind a window and browsers: who is in control, who goes, and what a page in a browser is told when the
//! window is closed.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::PathBuf;

use killcord::Role;
use killcord::wire::{ToHost, ToPage};
use killcord_tests::desktop::Desktop;
use killcord_tests::display::Display;
use killcord_tests::instrument::Instrument;
use killcord_tests::journal::Journal;
use killcord_tests::page::{Browser, Page, link};
use killcord_tests::place;
use killcord_tests::port::Port;
use killcord_tests::rigs;
use killcord_tests::station::{Station, quoted};
use killcord_tests::wait::{LONG, SOON, until_true};
use killcord_tests::webdriver;
use killcord_tests::wrapped::{app_processes, until_gone};

struct Bench {
    instrument: Instrument,
    station: Station,
    rig: PathBuf,
    _port: Port,
}

impl Bench {
    fn new() -> Self {
        Self::with("")
    }

    fn with(sections: &str) -> Self {
        let (instrument, station, port) = (Instrument::start(), Station::new(), Port::free());
        let head = rigs::head("5s", "on_last_session = \"safe\"");
        let remote = format!(
            "[session]\nexpire_after = \"60s\"\n{sections}[remote]\nlisten = \"127.0.0.1:{}\"\n",
            port.number()
        );
        let rig = station.rig(&(head + &remote + &rigs::switch("psu", &instrument)));
        Self { instrument, station, rig, _port: port }
    }

    fn until(&self, output: &str) {
        until_true(output, LONG, || self.instrument.value("OUTP").as_deref() == Some(output));
    }
}

/// Beats until it has that role.
fn until_role(page: &mut Page, wanted: Role) {
    page.until(|frame| matches!(frame, ToPage::Control { role, .. } if *role == wanted)).unwrap();
}

#[test]
fn control_passes_between_a_window_and_a_browser_and_closing_the_window_is_told_to_the_last() {
    let (bench, display) = (Bench::new(), Display::managed());
    let mut window = Desktop::drive(&display, &bench.station, &bench.rig);
    let panel = window.page();
    panel.arm();
    bench.until("ON");

    let browser = Browser::pair(&link(window.process()));
    let mut page = browser.open();
    page.beat(1);
    page.say(&ToHost::TakeControl { force: false });
    panel.await_text("Give control");
    panel.click("button", "Give control");
    until_role(&mut page, Role::Operator);
    bench.until("ON");

    window.close();
    page.until(|frame| matches!(frame, ToPage::Teardown { done: true, .. })).unwrap();
    page.until(|frame| matches!(frame, ToPage::Ended { .. })).unwrap();
    assert_eq!(page.until(|_| false).unwrap_err(), 4008, "host_stopping");
    let status = window.await_end();
    assert_eq!(status.code(), Some(0), "{status}: {}", window.process().output().all());
    bench.until("OFF");
    assert_eq!(Journal::read(&bench.station, &bench.rig).status("psu"), "safe_verified");
}

#[test]
fn a_browser_that_goes_leaves_the_windows_bench_as_it_is() {
    let (bench, display) = (Bench::new(), Display::managed());
    let mut window = Desktop::drive(&display, &bench.station, &bench.rig);
    let panel = window.page();
    panel.arm();
    bench.until("ON");
    let browser = Browser::pair(&link(window.process()));
    for n in 0..5 {
        let mut page = browser.open();
        page.beat(n);
        browser.bye(&page, false);
        assert_eq!(page.until(|_| false).unwrap_err(), 4001, "page_closed");
    }
    bench.until("ON");
    window.close();
    assert_eq!(window.await_end().code(), Some(0));
    bench.until("OFF");
}

#[test]
fn the_window_s_sessions_page_lets_a_browser_in_ends_its_session_and_revokes_it() {
    let (bench, display) = (Bench::new(), Display::managed());
    let window = Desktop::drive(&display, &bench.station, &bench.rig);
    lets_in_ends_and_revokes(&bench, &window.page());
}

#[test]
fn a_terminal_that_nobody_reads_holds_up_neither_the_window_nor_a_browser() {
    let (bench, display) = (Bench::new(), Display::managed());
    let launch = bench.station.launch("killcord-desktop").arg(&bench.rig).unread();
    let window = Desktop::start_driven(&display, launch);
    lets_in_ends_and_revokes(&bench, &window.page());
}

#[test]
fn so_does_the_panel_s_in_a_window_that_shows_pages_of_its_own() {
    let (bench, display) = (Bench::with("[ui]\npath = \"panel\"\n"), Display::managed());
    let folder = bench.rig.parent().unwrap().join("panel");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("index.html"), "<!doctype html><a href=\"/killcord/panel\">The panel</a>").unwrap();
    let window = Desktop::drive(&display, &bench.station, &bench.rig);
    let page = window.page();
    page.await_text("The panel");
    page.run("document.querySelector('a').click()");
    page.await_text("Sessions");
    // It is the bench's own, and shuts nobody out but others.
    assert!(!page.shows("button", "Sign out"));
    lets_in_ends_and_revokes(&bench, &page);
    page.await_text("the window at the bench");
}

/// Over an armed bench, in the window's panel.
fn lets_in_ends_and_revokes(bench: &Bench, panel: &webdriver::Page) {
    panel.arm();
    bench.until("ON");
    panel.click("button", "Sessions");
    panel.await_text("This page is in control.");
    panel.click("radio", "operate the rig, and let others in");
    panel.click("button", "Make a link");
    panel.await_text("Time left:");
    let link = panel.run("return document.querySelector('#link').value");
    let browser = Browser::pair(link.as_str().unwrap());

    let mut page = browser.open();
    page.beat(1);
    panel.await_text("Observes");
    panel.await_text("127.0.0.1");
    panel.await_text("Let in by a link of the host");
    let press = |panel: &webdriver::Page, label: &str| {
        let find = format!(
            "const found = [...document.querySelectorAll('button')].find((b) => b.ariaLabel?.startsWith('{label}'));
             found?.click(); return found !== undefined;"
        );
        until_true(label, SOON, || panel.run(&find) == true);
    };
    press(panel, "End session");
    panel.click("button", "End the session");
    assert_eq!(page.until(|_| false).unwrap_err(), 4006, "ended_by_operator");
    panel.await_text("Ended last");

    let mut page = browser.open();
    page.beat(1);
    press(panel, "Revoke");
    panel.click("button", "Revoke");
    page.until(|_| false).unwrap_err();
    assert_eq!(browser.ask("GET", "/killcord/api/v1/sessions", "").0, 401);
    panel.await_text("None.");
    bench.until("ON");
}

#[test]
fn a_window_whose_rig_lets_no_browser_in_says_so_on_its_sessions_page() {
    let (instrument, station, display) = (Instrument::start(), Station::new(), Display::managed());
    let rig = station.rig(&(rigs::head("5s", "") + &rigs::switch("psu", &instrument)));
    let window = Desktop::drive(&display, &station, &rig);
    let panel = window.page();
    panel.click("button", "Sessions");
    panel.await_text("write a section [remote]");
    panel.await_text("Window at the bench");
}

#[test]
fn a_port_in_use_is_told_before_any_device_is_touched() {
    let (bench, display) = (Bench::new(), Display::managed());
    let window = Desktop::open(&display, &bench.station, &bench.rig);
    link(window.process());
    let other = Station::new();
    let rig = other.rig(&fs::read_to_string(&bench.rig).unwrap());
    until_true("the first one's connection", LONG, || bench.instrument.connections() == 1);
    let mut second = Desktop::open(&display, &other, &rig);
    second.process().await_line("why", LONG, |line| line.text.contains("is in use by another program"));
    // The dialog that says it.
    second.close();
    assert_eq!(second.process_mut().wait(SOON).code(), Some(3));
    assert_eq!(bench.instrument.connections(), 1);
}

/// Asks for what only the built-in panel may do.
const REACH: &str = "
    window.reached = '';
    try {
        const asked = [['plugin:killcord|attach', {}], ['access', { ask: { ask: 'sessions' } }]];
        Promise.any(asked.map(([command, args]) => window.__TAURI_INTERNALS__.invoke(command, args)))
            .then(() => (window.reached = 'allowed'), () => (window.reached = 'denied'));
    } catch { window.reached = 'denied'; }";

/// Asks for the same past Tauri's own script: by the message handler of the web view, and by the protocol of the commands.
const RAW: &str = "
    window.raw = '';
    const asked = { cmd: 'plugin:killcord|attach', callback: 1, error: 2, payload: {}, options: {}, __TAURI_INVOKE_KEY__: '' };
    try { window.webkit.messageHandlers.ipc.postMessage(JSON.stringify(asked)); } catch {}
    const headers = { 'Tauri-Callback': '1', 'Tauri-Error': '2', 'Tauri-Invoke-Key': '', 'Content-Type': 'application/json' };
    const ways = ['ipc://localhost/plugin%3Akillcord%7Cattach', 'http://ipc.localhost/plugin%3Akillcord%7Cattach',
        'ipc://localhost/access', 'tauri://localhost/'];
    const each = ways.map((way) => fetch(way, { method: 'POST', body: '{}', headers })
        .then((answer) => (answer.ok ? 'allowed' : 'denied'), () => 'denied'));
    Promise.all(each).then((said) => (window.raw = said.join()));";

/// What the app's page can do to the one around it.
const LEAVE: &str = "
    const tries = [() => parent.document, () => parent.__TAURI_INTERNALS__, () => (top.location.href = '/gone')];
    return tries.map((attempt) => { try { attempt(); return 'reached'; } catch { return 'refused'; } }).join();";

/// Whether the person has pressed something in the page, or in a frame of it, within the last seconds.
const ACTIVE: &str = "return navigator.userActivation.isActive";

#[test]
fn a_window_shows_the_wrapped_app_with_no_way_to_tauri_and_closing_it_ends_the_app() {
    let (instrument, station, display) = (Instrument::start(), Station::new(), Display::managed());
    let python = quoted(&place::peer("python"));
    let app = quoted(&place::root().join("tests/apps/mirror/app.py"));
    let section = format!(
        "[app]\ncommand = [{python}, {app}, \"{{port}}\"]\nready = \"/page\"\nready_within = \"90s\"\nstop = {{ within = \"1s\" }}\n"
    );
    let rig = station.rig(&(rigs::head("8s", "") + &section + &rigs::switch("psu", &instrument)));
    let mut window = Desktop::drive(&display, &station, &rig);
    let page = window.page();
    page.await_text("Safe stop");
    until_true("the app in its frame", LONG, || {
        let text = page.within(|frame| frame.try_run("return document.body.innerText", &[]));
        text.is_ok_and(|text| text.is_ok_and(|text| text == "the app"))
    });
    let denied = |page: &webdriver::Page| {
        page.run(REACH);
        until_true("it to be denied", SOON, || {
            let reached = page.run("return window.reached");
            assert_ne!(reached, "allowed");
            reached == "denied"
        });
    };
    denied(&page);
    let inside = page.within(|frame| {
        denied(frame);
        frame.run(RAW);
        until_true("every way to be tried", SOON, || frame.run("return window.raw") != "");
        assert_eq!(frame.run("return window.raw"), "denied,denied,denied,denied");
        (frame.run("return origin"), frame.run(LEAVE))
    });
    let (origin, left) = inside.unwrap();
    assert_ne!(origin, page.run("return origin"));
    assert_eq!(left, "refused,refused,refused");
    page.await_text("Safe stop");

    // What the person presses in the app counts for the page around it: `idle_after`.
    until_true("nothing to have been pressed", SOON, || page.run(ACTIVE) == false);
    display.click(window.window(), 600, 700);
    until_true("the press to be told", SOON, || page.run(ACTIVE) == true);
    assert!(!app_processes(window.process()).is_empty());
    window.close();
    assert_eq!(window.await_end().code(), Some(0), "{}", window.process().output().all());
    until_gone(window.process());
    assert!(
        !window.process().output().all().contains("/killcord/pair#"),
        "the window's link is nobody else's"
    );
}
