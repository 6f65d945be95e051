//! The codec, byte by byte, against the examples of the standard.

use std::time::Instant;

use killcord_core::{
    Number,
    plan::{Connect, KeyValue, SerialLine},
    step::{Register, RegisterType, WordOrder},
};

use super::{frame::crc, *};
use crate::{
    Cancel, SystemClock,
    testing::{self, Script},
};

fn unit(protocol: Protocol, script: &Script) -> Box<dyn Device> {
    let mut device = testing::device("plc", "modbus");
    device.keys.insert(String::from("unit"), KeyValue::Integer(17));
    let mut link = testing::link(502);
    link.connect = match protocol {
        Protocol::ModbusTcp => Connect::Tcp { host: String::new(), port: 502, protocol },
        _ => Connect::Serial { path: "/dev/x".into(), line: SerialLine::default(), protocol },
    };
    Modbus.device(&Setup { device: &device, link: &link }, Box::new(script.clone())).unwrap()
}

/// Opens the unit and performs one step.
fn perform(device: &mut dyn Device, step: &Step) -> Result<Option<Value>, DeviceError> {
    let cancel = Cancel::never();
    let cx = Cx { deadline: Instant::now() + Duration::from_secs(5), cancel: &cancel, clock: &SystemClock };
    device.open(&cx)?;
    device.perform(step, &cx)
}

fn rtu(bytes: &[u8]) -> Vec<u8> {
    let mut frame = bytes.to_vec();
    frame.extend(crc(bytes).to_le_bytes());
    frame
}

fn read(table: Table, address: u16, format: Register) -> Step {
    Step::Read { table, address, format }
}

#[test]
fn the_checksum_is_that_of_the_standard() {
    // Serial Line V1.02, appendix B: 02 07 gives 41 12 on the wire.
    assert_eq!(crc(&[0x02, 0x07]).to_le_bytes(), [0x41, 0x12]);
}

