//! Mistakes in devices, their readings and controls.
//!
//! Each shows all that is told of it, as a terminal without colours shows it.

mod common;

use common::*;
use expect_test::{Expect, expect};

fn check(text: &str, expect: Expect) {
    expect.assert_eq(&problems(text));
}

#[test]
fn an_unknown_driver_is_told_with_the_nearest_one() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "psu"
driver = "spci"
connect = "tcp://10.0.0.2:5025"
safe = ["OUTP OFF"]
verify = "none"
"#,
        expect![[r#"
            error: there is no driver "spci"
             --> rig.toml:6:10
              |
            6 | driver = "spci"
              |          ^^^^^^
              |
              = help: did you mean `scpi`?
              = help: the drivers are scpi, line, modbus, exec, stage"#]],
    );
}

#[test]
fn a_name_with_blanks_and_capitals_is_told_as_it_may_be_written() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "Bench PSU 1"
driver = "scpi"
connect = "tcp://10.0.0.2:5025"
safe = ["OUTP OFF"]
verify = "none"
"#,
        expect![[r#"
            error: "Bench PSU 1" is no name
             --> rig.toml:5:8
              |
            5 | name = "Bench PSU 1"
              |        ^^^^^^^^^^^^^ a name is a-z, 0-9, - and _, a letter or digit first, at most 40
              |
              = help: write name = "bench_psu_1"; what people read goes into `label`"#]],
    );
}

