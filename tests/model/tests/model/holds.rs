//! What holds whatever goes wrong: each scope in full. `KILLCORD_MODEL=long` looks further.

use killcord_model::scope::{Begin, Chances, Scope};

use crate::holds;

const NONE: Chances = Chances {
    host_dies: 0,
    watchdog_dies: 0,
    host_stops: 0,
    watchdog_stops: 0,
    starts_fail: 0,
    page_dies: 0,
    device_dozes: 0,
    link_sticks: 0,
    arms: 0,
    sets: 0,
    safe_stops: 0,
    ends: 0,
    starts: 0,
};

fn from(begin: Begin, chances: Chances) -> Scope {
    Scope::new(chances).from(begin)
}

/// Whether there is time.
fn long() -> bool {
    std::env::var("KILLCORD_MODEL").is_ok_and(|how| how == "long")
}

#[test]
fn whoever_dies_at_whatever_moment_of_an_arming() {
    let chances = Chances { arms: 1, sets: 1, host_dies: 1, watchdog_dies: 1, starts: 1, ..NONE };
    holds([
        Scope::new(chances),
        Scope::new(Chances { page_dies: 1, sets: 0, ..chances }),
        Scope::new(Chances { arms: 1, safe_stops: 1, host_dies: 1, ..NONE }).loose(),
    ]);
}

#[test]
fn whoever_dies_at_whatever_moment_of_an_armed_rig() {
    let chances = Chances { host_dies: 1, watchdog_dies: 1, safe_stops: 1, ..NONE };
    holds([
        from(Begin::Armed, Chances { ends: 1, ..chances }),
        from(Begin::Armed, Chances { page_dies: 1, ..chances }),
        from(Begin::Armed, Chances { starts: 1, ..chances }),
    ]);
}

#[test]
fn whoever_dies_at_whatever_moment_of_a_start() {
    let chances = Chances { host_dies: 1, watchdog_dies: 1, ends: 1, starts: 1, ..NONE };
    holds([from(Begin::Start, chances), from(Begin::Start, Chances { host_dies: 1, host_stops: 1, ..NONE })]);
}

#[test]
fn a_host_that_is_stopped_and_continued() {
    let chances = Chances { host_stops: 2, page_dies: 1, ..NONE };
    holds([
        from(Begin::Armed, chances),
        Scope::new(Chances { arms: 1, host_stops: 1, watchdog_dies: 1, ..NONE }),
    ]);
}

#[test]
fn a_watchdog_that_is_stopped_and_continued() {
    let chances = Chances { watchdog_stops: 1, host_dies: 1, safe_stops: 1, ..NONE };
    holds([
        from(Begin::Armed, Chances { host_stops: 1, watchdog_dies: 1, safe_stops: 0, ..chances }),
        from(Begin::Armed, Chances { watchdog_stops: 2, safe_stops: 0, ..chances }),
        Scope::new(Chances { arms: 1, safe_stops: 0, ..chances }),
    ]);
}

#[test]
fn a_device_that_does_not_read_for_a_while() {
    let chances = Chances { device_dozes: 1, host_dies: 1, safe_stops: 1, ..NONE };
    holds([
        Scope::new(Chances { arms: 1, ..chances }),
        from(Begin::Armed, Chances { watchdog_dies: 1, ends: 1, safe_stops: 0, ..chances }),
        from(Begin::Armed, Chances { watchdog_stops: 1, ends: 1, host_dies: 0, safe_stops: 0, ..chances }),
    ]);
}

#[test]
fn a_link_that_does_not_come_back_and_a_watchdog_that_cannot_be_replaced() {
    let chances = Chances { arms: 1, host_dies: 1, watchdog_dies: 1, page_dies: 1, ..NONE };
    holds([
        Scope::new(Chances { link_sticks: 1, ..chances }),
        Scope::new(Chances { starts_fail: 1, ..chances }),
        from(Begin::Armed, Chances { starts_fail: 1, watchdog_stops: 1, ends: 1, ..NONE }),
    ]);
}

#[test]
fn more_goes_wrong_at_once_where_there_is_time() {
    if !long() {
        return;
    }
    let two = Chances { host_stops: 1, watchdog_stops: 1, ..NONE };
    holds([
        from(
            Begin::Armed,
            Chances { safe_stops: 1, ends: 1, page_dies: 1, host_dies: 1, watchdog_dies: 1, ..NONE },
        ),
        Scope::new(Chances { arms: 1, ..two }),
        from(Begin::Armed, Chances { ends: 1, ..two }),
        from(Begin::Armed, Chances { safe_stops: 1, host_dies: 1, page_dies: 1, watchdog_dies: 1, ..two }),
        from(Begin::Armed, Chances { device_dozes: 1, host_dies: 1, ..two }),
        from(Begin::Start, Chances { watchdog_stops: 1, ends: 1, device_dozes: 1, ..NONE }),
        from(Begin::Start, Chances { host_dies: 1, watchdog_dies: 1, host_stops: 1, safe_stops: 1, ..NONE }),
        Scope::new(Chances { arms: 2, sets: 1, safe_stops: 1, host_dies: 1, watchdog_dies: 1, ..NONE }),
        Scope::new(Chances { arms: 1, host_dies: 1, watchdog_dies: 1, ..NONE }).loose(),
        from(Begin::Armed, two).loose(),
    ]);
}
