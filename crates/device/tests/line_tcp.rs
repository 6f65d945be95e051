//! Lines over real sockets: cutting in, late answers, and everything that an instrument can do wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod common;

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    time::{Duration, Instant},
};

use common::{Bench, Instrument, PATIENCE, say, text};
use killcord_core::{
    DeviceIx, Item, Plan, Step,
    plan::{Failure, Work},
};
use killcord_device::{Lane, LinkEvent, testing};

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

/// The trap: `VOLT?` times out, `OUTP OFF` is refused, `OUTP?` then reads the late `0`.
#[test]
fn a_late_zero_never_passes_for_an_output_that_is_off() {
    let instrument = Instrument::start(|line, stream| match line {
        "*IDN?" => say(stream, NAME),
        "VOLT?" => {
            std::thread::sleep(Duration::from_millis(300));
            say(stream, "0");
        }
        // The output is on and stays on.
        "OUTP?" => say(stream, "1"),
        _ => {}
    });
    let bench = Bench::start(supply(instrument.port), Vec::new());
    bench.open(0).outcome.unwrap();
    let volt = bench.query(0, "VOLT?");
    assert_eq!((volt.outcome, volt.out_of_step), (Err(Failure::Timeout), true));
    assert!(bench.safe(0, Step::send("OUTP OFF")).out_of_step);
    let early = bench.safe(0, Step::query("OUTP?"));
    assert!(early.out_of_step, "whatever was read here must not count: {early:?}");
    let mut resync = bench.run(0, Work::Resync, Lane::Safe);
    while resync.outcome.is_err() {
        assert!(resync.out_of_step);
        resync = bench.run(0, Work::Resync, Lane::Safe);
    }
    let read = bench.safe(0, Step::query("OUTP?"));
    assert_eq!((text(&read).as_deref(), read.out_of_step), (Some("1"), false));
}

#[test]
fn an_ordinary_question_after_a_timeout_waits_until_the_line_is_in_step() {
    let instrument = Instrument::start(|line, stream| match line {
        "*IDN?" => say(stream, NAME),
        "VOLT?" => {
            std::thread::sleep(Duration::from_millis(250));
            say(stream, "12");
        }
        "CURR?" => say(stream, "3"),
        _ => {}
    });
    let bench = Bench::start(supply(instrument.port), Vec::new());
    bench.open(0).outcome.unwrap();
    assert_eq!(bench.query(0, "VOLT?").outcome, Err(Failure::Timeout));
    let read = bench.query(0, "CURR?");
    assert_eq!((text(&read).as_deref(), read.out_of_step), (Some("3"), false));
}

#[test]
fn with_only_a_number_to_ask_for_the_replies_have_to_add_up() {
    let instrument = Instrument::start(|line, stream| match line {
        "VOLT?" => {
            std::thread::sleep(Duration::from_millis(300));
            say(stream, "1");
        }
        "*OPC?" => say(stream, "1"),
        "OUTP?" => say(stream, "0"),
        _ => {}
    });
    let mut device = testing::device("psu", "scpi");
    device.sync = Some(Step::query("*OPC?"));
    let bench = Bench::start(testing::plan(vec![testing::link(instrument.port)], vec![device]), Vec::new());
    bench.open(0).outcome.unwrap();
    assert_eq!(bench.query(0, "VOLT?").outcome, Err(Failure::Timeout));
    assert_eq!(bench.run(0, Work::Resync, Lane::Safe).outcome, Ok(None));
    assert_eq!(text(&bench.safe(0, Step::query("OUTP?"))).as_deref(), Some("0"));
}

#[test]
fn with_nothing_to_ask_for_the_connection_is_replaced() {
    let instrument = Instrument::start(|line, stream| match line {
        "VOLT?" => {
            std::thread::sleep(Duration::from_millis(300));
            say(stream, "0");
        }
        "OUTP?" => say(stream, "1"),
        _ => {}
    });
    let device = testing::device("psu", "line");
    let bench = Bench::start(testing::plan(vec![testing::link(instrument.port)], vec![device]), Vec::new());
    bench.open(0).outcome.unwrap();
    assert_eq!(bench.query(0, "VOLT?").outcome, Err(Failure::Timeout));
    let resync = bench.run(0, Work::Resync, Lane::Safe);
    assert_eq!((resync.outcome, resync.out_of_step), (Ok(None), false));
    assert_eq!(text(&bench.safe(0, Step::query("OUTP?"))).as_deref(), Some("1"));
}

