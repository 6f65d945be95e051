//! One host a rig: a second start raises the window of the first and touches nothing.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use killcord_tests::bus::Bus;
use killcord_tests::demo::Demo;
use killcord_tests::desktop::Desktop;
use killcord_tests::display::Display;
use killcord_tests::process::Launch;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, SOON, until_true};

#[track_caller]
fn second_start_raises_the_first(dress: impl Fn(Launch) -> Launch, second_args: &[&str]) {
    let (demo, station, display) = (Demo::start(), Station::new(), Display::managed());
    let rig = station.rig(&demo.rig());
    let launch = || dress(display.dress(station.launch("killcord-desktop").arg(&rig)));
    let mut first = Desktop::adopt(&display, launch().start());
    let window = first.window();
    until_true("the rig to be opened", LONG, || {
        ["psu", "load", "furnace"].iter().all(|name| !demo.look().received(name).is_empty())
    });
    display.launch("xdotool").args(["windowminimize", &window.to_string()]).run(SOON);
    until_true("the window to be minimised", SOON, || display.windows(first.process().pid()).is_empty());

    let second = launch().args(second_args).run(LONG);

    assert_eq!(second.code(), Some(0), "{second:?}");
    until_true("the first window to be up again", LONG, || {
        !display.windows(first.process().pid()).is_empty()
    });
    first.close();
    assert_eq!(first.await_end().code(), Some(0));
    assert!(demo.all_off());
}

#[test]
fn a_second_start_raises_the_first_window_without_a_session_bus() {
    second_start_raises_the_first(|launch| launch, &[]);
}

#[test]
fn a_second_start_raises_the_first_window_with_a_session_bus() {
    let bus = Bus::start();
    second_start_raises_the_first(|launch| bus.dress(launch), &[]);
}

#[test]
fn a_second_start_with_another_state_folder_is_told_by_the_session_bus() {
    let (bus, other) = (Bus::start(), Station::new());
    let state = other.path("state").display().to_string();
    second_start_raises_the_first(|launch| bus.dress(launch), &["--state-dir", &state]);
}

#[test]
fn a_second_host_in_a_terminal_says_who_holds_the_rig() {
    let (demo, station) = (Demo::start(), Station::new());
    let rig = station.rig(&demo.rig());
    let mut first = station.killcord(["serve"]).arg(&rig).with_input().start();
    until_true("the rig to be opened", LONG, || {
        ["psu", "load", "furnace"].iter().all(|name| !demo.look().received(name).is_empty())
    });
    let second = station.killcord(["serve"]).arg(&rig).run(SOON);
    assert_eq!(second.code(), Some(3), "{second:?}");
    assert!(second.stderr.contains(&first.pid().to_string()), "not by its process id: {second:?}");
    first.end_input();
    assert_eq!(first.wait(SOON).code(), Some(0));
}
