//! Every form that the rig file has for addresses, steps, conditions and controls, as it is understood.

#![allow(clippy::unwrap_used)] // helpers of tests: a failure is a failed test

mod common;

use std::{path::PathBuf, time::Duration};

use common::*;
use killcord_core::{
    Check, Condition, ControlKind, Expected, Item, LinkPlan, Number, Pattern, Step, Verify,
    plan::{Connect, Flow, KeyValue, Parity, Protocol, SerialLine, Signal, Terminator},
    step::{Ramp, Register, RegisterType, Table, Template, WordOrder},
};
use killcord_rig::{RigFile, Style};

fn link(driver: &str, address: &str) -> LinkPlan {
    let step = if driver == "modbus" { "{ write_coil = 0, value = false }" } else { "\"OFF\"" };
    let text = format!(
        "[rig]\nname = \"B\"\n[[device]]\nname = \"d\"\ndriver = \"{driver}\"\nconnect = \"{address}\"\n\
         safe = [{step}]\nverify = \"none\"\n"
    );
    check(&text).unwrap().0.plan.links[0].clone()
}

fn tcp(host: &str, port: u16, protocol: Protocol) -> Connect {
    Connect::Tcp { host: host.into(), port, protocol }
}

const LF: Protocol = Protocol::Line { terminator: Terminator::Lf };

#[test]
fn sockets_are_read_with_names_and_both_kinds_of_addresses() {
    assert_eq!(link("scpi", "tcp://10.0.0.2:5025").connect, tcp("10.0.0.2", 5025, LF));
    assert_eq!(link("scpi", "tcp://bench-psu.lab:5025/").connect, tcp("bench-psu.lab", 5025, LF));
    assert_eq!(link("scpi", "tcp://[fe80::1%eth0]:5025").connect, tcp("fe80::1%eth0", 5025, LF));
    assert_eq!(
        link("line", "tcp://h:1?term=crlf&cut_in=false"),
        LinkPlan {
            name: "d".into(),
            connect: tcp("h", 1, Protocol::Line { terminator: Terminator::Crlf }),
            cut_in: false
        }
    );
    assert_eq!(link("modbus", "modbus+tcp://[::1]").connect, tcp("::1", 502, Protocol::ModbusTcp));
    assert_eq!(link("modbus", "modbus+tcp://plc:1502").connect, tcp("plc", 1502, Protocol::ModbusTcp));
}

#[test]
fn serial_lines_are_read_with_all_their_settings() {
    let path = PathBuf::from("/dev/serial/by-id/usb-1");
    let plain = link("scpi", "serial:///dev/serial/by-id/usb-1");
    assert!(plain.cut_in, "a line that one instrument has to itself is full duplex");
    assert_eq!(
        plain.connect,
        Connect::Serial { path: path.clone(), line: SerialLine::default(), protocol: LF }
    );
    let all = link(
        "scpi",
        "serial:///dev/serial/by-id/usb-1?baud=57600&data=7&parity=odd&stop=2&flow=rtscts&dtr=off&term=cr&multi_drop=true",
    );
    assert!(!all.cut_in);
    assert_eq!(
        all.connect,
        Connect::Serial {
            path: path.clone(),
            line: SerialLine {
                baud: 57_600,
                data_bits: 7,
                parity: Parity::Odd,
                stop_bits: 2,
                flow: Flow::RtsCts,
                dtr: Signal::Off,
                multi_drop: true,
            },
            protocol: Protocol::Line { terminator: Terminator::Cr },
        }
    );
    let rtu = link("modbus", "modbus+rtu:///dev/serial/by-id/usb-1?stop=2&parity=none");
    assert!(!rtu.cut_in, "half-duplex");
    assert_eq!(
        rtu.connect,
        Connect::Serial {
            path,
            line: SerialLine {
                baud: 19_200,
                parity: Parity::None,
                stop_bits: 2,
                multi_drop: true,
                ..SerialLine::default()
            },
            protocol: Protocol::ModbusRtu,
        }
    );
}

#[test]
fn a_serial_line_that_is_shared_is_not_cut_in_on_unless_the_file_says_so() {
    let shared = |query: &str| {
        let device = |name: &str| {
            format!(
                "[[device]]\nname = \"{name}\"\ndriver = \"line\"\nlink = \"bus\"\nsafe = [\"OFF\"]\nverify = \"none\"\n"
            )
        };
        let text = format!(
            "[rig]\nname = \"B\"\n[[link]]\nname = \"bus\"\nconnect = \"serial:///dev/x{query}\"\n{}{}",
            device("a"),
            device("b")
        );
        let plan = check(&text).unwrap().0.plan;
        assert!(plan.links.len() == 1 && plan.devices.iter().all(|device| device.link.at() == 0));
        plan.links[0].cut_in
    };
    assert!(!shared(""));
    assert!(!shared("?multi_drop=true"));
    assert!(shared("?multi_drop=false"));
}

