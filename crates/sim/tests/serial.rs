//! Instruments on ptys, through a real serial port library.
#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod common;

use std::{path::Path, time::Duration};

use common::{SOON, bench, rtu};
use killcord_sim::{Config, Fault, FaultKind, Running, Sim};
use serial2::SerialPort;

fn open(path: &Path) -> SerialPort {
    let mut port = SerialPort::open(path, 115_200).unwrap();
    port.set_read_timeout(SOON).unwrap();
    port
}

fn line(port: &SerialPort) -> String {
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        let mut byte = [0];
        port.read_exact(&mut byte).unwrap();
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap().trim_end().to_owned()
}

fn ask(port: &SerialPort, query: &str) -> String {
    port.write_all(format!("{query}\n").as_bytes()).unwrap();
    line(port)
}

fn supply_at(path: &Path) -> Running {
    bench(&format!(
        "[[instrument]]\nname = \"psu\"\nkind = \"supply\"\nlisten = \"pty://{}\"\n",
        path.display()
    ))
}

#[test]
fn a_supply_on_a_pty_outlives_its_clients() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("psu");
    let bench = supply_at(&path);
    assert_eq!(bench.addresses()["psu"].path(), Some(path.as_path()));
    let port = open(&path);
    port.write_all(b"VOLT 5;OUTP ON\n").unwrap();
    assert_eq!(ask(&port, "OUTP?"), "1");
    port.write_all(b"*IDN?\n").unwrap(); // its answer is never read
    let mut waiting = [rustix::event::PollFd::new(&port, rustix::event::PollFlags::IN)];
    assert_eq!(rustix::event::poll(&mut waiting, None), Ok(1));
    drop(port);
    let alone = bench.wait_until(|now| now.instruments["psu"].connections == 0, SOON).unwrap();
    assert_eq!(alone.energised("psu"), Some(true));
    let port = open(&path);
    assert_eq!(ask(&port, "VOLT?"), "5.0000", "the unread answer went with the last client");
    let names: Vec<_> = bench.inspect().commands.iter().map(|command| command.connection.clone()).collect();
    assert_ne!(names.first(), names.last());
    bench.stop();
    assert!(!path.exists(), "the link goes with the instrument");
}

#[test]
fn an_exclusive_port_is_free_again_after_its_last_close() {
    use rustix::termios::{ioctl_tiocexcl, ioctl_tiocnxcl};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("psu");
    let bench = supply_at(&path);
    let port = open(&path);
    ioctl_tiocexcl(&port).unwrap();
    assert_eq!(ask(&port, "*OPC?"), "1");
    drop(port);
    bench.wait_until(|now| now.instruments["psu"].connections == 0, SOON).unwrap();
    let port = open(&path); // root may open it in any case; others only because it is free
    assert_eq!(ask(&port, "*OPC?"), "1");
    ioctl_tiocnxcl(&port).unwrap();
}

#[test]
fn an_endless_answer_does_not_outlive_the_client_of_a_pty() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("psu");
    let bench = supply_at(&path);
    bench.fault("psu", Fault::new(FaultKind::Endless).times(1)).unwrap();
    let port = open(&path);
    port.write_all(b"VOLT?\n").unwrap();
    port.read_exact(&mut vec![0; 10_000]).unwrap();
    drop(port);
    bench.wait_until(|now| now.instruments["psu"].connections == 0, SOON).unwrap();
    let port = open(&path);
    port.discard_input_buffer().unwrap();
    port.write_all(b"*OPC?\n").unwrap();
    let mut last = line(&port);
    while last != "1" {
        last = line(&port); // the rest of the flood, ended by the instrument
    }
}

#[test]
fn an_unplugged_pty_is_an_error_for_its_client_and_comes_back_under_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("psu");
    let bench = supply_at(&path);
    let port = open(&path);
    port.write_all(b"OUTP ON\n").unwrap();
    assert_eq!(ask(&port, "OUTP?"), "1");
    bench.fault("psu", Fault::new(FaultKind::Unplugged)).unwrap();
    bench.wait_until(|now| !now.instruments["psu"].listening, SOON).unwrap();
    assert!(!path.exists());
    assert!(port.write_all(b"OUTP?\n").and_then(|()| port.read_exact(&mut [0])).is_err());
    bench.clear_faults("psu").unwrap();
    bench.wait_until(|now| now.instruments["psu"].listening, SOON).unwrap();
    assert_eq!(ask(&open(&path), "OUTP?"), "1");
}

