//! A rig of three instruments that nobody here wrote, armed through the panel and closed by the window manager:
//! the outside witnesses see the outputs off, in the declared order, each safe command exactly once.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use killcord_tests::desktop::Desktop;
use killcord_tests::display::Display;
use killcord_tests::journal::Journal;
use killcord_tests::load::Load;
use killcord_tests::peers::{SAFE, Trio};
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, until_true};
use killcord_tests::webdriver::Page;

/// Opens the three peers' rig, arms it through the panel, ends it by `leave`, and looks at everything.
#[track_caller]
fn armed_then(leave: impl FnOnce(&Desktop<'_>, Page)) {
    let trio = Trio::start();
    let station = Station::new();
    let rig = station.rig(&trio.rig());
    let display = Display::managed();
    let mut window = Desktop::drive(&display, &station, &rig);
    let page = window.page();
    page.arm();
    until_true("all three instruments to be on", LONG, || trio.all_on());
    page.await_text("Armed");
    let before = trio.commands().len();

    leave(&window, page);

    let status = window.await_end();
    assert!(trio.all_off(), "outputs are still on; status {status}");
    let said = window.process().output().all();
    assert_eq!(status.code(), Some(0), "{said}");
    let commands = trio.command_texts();
    assert_eq!(&commands[before..], SAFE, "in the declared order, each exactly once");
    let journal = Journal::read(&station, &rig);
    assert_eq!(journal.last()["cause"], "window_closed");
    assert_eq!(journal.last()["confirmed"], true);
    for device in ["pace", "cryocon", "furnace"] {
        assert_eq!(journal.status(device), "safe_verified", "{device}");
        assert_eq!(journal.device(device)["released"], true, "{device}");
    }
    let run = &journal.runs()[0];
    assert_eq!((&run["exit"], run["ended_ms"].is_u64()), (&serde_json::json!(0), true), "{run}");
}

#[test]
fn the_close_button_makes_three_foreign_instruments_safe_in_order_and_once() {
    armed_then(|window, _page| window.close());
}

#[test]
fn alt_f4_makes_three_foreign_instruments_safe_in_order_and_once() {
    armed_then(|window, _page| window.alt_f4());
}

#[test]
fn a_page_that_hangs_delays_nothing() {
    armed_then(|window, page| {
        page.hang();
        window.close();
    });
}

#[test]
fn busy_processors_and_a_hung_page_prevent_nothing() {
    armed_then(|window, page| {
        page.hang();
        let _load = Load::all_cores();
        window.close();
        let pid = window.process().pid();
        assert!(window.display().windows_gone(pid, LONG), "the window stays");
    });
}

#[test]
fn a_second_close_click_changes_nothing() {
    armed_then(|window, _page| {
        let shown = window.window();
        let closer = window.display().closer();
        for _ in 0..3 {
            closer.delete(shown);
        }
    });
}

#[test]
fn a_window_whose_web_process_is_gone_closes_as_any_other() {
    armed_then(|window, page| {
        // The driver goes with the page it has joined.
        drop(page);
        window.crash_page();
        window.close();
    });
}
