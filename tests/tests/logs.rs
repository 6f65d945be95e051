//! The log of a host that is served: sessions and teardowns by their spans, JSON where it is asked for, and never a
//! secret.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};

use killcord_tests::instrument::Instrument;
use killcord_tests::page::{Browser, Page, link};
use killcord_tests::port::Port;
use killcord_tests::process::{Process, Stream};
use killcord_tests::rigs;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, SOON, until_true};
use rustix::process::Signal;
use serde_json::Value;

struct Served {
    instrument: Instrument,
    station: Station,
    rig: PathBuf,
    _port: Port,
}

impl Served {
    fn new() -> Self {
        let (instrument, station, port) = (Instrument::start(), Station::new(), Port::free());
        let head = rigs::head("5s", "on_last_session = \"safe\"");
        let remote = format!(
            "[session]\nexpire_after = \"60s\"\n[remote]\nlisten = \"127.0.0.1:{}\"\n",
            port.number()
        );
        let rig = station.rig(&(head + &remote + &rigs::switch("psu", &instrument)));
        Self { instrument, station, rig, _port: port }
    }

    /// A host that is armed by its first page.
    fn armed(&self, args: &[&str], level: &str) -> (Process, String, Browser, Page) {
        let serve = self.station.killcord(["serve", "--arm"]).args(args.iter().copied());
        let serve = serve.arg(&self.rig).env("KILLCORD_LOG", level).start();
        let link = link(&serve);
        let browser = Browser::pair(&link);
        let mut page = browser.open();
        page.beat(1);
        until_true("the supply to be on", LONG, || self.instrument.value("OUTP").as_deref() == Some("ON"));
        (serve, link, browser, page)
    }
}

fn log(process: &Process) -> Vec<String> {
    let lines = process.output().lines().into_iter();
    lines.filter(|line| line.stream == Stream::Err).map(|line| line.text).collect()
}

/// What is in all files below a folder.
fn written(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => written(&path),
            false => std::fs::read(&path).map(|bytes| (path, bytes)).into_iter().collect(),
        })
        .collect()
}

#[test]
fn no_secret_is_in_the_log_at_its_most_verbose_nor_in_the_state_folder() {
    let served = Served::new();
    let (mut serve, link, browser, page) = served.armed(&[], "trace");
    page.cut();
    let mut back = browser.hello(&page.nonce, Some(&page.token));
    assert!(back.resumed);
    back.beat(2);
    assert_eq!(browser.get("/killcord/metrics", &[("authorization", "Bearer nonsense")]).status(), 401);
    serve.signal(Signal::TERM);
    assert_eq!(serve.wait(SOON).code(), Some(0), "{}", serve.output().all());

    let log = log(&serve).join("\n");
    assert!(log.contains(" DEBUG "), "it is at its most verbose:\n{log}");
    let code = link.split_once('#').unwrap().1;
    let cookie = browser.cookie().split_once('=').unwrap().1;
    for (what, secret) in [("code", code), ("cookie", cookie), ("token", &page.token), ("token", &back.token)]
    {
        assert!(secret.len() >= 16, "{what}");
        if let Some(line) = log.lines().find(|line| line.contains(secret)) {
            panic!("the {what} is in the log: {line}");
        }
        for (path, bytes) in written(&served.station.state()) {
            let there = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!there, "the {what} is in {}", path.display());
        }
    }
    let session = "session{id=s1 kind=\"page\" address=127.0.0.1 who=\"browser-";
    for told in ["began", "came back", "ended reason=\"host_stopping\""] {
        let told = format!("}}: killcord::engine::record: {told}");
        let is_there = log.lines().any(|line| line.contains(session) && line.contains(&told));
        assert!(is_there, "{told} is not in the log:\n{log}");
    }
    for told in [
        "teardown{cause=\"signal\"}: killcord::engine::record: began",
        "teardown{cause=\"signal\"}: killcord::engine::record: over: every device is confirmed safe",
    ] {
        assert!(log.contains(told), "{told} is not in the log:\n{log}");
    }
}

#[test]
fn a_log_in_json_is_json_to_its_last_line_the_watchdogs_too() {
    let served = Served::new();
    let (mut serve, _link, _browser, _page) = served.armed(&["--log", "json"], "info");
    serve.signal(Signal::KILL);
    serve.wait(SOON);
    until_true("the watchdog to say what it did", LONG, || {
        log(&serve).iter().any(|line| line.contains("it made the rig safe"))
    });
    let lines: Vec<Value> = log(&serve)
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let began = lines.iter().find(|line| line["span"]["name"] == "session").expect("a session began");
    assert_eq!(began["span"]["kind"], "page");
    assert_eq!(began["span"]["address"], "127.0.0.1");
    assert_eq!(began["level"], "INFO");
    let watchdog = lines.iter().find(|line| line["target"] == "killcord_watchdog").unwrap();
    assert!(watchdog["unix_ms"].as_u64().is_some() && watchdog["level"] == "WARN", "{watchdog}");
}

#[test]
fn the_journal_shows_who_came_in_and_who_did_not_and_from_where() {
    let served = Served::new();
    let (mut serve, _link, browser, page) = served.armed(&[], "warn");
    assert_eq!(browser.get("/killcord/metrics", &[("authorization", "Bearer nonsense")]).status(), 401);
    assert_eq!(browser.ask("DELETE", "/killcord/pair", "").0, 204);
    until_true("the session to have ended", SOON, || {
        accesses(&served).iter().any(|entry| entry["event"] == "ended")
    });
    drop(page);
    serve.signal(Signal::TERM);
    assert_eq!(serve.wait(SOON).code(), Some(0), "{}", serve.output().all());
    let entries = accesses(&served);
    let mut events: Vec<_> = entries.iter().map(|entry| entry["event"].as_str().unwrap()).collect();
    events.reverse();
    // The server says that it signed out, the rules that its session ended.
    events[4..].sort_unstable();
    assert_eq!(events, ["paired", "attached", "took_control", "refused", "ended", "signed_out"]);
    let name = entries.last().unwrap()["name"].as_str().unwrap();
    assert!(name.starts_with("browser-"), "{name}");
    for entry in &entries {
        assert_eq!(entry["address"], "127.0.0.1", "{entry}");
        assert!(entry["name"] == name || entry["event"] == "refused", "{entry}");
    }
    let text = served.station.killcord(["journal", "access"]).arg(&served.rig).run(SOON).stdout;
    assert!(text.lines().count() == 7 && text.contains(name), "{text}");
}

/// What the journal shows of accesses, newest first.
fn accesses(served: &Served) -> Vec<Value> {
    let ended = served.station.killcord(["journal", "access", "--json"]).arg(&served.rig).run(SOON);
    serde_json::from_str(&ended.stdout).unwrap()
}
