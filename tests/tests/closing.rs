//! A rig of three instruments that nobody here wrote, armed through the panel and closed by the window manager:
//! the outside witnesses see the outputs off, in the declared order, each safe command exactly once.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod trio;

use killcord_tests::load::Load;
use killcord_tests::wait::LONG;
use trio::armed_then;

#[test]
fn the_close_button_makes_three_foreign_instruments_safe_in_order_and_once() {
    armed_then("window_closed", |window, _page| window.close());
}

#[test]
fn alt_f4_makes_three_foreign_instruments_safe_in_order_and_once() {
    armed_then("window_closed", |window, _page| window.alt_f4());
}

#[test]
fn a_page_that_hangs_delays_nothing() {
    armed_then("window_closed", |window, page| {
        page.hang();
        window.close();
    });
}

#[test]
fn busy_processors_and_a_hung_page_prevent_nothing() {
    armed_then("window_closed", |window, page| {
        page.hang();
        let _load = Load::all_cores();
        window.close();
        let pid = window.process().pid();
        assert!(window.display().windows_gone(pid, LONG), "the window stays");
    });
}

#[test]
fn a_second_close_click_changes_nothing() {
    armed_then("window_closed", |window, _page| {
        let shown = window.window();
        let closer = window.display().closer();
        for _ in 0..3 {
            closer.delete(shown);
        }
    });
}

#[test]
fn a_window_whose_web_process_is_gone_closes_as_any_other() {
    armed_then("window_closed", |window, page| {
        // The driver goes with the page it has joined.
        drop(page);
        window.crash_page();
        window.close();
    });
}
