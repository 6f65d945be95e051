//! Mistakes in addresses and shared lines.
//!
//! Each shows all that is told of it, as a terminal without colours shows it.

mod common;

use common::*;
use expect_test::{Expect, expect};

fn check(text: &str, expect: Expect) {
    expect.assert_eq(&problems(text));
}

#[test]
fn an_address_without_a_scheme_is_told_the_likely_one() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "psu"
driver = "scpi"
connect = "192.168.1.21:5025"
safe = ["OUTP OFF"]
verify = "none"
"#,
        expect![[r#"
            error: an address begins with the way to connect
             --> rig.toml:7:11
              |
            7 | connect = "192.168.1.21:5025"
              |           ^^^^^^^^^^^^^^^^^^^
              |
              = help: did you mean "tcp://192.168.1.21:5025"?
              = help: the forms are tcp://HOST:PORT, serial:///dev/…?baud=9600, modbus+tcp://HOST:502 and modbus+rtu:///dev/…?baud=19200&parity=even"#]],
    );
}

#[test]
fn a_visa_resource_is_told_its_plain_address() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "psu"
driver = "scpi"
connect = "TCPIP0::192.168.1.21::inst0::INSTR"
safe = ["OUTP OFF"]
verify = "none"
"#,
        expect![[r#"
            error: an address begins with the way to connect
             --> rig.toml:7:11
              |
            7 | connect = "TCPIP0::192.168.1.21::inst0::INSTR"
              |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: did you mean "tcp://192.168.1.21:5025"?
              = help: the forms are tcp://HOST:PORT, serial:///dev/…?baud=9600, modbus+tcp://HOST:502 and modbus+rtu:///dev/…?baud=19200&parity=even"#]],
    );
}

#[test]
fn a_misspelled_scheme_is_told_with_the_right_one() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "psu"
driver = "scpi"
connect = "tpc://192.168.1.21:5025"
safe = ["OUTP OFF"]
verify = "none"
"#,
        expect![[r#"
            error: `tpc` is no way to connect
             --> rig.toml:7:12
              |
            7 | connect = "tpc://192.168.1.21:5025"
              |            ^^^
              |
              = help: did you mean `tcp`?
              = help: the forms are tcp://HOST:PORT, serial:///dev/…?baud=9600, modbus+tcp://HOST:502 and modbus+rtu:///dev/…?baud=19200&parity=even"#]],
    );
}

#[test]
fn a_transport_that_is_not_there_yet_is_told_a_way_round() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "psu"
driver = "scpi"
connect = "usbtmc://0x0957/0x1755"
safe = ["OUTP OFF"]
verify = "none"
"#,
        expect![[r#"
            error: `usbtmc` is not supported yet
             --> rig.toml:7:12
              |
            7 | connect = "usbtmc://0x0957/0x1755"
              |            ^^^^^^
              |
              = help: most instruments also take SCPI on a plain socket: connect = "tcp://HOST:5025""#]],
    );
}

#[test]
fn a_socket_without_a_port_is_told_the_usual_one() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "psu"
driver = "scpi"
connect = "tcp://192.168.1.21"
safe = ["OUTP OFF"]
verify = "none"
"#,
        expect![[r#"
            error: the address has no port
             --> rig.toml:7:18
              |
            7 | connect = "tcp://192.168.1.21"
              |                  ^^^^^^^^^^^^
              |
              = help: write it behind a colon; SCPI instruments often listen on 5025: "tcp://192.168.1.21:5025""#]],
    );
}

#[test]
fn a_port_out_of_range_is_underlined_by_itself() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "psu"
driver = "scpi"
connect = "tcp://192.168.1.21:502500"
safe = ["OUTP OFF"]
verify = "none"
"#,
        expect![[r#"
            error: a port is a number from 1 to 65535
             --> rig.toml:7:31
              |
            7 | connect = "tcp://192.168.1.21:502500"
              |                               ^^^^^^"#]],
    );
}

#[test]
fn a_bare_ipv6_address_is_put_in_brackets() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "psu"
driver = "scpi"
connect = "tcp://fe80::1:5025"
safe = ["OUTP OFF"]
verify = "none"
"#,
        expect![[r#"
            error: this is no host name or address
             --> rig.toml:7:18
              |
            7 | connect = "tcp://fe80::1:5025"
              |                  ^^^^^^^
              |
              = help: an IPv6 address stands in brackets: [fe80::1]:5025"#]],
    );
}

#[test]
fn a_serial_port_is_a_full_path_with_three_slashes() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "psu"
driver = "scpi"
connect = "serial://dev/serial/by-id/usb-1?baud=9600"
safe = ["OUTP OFF"]
verify = "none"
"#,
        expect![[r#"
            error: the serial port is a full path
             --> rig.toml:7:21
              |
            7 | connect = "serial://dev/serial/by-id/usb-1?baud=9600"
              |                     ^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: three slashes in a row: "serial:///dev/serial/by-id/usb-1""#]],
    );
}

