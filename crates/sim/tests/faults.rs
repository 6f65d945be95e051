//! Each fault, as a client feels it.
#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod common;

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use common::{FURNACE, SOON, SUPPLY, Scpi, bench, modbus, tcp};
use killcord_sim::{Fault, FaultError, FaultKind, Readback};

/// Long enough that an answer would have come, were there one.
const A_WHILE: Duration = Duration::from_millis(200);

#[test]
fn a_mute_instrument_does_what_it_is_told_and_says_nothing() {
    let bench = bench(SUPPLY);
    let mut psu = Scpi::connect(&bench, "psu");
    bench.fault("psu", Fault::new(FaultKind::Mute)).unwrap();
    psu.send("OUTP ON");
    psu.send("OUTP?");
    assert!(psu.silent_for(A_WHILE));
    assert_eq!(bench.inspect().energised("psu"), Some(true));
    bench.clear_faults("psu").unwrap();
    assert_eq!(psu.ask("OUTP?"), "1");
}

#[test]
fn a_dead_instrument_neither_acts_nor_answers() {
    let bench = bench(SUPPLY);
    let mut psu = Scpi::connect(&bench, "psu");
    bench.fault("psu", Fault::new(FaultKind::Dead)).unwrap();
    psu.send("OUTP ON;OUTP?");
    assert!(psu.silent_for(A_WHILE));
    let now = bench.inspect();
    assert_eq!(now.energised("psu"), Some(false));
    assert_eq!(now.received("psu"), ["OUTP ON", "OUTP?"]);
    assert!(now.commands.iter().all(|command| command.performed_ms.is_none()));
}

#[test]
fn a_fault_may_be_limited_to_a_prefix_and_a_count() {
    let bench = bench(SUPPLY);
    let mut psu = Scpi::connect(&bench, "psu");
    bench.fault("psu", Fault::new(FaultKind::Mute).on("MEAS").times(2)).unwrap();
    assert_eq!(psu.ask("OUTP?"), "0");
    psu.send("MEAS:VOLT?");
    psu.send("meas:curr?");
    assert_eq!(psu.ask("VOLT?"), "0.0000", "the first answer to come is this one's");
    assert!(psu.ask("MEAS:VOLT?").starts_with(['0', '-']));
    assert!(bench.inspect().instruments["psu"].faults.is_empty());
}

#[test]
fn an_instrument_that_does_not_read_performs_it_later_even_when_the_client_is_gone() {
    let bench = bench(SUPPLY);
    let mut psu = Scpi::connect(&bench, "psu");
    assert_eq!(psu.ask("*OPC?"), "1");
    bench.fault("psu", Fault::new(FaultKind::NotReading)).unwrap();
    psu.send("OUTP ON");
    drop(psu);
    assert!(bench.wait_until(|now| now.energised("psu") == Some(true), A_WHILE).is_err());
    assert_eq!(bench.inspect().received("psu"), ["*OPC?"]);
    bench.clear_faults("psu").unwrap();
    bench.wait_until(|now| now.energised("psu") == Some(true), SOON).unwrap();
}