#[test]
fn two_devices_cannot_have_one_name() {
    check(
        &devices("10s", &[("psu", ""), ("psu", "")]),
        expect![[r#"
        error: two devices are named "psu"
          --> rig.toml:13:8
           |
         6 | name = "psu"
           |        ----- the first
        ...
        13 | name = "psu"
           |        ^^^^^
           |
           = help: give one of them another name"#]],
    );
}

#[test]
fn arm_without_safe_and_verify_is_refused() {
    check(
        &psu(r#"arm = ["OUTP ON"]
"#),
        expect![[r#"
            error: device "psu" has `arm` and no `safe`
             --> rig.toml:8:1
              |
            8 | arm = ["OUTP ON"]
              | ^^^ this starts something that nothing would end
              |
              = help: write what makes it harmless: safe = ["OUTP OFF"]

            error: device "psu" has no `verify`
             --> rig.toml:8:1
              |
            8 | arm = ["OUTP ON"]
              | ^^^ sent, but was it done?
              |
              = help: ask the device whether it is safe: verify = [{ query = "OUTP?", equals = false }]
              = help: if nothing can be read back, say so: verify = "none""#]],
    );
}

#[test]
fn safe_without_verify_is_refused() {
    check(
        &psu(r#"safe = ["OUTP OFF"]
"#),
        expect![[r#"
            error: device "psu" has no `verify`
             --> rig.toml:8:1
              |
            8 | safe = ["OUTP OFF"]
              | ^^^^ sent, but was it done?
              |
              = help: ask the device whether it is safe: verify = [{ query = "OUTP?", equals = false }]
              = help: if nothing can be read back, say so: verify = "none""#]],
    );
}

#[test]
fn a_control_that_acts_while_armed_needs_a_safe_sequence() {
    check(
        &psu(r#"
[[device.control]]
name = "output"
kind = "button"
send = "OUTP ON"
"#),
        expect![[r#"
            error: device "psu" has a control that acts while armed, and no `safe`
             --> rig.toml:4:1
              |
            4 | [[device]]
              | ^^^^^^^^^^ nothing would end what "output" starts
              |
              = help: write what makes it harmless: safe = ["OUTP OFF"]
              = help: if the control can do no harm: needs = "connected""#]],
    );
}

#[test]
fn a_control_that_may_always_be_used_is_warned_of_without_a_safe_sequence() {
    check(
        &psu(r#"
[[device.control]]
name = "display"
kind = "button"
send = "DISP ON"
needs = "connected"
"#),
        expect![[r#"
            warning: device "psu" has a control that may be used at any time, and no `safe`
             --> rig.toml:4:1
              |
            4 | [[device]]
              | ^^^^^^^^^^ nothing ends what "display" starts
              |
              = help: write safe = […] unless it can do no harm"#]],
    );
}

#[test]
fn emergency_and_verify_need_a_safe_sequence() {
    check(
        &psu(r#"emergency = ["OUTP OFF"]
verify = "none"
"#),
        expect![[r#"
            error: device "psu" has `emergency` and no `safe`
             --> rig.toml:8:1
              |
            8 | emergency = ["OUTP OFF"]
              | ^^^^^^^^^
              |
              = help: write safe = ["OUTP OFF"], or leave this out for a device that only measures

            error: device "psu" has `verify` and no `safe`
             --> rig.toml:9:1
              |
            9 | verify = "none"
              | ^^^^^^
              |
              = help: write safe = ["OUTP OFF"], or leave this out for a device that only measures"#]],
    );
}

#[test]
fn an_empty_safe_sequence_is_refused() {
    check(
        &psu(r"safe = []
verify = []
"),
        expect![[r#"
            error: `safe` is empty: the hardware would be left as it is
             --> rig.toml:8:8
              |
            8 | safe = []
              |        ^^
              |
              = help: write what makes it harmless: safe = ["OUTP OFF"]

            error: `verify` is empty
             --> rig.toml:9:10
              |
            9 | verify = []
              |          ^^
              |
              = help: ask the device whether it is safe: { query = "OUTP?", equals = false }
              = help: if nothing can be read back, say so: verify = "none""#]],
    );
}

#[test]
fn no_emergency_follows_from_a_safe_sequence_that_only_ramps() {
    check(
        &psu(r#"safe = [{ ramp = "VOLT {}", from = "VOLT?", to = 0, per_second = 5 }]
verify = "none"
"#),
        expect![[r#"
            error: no `emergency` follows from this `safe`: nothing in it acts at once
             --> rig.toml:8:1
              |
            8 | safe = [{ ramp = "VOLT {}", from = "VOLT?", to = 0, per_second = 5 }]
              | ^^^^ ramps, waits and conditions only
              |
              = help: write what removes power at once: emergency = ["OUTP OFF"]"#]],
    );
}

#[test]
fn an_expected_identity_needs_the_question_for_it() {
    check(
        &safe_psu(
            r#"expect_id = "HAMEG"
"#,
        ),
        expect![[r#"
            error: `expect_id` is compared with the answer to `id`, and there is none
              --> rig.toml:10:1
               |
            10 | expect_id = "HAMEG"
               | ^^^^^^^^^
               |
               = help: write id = "*IDN?""#]],
    );
}

#[test]
fn sequences_that_can_never_run_are_warned_of() {
    check(
        &psu(r#"sync = "*OPC?"
errors = "SYST:ERR?"
safe_after = []

[device.instrument_watchdog]
arm = ["WDOG ON"]
check = { query = "WDOG?", equals = true }
feed = "*OPC?"
disarm = ["WDOG OFF"]
"#),
        expect![[r#"
            warning: `sync` never takes effect: the device has no `arm` and no `safe` after which it would be asked
             --> rig.toml:8:1
              |
            8 | sync = "*OPC?"
              | ^^^^
              |
              = help: leave it out

            warning: `errors` never takes effect: the device has no `arm` and no `safe` after which they would be read
             --> rig.toml:9:1
              |
            9 | errors = "SYST:ERR?"
              | ^^^^^^
              |
              = help: leave it out

            warning: `safe_after` never takes effect: the device has no `safe`
              --> rig.toml:10:1
               |
            10 | safe_after = []
               | ^^^^^^^^^^
               |
               = help: leave it out

            warning: `instrument_watchdog` never takes effect: the device is never armed
              --> rig.toml:12:9
               |
            12 | [device.instrument_watchdog]
               |         ^^^^^^^^^^^^^^^^^^^
               |
               = help: leave it out"#]],
    );
}

#[test]
fn a_timeout_is_above_zero_and_below_the_deadline() {
    check(
        &safe_psu(
            r#"timeout = "0s"
sync = { query = "*OPC?", timeout = "10s" }
"#,
        ),
        expect![[r#"
            error: `timeout` must be more than 0
              --> rig.toml:10:11
               |
            10 | timeout = "0s"
               |           ^^^^

            error: `timeout` must be shorter than the rig's deadline of 10s
              --> rig.toml:11:37
               |
            11 | sync = { query = "*OPC?", timeout = "10s" }
               |                                     ^^^^^
               |
               = help: shorten it, or raise `deadline` in [rig]"#]],
    );
}

#[test]
fn verify_that_is_a_word_is_none_or_a_list() {
    check(
        &psu(r#"safe = ["OUTP OFF"]
verify = "None"
"#),
        expect![[r#"
            error: `verify` takes "none", or a list of questions with their conditions
             --> rig.toml:9:10
              |
            9 | verify = "None"
              |          ^^^^^^
              |
              = help: write verify = "none""#]],
    );
}

#[test]
fn a_single_step_is_put_in_brackets() {
    check(
        &psu(r#"safe = "OUTP OFF"
verify = "none"
"#),
        expect![[r#"
            error: `safe` takes a list of steps
             --> rig.toml:8:8
              |
            8 | safe = "OUTP OFF"
              |        ^^^^^^^^^^ this is text
              |
              = help: put it in brackets: safe = ["OUTP OFF"]"#]],
    );
}

#[test]
fn a_key_of_another_driver_is_told_as_such() {
    check(
        &safe_psu(
            r"unit = 3
",
        ),
        expect![[r#"
            error: `unit` is a key of the driver `modbus`
              --> rig.toml:10:1
               |
            10 | unit = 3
               | ^^^^ this device's driver is `scpi`
               |
               = help: leave it out, or change `driver`"#]],
    );
}

#[test]
fn a_drivers_keys_are_checked_by_its_description() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "stage"
driver = "stage"
connect = "tcp://10.0.0.2:5025"
axes = 4
model = "larg"
homed = "yes"
serial = 7
safe = [{ call = "park" }]
verify = "none"
"#,
        expect![[r#"
            error: `axes` takes a whole number from 1 to 3
             --> rig.toml:8:8
              |
            8 | axes = 4
              |        ^ out of range

            error: `model` cannot be "larg"
             --> rig.toml:9:9
              |
            9 | model = "larg"
              |         ^^^^^^ not one of "small" or "large"
              |
              = help: did you mean `large`?

            error: `homed` takes true or false
              --> rig.toml:10:9
               |
            10 | homed = "yes"
               |         ^^^^^ this is text
               |
               = help: write homed = true

            error: `serial` takes text
              --> rig.toml:11:10
               |
            11 | serial = 7
               |          ^ this is a number
               |
               = help: put it in quotes: serial = "7""#]],
    );
}

#[test]
fn a_key_that_a_driver_requires_is_asked_for() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "stage"
driver = "stage"
connect = "tcp://10.0.0.2:5025"
safe = [{ call = "park" }]
verify = "none"
"#,
        expect![[r#"
            error: device "stage" has no `axes`
             --> rig.toml:4:1
              |
            4 | [[device]]
              | ^^^^^^^^^^
              |
              = help: write axes = …: how many axes"#]],
    );
}

#[test]
fn a_key_of_the_device_below_its_first_reading_says_where_to_move() {
    check(
        &safe_psu(
            r#"
[[device.reading]]
name = "voltage"
query = "MEAS:VOLT?"
timeout = "2s"
"#,
        ),
        expect![[r#"
            error: `timeout` is a key of [[device]], but stands below [[device.reading]]
              --> rig.toml:14:1
               |
            11 | [[device.reading]]
               | ------------------ the device's own keys end here
            ...
            14 | timeout = "2s"
               | ^^^^^^^ belongs to the table above it
               |
               = help: move it up, above [[device.reading]] in line 11"#]],
    );
}

#[test]
fn sequences_below_a_reading_are_told_as_misplaced_and_not_as_missing() {
    check(
        &psu(r#"
[[device.reading]]
name = "voltage"
query = "MEAS:VOLT?"
arm = ["OUTP ON"]
safe = ["OUTP OFF"]
verify = "none"
"#),
        expect![[r#"
            error: `arm` is a key of [[device]], but stands below [[device.reading]]
              --> rig.toml:12:1
               |
             9 | [[device.reading]]
               | ------------------ the device's own keys end here
            ...
            12 | arm = ["OUTP ON"]
               | ^^^ belongs to the table above it
               |
               = help: move it up, above [[device.reading]] in line 9

            error: `safe` is a key of [[device]], but stands below [[device.reading]]
              --> rig.toml:13:1
               |
             9 | [[device.reading]]
               | ------------------ the device's own keys end here
            ...
            13 | safe = ["OUTP OFF"]
               | ^^^^ belongs to the table above it
               |
               = help: move it up, above [[device.reading]] in line 9

            error: `verify` is a key of [[device]], but stands below [[device.reading]]
              --> rig.toml:14:1
               |
             9 | [[device.reading]]
               | ------------------ the device's own keys end here
            ...
            14 | verify = "none"
               | ^^^^^^ belongs to the table above it
               |
               = help: move it up, above [[device.reading]] in line 9"#]],
    );
}

#[test]
fn a_modbus_unit_below_a_reading_is_not_taken_for_its_label() {
    check(
        &plc(r#"
[[device.reading]]
name = "temperature"
query = { read_register = 11 }
unit = 1
"#),
        expect![[r#"
            error: `unit` is a key of [[device]], but stands below [[device.reading]]
              --> rig.toml:12:1
               |
             9 | [[device.reading]]
               | ------------------ the device's own keys end here
            ...
            12 | unit = 1
               | ^^^^ belongs to the table above it
               |
               = help: move it up, above [[device.reading]] in line 9"#]],
    );
}

#[test]
fn a_key_of_a_reading_above_it_says_which_table_it_belongs_to() {
    check(
        &safe_psu(
            r#"every = "1s"
"#,
        ),
        expect![[r#"
            error: `every` is a key of [[device.reading]]
              --> rig.toml:10:1
               |
            10 | every = "1s"
               | ^^^^^
               |
               = help: write [[device.reading]] above it"#]],
    );
}

#[test]
fn limits_the_wrong_way_round_are_told() {
    check(
        &safe_psu(
            r#"
[[device.reading]]
name = "voltage"
query = "MEAS:VOLT?"
limits = { min = 13.0, max = 1.0 }
"#,
        ),
        expect![[r#"
            error: `min` is not below `max`: every value would be outside
              --> rig.toml:14:10
               |
            14 | limits = { min = 13.0, max = 1.0 }
               |          ^^^^^^^^^^^^^^^^^^^^^^^^^ min is 13, max is 1
               |
               = help: exchange them"#]],
    );
}

#[test]
fn limits_without_a_limit_are_told() {
    check(
        &safe_psu(
            r#"
[[device.reading]]
name = "voltage"
query = "MEAS:VOLT?"
limits = { on = "warn" }
"#,
        ),
        expect![[r#"
            error: `limits` has no `min` and no `max`: nothing is ever outside
              --> rig.toml:14:10
               |
            14 | limits = { on = "warn" }
               |          ^^^^^^^^^^^^^^^
               |
               = help: write limits = { max = 13.0 }"#]],
    );
}

#[test]
fn a_reading_cannot_be_stale_between_two_answers() {
    check(
        &safe_psu(
            r#"
[[device.reading]]
name = "voltage"
query = "MEAS:VOLT?"
every = "1s"
stale_after = "500ms"
"#,
        ),
        expect![[r#"
            error: `stale_after` must be longer than `every`
              --> rig.toml:15:15
               |
            15 | stale_after = "500ms"
               |               ^^^^^^^ asked every 1s, it would be stale between two answers
               |
               = help: leave it out for 5s, or make it several times `every`"#]],
    );
}

#[test]
fn a_reading_has_no_condition() {
    check(
        &safe_psu(
            r#"
[[device.reading]]
name = "voltage"
query = { query = "MEAS:VOLT?", below = 5 }
"#,
        ),
        expect![[r#"
            error: `query` only asks: nothing here has to hold
              --> rig.toml:13:9
               |
            13 | query = { query = "MEAS:VOLT?", below = 5 }
               |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               |
               = help: leave the condition out; conditions belong into `verify` and the sequences"#]],
    );
}

#[test]
fn two_readings_cannot_have_one_name() {
    check(
        &safe_psu(
            r#"
[[device.reading]]
name = "voltage"
query = "MEAS:VOLT?"

[[device.reading]]
name = "voltage"
query = "MEAS:VOLT? 2"
"#,
        ),
        expect![[r#"
            error: this device has two readings named "voltage"
              --> rig.toml:16:8
               |
            16 | name = "voltage"
               |        ^^^^^^^^^
               |
               = help: give one of them another name"#]],
    );
}

#[test]
fn a_number_control_needs_a_place_for_its_number_and_its_limits() {
    check(
        &safe_psu(
            r#"
[[device.control]]
name = "setpoint"
kind = "number"
send = "VOLT"
min = 5
max = 5
"#,
        ),
        expect![[r#"
            error: `send` has no {}: the value would never be sent
              --> rig.toml:14:8
               |
            14 | send = "VOLT"
               |        ^^^^^^
               |
               = help: put {} where the value belongs: "VOLT {}"

            error: `max` must be more than `min`
              --> rig.toml:16:7
               |
            15 | min = 5
               |       - the least
            16 | max = 5
               |       ^
               |
               = help: the least first, the most second"#]],
    );
}

#[test]
fn a_toggle_has_both_sides() {
    check(
        &safe_psu(
            r#"
[[device.control]]
name = "output"
kind = "toggle"
on = "OUTP ON"
query = "OUTP?"
"#,
        ),
        expect![[r#"
            error: device.control "output" has no `off`
              --> rig.toml:11:1
               |
            11 | [[device.control]]
               | ^^^^^^^^^^^^^^^^^^
               |
               = help: write off = "OUTP OFF", or { write_coil = 0, value = false }"#]],
    );
}

#[test]
fn a_toggle_is_switched_by_sending_not_by_asking() {
    check(
        &safe_psu(
            r#"
[[device.control]]
name = "output"
kind = "toggle"
on = { query = "OUTP ON?", equals = 1 }
off = "OUTP OFF"
"#,
        ),
        expect![[r#"
            error: `on` takes one step that acts
              --> rig.toml:14:6
               |
            14 | on = { query = "OUTP ON?", equals = 1 }
               |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ this only asks or waits
               |
               = help: write text to send, { write_coil = 0, value = true } or the like"#]],
    );
}

#[test]
fn a_choice_has_options_that_a_register_can_hold() {
    check(
        &plc(r#"safe = [{ write_coil = 0, value = false }]
verify = "none"

[[device.control]]
name = "mode"
kind = "choice"
send = { write_register = 5 }
options = ["0", "manual"]
"#),
        expect![[r#"
            error: a register takes a number, this option is none
              --> rig.toml:15:17
               |
            15 | options = ["0", "manual"]
               |                 ^^^^^^^^
               |
               = help: write the numbers as options: ["0", "1", "2"]"#]],
    );
}

#[test]
fn a_control_of_an_unknown_kind_is_told_the_four() {
    check(
        &safe_psu(
            r#"
[[device.control]]
name = "setpoint"
kind = "slider"
send = "VOLT {}"
"#,
        ),
        expect![[r#"
            error: `kind` cannot be "slider"
              --> rig.toml:13:8
               |
            13 | kind = "slider"
               |        ^^^^^^^^ not one of "number", "toggle", "choice" or "button""#]],
    );
}

#[test]
fn an_instrument_watchdog_is_read_back_and_disarmed() {
    check(
        &safe_psu(
            r#"arm = ["OUTP ON"]

[device.instrument_watchdog]
arm = ["WDOG ON"]
feed = "*OPC?"
"#,
        ),
        expect![[r#"
            error: [device.instrument_watchdog] has no `check`
              --> rig.toml:12:1
               |
            12 | [device.instrument_watchdog]
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               |
               = help: write how it is read back: check = { query = "OUTP:PROT:WDOG?", equals = true }; one that is believed armed and is not protects nobody

            error: [device.instrument_watchdog] has no `disarm`
              --> rig.toml:12:1
               |
            12 | [device.instrument_watchdog]
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               |
               = help: write the steps that stop it: disarm = ["OUTP:PROT:WDOG OFF"]; it would act after the release"#]],
    );
}

#[test]
fn a_safe_sequence_that_only_waits_makes_nothing_safe() {
    check(
        &psu(r#"safe = [{ wait = "1s" }]
emergency = ["OUTP OFF"]
verify = "none"
"#),
        expect![[r#"
            error: nothing in `safe` acts: it only asks and waits
             --> rig.toml:8:1
              |
            8 | safe = [{ wait = "1s" }]
              | ^^^^
              |
              = help: write what makes the device harmless: "OUTP OFF""#]],
    );
}

#[test]
fn a_budget_for_a_device_that_only_measures_never_takes_effect() {
    check(
        &psu(r#"budget = "2s"
"#),
        expect![[r#"
            warning: `budget` never takes effect: the device only measures
             --> rig.toml:8:1
              |
            8 | budget = "2s"
              | ^^^^^^
              |
              = help: leave it out"#]],
    );
}