#[test]
fn a_line_without_an_end_is_an_error_and_costs_bounded_memory() {
    let instrument = Instrument::start(|line, stream| match line {
        "*IDN?" => say(stream, NAME),
        "VOLT?" => {
            let _gone = stream.write_all(&vec![b'x'; 300_000]);
            say(stream, "");
        }
        "CURR?" => say(stream, "3"),
        _ => {}
    });
    let mut plan = supply(instrument.port);
    plan.devices[0].timeout = Duration::from_secs(2);
    let bench = Bench::start(plan, Vec::new());
    bench.open(0).outcome.unwrap();
    let read = bench.query(0, "VOLT?");
    assert!(
        matches!(&read.outcome, Err(Failure::Refused(why)) if why.contains("without a line end")),
        "{read:?}"
    );
    assert!(read.out_of_step);
    assert_eq!(text(&bench.query(0, "CURR?")).as_deref(), Some("3"));
}

#[test]
fn garbage_is_an_answer_that_says_nothing_and_breaks_nothing() {
    let instrument = Instrument::start(|line, stream| match line {
        "*IDN?" => say(stream, NAME),
        "VOLT?" => {
            let _gone = stream.write_all(b"\xff\x00\xfe\r\r\n");
        }
        "CURR?" => say(stream, "3"),
        _ => {}
    });
    let bench = Bench::start(supply(instrument.port), Vec::new());
    bench.open(0).outcome.unwrap();
    let garbage = bench.query(0, "VOLT?");
    let check = killcord_core::Expected::Truth(false);
    let condition = killcord_core::Condition::Equals(check);
    assert!(!condition.holds(&garbage.outcome.unwrap().unwrap()));
    assert_eq!(text(&bench.query(0, "CURR?")).as_deref(), Some("3"));
}

#[test]
fn a_mute_device_is_told_to_be_safe_all_the_same() {
    let instrument = Instrument::start(|_, _| {});
    let mut plan = supply(instrument.port);
    plan.devices[0].open = vec![Item::Do(Step::send("SYST:REM"))];
    let bench = Bench::start(plan, Vec::new());
    bench.links.quiet(true);
    let opened = bench.run(0, Work::Open, Lane::Safe);
    assert_eq!((opened.outcome, opened.out_of_step), (Err(Failure::Timeout), true));
    assert!(!bench.links.is_open(DeviceIx(0)));
    let told = bench.safe(0, Step::send("OUTP OFF"));
    assert_eq!((told.outcome, told.out_of_step), (Ok(None), true));
    instrument.wait_for("OUTP OFF");
    assert_eq!(instrument.texts(), ["*IDN?", "SYST:REM", "OUTP OFF"]);
    // Opening it again on the way to safe asks nothing that would hold up the next safe byte.
    assert_eq!(bench.run(0, Work::Open, Lane::Safe).outcome, Err(Failure::Timeout));
    assert_eq!(bench.run(0, Work::Resync, Lane::Safe).outcome, Err(Failure::Timeout));
}

#[test]
fn another_instrument_gets_not_one_byte_more_than_the_question_who_it_is() {
    let instrument = Instrument::start(|line, stream| {
        if line == "*IDN?" {
            say(stream, "Somebody,Else,0,0");
        }
    });
    let mut plan = supply(instrument.port);
    plan.devices[0].open = vec![Item::Do(Step::send("SYST:REM"))];
    let bench = Bench::start(plan, Vec::new());
    let wrong = Err(Failure::WrongIdentity(String::from("Somebody,Else,0,0")));
    assert_eq!(bench.open(0).outcome, wrong);
    assert_eq!(bench.safe(0, Step::send("OUTP OFF")).outcome, wrong);
    assert!(!bench.links.is_open(DeviceIx(0)));
    assert!(bench.links.stop(PATIENCE));
    assert!(instrument.texts().iter().all(|line| line == "*IDN?"), "{:?}", instrument.texts());
}