#[test]
fn a_com_port_is_another_systems() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "psu"
driver = "scpi"
connect = "serial://COM3?baud=9600"
safe = ["OUTP OFF"]
verify = "none"
"#,
        expect![[r#"
            error: the serial port is a full path
             --> rig.toml:7:21
              |
            7 | connect = "serial://COM3?baud=9600"
              |                     ^^^^
              |
              = help: COM ports are Windows'; here they are files such as /dev/serial/by-id/usb-…"#]],
    );
}

#[test]
fn an_unknown_setting_of_the_line_is_underlined_inside_the_address() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "psu"
driver = "scpi"
connect = "serial:///dev/serial/by-id/usb-1?boud=9600&term=lf"
safe = ["OUTP OFF"]
verify = "none"
"#,
        expect![[r#"
            error: this kind of address has no setting `boud`
             --> rig.toml:7:45
              |
            7 | connect = "serial:///dev/serial/by-id/usb-1?boud=9600&term=lf"
              |                                             ^^^^
              |
              = help: did you mean `baud`?"#]],
    );
}

#[test]
fn a_setting_out_of_range_is_underlined_inside_the_address() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "psu"
driver = "scpi"
connect = "serial:///dev/serial/by-id/usb-1?data=9&parity=evn&stop"
safe = ["OUTP OFF"]
verify = "none"
"#,
        expect![[r#"
            error: `data` takes a whole number from 5 to 8
             --> rig.toml:7:50
              |
            7 | connect = "serial:///dev/serial/by-id/usb-1?data=9&parity=evn&stop"
              |                                                  ^

            error: `parity` cannot be "evn"
             --> rig.toml:7:59
              |
            7 | connect = "serial:///dev/serial/by-id/usb-1?data=9&parity=evn&stop"
              |                                                           ^^^ not one of "none", "even" or "odd"
              |
              = help: did you mean `even`?

            error: a setting of the line is written key=value
             --> rig.toml:7:63
              |
            7 | connect = "serial:///dev/serial/by-id/usb-1?data=9&parity=evn&stop"
              |                                                               ^^^^
              |
              = help: such as ?baud=115200&term=lf"#]],
    );
}

#[test]
fn a_multi_drop_line_is_never_cut_in_on() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "psu"
driver = "scpi"
connect = "serial:///dev/serial/by-id/usb-1?multi_drop=true&cut_in=true"
safe = ["OUTP OFF"]
verify = "none"
"#,
        expect![[r#"
            error: a multi-drop line cannot be cut in on: the answer in flight would collide
             --> rig.toml:7:68
              |
            7 | connect = "serial:///dev/serial/by-id/usb-1?multi_drop=true&cut_in=true"
              |                                                                    ^^^^
              |
              = help: leave cut_in out, or multi_drop if the instrument has the line to itself"#]],
    );
}

#[test]
fn a_port_name_that_moves_is_warned_of() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "psu"
driver = "scpi"
connect = "serial:///dev/ttyUSB77?baud=9600"
safe = ["OUTP OFF"]
verify = "none"
"#,
        expect![[r#"
            warning: /dev/ttyUSB77 may be another instrument after the next start or plug
             --> rig.toml:7:21
              |
            7 | connect = "serial:///dev/ttyUSB77?baud=9600"
              |                     ^^^^^^^^^^^^^ numbered in the order of plugging in
              |
              = help: take its name under /dev/serial/by-id/ (`ls -l /dev/serial/by-id` shows which)"#]],
    );
}

#[test]
fn a_driver_is_not_put_on_a_line_that_it_does_not_speak_on() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "psu"
driver = "scpi"
connect = "modbus+tcp://192.168.1.30"
safe = ["OUTP OFF"]
verify = "none"
"#,
        expect![[r#"
            error: the driver `scpi` does not speak Modbus
             --> rig.toml:7:11
              |
            7 | connect = "modbus+tcp://192.168.1.30"
              |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: write an address that begins with tcp:// or serial://, or another `driver`"#]],
    );
}

#[test]
fn a_device_without_an_address_is_told_how_to_write_one() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "psu"
driver = "scpi"
safe = ["OUTP OFF"]
verify = "none"
"#,
        expect![[r#"
            error: device "psu" has no `connect`
             --> rig.toml:4:1
              |
            4 | [[device]]
              | ^^^^^^^^^^
              |
              = help: write connect = "tcp://192.168.1.20:5025", or link = "…" for a shared [[link]]"#]],
    );
}

#[test]
fn a_device_has_a_line_of_its_own_or_a_shared_one_not_both() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "psu"
driver = "scpi"
connect = "tcp://10.0.0.2:5025"
link = "bus"
safe = ["OUTP OFF"]
verify = "none"

[[link]]
name = "bus"
connect = "tcp://10.0.0.3:5025"
"#,
        expect![[r#"
            error: `link` stands instead of `connect`, not beside it
             --> rig.toml:8:1
              |
            7 | connect = "tcp://10.0.0.2:5025"
              | ------- its own line
            8 | link = "bus"
              | ^^^^
              |
              = help: leave out `connect` if a [[link]] is shared, `link` if the device has the line to itself

            warning: no device is on the link "bus"
              --> rig.toml:13:8
               |
            13 | name = "bus"
               |        ^^^^^ it is never opened
               |
               = help: write link = "bus" in its devices, or leave it out"#]],
    );
}

