//! Links that go on with what another process handed over: its lock, its open port, its address.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod common;

use std::{
    fs::File,
    io::Write as _,
    os::{fd::OwnedFd, unix::fs::symlink},
    sync::Arc,
    time::{Duration, Instant},
};

use common::{
    Bench, Instrument, PATIENCE, Seen,
    pty::{Pty, alone},
    run, say, shared, take_over, text,
};
use killcord_core::{
    Cause, Check, Condition, Expected, Extent, Item, LinkIx, Mode, Plan, RunId, Status, Step, Verify,
    plan::{Connect, Order, Protocol, SerialLine, Terminator, Work},
};
use killcord_device::{
    DeviceLock, Fence, Handed, Lane, LinkEvent, Links, Timeline, execute, let_go, testing,
};
use rustix::{
    fs::{FlockOperation, flock},
    termios::{OptionalActions, tcgetattr, tcsetattr},
};

const NAME: &str = "HAMEG,HMP4040";

fn lines() -> Protocol {
    Protocol::Line { terminator: Terminator::Lf }
}

fn on_port(pty: &Pty) -> Plan {
    let link = pty.link(lines(), SerialLine::default());
    testing::plan(vec![link], vec![testing::device("psu", "line")])
}

fn on_socket(port: u16) -> Plan {
    testing::plan(vec![testing::link(port)], vec![testing::device("psu", "line")])
}

fn slave(pty: &Pty) -> File {
    File::options().read(true).write(true).open(&pty.path).unwrap()
}

fn may_lock(port: &File) -> bool {
    flock(port, FlockOperation::NonBlockingLockExclusive).is_ok()
}

#[test]
fn a_port_that_was_handed_over_is_gone_on_with_as_it_stands() {
    let _alone = alone();
    let pty = Pty::open();
    let mut plan = on_port(&pty);
    plan.devices[0].id = Some(Step::query("*IDN?"));
    plan.devices[0].expect_id = Some(String::from("HAMEG"));
    // Opened before anybody has it to himself.
    let other = slave(&pty);
    let host = Bench::start(on_port(&pty), Vec::new());
    host.open(0).outcome.unwrap();
    let handed = host.links.handed(LinkIx(0)).unwrap();
    assert!(handed.lock.is_some() && handed.port.is_some() && handed.address.is_none(), "{handed:?}");
    // What the host has set since, and what it was answered and has not read.
    let mut settings = tcgetattr(handed.port.as_ref().unwrap()).unwrap();
    settings.set_speed(1_200).unwrap();
    tcsetattr(handed.port.as_ref().unwrap(), OptionalActions::Now, &settings).unwrap();
    (&pty.master).write_all(b"0\n").unwrap();
    let seen =
        pty.play(
            |bytes| {
                if bytes.ends_with(b"*IDN?\n") { format!("{NAME}\n").into_bytes() } else { Vec::new() }
            },
        );
    // The host is there still, as one with SIGKILL pending is.
    let links = take_over(&plan, vec![handed]);
    let opened = run(&links, Work::Open);
    assert_eq!((text(&opened).as_deref(), opened.out_of_step), (Some(NAME), false));
    run(&links, Work::Step(Step::send("OUTP OFF"))).outcome.unwrap();
    seen.wait_for("off", |(_, bytes)| bytes.ends_with(b"OUTP OFF\n"));
    let written: Vec<u8> = seen.all().into_iter().flat_map(|(_, bytes)| bytes).collect();
    assert_eq!(String::from_utf8_lossy(&written), "\n*IDN?\nOUTP OFF\n");
    assert_eq!(tcgetattr(&other).unwrap().output_speed(), 1_200, "it was opened or set anew");
}