#[test]
fn a_connection_that_drops_in_an_exchange_is_told_and_opened_again() {
    let instrument = Instrument::start(|line, stream| match line {
        "*IDN?" => say(stream, NAME),
        "DIE?" => {
            let _gone = stream.write_all(b"12.");
            let _gone = stream.shutdown(std::net::Shutdown::Both);
        }
        "VOLT?" => say(stream, "12"),
        _ => {}
    });
    let bench = Bench::start(supply(instrument.port), Vec::new());
    bench.open(0).outcome.unwrap();
    let died = bench.query(0, "DIE?");
    assert!(matches!(died.outcome, Err(Failure::Disconnected(_))), "{died:?}");
    bench.events.wait_for("lost", |event| matches!(event, LinkEvent::Lost { .. }));
    let opened = |event: &LinkEvent| matches!(event, LinkEvent::Opened { .. });
    let until = Instant::now() + PATIENCE;
    while bench.events.all().into_iter().filter(opened).count() < 2 {
        assert!(Instant::now() < until, "never opened again");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(text(&bench.query(0, "VOLT?")).as_deref(), Some("12"));
    let asked = instrument.texts().into_iter().filter(|line| line != "*IDN?" && !line.ends_with('?'));
    assert_eq!(asked.count(), 0, "a reconnect sends nothing but questions");
}

#[test]
fn a_hang_up_is_seen_though_nothing_is_asked() {
    let instrument = Instrument::start(|line, stream| match line {
        "*IDN?" => say(stream, NAME),
        "GO" => drop(stream.shutdown(std::net::Shutdown::Both)),
        _ => {}
    });
    let bench = Bench::start(supply(instrument.port), Vec::new());
    bench.open(0).outcome.unwrap();
    bench.safe(0, Step::send("GO"));
    bench.events.wait_for("lost", |event| matches!(event, LinkEvent::Lost { .. }));
}

#[test]
fn a_device_that_is_not_there_yet_is_opened_once_it_is() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let bench = Bench::start(supply(address.port()), Vec::new());
    let refused = bench.open(0);
    assert!(
        matches!(&refused.outcome, Err(Failure::Disconnected(why)) if why.contains("switched on")),
        "{refused:?}"
    );
    let instrument = Instrument::on(TcpListener::bind(address).unwrap(), |line, stream| {
        if line == "*IDN?" {
            say(stream, NAME);
        }
    });
    bench.events.wait_for("opened", |event| matches!(event, LinkEvent::Opened { .. }));
    assert_eq!(instrument.texts(), ["*IDN?"]);
    let failures =
        bench.events.all().into_iter().filter(|event| matches!(event, LinkEvent::OpenFailed { .. }));
    assert_eq!(failures.count(), 1, "the same failure is told once");
}

#[test]
fn a_name_that_leads_nowhere_says_so_within_the_deadline() {
    let mut plan = supply(1);
    let protocol = killcord_core::plan::Protocol::Line { terminator: killcord_core::plan::Terminator::Lf };
    plan.links[0].connect =
        killcord_core::plan::Connect::Tcp { host: String::from("no-such-host.invalid"), port: 1, protocol };
    let bench = Bench::start(plan, Vec::new());
    let began = Instant::now();
    let opened = bench.submit_within(0, Work::Open, Lane::Safe, Duration::from_millis(500));
    let opened = opened.recv_timeout(PATIENCE).unwrap();
    assert!(
        matches!(&opened.outcome, Err(Failure::Disconnected(why)) if why.contains("no-such-host")),
        "{opened:?}"
    );
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[test]
fn a_device_in_use_names_the_process_that_has_it() {
    let instrument = Instrument::start(|line, stream| {
        if line == "*IDN?" {
            say(stream, NAME);
        }
    });
    let first = Bench::start(supply(instrument.port), Vec::new());
    first.open(0).outcome.unwrap();
    let second = Bench::start(supply(instrument.port), Vec::new());
    let refused = second.open(0);
    let own = format!("process {}", std::process::id());
    assert!(matches!(&refused.outcome, Err(Failure::Disconnected(why)) if why.contains(&own)), "{refused:?}");
    first.run(0, Work::Close, Lane::Safe).outcome.unwrap();
    second.open(0).outcome.unwrap();
}

#[test]
fn bytes_that_were_not_closed_on_purpose_die_with_their_process() {
    // Dropped: reset. Closed: an orderly end behind everything that was written.
    for close in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let device = testing::device("psu", "line");
        let bench = Bench::start(testing::plan(vec![testing::link(port)], vec![device]), Vec::new());
        let opening = bench.submit(0, Work::Open, Lane::Safe);
        let (mut stream, _) = listener.accept().unwrap();
        opening.recv_timeout(PATIENCE).unwrap().outcome.unwrap();
        bench.safe(0, Step::send("OUTP OFF"));
        if close {
            bench.run(0, Work::Close, Lane::Safe).outcome.unwrap();
        }
        assert!(bench.links.stop(PATIENCE));
        let mut text = String::new();
        let read = stream.read_to_string(&mut text);
        match close {
            true => assert_eq!((read.unwrap(), text.as_str()), (9, "OUTP OFF\n")),
            false => assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset),
        }
    }
}

#[test]
fn an_instrument_that_does_not_read_cannot_hold_the_link_beyond_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let device = testing::device("psu", "line");
    let bench = Bench::start(testing::plan(vec![testing::link(port)], vec![device]), Vec::new());
    let opening = bench.submit(0, Work::Open, Lane::Safe);
    let (_stream, _) = listener.accept().unwrap();
    opening.recv_timeout(PATIENCE).unwrap().outcome.unwrap();
    let long = "x".repeat(16_000_000);
    let began = Instant::now();
    let stuck = bench.safe(0, Step::send(long));
    assert!(
        matches!(&stuck.outcome, Err(Failure::Disconnected(why)) if why.contains("stopped reading")),
        "{:?}",
        stuck.outcome
    );
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}
