//! Serial lines, on ptys: a master that plays the device, and the real slave.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod common;

use std::{
    fs::File,
    io::Write as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use common::{
    Bench, PATIENCE, Seen,
    pty::{Pty, alone},
    run, take_over, text,
};
use killcord_core::{
    DevicePlan, LinkPlan, Plan, Step, Value,
    plan::{Connect, Failure, KeyValue, Parity, Protocol, SerialLine, Terminator, Work},
    step::{Register, Table},
};
use killcord_device::{Lane, LinkEvent, testing};
use rustix::fs::{FlockOperation, flock};

fn lines() -> Protocol {
    Protocol::Line { terminator: Terminator::Lf }
}

fn written(seen: &Seen<(Instant, Vec<u8>)>) -> String {
    seen.all().into_iter().map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned()).collect()
}

fn one(link: LinkPlan) -> Plan {
    testing::plan(vec![link], vec![testing::device("psu", "line")])
}

#[test]
fn a_serial_device_is_asked_and_told_whatever_its_settings() {
    let _alone = alone();
    let pty = Pty::open();
    let seen = pty.play(|bytes| if bytes.ends_with(b"?\r\n") { b"12.0\r\n".to_vec() } else { Vec::new() });
    let line = SerialLine { baud: 19_200, parity: Parity::Even, stop_bits: 2, ..SerialLine::default() };
    let bench =
        Bench::start(one(pty.link(Protocol::Line { terminator: Terminator::Crlf }, line)), Vec::new());
    bench.open(0).outcome.unwrap();
    assert_eq!(text(&bench.query(0, "VOLT?")).as_deref(), Some("12.0"));
    bench.safe(0, Step::Bytes(vec![0x18])).outcome.unwrap();
    assert_eq!(bench.run(0, Work::Close, Lane::Safe).outcome, Ok(None));
    seen.wait_for("0x18", |(_, bytes)| bytes == b"\x18");
    assert_eq!(written(&seen), "VOLT?\r\n\u{18}");
}

#[test]
fn a_port_that_another_program_holds_is_told_so() {
    let _alone = alone();
    let pty = Pty::open();
    let other = File::options().read(true).write(true).open(&pty.path).unwrap();
    flock(&other, FlockOperation::NonBlockingLockExclusive).unwrap();
    let bench = Bench::start(one(pty.link(lines(), SerialLine::default())), Vec::new());
    let refused = bench.open(0);
    assert!(
        matches!(&refused.outcome, Err(Failure::Disconnected(why)) if why.contains("is in use by")),
        "{refused:?}"
    );
    flock(&other, FlockOperation::Unlock).unwrap();
    bench.events.wait_for("opened", |event| matches!(event, LinkEvent::Opened { .. }));
    // And now it is ours: by flock, which holds for root too.
    assert!(flock(&other, FlockOperation::NonBlockingLockExclusive).is_err());
}

#[test]
fn a_port_that_is_not_there_says_so() {
    let _alone = alone();
    let mut link = Pty::open().link(lines(), SerialLine::default());
    if let Connect::Serial { path, .. } = &mut link.connect {
        *path = PathBuf::from("/dev/serial/by-id/usb-nobody");
    }
    let bench = Bench::start(one(link), Vec::new());
    let refused = bench.open(0);
    assert!(
        matches!(&refused.outcome, Err(Failure::Disconnected(why)) if why.contains("plugged in")),
        "{refused:?}"
    );
}

#[test]
fn a_port_whose_other_side_is_gone_is_lost() {
    let _alone = alone();
    let pty = Pty::open();
    let bench = Bench::start(one(pty.link(lines(), SerialLine::default())), Vec::new());
    bench.open(0).outcome.unwrap();
    drop(pty);
    bench.events.wait_for("lost", |event| matches!(event, LinkEvent::Lost { .. }));
    assert!(matches!(bench.safe(0, Step::send("OUTP OFF")).outcome, Err(Failure::Disconnected(_))));
}

