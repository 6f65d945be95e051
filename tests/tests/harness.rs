//! The harness' own parts do what the tests rely on.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use killcord_tests::clock::monotonic;
use killcord_tests::instrument::Instrument;
use killcord_tests::load::Load;
use killcord_tests::process::Launch;
use killcord_tests::storage::{self, Disk};
use killcord_tests::wait::{SOON, until_true};

#[test]
fn the_stopwatch_notes_arrivals_at_once_and_answers_in_its_own_time() {
    let slow = Instrument::answering_after(Duration::from_millis(150));
    let mut line = TcpStream::connect(("127.0.0.1", slow.port())).unwrap();
    let began = monotonic();
    line.write_all(b"OUTP ON\nMEAS?\nOUTP OFF\n").unwrap();
    until_true("the last line to arrive", SOON, || slow.arrivals().len() == 3);
    let arrived = slow.arrivals()[2].at - began;
    assert!(arrived < Duration::from_millis(100), "noted {arrived:?} after it was sent");
    let mut answer = String::new();
    BufReader::new(&line).read_line(&mut answer).unwrap();
    assert!(monotonic() - began >= Duration::from_millis(150), "answered too soon");
    until_true("the output to be off", SOON, || slow.value("OUTP").as_deref() == Some("OFF"));
    assert_eq!(slow.commands(), ["OUTP ON", "OUTP OFF"]);
}

#[test]
fn a_process_and_all_it_started_end_with_its_handle() {
    let process =
        Launch::new("/bin/sh").args(["-c", "sleep 1000 & setsid sleep 1000 & echo up; wait"]).start();
    process.await_line("that it is up", SOON, |line| line.text == "up");
    until_true("both of its children", SOON, || process.descendants("sleep").len() == 2);
    let children = process.descendants("sleep");
    drop(process);
    let gone = |pid: &u32| !Path::new(&format!("/proc/{pid}/exe")).exists();
    until_true("the children to be gone", SOON, || children.iter().all(gone));
}

#[test]
fn a_full_and_a_read_only_disk_refuse_writing_to_root_too() {
    let dir = tempfile::tempdir().unwrap();
    for disk in [Disk::Full, Disk::ReadOnly] {
        let ended = storage::launch(disk, dir.path(), Path::new("/bin/sh"))
            .args(["-c", "echo x > \"$1/x\" && cat \"$1/x\"", "sh"])
            .arg(dir.path())
            .run(SOON);
        assert!(!ended.status.success() && ended.stdout.is_empty(), "{disk:?}: {ended:?}");
    }
    let running = storage::launch(Disk::Small(64), dir.path(), Path::new("/bin/sh"))
        .args(["-c", "echo up; read line; echo more > \"$1/more\" || exit 7", "sh"])
        .arg(dir.path())
        .with_input();
    let mut running = running.start();
    running.await_line("that it is up", SOON, |line| line.text == "up");
    storage::fill(&running, dir.path());
    running.type_line("go on");
    assert_eq!(running.wait(SOON).code(), Some(7));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "outside, nothing was written");
}

#[test]
fn busy_processors_are_busy_and_stop() {
    let own = || {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        let fields: Vec<u64> =
            stat.rsplit_once(") ").unwrap().1.split(' ').filter_map(|field| field.parse().ok()).collect();
        fields[9..12].iter().sum::<u64>()
    };
    let before = own();
    let load = Load::all_cores();
    until_true("processor time to be used", SOON, || own() > before + 20);
    let stopping = Instant::now();
    drop(load);
    assert!(stopping.elapsed() < Duration::from_secs(5));
}