fn arm(steps: &str) -> Vec<Item> {
    let (rig, warnings) = check(&safe_psu(&format!("arm = [{steps}]\n"))).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    rig.plan.devices[0].arm.clone()
}

#[test]
fn steps_on_a_line_are_read_in_each_form() {
    let second = Some(Duration::from_secs(1));
    assert_eq!(
        arm(
            r#""OUTP ON", { send = "G0 X1", answer = "ok", timeout = "1s" }, { bytes = "0x18fF" }, { wait = "500ms" }"#
        ),
        [
            Item::Do(Step::send("OUTP ON")),
            Item::Do(Step::Send { text: "G0 X1".into(), answer: Some("ok".into()), timeout: second }),
            Item::Do(Step::Bytes(vec![0x18, 0xff])),
            Item::Wait(Duration::from_millis(500)),
        ]
    );
    assert_eq!(
        arm(
            r#"{ ramp = "VOLT {:.3},1", from = { query = "VOLT?", timeout = "1s" }, to = 12, per_second = 0.5, step_every = "50ms", answer = "ok" }"#
        ),
        [Item::Ramp(Ramp {
            write: Template::Line {
                before: "VOLT ".into(),
                decimals: Some(3),
                after: ",1".into(),
                answer: Some("ok".into()),
            },
            from: Step::Query { text: "VOLT?".into(), timeout: second },
            to: Number(12.0),
            per_second: Number(0.5),
            step_every: Duration::from_millis(50),
        })]
    );
}

#[test]
fn conditions_are_read_in_each_form() {
    let condition = |text: &str| match arm(&format!("{{ query = \"Q?\", {text} }}")).remove(0) {
        Item::Check(check) => check,
        other => panic!("{other:?}"),
    };
    let number = |value: f64, tolerance: f64| {
        Condition::Equals(Expected::Number { value: Number(value), tolerance: Number(tolerance) })
    };
    for (text, expect) in [
        ("equals = 0", number(0.0, 0.0)),
        ("equals = -1.5e-3, tolerance = 1e-6", number(-1.5e-3, 1e-6)),
        ("equals = 0x10", number(16.0, 0.0)),
        ("equals = true", Condition::Equals(Expected::Truth(true))),
        ("equals = \"Ready\"", Condition::Equals(Expected::Text("Ready".into()))),
        ("below = 1", Condition::Below(Number(1.0))),
        ("above = 1_000", Condition::Above(Number(1000.0))),
        ("between = [-1, 1.5]", Condition::Between(Number(-1.0), Number(1.5))),
        ("matches = '^OK\\d$'", Condition::Matches(Pattern::new("^OK\\d$").unwrap())),
    ] {
        assert_eq!(condition(text), Check::once(Step::query("Q?"), expect), "{text}");
    }
    let timed = condition("below = 1, within = \"2s\", every = \"250ms\", field = 3");
    assert_eq!(timed.within, Some(Duration::from_secs(2)));
    assert_eq!(timed.every, Duration::from_millis(250));
    assert_eq!(timed.field, Some(3));
}

