//! Each kind of instrument, over its real socket.
#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod common;

use std::{net::TcpStream, time::Duration};

use common::{FURNACE, SOON, SUPPLY, Scpi, bench, modbus, tcp};

#[test]
fn a_supply_follows_its_commands_and_measures_its_output() {
    let bench = bench(SUPPLY);
    let mut psu = Scpi::connect(&bench, "psu");
    assert_eq!(psu.ask("*IDN?"), "KILLCORD,SIM SUPPLY,1,1.0");
    psu.send("SYST:REM;*CLS");
    psu.send("volt 12.5;:SOURce:CURRent:LEVel 2;:OUTPut:STATe ON");
    assert_eq!(psu.ask("VOLT?;:CURR?;:OUTP?"), "12.5000;2.0000;1");
    let live = bench.wait_until(|now| now.reading("psu", "voltage") == Some(12.5), SOON).unwrap();
    assert_eq!(live.energised("psu"), Some(true));
    assert_eq!(live.switch("psu", "remote"), Some(true));
    let measured: f64 = psu.ask("MEAS:VOLT?").parse().unwrap();
    assert!((measured - 12.5).abs() < 0.01, "{measured}");
    psu.send("OUTP OFF");
    assert_eq!(psu.ask("OUTP?"), "0");
    bench.wait_until(|now| now.reading("psu", "voltage") == Some(0.0), SOON).unwrap();
    psu.send("SYST:LOC");
    bench.wait_until(|now| now.switch("psu", "remote") == Some(false), SOON).unwrap();
}

#[test]
fn a_supply_queues_the_errors_of_the_standard() {
    let bench = bench(SUPPLY);
    let mut psu = Scpi::connect(&bench, "psu");
    for (wrong, error) in [
        ("NONSENSE 1", "-113,\"Undefined header\""),
        ("VOLT", "-109,\"Missing parameter\""),
        ("VOLT 1,2", "-108,\"Parameter not allowed\""),
        ("VOLT twelve", "-104,\"Data type error\""),
        ("VOLT 1000", "-222,\"Data out of range\""),
    ] {
        psu.send(wrong);
        assert_eq!(psu.ask("SYST:ERR?"), error, "after {wrong:?}");
        assert_eq!(psu.ask("SYSTem:ERRor:NEXT?"), "0,\"No error\"");
    }
    psu.send(&"x".repeat(5000));
    assert_eq!(psu.ask("SYST:ERR?"), "-363,\"Input buffer overrun\"");
    psu.send("NONSENSE");
    psu.send("*CLS");
    assert_eq!(psu.ask("SYST:ERR?"), "0,\"No error\"");
}

#[test]
fn an_unfed_instrument_watchdog_switches_off_and_latches() {
    let bench = bench(SUPPLY);
    let mut psu = Scpi::connect(&bench, "psu");
    psu.send("VOLT 5;OUTP ON;OUTP:PROT:WDOG:DEL 1;:OUTP:PROT:WDOG ON");
    assert_eq!(psu.ask("OUTP:PROT:WDOG?;WDOG:DEL?"), "1;1.0000");
    let bitten = bench.wait_until(|now| now.switch("psu", "output") == Some(false), SOON).unwrap();
    let fed = bitten.commands.last().unwrap().t_ms;
    let off = bitten.changes.iter().rfind(|change| change.output == "output").unwrap().t_ms;
    assert!((1000.0..1500.0).contains(&(off - fed)), "{} ms after the last command", off - fed);
    psu.send("OUTP ON");
    assert_eq!(psu.ask("SYST:ERR?"), "-221,\"Settings conflict\"");
    assert_eq!(psu.ask("OUTP?"), "0");
    psu.send("OUTP:PROT:WDOG OFF;CLE;:OUTP ON");
    assert_eq!(psu.ask("OUTP?"), "1");
}

#[test]
fn a_fed_instrument_watchdog_leaves_the_output_on() {
    let bench = bench(SUPPLY);
    let mut psu = Scpi::connect(&bench, "psu");
    psu.send("VOLT 5;OUTP ON;OUTP:PROT:WDOG:DEL 1;:OUTP:PROT:WDOG ON");
    let start = bench.inspect().t_ms;
    while bench.inspect().t_ms < start + 1500.0 {
        assert_eq!(psu.ask("*OPC?"), "1");
    }
    assert_eq!(psu.ask("OUTP?"), "1");
}