#[test]
fn an_instrument_that_does_not_read_lets_the_clients_buffer_run_full() {
    let bench = bench(SUPPLY);
    bench.fault("psu", Fault::new(FaultKind::NotReading)).unwrap();
    let mut psu = TcpStream::connect(tcp(&bench, "psu")).unwrap();
    psu.set_nonblocking(true).unwrap();
    let full = (0..10_000).find_map(|_| psu.write(&[b'\n'; 64 * 1024]).err());
    assert_eq!(full.unwrap().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn a_slow_instrument_is_busy_until_it_answers_but_notes_when_the_bytes_came() {
    let bench = bench(SUPPLY);
    let mut psu = Scpi::connect(&bench, "psu");
    assert_eq!(psu.ask("*OPC?"), "1");
    bench.fault("psu", Fault::new(FaultKind::Slow).delay(Duration::from_millis(400)).on("MEAS")).unwrap();
    let asked = Instant::now();
    psu.send("MEAS:VOLT?");
    psu.send("OUTP ON");
    psu.line();
    assert!(asked.elapsed() >= Duration::from_millis(400));
    let now = bench.wait_until(|now| now.energised("psu") == Some(true), SOON).unwrap();
    let on = now.commands.iter().find(|command| command.text == "OUTP ON").unwrap();
    assert!(on.performed_ms.unwrap() - on.t_ms > 300.0, "{on:?}");
}

#[test]
fn late_answers_come_in_order_after_everything_was_done() {
    let bench = bench(SUPPLY);
    let mut psu = Scpi::connect(&bench, "psu");
    psu.send("VOLT 7");
    bench.fault("psu", Fault::new(FaultKind::Late).delay(Duration::from_millis(400)).times(1)).unwrap();
    let asked = Instant::now();
    psu.send("VOLT?");
    psu.send("OUTP ON");
    psu.send("OUTP?");
    bench.wait_until(|now| now.energised("psu") == Some(true), SOON).unwrap();
    assert!(asked.elapsed() < Duration::from_millis(400), "acts at once");
    assert_eq!(psu.line(), "7.0000");
    assert!(asked.elapsed() >= Duration::from_millis(400));
    assert_eq!(psu.line(), "1");
}

#[test]
fn garbage_and_another_identity_are_answered_on_demand() {
    let bench = bench(SUPPLY);
    let mut psu = Scpi::connect(&bench, "psu");
    bench.fault("psu", Fault::new(FaultKind::Garbage).text("#~?").on("MEAS").times(1)).unwrap();
    assert_eq!(psu.ask("MEAS:VOLT?"), "#~?");
    bench.fault("psu", Fault::new(FaultKind::Garbage).times(1)).unwrap();
    psu.send("VOLT?");
    let mut bytes = Vec::new();
    std::io::BufRead::read_until(&mut psu.reader, b'\n', &mut bytes).unwrap();
    assert!(std::str::from_utf8(&bytes).is_err(), "{bytes:?}");
    bench.fault("psu", Fault::new(FaultKind::WrongIdentity).text("ACME,PUMP,1,1")).unwrap();
    assert_eq!(psu.ask("*IDN?"), "ACME,PUMP,1,1");
    assert_eq!(psu.ask("VOLT?"), "0.0000");
}

#[test]
fn an_endless_answer_ends_when_the_fault_is_cleared() {
    let bench = bench(SUPPLY);
    let mut psu = Scpi::connect(&bench, "psu");
    bench.fault("psu", Fault::new(FaultKind::Endless)).unwrap();
    psu.send("VOLT?");
    let mut much = vec![0; 100_000];
    psu.reader.read_exact(&mut much).unwrap();
    assert!(!much.contains(&b'\n'));
    bench.clear_faults("psu").unwrap();
    psu.line();
    assert_eq!(psu.ask("VOLT?"), "0.0000");
}

#[test]
fn a_dropped_connection_performs_nothing_and_the_next_one_works() {
    let bench = bench(SUPPLY);
    let mut psu = Scpi::connect(&bench, "psu");
    bench.fault("psu", Fault::new(FaultKind::Drop).on("OUTP ON").times(1)).unwrap();
    assert_eq!(psu.ask("VOLT?"), "0.0000");
    psu.send("OUTP ON");
    assert!(psu.closed());
    assert_eq!(Scpi::connect(&bench, "psu").ask("OUTP?"), "0");
}

#[test]
fn an_unplugged_instrument_closes_and_refuses_until_it_is_plugged_in_again() {
    let bench = bench(SUPPLY);
    let at = tcp(&bench, "psu");
    let mut psu = Scpi::connect(&bench, "psu");
    psu.send("VOLT 5;OUTP ON");
    assert_eq!(psu.ask("OUTP?"), "1");
    bench.fault("psu", Fault::new(FaultKind::Unplugged)).unwrap();
    assert!(psu.closed());
    let cut = bench.wait_until(|now| !now.instruments["psu"].listening, SOON).unwrap();
    assert_eq!(cut.energised("psu"), Some(true), "a cut cable switches nothing off");
    assert!(TcpStream::connect(at).is_err());
    bench.clear_faults("psu").unwrap();
    bench.wait_until(|now| now.instruments["psu"].listening, SOON).unwrap();
    assert_eq!(Scpi::connect(&bench, "psu").ask("OUTP?"), "1");
}

#[test]
fn an_instrument_of_one_client_hangs_up_on_others_and_believes_for_a_while_in_one_that_has_gone() {
    let bench = bench(SUPPLY);
    let mut first = Scpi::connect(&bench, "psu");
    assert_eq!(first.ask("OUTP?"), "0");
    bench.fault("psu", Fault::new(FaultKind::OneClient).delay(A_WHILE)).unwrap();
    assert!(Scpi::connect(&bench, "psu").closed());
    assert_eq!(first.ask("OUTP?"), "0", "the one that it has is served");
    drop(first);
    bench.wait_until(|now| now.instruments["psu"].connections == 0, SOON).unwrap();
    let gone = Instant::now();
    while !Scpi::connect(&bench, "psu").silent_for(A_WHILE) {
        assert!(gone.elapsed() < SOON, "it believes in a client for ever");
    }
    assert!(gone.elapsed() > A_WHILE * 3 / 2, "it did not believe in the one that had gone");
}

#[test]
fn a_refused_command_changes_nothing_and_leaves_an_error() {
    let bench = bench(SUPPLY);
    let mut psu = Scpi::connect(&bench, "psu");
    psu.send("VOLT 5;OUTP ON");
    bench.fault("psu", Fault::new(FaultKind::Refuse).on("OUTP OFF")).unwrap();
    psu.send("OUTP OFF");
    assert_eq!(psu.ask("OUTP?"), "1");
    assert_eq!(psu.ask("SYST:ERR?"), "-200,\"Execution error\"");
    assert_eq!(bench.inspect().energised("psu"), Some(true));
}

#[test]
fn a_stuck_output_stays_live_whatever_it_says() {
    let bench = bench(SUPPLY);
    let mut psu = Scpi::connect(&bench, "psu");
    psu.send("VOLT 5;OUTP ON");
    bench.wait_until(|now| now.reading("psu", "voltage") == Some(5.0), SOON).unwrap();
    bench.fault("psu", Fault::new(FaultKind::Stuck)).unwrap();
    psu.send("OUTP OFF");
    assert_eq!(psu.ask("OUTP?"), "1");
    bench.fault("psu", Fault::new(FaultKind::Stuck).readback(Readback::Commanded)).unwrap();
    assert_eq!(psu.ask("OUTP?"), "0");
    let volts: f64 = psu.ask("MEAS:VOLT?").parse().unwrap();
    assert!(volts > 4.9, "only the measurement tells: {volts}");
    bench.clear_faults("psu").unwrap();
    bench.wait_until(|now| now.energised("psu") == Some(false), SOON).unwrap();
}

#[test]
fn a_fault_that_lasts_ends_by_itself() {
    let bench = bench(SUPPLY);
    let mut psu = Scpi::connect(&bench, "psu");
    bench.fault("psu", Fault::new(FaultKind::NotReading).lasting(Duration::from_millis(300))).unwrap();
    let asked = Instant::now();
    assert_eq!(psu.ask("OUTP?"), "0");
    assert!(asked.elapsed() >= Duration::from_millis(250), "{:?}", asked.elapsed());
}

#[test]
fn modbus_knows_the_faults_too() {
    let bench = bench(FURNACE);
    let mut furnace = TcpStream::connect(tcp(&bench, "furnace")).unwrap();
    modbus(&mut furnace, 1, &[5, 0, 0, 0xFF, 0]);
    bench.fault("furnace", Fault::new(FaultKind::Refuse).on("write_coil 0 false")).unwrap();
    assert_eq!(modbus(&mut furnace, 1, &[5, 0, 0, 0, 0]), [0x85, 4]);
    bench.clear_faults("furnace").unwrap();
    bench.fault("furnace", Fault::new(FaultKind::Stuck)).unwrap();
    assert_eq!(modbus(&mut furnace, 1, &[5, 0, 0, 0, 0]), [5, 0, 0, 0, 0]);
    assert_eq!(modbus(&mut furnace, 1, &[1, 0, 0, 0, 1]), [1, 1, 1]);
    bench.clear_faults("furnace").unwrap();
    bench.fault("furnace", Fault::new(FaultKind::WrongIdentity)).unwrap();
    assert_eq!(modbus(&mut furnace, 1, &[3, 0, 0, 0, 1]), [3, 2, 0x04, 0xD2]);
    bench.clear_faults("furnace").unwrap();
    bench.fault("furnace", Fault::new(FaultKind::Garbage).text("no modbus").times(1)).unwrap();
    furnace.write_all(&[0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 1]).unwrap();
    let mut garbage = [0; 9];
    furnace.read_exact(&mut garbage).unwrap();
    assert_eq!(&garbage, b"no modbus");
    bench.fault("furnace", Fault::new(FaultKind::Mute).times(1)).unwrap();
    furnace.write_all(&[0, 2, 0, 0, 0, 6, 1, 5, 0, 1, 0xFF, 0]).unwrap();
    bench.wait_until(|now| now.switch("furnace", "fan") == Some(true), SOON).unwrap();
    assert_eq!(modbus(&mut furnace, 1, &[1, 0, 1, 0, 1]), [1, 1, 1], "the muted answer never comes");
    bench.fault("furnace", Fault::new(FaultKind::Drop)).unwrap();
    furnace.write_all(&[0, 3, 0, 0, 0, 6, 1, 5, 0, 1, 0, 0]).unwrap();
    assert_eq!(furnace.read(&mut garbage).unwrap_or(0), 0);
    assert_eq!(bench.inspect().switch("furnace", "fan"), Some(true));
}

#[test]
fn bytes_that_are_no_modbus_end_the_connection() {
    let bench = bench(FURNACE);
    let mut furnace = TcpStream::connect(tcp(&bench, "furnace")).unwrap();
    furnace.set_read_timeout(Some(SOON)).unwrap();
    furnace.write_all(b"*IDN?\nand more of it\n").unwrap();
    assert_eq!(furnace.read(&mut [0; 8]).unwrap_or(0), 0);
}

#[test]
fn faults_of_nobody_and_faults_without_meaning_are_refused() {
    let bench = bench(SUPPLY);
    let error = bench.fault("pump", Fault::new(FaultKind::Mute)).unwrap_err();
    assert_eq!(error.to_string(), "no instrument is called \"pump\"; there are psu");
    let error = bench.fault("psu", Fault::new(FaultKind::Stuck).on("OUTP")).unwrap_err();
    assert!(matches!(error, FaultError::Useless { key: "prefix", .. }), "{error}");
}
