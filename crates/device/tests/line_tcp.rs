//! Lines over real sockets: cutting in, late answers, and everything that an instrument can do wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod common;

use std::{
    io::Write as _,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use common::{Bench, Instrument, PATIENCE, say, text};
use killcord_core::{
    DeviceIx, Item, Plan, Step,
    plan::{Failure, Work},
};
use killcord_device::{Lane, LinkEvent, Poll, PollId, testing};

/// A plan of one SCPI device that says who it is.
fn supply(port: u16) -> Plan {
    let mut device = testing::device("psu", "scpi");
    device.id = Some(Step::query("*IDN?"));
    device.expect_id = Some(String::from("HAMEG"));
    testing::plan(vec![testing::link(port)], vec![device])
}

const NAME: &str = "HAMEG,HMP4040,1,2.0";

#[test]
fn a_device_is_opened_identified_asked_told_and_closed() {
    let instrument = Instrument::start(|line, stream| match line {
        "*IDN?" => say(stream, NAME),
        "VOLT?" => say(stream, "12.0"),
        _ => {}
    });
    let mut plan = supply(instrument.port);
    plan.devices[0].open = vec![Item::Do(Step::send("SYST:REM"))];
    let bench = Bench::start(plan, Vec::new());
    assert!(!bench.links.is_open(DeviceIx(0)));
    assert_eq!(text(&bench.open(0)).as_deref(), Some(NAME));
    assert!(bench.links.is_open(DeviceIx(0)));
    let told = bench.safe(0, Step::send("OUTP OFF"));
    assert_eq!((told.outcome, told.out_of_step), (Ok(None), false));
    assert!(told.written.is_some());
    assert_eq!(text(&bench.query(0, "VOLT?")).as_deref(), Some("12.0"));
    assert_eq!(bench.run(0, Work::Close, Lane::Safe).outcome, Ok(None));
    assert!(!bench.links.is_open(DeviceIx(0)));
    assert_eq!(instrument.texts(), ["*IDN?", "SYST:REM", "OUTP OFF", "VOLT?"]);
    assert!(bench.links.stop(PATIENCE));
}

#[test]
fn a_safe_step_goes_out_at_once_behind_a_query_that_takes_long() {
    let instrument = Instrument::start(|line, stream| match line {
        "*IDN?" => say(stream, NAME),
        "SLOW?" => {
            std::thread::sleep(Duration::from_millis(400));
            say(stream, "1");
        }
        "OUTP?" => say(stream, "0"),
        _ => {}
    });
    let mut plan = supply(instrument.port);
    plan.devices[0].timeout = Duration::from_secs(2);
    let bench = Bench::start(plan, Vec::new());
    bench.open(0).outcome.unwrap();
    let slow = bench.submit(0, Work::Step(Step::query("SLOW?")), Lane::Query);
    instrument.wait_for("SLOW?");
    let asked = Instant::now();
    let told = bench.safe(0, Step::send("OUTP OFF"));
    let took = told.written.unwrap() - asked;
    assert!(took < Duration::from_millis(100), "{took:?}");
    assert_eq!(told.outcome, Ok(None));
    assert!(told.out_of_step, "the slow answer is still owed");
    let slow = slow.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(slow.outcome, Err(Failure::Refused(_))), "{slow:?}");
    let resync = bench.run(0, Work::Resync, Lane::Safe);
    assert_eq!((resync.outcome, resync.out_of_step), (Ok(None), false));
    let read = bench.safe(0, Step::query("OUTP?"));
    assert_eq!((text(&read).as_deref(), read.out_of_step), (Some("0"), false));
}