#[test]
fn a_load_draws_its_current_from_its_supply() {
    let load = "[[instrument]]\nname = \"load\"\nkind = \"load\"\nlisten = \"tcp://127.0.0.1:0\"\nsource = \"psu\"\n";
    let bench = bench(&format!("{SUPPLY}{load}"));
    let (mut psu, mut load) = (Scpi::connect(&bench, "psu"), Scpi::connect(&bench, "load"));
    load.send("CURR 1.5;INP ON");
    assert_eq!(load.ask("CURR?;INP?"), "1.5000;1");
    assert_eq!(
        bench.inspect().reading("load", "current"),
        Some(0.0),
        "nothing flows from a supply that is off"
    );
    psu.send("VOLT 12;OUTP ON");
    bench.wait_until(|now| now.reading("psu", "current") == Some(1.5), SOON).unwrap();
    let drawn: f64 = psu.ask("MEAS:CURR?").parse().unwrap();
    let fed: f64 = load.ask("MEAS:CURR?").parse().unwrap();
    assert!((drawn - 1.5).abs() < 0.01 && (fed - 1.5).abs() < 0.01, "{drawn} {fed}");
    psu.send("CURR 1");
    bench.wait_until(|now| now.reading("psu", "voltage").is_some_and(|volts| volts < 1.0), SOON).unwrap();
    psu.send("CURR 5;OUTP OFF");
    bench.wait_until(|now| now.reading("load", "current") == Some(0.0), SOON).unwrap();
}

#[test]
fn a_generic_instrument_keeps_the_values_of_its_file() {
    let bench = bench(
        "[[instrument]]\nname = \"relay\"\nkind = \"scpi\"\nlisten = \"tcp://127.0.0.1:0\"\n\
         idn = \"ACME,RELAY\"\nvalues = { \"ROUTe:CLOSe\" = false, \"TEMPerature\" = 25.0 }\n",
    );
    let mut relay = Scpi::connect(&bench, "relay");
    assert_eq!(relay.ask("*IDN?"), "ACME,RELAY");
    relay.send("ROUT:CLOS ON;TEMP 30.5");
    assert_eq!(relay.ask("ROUTE:CLOSE?"), "1");
    assert_eq!(relay.ask("TEMP?"), "30.5000");
    assert_eq!(bench.inspect().energised("relay"), Some(true));
    relay.send("*RST");
    assert_eq!(relay.ask("ROUT:CLOS?;:TEMP?"), "0;25.0000");
}

#[test]
fn a_furnace_warms_to_its_setpoint_and_says_so_in_its_registers() {
    let bench = bench(FURNACE);
    let mut furnace = TcpStream::connect(tcp(&bench, "furnace")).unwrap();
    assert_eq!(modbus(&mut furnace, 1, &[3, 0, 0, 0, 1]), [3, 2, 0x12, 0x67]);
    assert_eq!(modbus(&mut furnace, 1, &[6, 0, 100, 0x04, 0xB0]), [6, 0, 100, 0x04, 0xB0]);
    assert_eq!(modbus(&mut furnace, 1, &[5, 0, 0, 0xFF, 0]), [5, 0, 0, 0xFF, 0]);
    let warm =
        |now: &killcord_sim::Snapshot| now.reading("furnace", "temperature").is_some_and(|c| c > 119.0);
    bench.wait_until(warm, SOON).unwrap();
    let answer = modbus(&mut furnace, 1, &[4, 0, 11, 0, 2]);
    let celsius = f64::from(i16::from_be_bytes([answer[2], answer[3]])) / 10.0;
    assert!((119.0..121.0).contains(&celsius), "{celsius}");
    assert!(u16::from_be_bytes([answer[4], answer[5]]) > 0, "no heating power");
    let answer = modbus(&mut furnace, 1, &[3, 0, 20, 0, 2]);
    let float = f32::from_be_bytes([answer[2], answer[3], answer[4], answer[5]]);
    assert!((119.0..121.0).contains(&float), "{float}");
    assert_eq!(modbus(&mut furnace, 1, &[1, 0, 0, 0, 2]), [1, 1, 0b01]);
    assert_eq!(modbus(&mut furnace, 1, &[2, 0, 0, 0, 2]), [2, 1, 0b10]);
    // A limit below the temperature trips the over-temperature input; both coils at once, then both off.
    modbus(&mut furnace, 1, &[16, 0, 101, 0, 1, 2, 0x03, 0xE8]);
    assert_eq!(modbus(&mut furnace, 1, &[2, 0, 0, 0, 1]), [2, 1, 1]);
    assert_eq!(modbus(&mut furnace, 1, &[15, 0, 0, 0, 2, 1, 0b11]), [15, 0, 0, 0, 2]);
    assert_eq!(modbus(&mut furnace, 1, &[15, 0, 0, 0, 2, 1, 0b00]), [15, 0, 0, 0, 2]);
    bench.wait_until(|now| now.switch("furnace", "heater") == Some(false), SOON).unwrap();
    let received = bench.inspect();
    let received = received.received("furnace");
    assert_eq!(received[..3], ["read_register 0", "write_register 100 1200", "write_coil 0 true"]);
    assert_eq!(*received.last().unwrap(), "write_coil 0 false false");
}

