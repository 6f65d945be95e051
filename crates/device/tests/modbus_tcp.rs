//! Modbus TCP on real sockets: transactions, late replies, and what is no Modbus.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod common;

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use common::Bench;
use killcord_core::{
    Plan, Step, Value,
    plan::{Connect, Failure, KeyValue, Protocol, Work},
    step::{Register, Table},
};
use killcord_device::{Lane, testing};

/// A server; `answers` is given each request (header and all) and the stream. Returns its port and how many
/// connections it was given.
fn server(answers: impl Fn(&[u8], &mut TcpStream) + Send + Sync + 'static) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let (count, answers) = (connections.clone(), Arc::new(answers));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            count.fetch_add(1, Ordering::SeqCst);
            let answers = answers.clone();
            std::thread::spawn(move || {
                let mut request = [0; 12];
                while stream.read_exact(&mut request).is_ok() {
                    answers(&request, &mut stream);
                }
            });
        }
    });
    (port, connections)
}

/// The reply to `request` with this PDU.
fn reply(request: &[u8], pdu: &[u8]) -> Vec<u8> {
    let mut frame = request[..4].to_vec();
    frame.extend(u16::try_from(pdu.len() + 1).unwrap().to_be_bytes());
    frame.push(request[6]);
    frame.extend(pdu);
    frame
}

fn plan(port: u16, units: &[i64]) -> Plan {
    let mut link = testing::link(port);
    link.connect = Connect::Tcp { host: String::from("127.0.0.1"), port, protocol: Protocol::ModbusTcp };
    let devices = units.iter().map(|unit| {
        let mut device = testing::device(&format!("unit{unit}"), "modbus");
        device.keys.insert(String::from("unit"), KeyValue::Integer(*unit));
        device
    });
    testing::plan(vec![link], devices.collect())
}

fn coil(address: u16) -> Step {
    Step::Read { table: Table::Coil, address, format: Register::default() }
}

#[test]
fn a_late_reply_is_told_by_its_transaction_and_never_counts() {
    let (port, connections) = server(|request, stream| {
        let _gone = match request[9] {
            // Coil 7 is slow, and off; coil 0 is on.
            7 => {
                std::thread::sleep(Duration::from_millis(300));
                stream.write_all(&reply(request, &[1, 1, 0]))
            }
            _ => stream.write_all(&reply(request, &[1, 1, 1])),
        };
    });
    let mut plan = plan(port, &[1]);
    plan.devices[0].timeout = Duration::from_millis(250);
    let bench = Bench::start(plan, Vec::new());
    bench.open(0).outcome.unwrap();
    let late = bench.safe(0, coil(7));
    assert_eq!((late.outcome, late.out_of_step), (Err(Failure::Timeout), true));
    let read = bench.safe(0, coil(0));
    assert_eq!(read.outcome, Ok(Some(Value::Truth(true))), "the late `off` was passed over");
    assert!(read.out_of_step);
    let resync = bench.run(0, Work::Resync, Lane::Safe);
    assert_eq!((resync.outcome, resync.out_of_step), (Ok(None), false));
    assert_eq!(bench.safe(0, coil(0)).outcome, Ok(Some(Value::Truth(true))));
    // Behind an exchange on it: a connection is made before the server's thread has taken and counted it.
    assert_eq!(connections.load(Ordering::SeqCst), 2, "the connection was replaced");
}

#[test]
fn a_replaced_connection_serves_the_other_unit_too() {
    let (port, connections) = server(|request, stream| {
        if request[6] == 2 {
            let _gone = stream.write_all(&reply(request, &[1, 1, 1]));
        }
    });
    let bench = Bench::start(plan(port, &[1, 2]), Vec::new());
    bench.open(0).outcome.unwrap();
    bench.open(1).outcome.unwrap();
    assert_eq!(bench.safe(0, coil(0)).outcome, Err(Failure::Timeout));
    bench.run(0, Work::Resync, Lane::Safe).outcome.unwrap();
    let read = bench.safe(1, coil(0));
    assert_eq!((read.outcome, read.out_of_step), (Ok(Some(Value::Truth(true))), false));
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

#[test]
fn what_does_not_speak_modbus_is_left() {
    let (port, _) = server(|_, stream| {
        let _gone = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let bench = Bench::start(plan(port, &[1]), Vec::new());
    bench.open(0).outcome.unwrap();
    let read = bench.safe(0, coil(0));
    assert!(
        matches!(&read.outcome, Err(Failure::Disconnected(why)) if why.contains("Modbus TCP")),
        "{read:?}"
    );
}

#[test]
fn a_refusal_is_an_answer_in_step() {
    let (port, _) = server(|request, stream| {
        let _gone = stream.write_all(&reply(request, &[0x81, 11]));
    });
    let bench = Bench::start(plan(port, &[1]), Vec::new());
    bench.open(0).outcome.unwrap();
    let read = bench.safe(0, coil(0));
    assert!(matches!(&read.outcome, Err(Failure::Refused(why)) if why.contains("wiring")), "{read:?}");
    assert!(!read.out_of_step);
}

#[test]
fn a_safe_write_goes_out_behind_a_read_in_flight() {
    let (read, was_read) = std::sync::mpsc::sync_channel(1);
    let (port, _) = server(move |request, stream| match request[7] {
        // The read is never answered.
        1 => read.send(()).unwrap(),
        _ => drop(stream.write_all(&reply(request, &request[7..12]))),
    });
    let mut plan = plan(port, &[1]);
    plan.devices[0].timeout = Duration::from_secs(10);
    let bench = Bench::start(plan, Vec::new());
    bench.open(0).outcome.unwrap();
    let reading = bench.submit(0, Work::Step(coil(0)), Lane::Query);
    was_read.recv_timeout(common::PATIENCE).unwrap();
    let told = bench.safe(0, Step::WriteCoil { address: 0, value: false });
    assert_eq!(told.outcome, Ok(None));
    assert!(reading.recv().unwrap().outcome.is_err());
}
