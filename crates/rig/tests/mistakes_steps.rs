//! Mistakes in steps and conditions.
//!
//! Each shows all that is told of it, as a terminal without colours shows it.

mod common;

use common::*;
use expect_test::{Expect, expect};

fn check(text: &str, expect: Expect) {
    expect.assert_eq(&problems(text));
}

#[test]
fn a_step_that_is_none_is_told_what_was_meant() {
    check(
        &psu(r#"safe = [{ sned = "OUTP OFF" }]
verify = "none"
"#),
        expect![[r#"
            error: this is no step
             --> rig.toml:8:9
              |
            8 | safe = [{ sned = "OUTP OFF" }]
              |         ^^^^^^^^^^^^^^^^^^^^^ nothing here says what to do
              |
              = help: did you mean `send` where `sned` stands?"#]],
    );
}

#[test]
fn two_steps_in_one_pair_of_braces_are_taken_apart() {
    check(
        &psu(r#"safe = [{ send = "VOLT 0", wait = "1s" }]
verify = "none"
"#),
        expect![[r#"
            error: `send` and `wait` are two steps
             --> rig.toml:8:28
              |
            8 | safe = [{ send = "VOLT 0", wait = "1s" }]
              |           ---- the first   ^^^^
              |
              = help: write each in braces of its own"#]],
    );
}

#[test]
fn an_unknown_key_of_a_step_is_told() {
    check(
        &safe_psu(
            r#"arm = [{ send = "OUTP ON", answr = "ok" }]
"#,
        ),
        expect![[r#"
            error: a `send` step has no key `answr`
              --> rig.toml:10:28
               |
            10 | arm = [{ send = "OUTP ON", answr = "ok" }]
               |                            ^^^^^ unknown key
               |
               = help: did you mean `answer`?"#]],
    );
}

#[test]
fn a_driver_that_sends_no_text_is_told_its_own_steps() {
    check(
        &plc(r#"safe = ["OUTP OFF"]
verify = "none"
"#),
        expect![[r#"
            error: the driver `modbus` sends no text
             --> rig.toml:8:9
              |
            8 | safe = ["OUTP OFF"]
              |         ^^^^^^^^^^ not a step of this driver
              |
              = help: its steps are { write_coil = 0, value = false } and its like"#]],
    );
}

#[test]
fn a_question_sent_as_a_command_would_leave_its_answer_behind() {
    check(
        &safe_psu(
            r#"arm = ["OUTP ON", "*OPC?"]
"#,
        ),
        expect![[r#"
            error: this asks, but nobody reads the answer: the next question would get it
              --> rig.toml:10:19
               |
            10 | arm = ["OUTP ON", "*OPC?"]
               |                   ^^^^^^^
               |
               = help: write { query = "*OPC?", equals = 1 }, with the condition that has to hold"#]],
    );
}

#[test]
fn a_line_end_inside_a_line_is_told() {
    check(
        &safe_psu(
            r#"arm = ["OUTP ON\n"]
"#,
        ),
        expect![[r#"
            error: `arm` holds a control character (\n)
              --> rig.toml:10:8
               |
            10 | arm = ["OUTP ON\n"]
               |        ^^^^^^^^^^^
               |
               = help: one entry is one line; its end is added: set it in `connect` with term=lf, cr or crlf"#]],
    );
}

#[test]
fn verify_must_not_act() {
    check(
        &psu(r#"safe = ["OUTP OFF"]
verify = ["OUTP OFF", "OUTP?", { wait = "1s" }]
"#),
        expect![[r#"
            error: `verify` takes questions with their conditions
             --> rig.toml:9:11
              |
            9 | verify = ["OUTP OFF", "OUTP?", { wait = "1s" }]
              |           ^^^^^^^^^^ this acts on the device
              |
              = help: write a question with its condition: { query = "OUTP?", equals = false } or { read_coil = 0, equals = false }

            error: `verify` takes questions with their conditions
             --> rig.toml:9:23
              |
            9 | verify = ["OUTP OFF", "OUTP?", { wait = "1s" }]
              |                       ^^^^^^^ what has to be the answer?
              |
              = help: write { query = "OUTP?", equals = false }, with the condition that has to hold

            error: `verify` only asks
             --> rig.toml:9:32
              |
            9 | verify = ["OUTP OFF", "OUTP?", { wait = "1s" }]
              |                                ^^^^^^^^^^^^^^^
              |
              = help: to give the device time, let the question be asked again: within = "2s""#]],
    );
}

#[test]
fn a_question_without_a_condition_means_nothing() {
    check(
        &psu(r#"safe = ["OUTP OFF"]
verify = [{ query = "OUTP?" }]
"#),
        expect![[r#"
            error: a question in a sequence needs a condition, or its answer means nothing
             --> rig.toml:9:11
              |
            9 | verify = [{ query = "OUTP?" }]
              |           ^^^^^^^^^^^^^^^^^^^ no condition
              |
              = help: add one of equals, below, above, between, matches: { query = "OUTP?", equals = false }"#]],
    );
}

#[test]
fn a_question_has_one_condition() {
    check(
        &psu(r#"safe = ["OUTP OFF"]
verify = [{ query = "VOLT?", above = -0.5, below = 0.5 }]
"#),
        expect![[r#"
            error: a question has one condition
             --> rig.toml:9:30
              |
            9 | verify = [{ query = "VOLT?", above = -0.5, below = 0.5 }]
              |                              ^^^^^         ----- the first
              |
              = help: write a second question with the other condition"#]],
    );
}

#[test]
fn a_number_in_quotes_was_meant_as_a_number() {
    check(
        &psu(r#"safe = ["OUTP OFF"]
verify = [{ query = "VOLT?", equals = "0" }, { query = "OUTP?", equals = "OFF" }]
"#),
        expect![[r#"
            warning: this compares as text; a number was surely meant
             --> rig.toml:9:39
              |
            9 | verify = [{ query = "VOLT?", equals = "0" }, { query = "OUTP?", equals = "OFF" }]
              |                                       ^^^ an answer of +0.000E+00 or 0.0 would not be "0"
              |
              = help: write equals = 0, without quotes

            warning: this compares as text; a truth value was surely meant
             --> rig.toml:9:74
              |
            9 | verify = [{ query = "VOLT?", equals = "0" }, { query = "OUTP?", equals = "OFF" }]
              |                                                                          ^^^^^ an answer of 0 or 1 would not be it
              |
              = help: write equals = false, without quotes"#]],
    );
}

#[test]
fn a_tolerance_goes_with_a_number() {
    check(
        &psu(r#"safe = ["OUTP OFF"]
verify = [{ query = "VOLT?", below = 1, tolerance = 0.1 }]
"#),
        expect![[r#"
            error: `tolerance` goes with a number in `equals`
             --> rig.toml:9:41
              |
            9 | verify = [{ query = "VOLT?", below = 1, tolerance = 0.1 }]
              |                                         ^^^^^^^^^
              |
              = help: leave it out, or write equals = 0, tolerance = 0.1"#]],
    );
}

#[test]
fn between_has_its_lower_end_first() {
    check(
        &psu(r#"safe = ["OUTP OFF"]
verify = [{ query = "VOLT?", between = [0.5, -0.5] }]
"#),
        expect![[r#"
            error: nothing lies between these two: the lower one comes first
             --> rig.toml:9:40
              |
            9 | verify = [{ query = "VOLT?", between = [0.5, -0.5] }]
              |                                        ^^^^^^^^^^^"#]],
    );
}

#[test]
fn a_regular_expression_is_underlined_where_it_is_wrong() {
    check(
        &psu(r#"safe = ["OUTP OFF"]
verify = [{ query = "STAT?", matches = "^(OFF|STBY" }]
"#),
        expect![[r#"
            error: this is no regular expression
             --> rig.toml:9:42
              |
            9 | verify = [{ query = "STAT?", matches = "^(OFF|STBY" }]
              |                                          ^ unclosed group"#]],
    );
}

#[test]
fn within_is_longer_than_every() {
    check(
        &psu(r#"safe = ["OUTP OFF"]
verify = [{ query = "VOLT?", below = 0.5, within = "50ms" }]
"#),
        expect![[r#"
            warning: `within` is not longer than `every` (100ms): it is asked once
             --> rig.toml:9:52
              |
            9 | verify = [{ query = "VOLT?", below = 0.5, within = "50ms" }]
              |                                                    ^^^^^^
              |
              = help: make `within` several times `every`"#]],
    );
}

#[test]
fn every_without_within_never_takes_effect() {
    check(
        &psu(r#"safe = ["OUTP OFF"]
verify = [{ query = "VOLT?", below = 0.5, every = "1s" }]
"#),
        expect![[r#"
            warning: `every` never takes effect: without `within` it is asked once
             --> rig.toml:9:43
              |
            9 | verify = [{ query = "VOLT?", below = 0.5, every = "1s" }]
              |                                           ^^^^^
              |
              = help: add within = "2s", or leave `every` out"#]],
    );
}

#[test]
fn within_is_shorter_than_the_deadline() {
    check(
        &psu(r#"safe = ["OUTP OFF"]
verify = [{ query = "VOLT?", below = 0.5, within = "30s" }]
"#),
        expect![[r#"
            error: `within` must be shorter than the rig's deadline of 10s
             --> rig.toml:9:52
              |
            9 | verify = [{ query = "VOLT?", below = 0.5, within = "30s" }]
              |                                                    ^^^^^
              |
              = help: shorten it, or raise `deadline` in [rig]"#]],
    );
}

#[test]
fn a_field_is_counted_from_one() {
    check(
        &psu(r#"safe = ["OUTP OFF"]
verify = [{ query = "STAT?", field = 0, equals = 0 }]
"#),
        expect![[r#"
            error: `field` takes a whole number from 1 to 1000
             --> rig.toml:9:38
              |
            9 | verify = [{ query = "STAT?", field = 0, equals = 0 }]
              |                                      ^ out of range"#]],
    );
}

#[test]
fn a_ramp_has_a_rate_above_zero_and_one_place_for_its_value() {
    check(
        &safe_psu(
            r#"arm = [{ ramp = "VOLT {},{}", from = "VOLT?", to = 12, per_second = -5 }]
"#,
        ),
        expect![[r#"
            error: `ramp` has more than one {}
              --> rig.toml:10:26
               |
            10 | arm = [{ ramp = "VOLT {},{}", from = "VOLT?", to = 12, per_second = -5 }]
               |                       -- ^^
               |                       |
               |                       the first is here
               |
               = help: one value, one place

            error: `per_second` must be more than 0
              --> rig.toml:10:69
               |
            10 | arm = [{ ramp = "VOLT {},{}", from = "VOLT?", to = 12, per_second = -5 }]
               |                                                                     ^^ the ramp would never end
               |
               = help: the rate has no sign: up or down is decided by `from` and `to`"#]],
    );
}

#[test]
fn a_ramp_says_where_it_starts_and_ends() {
    check(
        &safe_psu(
            r#"arm = [{ ramp = "VOLT {:.3}", per_second = 5 }]
"#,
        ),
        expect![[r#"
            error: a `ramp` step has no `from`
              --> rig.toml:10:8
               |
            10 | arm = [{ ramp = "VOLT {:.3}", per_second = 5 }]
               |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               |
               = help: write the question for the value it starts at: from = "VOLT?"

            error: a `ramp` step has no `to`
              --> rig.toml:10:8
               |
            10 | arm = [{ ramp = "VOLT {:.3}", per_second = 5 }]
               |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               |
               = help: write the value it ends at: to = 0"#]],
    );
}

#[test]
fn a_place_for_a_value_is_written_with_a_point() {
    check(
        &safe_psu(
            r#"arm = [{ ramp = "VOLT {:3}", from = "VOLT?", to = 12, per_second = 5 }]
"#,
        ),
        expect![[r#"
            error: this is no place for a value
              --> rig.toml:10:23
               |
            10 | arm = [{ ramp = "VOLT {:3}", from = "VOLT?", to = 12, per_second = 5 }]
               |                       ^^^^
               |
               = help: {} takes the shortest decimals, {:.3} fixes three of them"#]],
    );
}

#[test]
fn nothing_is_filled_into_a_plain_step() {
    check(
        &safe_psu(
            r#"arm = ["VOLT {}"]
"#,
        ),
        expect![[r#"
            error: nothing is filled into `arm`
              --> rig.toml:10:14
               |
            10 | arm = ["VOLT {}"]
               |              ^^
               |
               = help: {} belongs into a ramp, or into `send` of a number or choice control"#]],
    );
}

#[test]
fn emergency_takes_no_time_and_open_changes_nothing() {
    check(
        &safe_psu(
            r#"open = [{ ramp = "VOLT {}", from = "VOLT?", to = 0, per_second = 5 }]
emergency = [{ ramp = "VOLT {}", from = "VOLT?", to = 0, per_second = 50 }, "OUTP OFF"]
"#,
        ),
        expect![[r#"
            error: `open` changes no output: a ramp does not belong here
              --> rig.toml:10:9
               |
            10 | open = [{ ramp = "VOLT {}", from = "VOLT?", to = 0, per_second = 5 }]
               |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               |
               = help: put it into `arm` or `safe`

            error: `emergency` is the immediate sequence (stop category 0)
              --> rig.toml:11:14
               |
            11 | emergency = [{ ramp = "VOLT {}", from = "VOLT?", to = 0, per_second = 50 }, "OUTP OFF"]
               |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ a ramp takes time
               |
               = help: put it into `safe`, and what removes power at once into `emergency`"#]],
    );
}

#[test]
fn a_wait_is_a_duration_below_the_deadline() {
    check(
        &safe_psu(
            r#"arm = [{ wait = 0.5 }, { wait = "1m" }]
"#,
        ),
        expect![[r#"
            error: `wait` takes a duration such as "250ms", "5s", "10m" or "8h"
              --> rig.toml:10:17
               |
            10 | arm = [{ wait = 0.5 }, { wait = "1m" }]
               |                 ^^^ this is a number
               |
               = help: put it in quotes, with its unit: wait = "0.5s" if these are seconds

            error: `wait` must be shorter than the rig's deadline of 10s
              --> rig.toml:10:33
               |
            10 | arm = [{ wait = 0.5 }, { wait = "1m" }]
               |                                 ^^^^
               |
               = help: shorten it, or raise `deadline` in [rig]"#]],
    );
}

#[test]
fn bytes_are_pairs_of_hex_digits() {
    check(
        &safe_psu(
            r#"arm = [{ bytes = "18" }, { bytes = "0x1" }]
"#,
        ),
        expect![[r#"
            error: `bytes` takes pairs of hex digits behind 0x, at most 256 bytes
              --> rig.toml:10:18
               |
            10 | arm = [{ bytes = "18" }, { bytes = "0x1" }]
               |                  ^^^^
               |
               = help: write bytes = "0x18"

            error: `bytes` takes pairs of hex digits behind 0x, at most 256 bytes
              --> rig.toml:10:36
               |
            10 | arm = [{ bytes = "18" }, { bytes = "0x1" }]
               |                                    ^^^^^
               |
               = help: such as bytes = "0x18" for Ctrl-X"#]],
    );
}

#[test]
fn a_program_is_a_list_of_words() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "pdu"
driver = "exec"
safe = [{ run = "uhubctl -a off -p 2" }, { run = [] }]
verify = "none"
"#,
        expect![[r#"
            error: `run` takes a list: the program and each argument by itself
             --> rig.toml:7:17
              |
            7 | safe = [{ run = "uhubctl -a off -p 2" }, { run = [] }]
              |                 ^^^^^^^^^^^^^^^^^^^^^ there is no shell that would take it apart
              |
              = help: write run = ["uhubctl", "-a", "off", "-p", "2"]

            error: `run` names no program
             --> rig.toml:7:50
              |
            7 | safe = [{ run = "uhubctl -a off -p 2" }, { run = [] }]
              |                                                  ^^
              |
              = help: such as run = ["uhubctl", "-a", "off"]"#]],
    );
}

#[test]
fn a_step_to_call_is_one_of_the_drivers() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "stage"
driver = "stage"
connect = "tcp://10.0.0.2:5025"
axes = 2
safe = [{ call = "prak" }]
verify = "none"
"#,
        expect![[r#"
            error: the driver `stage` has no step "prak"
             --> rig.toml:9:18
              |
            9 | safe = [{ call = "prak" }]
              |                  ^^^^^^
              |
              = help: did you mean `park`?
              = help: its steps to call are park, brake"#]],
    );
}

#[test]
fn a_coil_is_true_or_false() {
    check(
        &plc(r"safe = [{ write_coil = 0, value = 0 }]
verify = [{ read_coil = 0, equals = 0 }]
"),
        expect![[r#"
            error: `value` takes true or false
             --> rig.toml:8:35
              |
            8 | safe = [{ write_coil = 0, value = 0 }]
              |                                   ^ this is a number
              |
              = help: write value = true, or false, without quotes

            error: a coil or discrete input is true or false
             --> rig.toml:9:37
              |
            9 | verify = [{ read_coil = 0, equals = 0 }]
              |                                     ^
              |
              = help: write equals = false, or equals = true"#]],
    );
}

#[test]
fn an_address_is_the_wires_not_the_manuals() {
    check(
        &plc(r"safe = [{ write_register = 40101, value = 0 }]
verify = [{ read_register = 70000, equals = 0 }]
"),
        expect![[r#"
            warning: addresses are as on the wire, from 0: this is not a manual's 40101
             --> rig.toml:8:28
              |
            8 | safe = [{ write_register = 40101, value = 0 }]
              |                            ^^^^^
              |
              = help: a manual's 40101 is 100 on the wire

            error: `read_register` takes a whole number from 0 to 65535
             --> rig.toml:9:29
              |
            9 | verify = [{ read_register = 70000, equals = 0 }]
              |                             ^^^^^ out of range"#]],
    );
}

#[test]
fn a_value_must_fit_its_register() {
    check(
        &plc(
            r#"safe = [{ write_register = 100, value = -1 }, { write_register = 100, type = "i16", scale = 0.1, value = 4000 }]
verify = "none"
"#,
        ),
        expect![[r#"
            error: -1 does not fit
             --> rig.toml:8:41
              |
            8 | safe = [{ write_register = 100, value = -1 }, { write_register = 100, type = "i16", scale = 0.1, value = 4000 }]
              |                                         ^^ -1 counts, and u16 holds 0 to 65535
              |
              = help: check `type`, `scale` and `offset`

            error: 4000 does not fit
             --> rig.toml:8:106
              |
            8 | safe = [{ write_register = 100, value = -1 }, { write_register = 100, type = "i16", scale = 0.1, value = 4000 }]
              |                                                                                                          ^^^^ 40000 counts, and i16 holds -32768 to 32767
              |
              = help: check `type`, `scale` and `offset`"#]],
    );
}

#[test]
fn words_and_mask_go_with_their_types() {
    check(
        &plc(
            r#"safe = [{ write_register = 100, value = 0, words = "little" }, { write_register = 100, type = "i16", mask = 255, value = 0 }]
verify = [{ read_register = 65535, type = "u32", equals = 0 }]
"#,
        ),
        expect![[r#"
            error: `words` is the order of two registers, but this type takes one
             --> rig.toml:8:44
              |
            8 | safe = [{ write_register = 100, value = 0, words = "little" }, { write_register = 100, type = "i16", mask = 255, value = 0 }]
              |                                            ^^^^^
              |
              = help: leave it out, or write type = "u32", "i32" or "f32"

            error: `mask` takes bits of one unsigned register
             --> rig.toml:8:102
              |
            8 | safe = [{ write_register = 100, value = 0, words = "little" }, { write_register = 100, type = "i16", mask = 255, value = 0 }]
              |                                                                                                      ^^^^
              |
              = help: leave `type` out, or write type = "u16"

            error: a number of 32 bits takes two registers, and there is none behind the last
             --> rig.toml:9:29
              |
            9 | verify = [{ read_register = 65535, type = "u32", equals = 0 }]
              |                             ^^^^^"#]],
    );
}

#[test]
fn a_masked_value_lies_within_its_mask() {
    check(
        &plc(r#"safe = [{ write_register = 100, mask = 0x00f0, value = 1 }]
verify = [{ read_register = 100, matches = "0" }]
"#),
        expect![[r#"
            error: 1 has bits outside of `mask`
             --> rig.toml:8:56
              |
            8 | safe = [{ write_register = 100, mask = 0x00f0, value = 1 }]
              |                                                        ^ 0x0001 is not within 0x00f0

            error: `matches` looks at text, registers hold a number
             --> rig.toml:9:44
              |
            9 | verify = [{ read_register = 100, matches = "0" }]
              |                                            ^^^
              |
              = help: write equals, below, above or between"#]],
    );
}

#[test]
fn a_value_between_two_counts_is_warned_of() {
    check(
        &plc(r#"safe = [{ write_register = 100, scale = 0.5, value = 0.7 }]
verify = "none"
"#),
        expect![[r#"
            warning: 0.7 is no whole number of counts
             --> rig.toml:8:54
              |
            8 | safe = [{ write_register = 100, scale = 0.5, value = 0.7 }]
              |                                                      ^^^ 0.5 is what is written
              |
              = help: check `scale` and `offset`"#]],
    );
}