#[test]
fn a_furnace_refuses_what_it_does_not_have_with_the_right_exception() {
    let bench = bench(FURNACE);
    let mut furnace = TcpStream::connect(tcp(&bench, "furnace")).unwrap();
    for (request, answer) in [
        (&[43, 14, 1, 0][..], [0xAB, 1]),
        (&[3, 0, 200, 0, 1], [0x83, 2]),
        (&[6, 0, 11, 0, 0], [0x86, 2]),
        (&[6, 0, 100, 0xFF, 0xFF], [0x86, 3]),
        (&[3, 0, 0, 0, 126], [0x83, 3]),
        (&[5, 0, 2, 0xFF, 0], [0x85, 2]),
        // One of two registers is read-only: neither is written.
        (&[16, 0, 100, 0, 3, 6, 0, 1, 0, 2, 0, 3], [0x90, 2]),
    ] {
        assert_eq!(modbus(&mut furnace, 7, request), answer, "{request:?}");
    }
    assert_eq!(modbus(&mut furnace, 7, &[3, 0, 100, 0, 1]), [3, 2, 0, 0]);
}

#[test]
fn a_client_that_goes_changes_no_output() {
    let bench = bench(SUPPLY);
    let mut psu = Scpi::connect(&bench, "psu");
    psu.send("VOLT 5;OUTP ON");
    assert_eq!(psu.ask("OUTP?"), "1");
    drop(psu); // FIN
    let mut psu = Scpi::connect(&bench, "psu");
    psu.send("MEAS:VOLT?");
    bench.wait_until(|now| now.received("psu").contains(&"MEAS:VOLT?"), SOON).unwrap();
    drop(psu); // RST: the answer was not read
    let alone = bench.wait_until(|now| now.instruments["psu"].connections == 0, SOON).unwrap();
    assert_eq!(alone.energised("psu"), Some(true));
    assert_eq!(Scpi::connect(&bench, "psu").ask("OUTP?"), "1");
}

#[test]
fn several_clients_are_told_apart_in_the_record() {
    let bench = bench(SUPPLY);
    let (mut one, mut two) = (Scpi::connect(&bench, "psu"), Scpi::connect(&bench, "psu"));
    assert_eq!(one.ask("*OPC?"), "1");
    assert_eq!(two.ask("*IDN?"), "KILLCORD,SIM SUPPLY,1,1.0");
    let now = bench.inspect();
    assert_eq!(now.instruments["psu"].connections, 2);
    assert_ne!(now.commands[0].connection, now.commands[1].connection);
    assert!(now.commands.iter().all(|command| command.performed_ms >= Some(command.t_ms)), "{now:?}");
}

#[test]
fn ten_thousand_commands_leave_a_bounded_record_and_a_live_instrument() {
    let bench = bench(SUPPLY);
    let mut psu = Scpi::connect(&bench, "psu");
    for _ in 0..120 {
        psu.send(&["VOLT 1"; 100].join("\n"));
    }
    assert_eq!(psu.ask("VOLT?"), "1.0000");
    let now = bench.inspect();
    assert_eq!((now.commands.len(), now.forgotten), (10_000, 2_001));
    assert_eq!(now.commands.last().unwrap().text, "VOLT?");
}

#[test]
fn stopping_frees_the_port_and_closes_the_clients() {
    let bench = bench(SUPPLY);
    let at = tcp(&bench, "psu");
    let mut psu = Scpi::connect(&bench, "psu");
    assert_eq!(psu.ask("*OPC?"), "1");
    bench.stop();
    assert!(psu.closed());
    assert!(TcpStream::connect_timeout(&at, Duration::from_secs(1)).is_err());
}