#[test]
fn what_was_queued_before_is_nobodys_answer() {
    let _alone = alone();
    let pty = Pty::open();
    let _keeps_it_open = File::options().read(true).write(true).open(&pty.path).unwrap();
    (&pty.master).write_all(b"0\n0\n").unwrap();
    let _seen = pty.play(|bytes| if bytes == b"OUTP?\n" { b"1\n".to_vec() } else { Vec::new() });
    let bench = Bench::start(one(pty.link(lines(), SerialLine::default())), Vec::new());
    bench.open(0).outcome.unwrap();
    assert_eq!(text(&bench.query(0, "OUTP?")).as_deref(), Some("1"));
}

#[test]
fn a_line_taken_over_begins_with_a_terminator_and_its_old_replies_are_nobodys_name() {
    let _alone = alone();
    let pty = Pty::open();
    // The reply to the last user's question comes when the name is asked for.
    let seen =
        pty.play(
            |bytes| {
                if bytes.ends_with(b"*IDN?\n") { b"12.01\nHAMEG,HMP4040\n".to_vec() } else { Vec::new() }
            },
        );
    let mut plan = one(pty.link(lines(), SerialLine::default()));
    plan.devices[0].id = Some(Step::query("*IDN?"));
    plan.devices[0].expect_id = Some(String::from("HAMEG"));
    let links = take_over(&plan, Vec::new());
    let opened = run(&links, Work::Open);
    assert_eq!((text(&opened).as_deref(), opened.out_of_step), (Some("HAMEG,HMP4040"), false));
    run(&links, Work::Step(Step::send("OUTP OFF"))).outcome.unwrap();
    seen.wait_for("off", |(_, bytes)| bytes.ends_with(b"OUTP OFF\n"));
    assert_eq!(written(&seen), "\n*IDN?\nOUTP OFF\n");
}

#[test]
fn a_line_taken_over_from_a_device_without_a_name_is_out_of_step() {
    let _alone = alone();
    let pty = Pty::open();
    let _seen = pty.play(|_| Vec::new());
    let plan = one(pty.link(lines(), SerialLine::default()));
    let links = take_over(&plan, Vec::new());
    let opened = run(&links, Work::Open);
    assert_eq!((opened.outcome, opened.out_of_step), (Ok(None), true));
    let resync = run(&links, Work::Resync);
    assert_eq!((resync.outcome, resync.out_of_step), (Ok(None), false));
}

#[test]
fn on_a_line_that_devices_share_an_exchange_is_waited_for() {
    let _alone = alone();
    let pty = Pty::open();
    let seen = pty.play(|bytes| {
        if bytes == b"SLOW?\n" {
            std::thread::sleep(Duration::from_millis(200));
            return b"7\n".to_vec();
        }
        Vec::new()
    });
    let line = SerialLine { multi_drop: true, ..SerialLine::default() };
    let mut plan = one(pty.link(lines(), line));
    plan.devices[0].timeout = Duration::from_secs(5);
    let bench = Bench::start(plan, Vec::new());
    bench.open(0).outcome.unwrap();
    let slow = bench.submit(0, Work::Step(Step::query("SLOW?")), Lane::Query);
    seen.wait_for("the question", |(_, bytes)| bytes == b"SLOW?\n");
    let told = bench.safe(0, Step::send("OUTP OFF"));
    assert_eq!((told.outcome, told.out_of_step), (Ok(None), false));
    assert_eq!(text(&slow.recv_timeout(PATIENCE).unwrap()).as_deref(), Some("7"));
}