#[test]
fn each_function_is_framed_as_the_standard_writes_it() {
    let one = Register::default();
    let wide = Register { r#type: RegisterType::U32, ..one };
    type Case = (Step, &'static [u8], &'static [u8], Option<Value>);
    let cases: [Case; 8] = [
        (read(Table::Coil, 19, one), &[1, 0, 19, 0, 1], &[1, 1, 1], Some(Value::Truth(true))),
        (read(Table::Discrete, 196, one), &[2, 0, 196, 0, 1], &[2, 1, 0], Some(Value::Truth(false))),
        (
            read(Table::Register, 107, one),
            &[3, 0, 107, 0, 1],
            &[3, 2, 2, 43],
            Some(Value::Number(Number(555.0))),
        ),
        (read(Table::Input, 8, one), &[4, 0, 8, 0, 1], &[4, 2, 0, 10], Some(Value::Number(Number(10.0)))),
        (Step::WriteCoil { address: 172, value: true }, &[5, 0, 172, 0xff, 0], &[5, 0, 172, 0xff, 0], None),
        (Step::WriteCoil { address: 172, value: false }, &[5, 0, 172, 0, 0], &[5, 0, 172, 0, 0], None),
        (
            Step::WriteRegister { address: 1, value: Number(3.0), format: one },
            &[6, 0, 1, 0, 3],
            &[6, 0, 1, 0, 3],
            None,
        ),
        (
            Step::WriteRegister { address: 1, value: Number(655_362.0), format: wide },
            &[16, 0, 1, 0, 2, 4, 0, 10, 0, 2],
            &[16, 0, 1, 0, 2],
            None,
        ),
    ];
    for (step, request, reply, value) in cases {
        let framed = |pdu: &[u8]| rtu(&[&[17], pdu].concat());
        let script = Script::new().expects(framed(request)).replies(framed(reply));
        let mut device = unit(Protocol::ModbusRtu, &script);
        assert_eq!(perform(device.as_mut(), &step).unwrap(), value, "{step}");
        script.finish();
    }
}

#[test]
fn noise_and_other_units_replies_before_the_answer_are_passed_over() {
    let request = rtu(&[17, 1, 0, 0, 0, 1]);
    let noise = [&[0xff, 17, 1, 1][..], &rtu(&[18, 1, 1, 1]), &rtu(&[17, 1, 1, 0])].concat();
    let script = Script::new().expects(request).replies(noise);
    let mut device = unit(Protocol::ModbusRtu, &script);
    let value = perform(device.as_mut(), &read(Table::Coil, 0, Register::default()));
    assert_eq!(value.unwrap(), Some(Value::Truth(false)));
}

#[test]
fn a_reply_with_a_wrong_checksum_is_none() {
    let mut reply = rtu(&[17, 1, 1, 0]);
    reply[3] ^= 1;
    let script = Script::new().expects(rtu(&[17, 1, 0, 0, 0, 1])).replies(reply).stays_silent();
    let mut device = unit(Protocol::ModbusRtu, &script);
    let value = perform(device.as_mut(), &read(Table::Coil, 0, Register::default()));
    assert!(matches!(value, Err(DeviceError::Timeout)), "{value:?}");
}

#[test]
fn exceptions_are_named_with_what_to_do() {
    let script = Script::new().expects(rtu(&[17, 3, 0x9c, 0xa5, 0, 1])).replies(rtu(&[17, 0x83, 2]));
    let mut device = unit(Protocol::ModbusRtu, &script);
    let error = perform(device.as_mut(), &read(Table::Register, 40101, Register::default())).unwrap_err();
    assert!(error.to_string().contains("40101 of a manual is 100"), "{error}");
    assert!(!error.leaves_out_of_step());
}

#[test]
fn a_masked_write_keeps_the_other_bits() {
    let script = Script::new()
        .expects(rtu(&[17, 3, 0, 7, 0, 1]))
        .replies(rtu(&[17, 3, 2, 0xab, 0xcd]))
        .expects(rtu(&[17, 6, 0, 7, 0xab, 0xc1]))
        .replies(rtu(&[17, 6, 0, 7, 0xab, 0xc1]));
    let format = Register { mask: Some(0x000f), ..Register::default() };
    let mut device = unit(Protocol::ModbusRtu, &script);
    perform(device.as_mut(), &Step::WriteRegister { address: 7, value: Number(1.0), format }).unwrap();
    script.finish();
}

#[test]
fn numbers_go_into_registers_and_come_back() {
    let cases = [
        (RegisterType::I16, WordOrder::BigEndian, 0.1, 0.0, -12.3, vec![0xff85]),
        (RegisterType::U16, WordOrder::BigEndian, 0.1, 0.0, 0.3, vec![3]),
        (RegisterType::U16, WordOrder::BigEndian, 1.0, -40.0, 25.0, vec![65]),
        (RegisterType::I32, WordOrder::BigEndian, 1.0, 0.0, -2.0, vec![0xffff, 0xfffe]),
        (RegisterType::U32, WordOrder::LittleEndian, 1.0, 0.0, 65_537.0, vec![1, 1]),
        (RegisterType::F32, WordOrder::BigEndian, 1.0, 0.0, 1.5, vec![0x3fc0, 0]),
    ];
    for (r#type, words, scale, offset, value, expect) in cases {
        let format = Register { r#type, words, scale: Number(scale), offset: Number(offset), mask: None };
        let encoded = register::encode(Number(value), format).unwrap();
        assert_eq!(encoded, expect, "{format:?}");
        assert_eq!(register::decode(&encoded, format), Number(value), "{format:?}");
    }
}

#[test]
fn a_number_that_does_not_fit_is_refused_before_a_byte_is_written() {
    let format = Register::default();
    for value in [65_536.0, -1.0, f64::NAN, f64::INFINITY] {
        let script = Script::new();
        let mut device = unit(Protocol::ModbusRtu, &script);
        let step = Step::WriteRegister { address: 1, value: Number(value), format };
        assert!(matches!(perform(device.as_mut(), &step), Err(DeviceError::Setup(_))), "{value}");
        script.finish();
    }
}

#[test]
fn a_number_with_bits_outside_of_the_mask_is_refused_before_a_byte_is_written() {
    let script = Script::new();
    let mut device = unit(Protocol::ModbusRtu, &script);
    let format = Register { mask: Some(0x000f), ..Register::default() };
    let step = Step::WriteRegister { address: 7, value: Number(16.0), format };
    assert!(matches!(perform(device.as_mut(), &step), Err(DeviceError::Setup(_))));
    script.finish();
}

#[test]
fn nobody_is_asked_as_unit_0_of_a_serial_line() {
    let mut device = testing::device("plc", "modbus");
    device.keys.insert(String::from("unit"), KeyValue::Integer(0));
    let mut link = testing::link(502);
    link.connect =
        Connect::Serial { path: "/dev/x".into(), line: SerialLine::default(), protocol: Protocol::ModbusRtu };
    let made = Modbus.device(&Setup { device: &device, link: &link }, Box::new(Script::new()));
    assert!(made.is_err_and(|error| error.to_string().contains("1 to 247")));
}
