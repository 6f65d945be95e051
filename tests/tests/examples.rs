//! The examples with Bokeh and Streamlit, their very files: a closed tab, a reload, a killed host, a callback that
//! blocks for half a minute, a person who is idle. The simulated supply's own record decides.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::{Duration, Instant};

use killcord::core::SessionEnd;
use killcord::wire::{ToHost, ToPage, WarningKind};
use killcord_tests::door;
use killcord_tests::example::Example;
use killcord_tests::framework::{Bokeh, Streamlit};
use killcord_tests::journal::Journal;
use killcord_tests::page::{Browser, Page};
use killcord_tests::place;
use killcord_tests::wait::{LONG, SOON, let_pass};
use killcord_tests::wrapped::{app_processes, await_app, until_gone};
use rustix::process::Signal;

/// Nobody's lease or grace is over while a test looks elsewhere.
const PATIENT: (&str, &str) =
    ("[app]\n", "[session]\nexpire_after = \"60s\"\nreload_grace = \"60s\"\n\n[app]\n");
/// The same where the file has such a section.
const PATIENT_TOO: (&str, &str) =
    ("[session]\n", "[session]\nexpire_after = \"60s\"\nreload_grace = \"60s\"\n");

fn reloaded(browser: &Browser, page: &Page) -> Page {
    let nonce = browser.document();
    browser.bye(page, false);
    let page = browser.hello(&nonce, Some(&page.token));
    assert!(page.resumed, "a reload was taken for an end");
    page
}

#[test]
fn bokeh_s_hardware_is_off_and_its_app_ended_when_the_tab_goes_and_both_are_back_with_the_next() {
    let example = Example::of("bokeh", &[PATIENT], "");
    let (serve, browser) = example.ready();
    let page = browser.open();
    let mut bokeh = Bokeh::open(&browser);
    example.until(true, LONG);
    bokeh.change("value_throttled", 4.5);
    example.until_told("VOLT 4.5");
    let rig = door::rig(&example.station);
    assert_eq!((&rig["state"], &rig["devices"][0]["state"]), (&"armed".into(), &"armed".into()), "{rig}");
    let page = reloaded(&browser, &page);
    assert!(example.is_on() && !app_processes(&serve).is_empty(), "a reload touches nothing");
    browser.bye(&page, false);
    example.until(false, SOON);
    until_gone(&serve);
    assert!(!example.is_on(), "the app had the last word");

    let _page = browser.open();
    await_app(&example.station, "ready");
    let _bokeh = Bokeh::open(&browser);
    example.until(true, LONG);
}

#[test]
fn a_tab_that_goes_leaves_bokeh_s_hardware_off_also_where_the_rig_stays_open_or_somebody_looks_on() {
    let keep = ("[app]\n", "[safety]\non_last_session = \"safe\"\n\n[app]\n");
    for observed in [false, true] {
        let example = Example::of("bokeh", &[keep], "");
        let (serve, browser) = example.ready();
        let page = browser.open();
        let _observer = observed.then(|| browser.open());
        let _bokeh = Bokeh::open(&browser);
        example.until(true, LONG);
        browser.bye(&page, false);
        example.until(false, SOON);
        until_gone(&serve);
        assert!(!example.is_on(), "the app had the last word");
    }
}

#[test]
fn a_killed_host_leaves_nothing_of_bokeh_and_the_hardware_off() {
    let example = Example::of("bokeh", &[PATIENT], "");
    let (mut serve, browser) = example.ready();
    door::await_watchdog(&example.station);
    let _page = browser.open();
    let _bokeh = Bokeh::open(&browser);
    example.until(true, LONG);
    serve.signal(Signal::KILL);
    serve.wait(SOON);
    example.until(false, SOON);
    until_gone(&serve);
    assert!(!example.is_on(), "the app had the last word");
}

#[test]
fn a_safe_stop_switches_off_what_bokeh_drives_at_once() {
    let example = Example::of("bokeh", &[PATIENT], "");
    let (mut serve, browser) = example.ready();
    let mut page = browser.open();
    let _bokeh = Bokeh::open(&browser);
    example.until(true, LONG);
    page.say(&ToHost::Stop);
    example.until(false, SOON);
    until_gone(&serve);
    page.beat(1);
    serve.signal(Signal::TERM);
    assert_eq!(serve.wait(LONG).code(), Some(0));
    assert_eq!(Journal::read(&example.station, &example.rig).status("psu"), "safe_verified");
}

/// Beats for this long, and is still there.
fn beats_for(page: &mut Page, time: Duration) {
    let began = Instant::now();
    for n in 1.. {
        page.beat(n);
        if began.elapsed() >= time {
            return;
        }
        let_pass(Duration::from_millis(500));
    }
}

/// Its lease is six times shorter than the callback takes.
const BLOCKS: Duration = Duration::from_secs(30);