#[test]
fn a_port_whose_device_takes_no_bytes_is_closed_in_time() {
    let _alone = alone();
    let pty = Pty::open();
    let bench = Bench::start(one(pty.link(lines(), SerialLine::default())), Vec::new());
    bench.open(0).outcome.unwrap();
    // Nobody reads the master: the kernel holds what is written.
    bench.safe(0, Step::send("x".repeat(2_000))).outcome.unwrap();
    let began = Instant::now();
    assert_eq!(bench.run(0, Work::Close, Lane::Safe).outcome, Ok(None));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

// ---- Modbus RTU ----

/// CRC-16/MODBUS, written a second time: the driver's own must not check itself.
fn rtu(frame: &[u8]) -> Vec<u8> {
    let mut crc = 0xffff_u16;
    for byte in frame {
        crc ^= u16::from(*byte);
        for _ in 0..8 {
            let carry = crc & 1 == 1;
            crc >>= 1;
            if carry {
                crc ^= 0xa001;
            }
        }
    }
    let mut framed = frame.to_vec();
    framed.extend(crc.to_le_bytes());
    framed
}

fn unit(name: &str, unit: i64) -> DevicePlan {
    let mut device = testing::device(name, "modbus");
    device.keys.insert(String::from("unit"), KeyValue::Integer(unit));
    device
}

fn coil(address: u16) -> Step {
    Step::Read { table: Table::Coil, address, format: Register::default() }
}

#[test]
fn of_two_units_on_one_line_the_mute_one_spoils_nothing_for_the_other() {
    let _alone = alone();
    let pty = Pty::open();
    let seen = pty.play(|bytes| match bytes {
        [2, 1, ..] => rtu(&[2, 1, 1, 1]),
        [2, 5, ..] => bytes.to_vec(),
        _ => Vec::new(),
    });
    let link = pty.link(Protocol::ModbusRtu, SerialLine { baud: 115_200, ..SerialLine::default() });
    let mut plan = testing::plan(vec![link], vec![unit("mute", 1), unit("good", 2)]);
    plan.devices[0].timeout = Duration::from_millis(50);
    let bench = Bench::start(plan, Vec::new());
    bench.open(0).outcome.unwrap();
    bench.open(1).outcome.unwrap();
    for _ in 0..3 {
        let mute = bench.safe(0, Step::WriteCoil { address: 0, value: false });
        assert_eq!((mute.outcome, mute.out_of_step), (Err(Failure::Timeout), true));
        let good = bench.safe(1, Step::WriteCoil { address: 0, value: false });
        assert_eq!((good.outcome, good.out_of_step), (Ok(None), false));
        let read = bench.safe(1, coil(0));
        assert_eq!((read.outcome, read.out_of_step), (Ok(Some(Value::Truth(true))), false));
    }
    assert_eq!(seen.all().into_iter().filter(|(_, bytes)| bytes[0] == 1).count(), 3);
}

#[test]
fn a_unit_that_was_late_is_believed_only_after_an_echo_of_its_own() {
    let _alone = alone();
    let pty = Pty::open();
    let mut asked = 0;
    let _seen = pty.play(move |bytes| match bytes {
        // The first reply comes late, and says that the coil is off.
        [1, 1, ..] if asked == 0 => {
            asked += 1;
            std::thread::sleep(Duration::from_millis(150));
            rtu(&[1, 1, 1, 0])
        }
        [1, 1, ..] => rtu(&[1, 1, 1, 1]),
        [1, 8, ..] => bytes.to_vec(),
        _ => Vec::new(),
    });
    let link = pty.link(Protocol::ModbusRtu, SerialLine { baud: 115_200, ..SerialLine::default() });
    let mut plan = testing::plan(vec![link], vec![unit("plc", 1)]);
    plan.devices[0].timeout = Duration::from_millis(100);
    let bench = Bench::start(plan, Vec::new());
    bench.open(0).outcome.unwrap();
    let late = bench.safe(0, coil(0));
    assert_eq!((late.outcome, late.out_of_step), (Err(Failure::Timeout), true));
    let resync = bench.run(0, Work::Resync, Lane::Safe);
    assert_eq!((resync.outcome, resync.out_of_step), (Ok(None), false));
    let read = bench.safe(0, coil(0));
    assert_eq!((read.outcome, read.out_of_step), (Ok(Some(Value::Truth(true))), false));
}

#[test]
fn a_line_full_of_noise_ends_in_time() {
    let _alone = alone();
    let pty = Pty::open();
    let mut master = pty.master.try_clone().unwrap();
    let _keeps_it_open = File::options().read(true).write(true).open(&pty.path).unwrap();
    let link = pty.link(Protocol::ModbusRtu, SerialLine { baud: 115_200, ..SerialLine::default() });
    let bench = Bench::start(testing::plan(vec![link], vec![unit("plc", 1)]), Vec::new());
    bench.open(0).outcome.unwrap();
    std::thread::spawn(move || while master.write_all(&[1, 1, 0x55, 0xaa]).is_ok() {});
    let began = Instant::now();
    let read = bench.safe(0, coil(0));
    assert!(read.outcome.is_err(), "{read:?}");
    let resync = bench.run(0, Work::Resync, Lane::Safe);
    assert!(resync.outcome.is_err() && resync.out_of_step, "{resync:?}");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}
