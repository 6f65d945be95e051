//! The display, its window manager and the driver work, shown on an empty window that knows no Killcord.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use killcord_tests::desktop::{Desktop, END};
use killcord_tests::display::Display;
use killcord_tests::station::Station;

#[test]
fn an_empty_window_ends_on_each_way_to_close_it() {
    let station = Station::new();
    let display = Display::managed();
    let open = || Desktop::start(&display, station.launch("killcord-empty-window"));
    let mut window = open();
    window.close();
    assert_eq!(window.process_mut().wait(END).code(), Some(0), "closed by its close button");
    let mut window = open();
    window.alt_f4();
    assert_eq!(window.process_mut().wait(END).code(), Some(0), "closed by Alt-F4");
}

#[test]
fn a_window_without_a_manager_ends_on_the_delete_message() {
    let station = Station::new();
    let display = Display::bare();
    let mut window = Desktop::start(&display, station.launch("killcord-empty-window"));
    display.delete(window.window());
    assert_eq!(window.process_mut().wait(END).code(), Some(0));
}

#[test]
fn a_page_can_be_read_driven_and_hung() {
    let station = Station::new();
    let display = Display::managed();
    let mut window = Desktop::start_driven(&display, station.launch("killcord-empty-window"));
    let page = window.page();
    page.run(
        "document.body.innerHTML = '<button id=a>Arm</button><p>bench</p>';
         document.getElementById('a').onclick = () => document.querySelector('p').textContent = 'pressed'",
    );
    assert!(page.shows("button", "Arm") && !page.shows("button", "Safe stop"));
    page.click("button", "Arm");
    page.await_text("pressed");
    page.hang();
    window.close();
    assert_eq!(window.process_mut().wait(END).code(), Some(0));
    assert!(display.windows_gone(window.process().pid(), Duration::from_secs(5)));
}

#[test]
fn a_web_process_can_be_ended_alone() {
    let station = Station::new();
    let display = Display::managed();
    let mut window = Desktop::start_driven(&display, station.launch("killcord-empty-window"));
    assert_eq!(window.page().run("return document.title"), "Empty window");
    window.crash_page();
    assert!(window.process_mut().ended().is_none(), "the window lives on");
    window.close();
    let status = window.process_mut().wait(END);
    assert_eq!(status.code(), Some(0), "{status}");
}
