//! Modbus, over TCP and RTU: a unit is read and written, and answers whatever the input says.

use std::time::Duration;

use killcord_core::{
    Number, Step, Value,
    plan::{Connect, KeyValue, Protocol, SerialLine},
    step::{Register, RegisterType, Table, WordOrder},
};
use killcord_device::{Device, DeviceError, Driver, Setup, drivers::modbus::Modbus, testing};

use crate::{
    belief,
    far::Far,
    feed::Feed,
    modbus_far::{Frame, answers, compose_rtu, compose_tcp, is_frame, request},
};

const LIMIT: Duration = Duration::from_secs(1);
/// As many steps as any sequence needs to get out of step and in step again.
const STEPS: u8 = 12;

/// The first byte chooses the line, the second the unit; then come steps and, as they are read, answers.
///
/// - Whatever is written is a frame of the standard.
/// - A value is believed, and a write confirmed, only where the unit's own good answer to that very question came:
///   over RTU behind the question, over TCP with its transaction.
/// - The value is the one that the answer's registers hold, and not-a-number satisfies no condition.
/// - What is written into registers reads back as what was meant, or is refused before a byte goes out.
/// - No call stays beyond its deadline.
///
/// # Panics
/// When one of these does not hold.
pub fn modbus(bytes: &[u8]) {
    let mut feed = Feed::new(bytes);
    let line = feed.byte();
    let protocol = if line & 1 == 0 { Protocol::ModbusTcp } else { Protocol::ModbusRtu };
    let (frame, compose) = match protocol {
        Protocol::ModbusTcp => (Frame::Tcp, compose_tcp as fn(&mut Feed, &[u8]) -> Vec<u8>),
        _ => (Frame::Rtu, compose_rtu as fn(&mut Feed, &[u8]) -> Vec<u8>),
    };
    let mut plan = testing::device("plc", "modbus");
    plan.keys.insert(String::from("unit"), KeyValue::Integer(feed.byte().into()));
    let mut link = testing::link(502);
    link.connect = if line & 2 == 0 {
        Connect::Tcp { host: String::new(), port: 502, protocol }
    } else {
        // Fast, so that the silence between two frames is a short one.
        let line = SerialLine { baud: 115_200, ..SerialLine::default() };
        Connect::Serial { path: "/dev/null".into(), line, protocol }
    };
    let far = Far::new(feed, compose);
    let Ok(device) = Modbus.device(&Setup { device: &plan, link: &link }, Box::new(far.clone())) else {
        return;
    };
    converse(device, &far, frame);
}

fn converse(mut device: Box<dyn Device>, far: &Far, frame: Frame) {
    if far.call(LIMIT, |cx| device.open(cx)).is_err() {
        return;
    }
    for _ in 0..STEPS {
        if far.state().feed.is_empty() {
            break;
        }
        let step = step(&mut far.state().feed);
        let writes = far.state().writes;
        let outcome = far.call(LIMIT, |cx| device.perform(&step, cx));
        let wrote = far.state().writes > writes;
        judge(&step, &outcome, far, frame, wrote);
        // As a link's thread does.
        let brought = match outcome {
            Err(error) if error.is_disconnected() => far.call(LIMIT, |cx| device.open(cx)).map(drop),
            Err(error) if error.leaves_out_of_step() => far.call(LIMIT, |cx| device.resync(cx)),
            _ => Ok(()),
        };
        if brought.is_err() {
            break;
        }
    }
    let _closed = far.call(LIMIT, |cx| device.close(cx));
}

fn step(feed: &mut Feed) -> Step {
    let kind = feed.byte();
    let address = feed.word();
    match kind % 8 {
        0 => Step::Read { table: Table::Coil, address, format: Register::default() },
        1 => Step::Read { table: Table::Discrete, address, format: Register::default() },
        2 | 3 => Step::Read { table: Table::Register, address, format: format(feed) },
        4 => Step::Read { table: Table::Input, address, format: format(feed) },
        5 => Step::WriteCoil { address, value: kind & 0x80 != 0 },
        _ => Step::WriteRegister { address, value: Number(feed.number()), format: format(feed) },
    }
}

