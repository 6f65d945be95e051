//! Pages of the author's own in the panel's place (`[ui]`), as the document has them: in Chromium, and in the window.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod browser;

use std::fs;
use std::path::PathBuf;

use killcord_tests::chromium::{Chromium, Reload};
use killcord_tests::desktop::Desktop;
use killcord_tests::display::Display;
use killcord_tests::door;
use killcord_tests::instrument::Instrument;
use killcord_tests::page::link;
use killcord_tests::place;
use killcord_tests::port::Port;
use killcord_tests::rigs;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, SOON, until_true};

/// A rig with the pages that the document shows.
struct Own {
    psu: Instrument,
    station: Station,
    rig: PathBuf,
}

impl Own {
    fn with(remote: &str) -> Self {
        let (psu, station) = (Instrument::start(), Station::new());
        let document = fs::read_to_string(place::root().join("docs/rig-file.md")).unwrap();
        let (_, section) = document.split_once("## `[ui]`").unwrap();
        let block =
            |kind: &str| section.split_once(&format!("```{kind}\n")).unwrap().1.split_once("```").unwrap().0;
        let rig = format!(
            "{}[session]\nexpire_after = \"60s\"\nreload_grace = \"60s\"\n[ui]\npath = \"panel\"\n{remote}{}",
            rigs::head("5s", "on_last_session = \"safe\""),
            rigs::switch("psu", &psu)
        );
        let rig = station.rig(&rig);
        let folder = rig.parent().unwrap().join("panel");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("index.html"), block("html")).unwrap();
        fs::write(folder.join("mine.js"), block("js")).unwrap();
        Self { psu, station, rig }
    }

    fn until(&self, output: &str) {
        until_true(output, LONG, || self.psu.value("OUTP").as_deref() == Some(output));
    }
}

#[test]
fn pages_of_ones_own_arm_the_bench_keep_it_over_reloads_and_leave_it_safe() {
    let port = Port::free();
    let own = Own::with(&format!("[remote]\nlisten = \"127.0.0.1:{}\"\n", port.number()));
    let serve = own.station.killcord(["serve"]).arg(&own.rig).start();
    let link = link(&serve);
    door::await_watchdog(&own.station);
    door::await_state(&own.station, "safe");
    let chromium = Chromium::start();
    let tab = chromium.open(&link);
    tab.await_text("You are in control");
    assert_eq!(tab.run("document.title"), "My bench");
    until_true("the rig to be armed", LONG, || {
        tab.click("button", "Arm");
        own.psu.value("OUTP").as_deref() == Some("ON")
    });
    for how in Reload::ALL {
        tab.reload(how);
        tab.await_text("You are in control");
        own.until("ON");
    }
    assert_eq!(own.psu.commands().iter().filter(|line| *line == "OUTP ON").count(), 1);
    // Its goodbye counts: neither lease nor grace is over so soon.
    tab.close();
    until_true("OFF", SOON, || own.psu.value("OUTP").as_deref() == Some("OFF"));
}

#[test]
fn the_window_shows_them_with_no_way_to_tauri_and_closing_it_makes_the_bench_safe() {
    let (own, display) = (Own::with(""), Display::managed());
    let mut window = Desktop::drive(&display, &own.station, &own.rig);
    let page = window.page();
    page.await_text("Arm");
    assert_eq!(page.run("return document.title"), "My bench");
    page.run(
        "window.reached = ''; const asked = window.__TAURI_INTERNALS__?.invoke('access', { ask: { ask: 'sessions' } }); \
         Promise.resolve(asked ?? Promise.reject()).then(() => (window.reached = 'allowed'), () => (window.reached = 'denied'))",
    );
    until_true("it to be denied", SOON, || {
        let reached = page.run("return window.reached");
        assert_ne!(reached, "allowed");
        reached == "denied"
    });
    until_true("the rig to be armed", LONG, || {
        page.click("button", "Arm");
        own.psu.value("OUTP").as_deref() == Some("ON")
    });
    window.close();
    assert_eq!(window.await_end().code(), Some(0), "{}", window.process().output().all());
    own.until("OFF");
}

#[test]
fn a_folder_that_cannot_be_the_gui_is_told_before_any_device_is_touched() {
    let own = Own::with("[remote]\nlisten = \"127.0.0.1:0\"\n");
    fs::remove_file(own.rig.parent().unwrap().join("panel/index.html")).unwrap();
    let ended = own.station.killcord(["serve"]).arg(&own.rig).run(LONG);
    assert_eq!(ended.code(), Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("there is no index.html in"), "{}", ended.stderr);
    assert_eq!(own.psu.connections(), 0);
}