#[test]
fn a_dropped_pty_hangs_up_and_is_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("psu");
    let bench = supply_at(&path);
    bench.fault("psu", Fault::new(FaultKind::Drop).times(1)).unwrap();
    let port = open(&path);
    port.write_all(b"OUTP ON\n").unwrap();
    assert!(port.read_exact(&mut [0]).is_err());
    bench.wait_until(|now| now.instruments["psu"].listening && path.exists(), SOON).unwrap();
    assert_eq!(ask(&open(&path), "OUTP?"), "0");
}

#[test]
fn a_file_in_the_links_place_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("psu");
    std::fs::write(&path, "precious").unwrap();
    let file =
        format!("[[instrument]]\nname = \"psu\"\nkind = \"supply\"\nlisten = \"pty://{}\"\n", path.display());
    let error = Sim::start(Config::parse(&file, "test.toml").unwrap()).unwrap_err();
    assert!(error.to_string().contains("psu cannot listen at"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn two_units_share_a_line_and_a_dead_one_leaves_the_other_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus");
    let unit = |name, unit| {
        let listen = format!("listen = \"pty://{}\"", path.display());
        format!("[[instrument]]\nname = \"{name}\"\nkind = \"furnace\"\nunit = {unit}\n{listen}\n")
    };
    let bench = bench(&format!("{}{}", unit("left", 1), unit("right", 2)));
    assert_eq!(bench.addresses()["left"], bench.addresses()["right"]);
    let mut port = open(&path);
    let exchange = |port: &SerialPort, unit, pdu: &[u8], answer: &[u8]| {
        port.write_all(&rtu(unit, pdu)).unwrap();
        let expected = rtu(unit, answer);
        let mut bytes = vec![0; expected.len()];
        port.read_exact(&mut bytes).unwrap();
        assert_eq!(bytes, expected);
    };
    exchange(&port, 1, &[5, 0, 0, 0xFF, 0], &[5, 0, 0, 0xFF, 0]);
    exchange(&port, 2, &[5, 0, 0, 0xFF, 0], &[5, 0, 0, 0xFF, 0]);
    exchange(&port, 2, &[43, 14, 1, 0], &[0xAB, 1]);

    bench.fault("left", Fault::new(FaultKind::Dead)).unwrap();
    port.write_all(&rtu(1, &[5, 0, 0, 0, 0])).unwrap();
    port.set_read_timeout(Duration::from_millis(200)).unwrap();
    assert!(port.read(&mut [0; 8]).is_err(), "nobody else answers for it");
    port.set_read_timeout(SOON).unwrap();
    exchange(&port, 2, &[5, 0, 0, 0, 0], &[5, 0, 0, 0, 0]);
    let now = bench.inspect();
    assert_eq!((now.switch("left", "heater"), now.switch("right", "heater")), (Some(true), Some(false)));

    // Noise, a wrong checksum and a strange unit: no answer; the broadcast: done, not answered.
    bench.clear_faults("left").unwrap();
    port.write_all(&[1, 5, 0, 0, 0, 0, 0, 0]).unwrap();
    let quiet = |port: &mut SerialPort| {
        port.set_read_timeout(Duration::from_millis(150)).unwrap();
        assert!(port.read(&mut [0; 8]).is_err());
        port.set_read_timeout(SOON).unwrap();
    };
    quiet(&mut port);
    port.write_all(&rtu(9, &[5, 0, 0, 0, 0])).unwrap();
    quiet(&mut port);
    port.write_all(&rtu(0, &[5, 0, 0, 0, 0])).unwrap();
    quiet(&mut port);
    bench.wait_until(|now| now.switch("left", "heater") == Some(false), SOON).unwrap();
    assert_eq!(bench.inspect().received("right").last(), Some(&"write_coil 0 false"));
}