#[test]
fn a_port_taken_over_from_a_device_without_a_name_is_out_of_step() {
    let _alone = alone();
    let pty = Pty::open();
    let _seen = pty.play(|_| Vec::new());
    let host = Bench::start(on_port(&pty), Vec::new());
    host.open(0).outcome.unwrap();
    let links = take_over(&on_port(&pty), vec![host.links.handed(LinkIx(0)).unwrap()]);
    let opened = run(&links, Work::Open);
    assert_eq!((opened.outcome, opened.out_of_step), (Ok(None), true));
    let resync = run(&links, Work::Resync);
    assert_eq!((resync.outcome, resync.out_of_step), (Ok(None), false));
}

#[test]
fn a_port_that_was_handed_over_and_is_dead_is_opened_by_its_path() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let (unplugged, plugged_in) = (Pty::open(), Pty::open());
    let dead = OwnedFd::from(slave(&unplugged));
    drop(unplugged);
    let path = folder.path().join("by-id");
    symlink(&plugged_in.path, &path).unwrap();
    let mut plan = on_port(&plugged_in);
    plan.links[0].connect = Connect::Serial { path, line: SerialLine::default(), protocol: lines() };
    let seen = plugged_in.play(|_| Vec::new());
    let handed = Handed { link: LinkIx(0), address: None, lock: None, port: Some(dead) };
    let links = take_over(&plan, vec![handed]);
    run(&links, Work::Open).outcome.unwrap();
    run(&links, Work::Step(Step::send("OUTP OFF"))).outcome.unwrap();
    seen.wait_for("off", |(_, bytes)| bytes.ends_with(b"OUTP OFF\n"));
}

#[test]
fn a_port_given_back_is_free_although_a_copy_of_it_is_open() {
    let _alone = alone();
    let pty = Pty::open();
    let _seen = pty.play(|_| Vec::new());
    let other = slave(&pty);
    let host = Bench::start(on_port(&pty), Vec::new());
    host.open(0).outcome.unwrap();
    let stale = host.links.handed(LinkIx(0)).unwrap();
    assert!(!may_lock(&other));
    host.run(0, Work::Close, Lane::Safe).outcome.unwrap();
    assert!(may_lock(&other), "another program is kept out by a copy");
    flock(&other, FlockOperation::Unlock).unwrap();
    // And by the host itself again.
    host.open(0).outcome.unwrap();
    assert!(!may_lock(&other));
    // One that drops it unreleased gives it back too.
    assert!(host.links.stop(PATIENCE));
    let next = Bench::start(on_port(&pty), Vec::new());
    next.open(0).outcome.unwrap();
    drop(stale);
}

#[test]
fn a_copy_that_is_let_go_takes_nothing_from_the_others() {
    let _alone = alone();
    let pty = Pty::open();
    let other = slave(&pty);
    let host = Bench::start(on_port(&pty), Vec::new());
    host.open(0).outcome.unwrap();
    // Nobody reads the master: a close would wait for these.
    host.safe(0, Step::send("x".repeat(2_000))).outcome.unwrap();
    let copy = host.links.handed(LinkIx(0)).unwrap().port.unwrap();
    let began = Instant::now();
    let_go(copy);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(!may_lock(&other));
}

#[test]
fn each_change_of_what_a_link_holds_is_told_before_anybody_hears_that_the_device_is_open() {
    let _alone = alone();
    let pty = Pty::open();
    let host = Bench::start(on_port(&pty), Vec::new());
    let told = |is: fn(&LinkEvent) -> bool| host.events.all().iter().filter(|event| is(event)).count();
    let holdings = |event: &LinkEvent| matches!(event, LinkEvent::Holdings { link: LinkIx(0) });
    host.open(0).outcome.unwrap();
    assert_eq!(told(holdings), 1);
    host.query(0, "VOLT?").outcome.unwrap_err();
    assert_eq!(told(holdings), 1, "nothing has changed");
    host.run(0, Work::Close, Lane::Safe).outcome.unwrap();
    assert_eq!(told(holdings), 2);
    let left = host.links.handed(LinkIx(0)).unwrap();
    assert!(left.lock.is_none() && left.port.is_none(), "{left:?}");
    host.open(0).outcome.unwrap();
    assert_eq!(told(holdings), 3);
    // Unplugged.
    drop(pty);
    host.events.wait_for("lost", |event| matches!(event, LinkEvent::Lost { .. }));
    let until = Instant::now() + PATIENCE;
    while told(holdings) < 4 {
        assert!(Instant::now() < until);
        std::thread::yield_now();
    }
    assert!(host.links.handed(LinkIx(0)).unwrap().port.is_none());
}

