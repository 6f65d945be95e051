//! The witness over HTTP, the file's mistakes, the printer, the demo.
#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod common;

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{Arc, Mutex},
    time::Duration,
};

use common::{SOON, SUPPLY, Scpi, bench};
use killcord_sim::{Config, Fault, FaultKind, Printer, Sim, Witness, WitnessError, demo};

#[test]
fn the_witness_shows_what_inspect_shows_and_sets_faults() {
    let bench = bench(SUPPLY);
    let witness = Witness::at(&bench.witness_url()).unwrap();
    let mut psu = Scpi::connect(&bench, "psu");
    psu.send("VOLT 3");
    psu.send("OUTP ON");
    let there = |now: &killcord_sim::Snapshot| now.energised("psu") == Some(true);
    let seen = witness.wait_until(there, SOON).unwrap();
    assert_eq!(seen.received("psu"), ["VOLT 3", "OUTP ON"]);
    assert_eq!(seen.commands, bench.inspect().commands);
    let order: Vec<u64> = seen.commands.iter().map(|command| command.seq).collect();
    assert_eq!(witness.inspect_after(order[0]).unwrap().received("psu"), ["OUTP ON"]);
    assert!(witness.instrument("psu").unwrap().energised);
    assert!(matches!(witness.instrument("pump"), Err(WitnessError::Refused { status: 404, .. })));

    witness.fault("psu", &Fault::new(FaultKind::Stuck)).unwrap();
    assert_eq!(witness.instrument("psu").unwrap().faults, [Fault::new(FaultKind::Stuck)]);
    witness.clear_faults("psu").unwrap();
    assert!(witness.instrument("psu").unwrap().faults.is_empty());
    let useless = witness.fault("psu", &Fault::new(FaultKind::Stuck).times(1));
    assert!(matches!(useless, Err(WitnessError::Refused { status: 400, .. })), "{useless:?}");
    bench.stop();
    assert!(matches!(witness.inspect(), Err(WitnessError::Unreachable { .. })));
}