#[test]
fn coils_and_registers_are_read_in_each_form() {
    let text = plc("arm = [{ write_register = 7, value = -10.5, type = \"f32\", words = \"little\" }, \
                    { write_register = 8, value = 25, scale = 0.1, offset = -5, type = \"i32\" }, \
                    { ramp = { write_register = 9, scale = 0.5 }, from = { read_register = 9, scale = 0.5 }, to = 2.5, per_second = 1 }]\n\
                    safe = [{ write_coil = 65535, value = false }]\n\
                    verify = [{ read_coil = 65535, equals = false }, { read_discrete = 1, equals = true }, \
                    { read_register = 2, mask = 0x00ff, equals = 0 }, { read_input = 3, type = \"i16\", below = 0, within = \"1s\" }]\n");
    let rig = check(&text).unwrap().0;
    let device = &rig.plan.devices[0];
    let usual = Register::default();
    let half = Register { scale: Number(0.5), ..usual };
    assert_eq!(
        device.arm,
        [
            Item::Do(Step::WriteRegister {
                address: 7,
                value: Number(-10.5),
                format: Register { r#type: RegisterType::F32, words: WordOrder::LittleEndian, ..usual },
            }),
            Item::Do(Step::WriteRegister {
                address: 8,
                value: Number(25.0),
                format: Register {
                    r#type: RegisterType::I32,
                    scale: Number(0.1),
                    offset: Number(-5.0),
                    ..usual
                },
            }),
            Item::Ramp(Ramp {
                write: Template::Register { address: 9, format: half },
                from: Step::Read { table: Table::Register, address: 9, format: half },
                to: Number(2.5),
                per_second: Number(1.0),
                step_every: Duration::from_millis(100),
            }),
        ]
    );
    assert_eq!(device.safe, [Item::Do(Step::WriteCoil { address: 65_535, value: false })]);
    let read = |table, address, format| Step::Read { table, address, format };
    let truth = |on| Condition::Equals(Expected::Truth(on));
    let zero = Condition::Equals(Expected::Number { value: Number(0.0), tolerance: Number(0.0) });
    assert_eq!(
        device.verify,
        Verify::Checks(vec![
            Check::once(read(Table::Coil, 65_535, usual), truth(false)),
            Check::once(read(Table::Discrete, 1, usual), truth(true)),
            Check::once(read(Table::Register, 2, Register { mask: Some(0xff), ..usual }), zero),
            Check {
                within: Some(Duration::from_secs(1)),
                ..Check::once(
                    read(Table::Input, 3, Register { r#type: RegisterType::I16, ..usual }),
                    Condition::Below(Number(0.0))
                )
            },
        ])
    );
}

#[test]
fn controls_are_read_in_each_kind() {
    let text = safe_psu(
        "[[device.control]]\nname = \"v\"\nkind = \"number\"\nsend = { send = \"V {}\", answer = \"ok\" }\nmin = -1\nmax = 1\n\
         [[device.control]]\nname = \"o\"\nkind = \"toggle\"\non = \"ON\"\noff = \"OFF\"\nquery = { query = \"S?\", field = 2, matches = \"RUN\" }\n\
         [[device.control]]\nname = \"c\"\nkind = \"choice\"\nsend = \"F {}\"\noptions = [\"A\", \"B\"]\nneeds = \"connected\"\n\
         [[device.control]]\nname = \"b\"\nkind = \"button\"\nsend = { bytes = \"0x7e\" }\n",
    );
    let rig = check(&text).unwrap().0;
    let line = |before: &str, answer: Option<&str>| Template::Line {
        before: before.into(),
        decimals: None,
        after: String::new(),
        answer: answer.map(str::to_owned),
    };
    let kinds: Vec<_> = rig.controls.iter().map(|control| control.kind.clone()).collect();
    assert_eq!(
        kinds,
        [
            ControlKind::Number { send: line("V ", Some("ok")), min: Number(-1.0), max: Number(1.0) },
            ControlKind::Toggle {
                on: Step::send("ON"),
                off: Step::send("OFF"),
                is_on: Some(Condition::Matches(Pattern::new("RUN").unwrap())),
            },
            ControlKind::Choice { send: line("F ", None), options: vec!["A".into(), "B".into()] },
            ControlKind::Button { send: Step::Bytes(vec![0x7e]) },
        ]
    );
    assert_eq!(rig.controls[1].field, Some(2));
    assert!(rig.plan.devices[0].has_controls);
}

#[test]
fn programs_calls_and_a_drivers_own_keys_are_handed_on_as_they_are_written() {
    let text = "[rig]\nname = \"B\"\n\
                [[device]]\nname = \"m\"\ndriver = \"exec\"\nverify = \"none\"\nsafe = [{ run = [\"./off\", \"a b\", \"\"], timeout = \"3s\" }]\n\
                [[device]]\nname = \"s\"\ndriver = \"stage\"\nconnect = \"tcp://h:1\"\naxes = 2\nmodel = \"large\"\nhomed = true\n\
                serial = \"X1\"\nverify = \"none\"\nsafe = [{ call = \"park\" }]\n";
    let rig = check(text).unwrap().0;
    let [mains, stage] = rig.plan.devices.as_slice() else { panic!("two devices") };
    assert_eq!(
        mains.safe,
        [Item::Do(Step::Run {
            command: vec!["./off".into(), "a b".into(), String::new()],
            timeout: Some(Duration::from_secs(3)),
        })]
    );
    assert_eq!(rig.plan.links[0].connect, Connect::None);
    assert_eq!(stage.safe, [Item::Do(Step::Call { name: "park".into() })]);
    assert_eq!(stage.keys["axes"], KeyValue::Integer(2));
    assert_eq!(stage.keys["model"], KeyValue::Text("large".into()));
    assert_eq!(stage.keys["homed"], KeyValue::Bool(true));
    assert_eq!(stage.keys["serial"], KeyValue::Text("X1".into()));
}

#[test]
fn a_problem_is_data_for_programs_and_colour_for_terminals() {
    let refused =
        RigFile::parse("rig.toml", sections("deadline = 10\n")).unwrap().check(DRIVERS).unwrap_err();
    let json = serde_json::to_value(&refused).unwrap();
    assert_eq!(
        json,
        serde_json::json!([{
            "severity": "error",
            "message": "`deadline` takes a duration such as \"250ms\", \"5s\", \"10m\" or \"8h\"",
            "file": "rig.toml",
            "line": 3,
            "column": 12,
            "underlined": "10",
            "label": "this is a number",
            "help": ["put it in quotes, with its unit: deadline = \"10s\" if these are seconds"],
        }])
    );
    assert!(!refused.render(Style::Plain).contains('\u{1b}'));
    assert!(refused.render(Style::Coloured).contains('\u{1b}'));
}