#[test]
fn what_a_link_holds_is_handed_on_while_its_thread_is_busy() {
    let instrument = Instrument::start(|_, _| {});
    let mut plan = on_socket(instrument.port);
    plan.devices[0].timeout = Duration::from_secs(2);
    let host = Bench::start(plan, Vec::new());
    host.open(0).outcome.unwrap();
    let mute = host.submit(0, Work::Step(Step::query("VOLT?")), Lane::Safe);
    instrument.wait_for("VOLT?");
    let handed = host.links.handed(LinkIx(0)).unwrap();
    assert!(mute.try_recv().is_err(), "it waited for the exchange");
    assert_eq!(handed.address.map(|address| address.port()), Some(instrument.port));
    assert!(handed.lock.is_some() && handed.port.is_none());
    assert!(host.links.handed(LinkIx(7)).is_err());
}

#[test]
fn an_address_that_was_handed_over_is_connected_to_without_a_name_server_and_under_the_same_lock() {
    let instrument = Instrument::start(|_, _| {});
    let host = Bench::start(on_socket(instrument.port), Vec::new());
    host.open(0).outcome.unwrap();
    let mut plan = on_socket(instrument.port);
    plan.links[0].connect =
        Connect::Tcp { host: String::from("no-such-host.invalid"), port: instrument.port, protocol: lines() };
    // Without the lock that was handed over the host would be in the way: it has it still.
    let links = take_over(&plan, vec![host.links.handed(LinkIx(0)).unwrap()]);
    run(&links, Work::Open).outcome.unwrap();
    run(&links, Work::Step(Step::send("OUTP OFF"))).outcome.unwrap();
    instrument.wait_for("OUTP OFF");
}

#[test]
fn a_lock_that_a_dying_process_holds_is_waited_for_within_the_teardown() {
    let instrument = Instrument::start(|line, stream| {
        if line == "OUTP?" {
            say(stream, "0");
        }
    });
    let mut plan = on_socket(instrument.port);
    let device = &mut plan.devices[0];
    device.safe = vec![Item::Do(Step::send("OUTP OFF"))];
    device.emergency = device.safe.clone();
    device.verify =
        Verify::Checks(vec![Check::once(Step::query("OUTP?"), Condition::Equals(Expected::Truth(false)))]);
    let plan = Arc::new(plan);
    let key = format!("127.0.0.1:{}", instrument.port);
    let dying = DeviceLock::take(&key, "the bench").unwrap();
    let events = Seen::default();
    let seen: Seen<LinkEvent> = events.clone();
    let shared = shared(Arc::new(Fence::new(RunId(1))), Arc::new(move |event| seen.push(event)));
    let links = Links::take_over(&plan, Vec::new(), shared, Vec::new()).unwrap();
    let report = std::thread::scope(|scope| {
        let teardown = scope.spawn(|| {
            let timeline = Timeline::starting_now();
            let order =
                Order::whole(&plan, Mode::Emergency, Extent::Release, Cause::HostLost, timeline.now());
            execute(&plan, order, &links, &timeline, &mut |_| {})
        });
        events.wait_for("in use", |event| matches!(event, LinkEvent::OpenFailed { .. }));
        drop(dying);
        teardown.join().unwrap()
    });
    assert_eq!(report.devices[0].status, Status::SafeVerified, "{report:?}");
    assert!(report.devices[0].released);
}