#[test]
fn a_driver_without_a_line_takes_no_address() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "pdu"
driver = "exec"
connect = "tcp://10.0.0.2:1"
safe = [{ run = ["off"] }]
verify = "none"
"#,
        expect![[r#"
            error: the driver `exec` has no line of its own
             --> rig.toml:7:1
              |
            7 | connect = "tcp://10.0.0.2:1"
              | ^^^^^^^
              |
              = help: leave this key out"#]],
    );
}

#[test]
fn a_link_that_does_not_exist_is_told_with_the_nearest_one() {
    check(
        r#"[rig]
name = "Bench"

[[link]]
name = "bus"
connect = "tcp://10.0.0.3:5025"

[[device]]
name = "psu"
driver = "scpi"
link = "buss"
safe = ["OUTP OFF"]
verify = "none"
"#,
        expect![[r#"
            warning: no device is on the link "bus"
             --> rig.toml:5:8
              |
            5 | name = "bus"
              |        ^^^^^ it is never opened
              |
              = help: write link = "bus" in its devices, or leave it out

            error: there is no [[link]] named "buss"
              --> rig.toml:11:8
               |
            11 | link = "buss"
               |        ^^^^^^
               |
               = help: did you mean `bus`?"#]],
    );
}

#[test]
fn the_same_port_in_two_devices_shows_the_link_to_write() {
    check(
        r#"[rig]
name = "Bench"

[[device]]
name = "psu"
driver = "scpi"
connect = "serial:///dev/serial/by-id/usb-1?baud=9600"
safe = ["OUTP OFF"]
verify = "none"

[[device]]
name = "load"
driver = "scpi"
connect = "serial:///dev/serial/by-id/usb-1?baud=19200"
safe = ["INP OFF"]
verify = "none"
"#,
        expect![[r#"
            error: "psu" and "load" connect to the same place
              --> rig.toml:14:11
               |
             7 | connect = "serial:///dev/serial/by-id/usb-1?baud=9600"
               |           -------------------------------------------- and here
            ...
            14 | connect = "serial:///dev/serial/by-id/usb-1?baud=19200"
               |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ a port is opened once
               |
               = help: let both share one link:
                       [[link]]
                       name = "bus"
                       connect = "serial:///dev/serial/by-id/usb-1?baud=9600"
                       and in both devices, instead of connect:
                       link = "bus""#]],
    );
}

#[test]
fn the_same_port_in_a_link_and_a_device_says_to_name_the_link() {
    check(
        r#"[rig]
name = "Bench"

[[link]]
name = "bus"
connect = "tcp://crate.lab:5025"

[[device]]
name = "psu"
driver = "scpi"
link = "bus"
safe = ["OUTP OFF"]
verify = "none"

[[device]]
name = "load"
driver = "scpi"
connect = "tcp://CRATE.lab:5025"
safe = ["INP OFF"]
verify = "none"
"#,
        expect![[r#"
            error: "bus" and "load" connect to the same place
              --> rig.toml:18:11
               |
             6 | connect = "tcp://crate.lab:5025"
               |           ---------------------- and here
            ...
            18 | connect = "tcp://CRATE.lab:5025"
               |           ^^^^^^^^^^^^^^^^^^^^^^ a port is opened once
               |
               = help: write link = "bus" here, instead of connect"#]],
    );
}

#[test]
fn a_modbus_unit_that_is_not_alone_on_its_line_is_refused_there() {
    let on = |unit: &str, connect: &str| {
        format!(
            r#"[rig]
name = "Bench"

[[device]]
name = "plc"
driver = "modbus"
connect = "{connect}"
unit = {unit}
"#
        )
    };
    check(
        &on("0x0", "modbus+rtu:///dev/serial/by-id/usb-1"),
        expect![[r#"
        error: unit 0 cannot be asked on a Modbus RTU line
         --> rig.toml:8:8
          |
        8 | unit = 0x0
          |        ^^^ every unit at once, and none answers
          |
          = help: write the unit's own address, from 1 to 247"#]],
    );
    check(
        &on("248", "modbus+rtu:///dev/serial/by-id/usb-1"),
        expect![[r#"
        error: unit 248 cannot be asked on a Modbus RTU line
         --> rig.toml:8:8
          |
        8 | unit = 248
          |        ^^^ reserved: no unit has it
          |
          = help: write the unit's own address, from 1 to 247"#]],
    );
    for (unit, connect) in [
        ("1", "modbus+rtu:///dev/serial/by-id/usb-1"),
        ("247", "modbus+rtu:///dev/serial/by-id/usb-1"),
        ("0", "modbus+tcp://10.0.0.2"),
        ("255", "modbus+tcp://10.0.0.2"),
    ] {
        assert!(!problems(&on(unit, connect)).contains("cannot be asked"), "{unit} on {connect}");
    }
}
