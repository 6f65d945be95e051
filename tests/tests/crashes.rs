//! The app itself crashes while the rig is armed: the watchdog makes it safe, and the next start says so.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use killcord_tests::desktop::Desktop;
use killcord_tests::display::Display;
use killcord_tests::door;
use killcord_tests::instrument::Instrument;
use killcord_tests::rigs;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, until, until_true};
use killcord_tests::webdriver::Page;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

/// Arms a rig from the app with the faults, has it crash, and looks at what becomes of the hardware.
#[track_caller]
fn crashed(crash: impl FnOnce(&mut Desktop<'_>, Page)) {
    let (supply, station, display) = (Instrument::start(), Station::new(), Display::managed());
    let head = rigs::head("5s", "arm = \"on-first-session\"");
    let rig = station.rig(&(head + &rigs::switch("psu", &supply)));
    let is_on = || supply.value("OUTP").as_deref() == Some("ON");
    let mut window = Desktop::start_driven(&display, station.launch("killcord-stuck-window").arg(&rig));
    let page = window.page();
    until_true("the supply to be on", LONG, is_on);
    door::await_state(&station, "armed");
    supply.forget();

    crash(&mut window, page);

    let status = window.await_end();
    assert_ne!(status.code(), Some(0), "that was no crash");
    until_true("the watchdog to have switched the supply off", LONG, || !is_on());
    // The next start waits for the watchdog, takes its report in, and arms nothing.
    let mut again = Desktop::start(&display, station.launch("killcord-stuck-window").arg(&rig));
    let unclean = until("the next start to say what has happened", LONG, || {
        let status = door::ask(&station, "status", Duration::from_secs(5))?;
        Some(status["rig"]["unclean"].clone()).filter(|unclean| !unclean.is_null())
    });
    let act = &unclean["by_watchdog"];
    assert_eq!(unclean["was_armed"], true, "{unclean}");
    assert_eq!(act["devices"][0]["status"], "safe_verified", "{unclean}");
    assert!(act["safe_ms"].as_u64().unwrap() < 5_000, "{unclean}");
    door::await_state(&station, "safe");
    again.process().signal(Signal::TERM);
    assert_eq!(again.await_end().code(), Some(0), "{}", again.process().output().all());
    assert!(!supply.commands().contains(&"OUTP ON".to_owned()), "armed again: {:?}", supply.commands());
}

/// Has the page call one of the app's faults.
#[track_caller]
fn call(page: &Page, fault: &str) {
    // Late enough for this script's own answer to leave.
    page.run(&format!("setTimeout(() => window.__TAURI__.core.invoke('{fault}'), 200); return true"));
}

#[test]
fn a_panic_in_a_callback_of_gtk_leaves_the_rig_safe() {
    crashed(|_window, page| call(&page, "panic_in_callback"));
}

#[test]
fn a_panic_in_the_event_loop_leaves_the_rig_safe() {
    crashed(|_window, page| call(&page, "panic_in_loop"));
}

#[test]
fn an_abort_leaves_the_rig_safe() {
    crashed(|_window, page| call(&page, "abort"));
}

#[test]
fn an_app_that_runs_out_of_memory_leaves_the_rig_safe() {
    crashed(|window, page| {
        let pid = Pid::from_raw(window.process().pid().cast_signed());
        let most = Some(window.process().address_space() + (256 << 20));
        prlimit(pid, Resource::As, Rlimit { current: most, maximum: most }).unwrap();
        call(&page, "leak");
    });
}

#[test]
fn a_web_process_that_dies_before_its_handshake_and_takes_the_app_along_leaves_the_rig_safe() {
    crashed(|window, page| {
        drop(page);
        // WebKit ends the whole program with SIGTRAP then. Those that live longer are loaded again.
        until_true("the app to go with a web process", LONG, || {
            for web in window.process().descendants("WebKitWebProcess") {
                // Gone already is as good.
                let _gone = kill_process(Pid::from_raw(web.cast_signed()).unwrap(), Signal::KILL);
            }
            window.process_mut().ended().is_some()
        });
    });
}