#[test]
fn a_bokeh_callback_that_blocks_for_30_s_costs_no_session() {
    let blocks =
        "import time\nvolts.on_change(\"value_throttled\", lambda _attr, _old, _new: time.sleep(30))\n";
    let example = Example::of("bokeh", &[], blocks);
    let (_serve, browser) = example.ready();
    let mut page = browser.open();
    let mut bokeh = Bokeh::open(&browser);
    example.until(true, LONG);
    let blocked = std::thread::spawn(move || bokeh.change("value_throttled", 3.0));
    beats_for(&mut page, BLOCKS - Duration::from_secs(2));
    assert!(!blocked.is_finished(), "the callback did not block");
    while !blocked.is_finished() {
        beats_for(&mut page, Duration::from_millis(500));
    }
    blocked.join().unwrap();
    assert!(example.is_on(), "the hardware was made safe");
    beats_for(&mut page, Duration::ZERO);
}

#[test]
fn streamlit_s_hardware_is_off_when_the_tab_goes_and_a_reload_touches_nothing() {
    let example = Example::of("streamlit", &[PATIENT_TOO], "");
    let (serve, browser) = example.ready();
    let page = browser.open();
    let mut app = Streamlit::open(&browser, "Supply");
    app.turn(true);
    example.until(true, LONG);
    let words = &page.messages["host_gone"];
    assert!(
        words.contains("<strong>Do not touch the bench"),
        "it has them before the server is gone: {words}"
    );
    let page = reloaded(&browser, &page);
    assert!(example.is_on() && !app_processes(&serve).is_empty());
    browser.bye(&page, false);
    example.until(false, SOON);
    until_gone(&serve);
    assert!(!example.is_on(), "the app had the last word");
}

#[test]
fn a_killed_host_leaves_nothing_of_streamlit_and_the_hardware_off() {
    let example = Example::of("streamlit", &[PATIENT_TOO], "");
    let (mut serve, browser) = example.ready();
    door::await_watchdog(&example.station);
    let _page = browser.open();
    let mut app = Streamlit::open(&browser, "Supply");
    app.turn(true);
    example.until(true, LONG);
    serve.signal(Signal::KILL);
    serve.wait(SOON);
    example.until(false, SOON);
    until_gone(&serve);
}

#[test]
fn a_streamlit_script_that_blocks_for_30_s_costs_no_session() {
    let example = Example::of("streamlit", &[], "\nimport time\ntime.sleep(30)\nst.write(\"awake\")\n");
    let (_serve, browser) = example.ready();
    let mut page = browser.open();
    let mut app = Streamlit::open(&browser, "Supply");
    app.turn(true);
    let blocked = std::thread::spawn(move || app.hear("awake"));
    example.until(true, LONG);
    beats_for(&mut page, BLOCKS - Duration::from_secs(5));
    while !blocked.is_finished() {
        beats_for(&mut page, Duration::from_millis(500));
    }
    blocked.join().unwrap();
    assert!(example.is_on(), "the hardware was made safe");
}

/// Beats while the person does nothing, until the page is warned.
fn idles(page: &mut Page) {
    let began = Instant::now();
    loop {
        let idle = u64::try_from(began.elapsed().as_millis()).unwrap();
        page.say(&ToHost::Beat { n: idle, visible: true, main_ms: Some(0), input_ms: Some(idle) });
        let told = |frame: &ToPage| matches!(frame, ToPage::Warning { .. } | ToPage::Ack { .. });
        if let ToPage::Warning { kind, in_ms } = page.until(told).unwrap() {
            assert!(kind == WarningKind::Idle && (1..=4_000).contains(&in_ms), "{kind:?}, {in_ms} ms");
            return;
        }
        assert!(began.elapsed() < SOON, "nobody is warned");
        let_pass(Duration::from_millis(200));
    }
}

#[test]
fn a_person_is_warned_before_streamlit_s_session_ends_and_may_stay() {
    let soon = [PATIENT_TOO, ("\"30m\"", "\"6s\""), ("\"2m\"", "\"4s\"")];
    let example = Example::of("streamlit", &soon, "");
    let (_serve, browser) = example.ready();
    let mut page = browser.open();
    let mut app = Streamlit::open(&browser, "Supply");
    app.turn(true);
    example.until(true, LONG);
    for _ in 0..2 {
        idles(&mut page);
        page.say(&ToHost::Stay);
    }
    assert!(example.is_on(), "whoever stays keeps the hardware");
    idles(&mut page);
    let ended = page.until(|frame| matches!(frame, ToPage::Ended { .. })).unwrap();
    let ToPage::Ended { reason, message, .. } = ended else { unreachable!() };
    assert!(
        reason == SessionEnd::Idle && message.contains("Nobody was at the screen"),
        "{reason:?}, {message}"
    );
    example.until(false, SOON);
}

/// What the README shows of an example is what the tests above have run.
#[test]
fn the_readme_shows_the_very_files() {
    let root = place::root();
    let read = |file: &str| std::fs::read_to_string(root.join(file)).unwrap();
    let readme = read("README.md");
    for file in ["examples/bokeh/app.py", "examples/streamlit/app.py"] {
        assert!(readme.contains(&read(file)), "{file} is another one");
    }
    let rig = read("examples/bokeh/rig.toml");
    let (_, rig) = rig.split_once("\n\n").unwrap();
    assert!(readme.contains(rig), "the rig file is another one");
    let rig = read("examples/streamlit/rig.toml");
    let sections = rig
        .split("\n\n")
        .filter(|it| ["[session]", "[messages]", "[app]"].iter().any(|head| it.starts_with(head)));
    assert!(sections.clone().count() == 3 && sections.into_iter().all(|it| readme.contains(it)));
}
