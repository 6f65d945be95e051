//! Mistakes between devices: their order, and the time that they have.
//!
//! Each shows all that is told of it, as a terminal without colours shows it.

mod common;

use common::*;
use expect_test::{Expect, expect};

fn check(text: &str, expect: Expect) {
    expect.assert_eq(&problems(text));
}

#[test]
fn a_ring_of_devices_is_shown() {
    check(
        &devices(
            "10s",
            &[
                (
                    "psu",
                    r#"safe_after = ["load"]
"#,
                ),
                (
                    "load",
                    r#"safe_after = ["fan"]
"#,
                ),
                (
                    "fan",
                    r#"safe_after = ["psu"]
"#,
                ),
            ],
        ),
        expect![[r#"
            error: devices wait for each other in a ring to be made safe: psu → load → fan → psu
              --> rig.toml:11:15
               |
            11 | safe_after = ["load"]
               |               ^^^^^^ psu waits for load
            ...
            19 | safe_after = ["fan"]
               |               ----- load waits for fan
            ...
            27 | safe_after = ["psu"]
               |               ----- fan waits for psu
               |
               = help: take one name out of the ring"#]],
    );
}

#[test]
fn a_device_cannot_wait_for_itself() {
    check(
        &devices(
            "10s",
            &[(
                "psu",
                r#"safe_after = ["psu"]
"#,
            )],
        ),
        expect![[r#"
            error: devices wait for each other in a ring to be made safe: psu → psu
              --> rig.toml:11:15
               |
            11 | safe_after = ["psu"]
               |               ^^^^^ psu waits for psu
               |
               = help: a device cannot wait for itself: take its name out of its list"#]],
    );
}

#[test]
fn an_arming_order_against_the_safe_order_is_a_ring() {
    check(
        &devices(
            "10s",
            &[
                (
                    "psu",
                    r#"arm = ["OUTP ON"]
"#,
                ),
                (
                    "load",
                    r#"arm = ["INP ON"]
safe_after = ["psu"]
arm_after = ["psu"]
"#,
                ),
            ],
        ),
        expect![[r#"
            error: devices wait for each other in a ring to be armed: psu → load → psu
              --> rig.toml:21:14
               |
            21 | arm_after = ["psu"]
               |              ^^^^^ load waits for psu
               |
               = help: arming follows `safe_after` backwards; an `arm_after` overrides it for its device alone: take one name out of the ring"#]],
    );
}

#[test]
fn an_unknown_device_to_wait_for_is_told_with_the_nearest_one() {
    check(
        &devices(
            "10s",
            &[
                ("psu", ""),
                (
                    "load",
                    r#"safe_after = ["pus"]
"#,
                ),
            ],
        ),
        expect![[r#"
            error: there is no device "pus"
              --> rig.toml:18:15
               |
            18 | safe_after = ["pus"]
               |               ^^^^^
               |
               = help: did you mean `psu`?"#]],
    );
}

#[test]
fn a_name_twice_in_a_list_is_warned_of() {
    check(
        &devices(
            "10s",
            &[
                ("psu", ""),
                (
                    "load",
                    r#"safe_after = ["psu", "psu"]
"#,
                ),
            ],
        ),
        expect![[r#"
            warning: "psu" stands twice in `safe_after`
              --> rig.toml:18:22
               |
            18 | safe_after = ["psu", "psu"]
               |               -----  ^^^^^
               |               |
               |               the first
               |
               = help: leave one out"#]],
    );
}

#[test]
fn waiting_for_a_device_that_is_never_made_safe_is_warned_of() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "meter"
driver = "scpi"
connect = "tcp://10.0.0.1:5025"

[[device]]
name = "psu"
driver = "scpi"
connect = "tcp://10.0.0.2:5025"
safe_after = ["meter"]
safe = ["OUTP OFF"]
verify = "none"
"#,
        expect![[r#"
            warning: "meter" has no `safe`: there is nothing to wait for
              --> rig.toml:13:15
               |
            13 | safe_after = ["meter"]
               |               ^^^^^^^
               |
               = help: leave it out"#]],
    );
}

#[test]
fn budgets_that_cannot_fit_show_their_sum() {
    check(
        &devices(
            "8s",
            &[
                (
                    "psu",
                    r#"budget = "4s"
"#,
                ),
                (
                    "load",
                    r#"safe_after = ["psu"]
budget = "5s"
"#,
                ),
            ],
        ),
        expect![[r#"
            error: a teardown may take 9.5s, the deadline is 8s
              --> rig.toml:11:10
               |
            11 | budget = "4s"
               |          ^^^^ psu 4s + load 5s + release and record 500ms = 9.5s
               |
               = help: these take turns: by `safe_after`, or on one link
               = help: raise `deadline` in [rig], or lower `budget`, `timeout` or `within` along the chain"#]],
    );
}

#[test]
fn devices_on_one_link_take_turns_and_their_reserves_add_up() {
    check(
        r#"[rig]
name = "Bench"
deadline = "5s"

[[link]]
name = "bus"
connect = "modbus+rtu:///dev/serial/by-id/usb-1"

[[device]]
name = "a"
driver = "modbus"
link = "bus"
unit = 1
safe = [{ write_coil = 0, value = false }]
verify = [{ read_coil = 0, equals = false }]

[[device]]
name = "b"
driver = "modbus"
link = "bus"
unit = 2
safe = [{ write_coil = 0, value = false }]
verify = [{ read_coil = 0, equals = false }]

[[device]]
name = "c"
driver = "modbus"
link = "bus"
unit = 3
safe = [{ write_coil = 0, value = false }]
verify = [{ read_coil = 0, equals = false }]
"#,
        expect![[r#"
            error: a teardown may take 6.5s, the deadline is 5s
             --> rig.toml:9:1
              |
            9 | [[device]]
              | ^^^^^^^^^^ a 2s + b 2s + c 2s + release and record 500ms = 6.5s
              |
              = help: these take turns: by `safe_after`, or on one link
              = help: raise `deadline` in [rig], or lower `budget`, `timeout` or `within` along the chain"#]],
    );
}

#[test]
fn a_budget_below_the_reserve_is_refused() {
    check(
        &devices(
            "10s",
            &[(
                "psu",
                r#"budget = "1s"
"#,
            )],
        ),
        expect![[r#"
            error: the budget of "psu" is less than its reserve
              --> rig.toml:11:10
               |
            11 | budget = "1s"
               |          ^^^^ its emergency sequence and verify may take 2s, this is 1s
               |
               = help: raise `budget`, or lower `timeout` or `within`: a step may take its whole timeout"#]],
    );
}

#[test]
fn a_budget_above_the_deadline_is_refused() {
    check(
        &devices(
            "10s",
            &[(
                "psu",
                r#"budget = "20s"
"#,
            )],
        ),
        expect![[r#"
            error: `budget` must be shorter than the rig's deadline of 10s
              --> rig.toml:11:10
               |
            11 | budget = "20s"
               |          ^^^^^
               |
               = help: shorten it, or raise `deadline` in [rig]"#]],
    );
}

#[test]
fn a_controlled_sequence_without_time_is_warned_of() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "psu"
driver = "scpi"
connect = "tcp://10.0.0.1:5025"
budget = "2s"
safe = [{ ramp = "VOLT {}", from = "VOLT?", to = 0, per_second = 5 }, "OUTP OFF"]
verify = [{ query = "OUTP?", equals = false }]

[[device]]
name = "fan"
driver = "scpi"
connect = "tcp://10.0.0.2:5025"
safe = [{ wait = "9.5s" }, "OUTP OFF"]
verify = "none"
"#,
        expect![[r#"
            warning: no time is left for the controlled sequence of "psu"
             --> rig.toml:8:10
              |
            8 | budget = "2s"
              |          ^^^^ its budget is 2s, of which 2s are kept for `emergency` and `verify`
              |
              = help: `emergency` would cut it off every time: raise `budget` (or `deadline`), or lower `timeout` or `within`

            warning: the waits in `safe` of "fan" take 9.5s, and it has 8.5s
              --> rig.toml:16:1
               |
            16 | safe = [{ wait = "9.5s" }, "OUTP OFF"]
               | ^^^^ its budget is 9.5s, of which 1s are kept for `emergency` and `verify`
               |
               = help: `emergency` would cut it off every time: raise `budget` (or `deadline`), or lower `timeout` or `within`"#]],
    );
}
