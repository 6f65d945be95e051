//! The check can fail: each fault put into the glue is found.

use killcord_model::{
    property::{OFF_IN_TIME, ON_RECORD, ONE_DRIVES, RESPONSIBLE},
    scope::{Begin, Chances, Flaw, Scope},
};

use crate::breaks;

#[test]
fn dead_mens_bytes_are_found_where_sockets_linger() {
    let chances = Chances { arms: 1, device_dozes: 1, host_dies: 1, ..Chances::default() };
    breaks(ONE_DRIVES, Scope::spoilt(Flaw::NoLinger, chances));
}

#[test]
fn a_host_that_does_not_wait_for_the_echo_is_found() {
    let chances = Chances { arms: 1, watchdog_dies: 1, host_dies: 1, ..Chances::default() };
    breaks(ON_RECORD, Scope::spoilt(Flaw::NoEcho, chances));
}

#[test]
fn a_watchdog_that_acts_beside_a_living_host_is_found() {
    let chances = Chances { host_stops: 1, ..Chances::default() };
    breaks(ONE_DRIVES, Scope::spoilt(Flaw::HostNotEnded, chances).from(Begin::Armed));
}

#[test]
fn a_new_watchdog_that_is_told_nothing_is_found() {
    let chances = Chances { watchdog_dies: 1, host_dies: 1, ..Chances::default() };
    breaks(RESPONSIBLE, Scope::spoilt(Flaw::NotToldAgain, chances).from(Begin::Armed));
}

#[test]
fn a_beat_by_a_timer_is_found() {
    let chances = Chances { link_sticks: 1, ..Chances::default() };
    breaks(OFF_IN_TIME, Scope::spoilt(Flaw::BlindBeat, chances).from(Begin::Armed));
}

#[test]
fn a_write_behind_the_fence_is_found() {
    let chances = Chances { arms: 1, sets: 1, safe_stops: 1, ..Chances::default() };
    breaks(OFF_IN_TIME, Scope::spoilt(Flaw::NoFence, chances));
}

#[test]
fn a_host_that_leaves_an_unsafe_device_to_nobody_is_found() {
    let chances = Chances { watchdog_stops: 1, device_dozes: 1, ends: 1, ..Chances::default() };
    breaks(RESPONSIBLE, Scope::spoilt(Flaw::LeftAlone, chances).from(Begin::Armed));
}
