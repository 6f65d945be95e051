//! The instruments of others answer, and their witnesses see what happened.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use killcord_tests::peers::{Furnace, Julabo, PtyPair, Scpi, ask};
use killcord_tests::place;
use killcord_tests::process::Launch;
use killcord_tests::wait::{SOON, until_true};

fn tell(port: u16, command: &str) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(command.as_bytes()).unwrap();
}

#[test]
fn scpi_instruments_answer_and_their_log_gives_the_order_of_commands() {
    let peers = Scpi::start();
    assert!(ask(peers.pace(), "*IDN?").unwrap().contains("PACE5000"));
    assert!(ask(peers.cryocon(), "*IDN?").unwrap().contains("Cryo-con"));
    assert!(!peers.pace_is_on() && !peers.cryocon_is_on());

    tell(peers.pace(), ":OUTP1:STAT 1\n");
    until_true("the pressure controller to be on", SOON, || peers.pace_is_on());
    std::fs::File::options().write(true).open(peers.cryocon_pty()).unwrap().write_all(b"CONTROL\n").unwrap();
    until_true("the temperature controller to be on", SOON, || peers.cryocon_is_on());
    tell(peers.pace(), ":OUTP1:STAT 0\n");
    until_true("the pressure controller to be off", SOON, || !peers.pace_is_on());

    let seen = || peers.commands().iter().map(ToString::to_string).collect::<Vec<String>>();
    // The instrument acts first and notes it then.
    until_true("all of it to be noted", SOON, || seen().len() >= 3);
    let seen = seen();
    assert_eq!(
        seen,
        ["pace :OUTP1:STAT 1", "cryocon CONTROL", "pace :OUTP1:STAT 0"],
        "each command once, in order, and no query among them"
    );
}

fn mbpoll(furnace: &Furnace, args: &[&str]) {
    let port = furnace.port().to_string();
    let ended = Launch::new(place::system("mbpoll"))
        .args(["-m", "tcp", "-p", &port, "-a", "1", "-0", "-q", "-1"])
        .args(args)
        .run(SOON);
    assert!(ended.status.success(), "{}", ended.stderr);
}

#[test]
fn the_furnace_counts_reads_and_writes_of_each_register() {
    let furnace = Furnace::start();
    assert_eq!((furnace.register(10).value(), furnace.register(11).writes()), (25, 0));
    mbpoll(&furnace, &["-t", "4", "-r", "11", "127.0.0.1", "850"]);
    assert_eq!((furnace.register(11).value(), furnace.register(11).writes()), (850, 1));
    assert!(!furnace.is_on());
    mbpoll(&furnace, &["-t", "0", "-r", "32", "127.0.0.1", "1"]);
    assert!(furnace.is_on());
    assert_eq!(furnace.register(2).writes(), 1);
    let seen: Vec<String> = furnace.commands().iter().map(ToString::to_string).collect();
    assert_eq!(seen, ["furnace write_register 11 850", "furnace write_coil 32 true"]);
    furnace.set(10, 131);
    assert_eq!(furnace.register(10).value(), 131);
}

#[test]
fn the_furnace_answers_on_a_serial_line() {
    let line = PtyPair::start();
    let furnace = Furnace::start_on(&line);
    let ended = Launch::new(place::system("mbpoll"))
        .args(["-m", "rtu", "-b", "19200", "-P", "none", "-a", "1", "-0", "-q", "-1", "-t", "4", "-r", "11"])
        .arg(line.a())
        .arg("700")
        .run(SOON);
    assert!(ended.status.success(), "{}{}", ended.stdout, ended.stderr);
    assert_eq!((furnace.register(11).value(), furnace.register(11).writes()), (700, 1));
}

#[test]
fn the_bath_runs_and_its_link_can_be_cut() {
    let bath = Julabo::start();
    assert!(!bath.is_circulating());
    let mut line = TcpStream::connect(("127.0.0.1", bath.port())).unwrap();
    line.set_read_timeout(Some(SOON)).unwrap();
    line.write_all(b"OUT_MODE_05 1\r").unwrap();
    until_true("the pump to run", SOON, || bath.is_circulating());
    bath.cut();
    line.write_all(b"IN_MODE_05\r").ok();
    let mut answer = Vec::new();
    line.read_to_end(&mut answer).ok();
    assert!(!String::from_utf8_lossy(&answer).contains("1\r\n"), "answered over a link that was cut");
    let mut again = TcpStream::connect(("127.0.0.1", bath.port()));
    if let Ok(again) = &mut again {
        again.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        again.write_all(b"IN_MODE_05\r").ok();
        let mut answer = [0; 8];
        assert!(!matches!(again.read(&mut answer), Ok(1..)), "answered over a link that was cut");
    }
    assert!(bath.is_circulating(), "cutting the link stops no pump");
}
