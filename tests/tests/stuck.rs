//! GTK's thread hangs for good: signals end the app all the same, with the hardware safe.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use killcord_tests::desktop::Desktop;
use killcord_tests::display::Display;
use killcord_tests::instrument::Instrument;
use killcord_tests::journal::Journal;
use killcord_tests::rigs;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, pause, until_true};
use rustix::process::Signal;

#[test]
fn signals_make_the_rig_safe_and_end_the_app_with_gtk_s_thread_stuck() {
    let (instrument, station, display) = (Instrument::start(), Station::new(), Display::managed());
    let rig = rigs::head("5s", "arm = \"on-first-session\"") + &rigs::switch("psu", &instrument);
    let rig = station.rig(&rig);
    for (signal, name) in [(Signal::TERM, "SIGTERM"), (Signal::INT, "SIGINT")] {
        let launch = station.launch("killcord-stuck-window").arg(&rig);
        let mut window = Desktop::start_driven(&display, launch);
        let page = window.page();
        until_true("the supply to be on", LONG, || instrument.value("OUTP").as_deref() == Some("ON"));
        page.run("setTimeout(() => window.__TAURI__.core.invoke('hang'), 200); return true");
        // The thread hangs when it no longer takes what X sends it: its queue of unread bytes grows.
        until_true("GTK's thread to be stuck", LONG, || stuck(window.process().pid()));
        window.process().signal(signal);
        let status = window.await_end();
        let said = window.process().output().all();
        assert_eq!(status.code(), Some(0), "{name}: {said}");
        assert_eq!(instrument.commands().last().map(String::as_str), Some("OUTP OFF"), "{name}");
        let journal = Journal::read(&station, &rig);
        assert_eq!(
            (journal.last()["cause"].as_str(), journal.status("psu")),
            (Some("signal"), "safe_verified")
        );
    }
}

/// Whether a process's first thread waits in `park` (a futex) and stays there: a loop that lives wakes up for
/// timers and redraws several times a second.
fn stuck(pid: u32) -> bool {
    let switches = || {
        let status = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.and_then(|count| count.trim().parse::<u64>().ok())
    };
    let waits = || std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/wchan")).unwrap_or_default();
    if !waits().contains("futex") {
        return false;
    }
    let before = switches();
    pause(std::time::Duration::from_millis(500));
    before.is_some() && before == switches() && waits().contains("futex")
}