/// As a rig file may have it: a scale that is not zero, a mask for one unsigned register alone.
fn format(feed: &mut Feed) -> Register {
    let how = feed.byte();
    let r#type = match how % 5 {
        0 => RegisterType::U16,
        1 => RegisterType::I16,
        2 => RegisterType::U32,
        3 => RegisterType::I32,
        _ => RegisterType::F32,
    };
    let words = if how & 0x10 == 0 { WordOrder::BigEndian } else { WordOrder::LittleEndian };
    let scale = if how & 0x20 == 0 { 1.0 } else { feed.number() };
    let offset = if how & 0x40 == 0 { 0.0 } else { feed.number() };
    let mask = (how & 0x80 != 0 && r#type == RegisterType::U16).then(|| feed.word().max(1));
    Register {
        r#type,
        words,
        scale: Number(if scale == 0.0 { 1.0 } else { scale }),
        offset: Number(offset),
        mask,
    }
}

fn judge(step: &Step, outcome: &Result<Option<Value>, DeviceError>, far: &Far, frame: Frame, wrote: bool) {
    let state = far.state();
    if wrote {
        assert!(is_frame(frame, &state.written), "{:02x?} is no frame", state.written);
    }
    let Ok(value) = outcome else {
        if let Err(DeviceError::Setup(_)) = outcome {
            assert!(!is_write(frame, &state.written) || !wrote, "refused, and written all the same");
        }
        return;
    };
    let answers = answers(frame, &state.written, &state.since, &state.came);
    assert!(!answers.is_empty(), "{step} was believed, and nobody said so");
    match (step, value) {
        (Step::Read { table: Table::Coil | Table::Discrete, .. }, Some(Value::Truth(on))) => {
            assert!(answers.iter().any(|answer| (answer[2] & 1 == 1) == *on), "no answer says {on}");
        }
        (Step::Read { format, .. }, Some(value @ Value::Number(number))) => {
            let said = answers.iter().any(|answer| near(number.0, held(&answer[2..], *format), *format));
            assert!(said, "no answer holds {number}");
            belief::contradictions(value);
        }
        (Step::WriteCoil { .. }, None) => {}
        (Step::WriteRegister { value, format, .. }, None) => written(value.0, *format, frame, &state.written),
        other => panic!("{other:?} is no outcome"),
    }
}

fn is_write(frame: Frame, written: &[u8]) -> bool {
    request(frame, written).is_some_and(|(_, request)| matches!(request.first(), Some(5 | 6 | 16)))
}

/// The number in registers (two bytes each), before scale and offset are applied to it.
fn raw(bytes: &[u8], format: Register) -> f64 {
    let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    let wide = || match format.words {
        WordOrder::BigEndian => u32::from(word(0)) * 65_536 + u32::from(word(2)),
        WordOrder::LittleEndian => u32::from(word(2)) * 65_536 + u32::from(word(0)),
    };
    match format.r#type {
        RegisterType::U16 => f64::from(word(0) & format.mask.unwrap_or(0xffff)),
        RegisterType::I16 => f64::from(i16::from_be_bytes([bytes[0], bytes[1]])),
        RegisterType::U32 => f64::from(wide()),
        RegisterType::I32 => f64::from(i32::from_be_bytes(wide().to_be_bytes())),
        RegisterType::F32 => f64::from(f32::from_bits(wide())),
    }
}

fn held(bytes: &[u8], format: Register) -> f64 {
    raw(bytes, format) * format.scale.0 + format.offset.0
}

/// The same number, but for the last bits of the arithmetic.
fn near(a: f64, b: f64, format: Register) -> bool {
    a == b
        || (a.is_nan() && b.is_nan())
        || (a - b).abs() <= 1e-9 * (a.abs() + b.abs() + format.offset.0.abs())
}

/// The registers that were written hold what was meant, to half a count.
fn written(meant: f64, format: Register, frame: Frame, written: &[u8]) {
    let (_, request) = request(frame, written).expect("a frame");
    let data = match request {
        [6, _, _, data @ ..] => data,
        [16, _, _, _, _, _, data @ ..] => data,
        _ => panic!("{request:02x?} writes no register"),
    };
    let raw = raw(data, format);
    let count = match format.r#type {
        RegisterType::F32 => raw.abs() * f64::from(f32::EPSILON) + f64::from(f32::MIN_POSITIVE),
        _ => 0.5,
    };
    // In counts: a number in its unit may be the largest that there is, and half a count more is none.
    let (wanted, offset) = ((meant - format.offset.0) / format.scale.0, format.offset.0 / format.scale.0);
    let off = (raw - wanted).abs();
    let allowed = count * (1.0 + 1e-9) + 1e-9 * (raw.abs() + offset.abs());
    assert!(off <= allowed, "{meant} was meant, and is {off} counts off in {data:02x?} ({format:?})");
}