#[test]
fn a_page_of_another_name_cannot_ask_the_witness() {
    let bench = bench(SUPPLY);
    let at = bench.witness_url().trim_start_matches("http://").to_owned();
    let port = at.rsplit(':').next().unwrap();
    let ask = |head: String| {
        let mut stream = TcpStream::connect(&at).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    for (host, status) in [
        (at.clone(), "200"),
        (format!("localhost:{port}"), "200"),
        (format!("evil.example:{port}"), "403"),
        (format!("127.0.0.1.evil.example:{port}"), "403"),
        (String::new(), "403"),
    ] {
        assert_eq!(ask(format!("GET / HTTP/1.0\r\nHost: {host}\r\n\r\n")), status, "{host:?}");
    }
    let post = |kind: &str| {
        format!(
            "POST /faults/psu HTTP/1.0\r\nHost: {at}\r\nContent-Type: {kind}\r\nContent-Length: 15\r\n\r\n{{\"kind\":\"mute\"}}"
        )
    };
    assert_eq!(ask(post("text/plain")), "415", "a form of another page could send this");
    assert_eq!(ask(post("application/json")), "200");
}

#[test]
fn mistakes_in_the_file_are_shown_with_their_place_and_a_fix() {
    let file = "witness = \"0.0.0.0:80\"\n\
                [[instrument]]\nname = \"psu\"\nkind = \"suply\"\nlisten = \"tcp://127.0.0.1:5025\"\n\
                [[instrument]]\nname = \"bad name\"\nkind = \"load\"\nlisten = \"udp://x\"\nsource = \"psu\"\nohms = 3\n\
                [[instrument]]\nname = \"f\"\nkind = \"furnace\"\nlisten = \"pty:///tmp/x\"\nfaults = [{ kind = \"stuck\", count = 1 }]\n";
    let shown = Config::parse(file, "sim.toml").unwrap_err().to_string();
    for part in [
        "sim.toml:1:11: the witness can set faults, so it listens on loopback only",
        "sim.toml:4:8: there is no instrument of the kind \"suply\"",
        " 4 | kind = \"suply\"\n   |        ^^^^^^^\n   = write supply, load, furnace or scpi",
        "sim.toml:7:8: \"bad name\" cannot be part of the witness's paths",
        "sim.toml:9:10: \"udp://x\" is no place to listen",
        "sim.toml:10:10: no supply is called \"psu\"",
        "sim.toml:11:8: a load has no `ohms`",
        "sim.toml:14:8: a furnace on a serial line needs a unit",
        "sim.toml:16:11: `count` has no meaning for the fault Stuck",
    ] {
        assert!(shown.contains(part), "{part:?} is missing in\n{shown}");
    }
    for (file, part) in [
        ("", "there is no instrument"),
        ("[[instrument]]\nname = \"x\"\n", "missing field `kind`"),
        ("[[instrument]]\nnme = \"x\"\n", "sim.toml:2:1: unknown field `nme`"),
        ("witness = [", "sim.toml:1:"),
        (
            "[[instrument]]\nname = \"é\"\nkind = \"load\"\nlisten = \"tcp://127.0.0.1:7\"\n[[instrument]]\nname = \"b\"\nkind = \"load\"\nlisten = \"tcp://127.0.0.1:7\"\n",
            "\"é\" listens there already",
        ),
    ] {
        let shown = Config::parse(file, "sim.toml").unwrap_err().to_string();
        assert!(shown.contains(part), "{part:?} is missing in\n{shown}");
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let first = bench(SUPPLY);
    let at = common::tcp(&first, "psu");
    let file = SUPPLY.replace("127.0.0.1:0", &at.to_string());
    let error = Sim::start(Config::parse(&file, "sim.toml").unwrap()).unwrap_err();
    assert!(error.to_string().starts_with(&format!("psu cannot listen at {at}")), "{error}");
}

/// Collects what is printed.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A pipe that nobody reads.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        loop {
            std::thread::park();
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn commands_and_changes_are_printed_one_line_each() {
    let paper = Paper::default();
    let config = Config::parse(SUPPLY, "sim.toml").unwrap();
    let bench = Sim::start_printing(config, Printer::to(paper.clone()).unwrap().without_queries()).unwrap();
    let mut psu = Scpi::connect(&bench, "psu");
    psu.send("OUTP ON");
    assert_eq!(psu.ask("OUTP?"), "1");
    let printed = || String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
    bench.wait_until(|_| printed().lines().count() >= 2, SOON).unwrap();
    let printed = printed();
    let lines: Vec<_> = printed.lines().collect();
    assert!(lines[0].contains("psu          < OUTP ON   [tcp#1]"), "{printed}");
    assert!(lines[1].ends_with("psu          = output: off -> on"), "{printed}");
    assert!(!printed.contains("OUTP?"));
}

#[test]
fn a_full_pipe_never_stops_an_instrument() {
    let config = Config::parse(SUPPLY, "sim.toml").unwrap();
    let bench = Sim::start_printing(config, Printer::to(Full).unwrap()).unwrap();
    let mut psu = Scpi::connect(&bench, "psu");
    for _ in 0..50 {
        psu.send(&["VOLT 1"; 100].join("\n"));
    }
    assert_eq!(psu.ask("VOLT?"), "1.0000");
    bench.stop();
}

#[test]
fn the_demos_files_fit_together_on_any_ports() {
    assert!(Config::parse(demo::bench(), "bench.toml").is_ok());
    let bench = Sim::start(demo::config().unwrap()).unwrap();
    let addresses = bench.addresses();
    let rig: toml::Table = demo::rig(&addresses).parse().unwrap();
    let devices = rig["device"].as_array().unwrap();
    assert_eq!(devices.len(), addresses.len());
    for device in devices {
        let connect = device["connect"].as_str().unwrap();
        assert_eq!(connect, addresses[device["name"].as_str().unwrap()].connect());
    }
    let fixed: toml::Table = demo::rig_file().parse().unwrap();
    assert_eq!(fixed["device"][0]["connect"].as_str(), Some("tcp://127.0.0.1:15025"));
    let (mut psu, mut load) = (Scpi::connect(&bench, "psu"), Scpi::connect(&bench, "load"));
    psu.send("CURR 3;VOLT 12;OUTP ON");
    load.send("CURR 1;INP ON");
    bench.wait_until(|now| now.reading("psu", "current") == Some(1.0), Duration::from_secs(10)).unwrap();
}

#[test]
fn the_announcement_goes_through_json() {
    let bench = bench(SUPPLY);
    let announced = bench.announcement();
    let json = serde_json::to_string(&announced).unwrap();
    assert_eq!(serde_json::from_str::<killcord_sim::Announcement>(&json).unwrap(), announced);
}
