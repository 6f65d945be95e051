//! `killcord token` beside a running host: who is let in, as what, and until when.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;

use killcord::wire::ToPage;
use killcord_tests::door;
use killcord_tests::instrument::Instrument;
use killcord_tests::page::{Browser, link};
use killcord_tests::port::Port;
use killcord_tests::process::{Ended, Process};
use killcord_tests::rigs;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, SOON, until_true};
use serde_json::Value;

struct Served {
    psu: Instrument,
    station: Station,
    rig: PathBuf,
    port: Port,
    serve: Process,
}

impl Served {
    fn start() -> Self {
        let (psu, station, port) = (Instrument::start(), Station::new(), Port::free());
        let head = rigs::head("5s", "on_last_session = \"safe\"");
        let more = format!(
            "[session]\nexpire_after = \"60s\"\nreload_grace = \"60s\"\n[remote]\nlisten = \"127.0.0.1:{}\"\n",
            port.number()
        );
        let rig = station.rig(&(head + &more + &rigs::switch("psu", &psu)));
        let serve = station.killcord(["serve", "--arm"]).arg(&rig).start();
        Self { psu, station, rig, port, serve }
    }

    fn token(&self, command: &str, more: &[&str]) -> Ended {
        self.station.killcord(["token", command]).arg(&self.rig).args(more).run(LONG)
    }

    fn link(&self, secret: &str) -> String {
        format!("http://127.0.0.1:{}/killcord/pair#{secret}", self.port.number())
    }

    fn status(&self, key: &str, path: &str) -> u16 {
        let url = format!("http://127.0.0.1:{}{path}", self.port.number());
        let request = ureq::get(url).header("authorization", format!("Bearer {key}"));
        request.config().http_status_as_error(false).build().call().unwrap().status().as_u16()
    }
}

#[test]
fn a_token_lets_a_program_in_a_page_in_and_both_out_again_when_it_is_revoked() {
    let served = Served::start();
    let first = Browser::pair(&link(&served.serve));
    let added = served.token("add", &["alice", "--role", "operator"]);
    assert_eq!(added.code(), Some(0), "{}", added.stderr);
    let secret = added.stdout.trim().to_owned();
    assert!(secret.starts_with("killcord_") && added.stdout.lines().count() == 1, "{}", added.stdout);
    assert!(added.stderr.contains("alice") && !added.stderr.contains(&secret), "{}", added.stderr);
    until_true("the running host to know it", SOON, || {
        let (_, tokens) = first.ask("GET", "/killcord/api/v1/tokens", "");
        tokens["tokens"].as_array().unwrap().iter().any(|token| token["name"] == "alice")
    });
    assert_eq!(served.status(&secret, "/killcord/api/v1/tokens"), 200);

    let browser = Browser::pair(&served.link(&secret));
    let mut page = browser.open();
    page.beat(1);
    until_true("the supply to be on", LONG, || served.psu.value("OUTP").as_deref() == Some("ON"));
    let list: Value = serde_json::from_str(&served.token("list", &["--json"]).stdout).unwrap();
    let let_in = list.as_array().unwrap().iter().find(|token| token["by"] == "alice").expect("no browser");
    assert_eq!((&let_in["kind"], &let_in["role"]), (&"browser".into(), &"operator".into()));
    let table = served.token("list", &[]).stdout;
    assert!(table.contains("alice") && !table.contains(&secret), "{table}");

    let revoked = served.token("revoke", &["alice"]);
    assert_eq!(revoked.code(), Some(0), "{}", revoked.stderr);
    let ended = page.until(|frame| matches!(frame, ToPage::Ended { .. }));
    assert!(ended.is_ok_and(|frame| format!("{frame:?}").contains("EndedByOperator")));
    until_true("the supply to be off", SOON, || served.psu.value("OUTP").as_deref() == Some("OFF"));
    assert_eq!(served.status(&secret, "/killcord/api/v1/rig"), 401);
    assert_eq!(browser.ask("GET", "/killcord/api/v1/rig", "").0, 401);
    assert_eq!(first.ask("GET", "/killcord/api/v1/rig", "").0, 200);
}

#[test]
fn what_is_wrong_with_a_token_is_told_with_what_to_do() {
    let (psu, station) = (Instrument::start(), Station::new());
    let rig = station.rig(&(rigs::head("5s", "") + &rigs::switch("psu", &psu)));
    let token =
        |command: &str, more: &[&str]| station.killcord(["token", command]).arg(&rig).args(more).run(LONG);
    assert!(token("list", &[]).stderr.contains("killcord token add"));
    let added = token("add", &["alice"]);
    assert!(added.code() == Some(0) && added.stderr.contains("no [remote] yet"), "{}", added.stderr);
    let again = token("add", &["alice"]);
    assert!(again.code() == Some(3) && again.stderr.contains("revoke it first"), "{}", again.stderr);
    let wrong = token("add", &["../alice"]);
    assert!(wrong.code() == Some(3) && wrong.stderr.contains("lower-case letters"), "{}", wrong.stderr);
    let unknown = token("revoke", &["bob"]);
    assert!(
        unknown.code() == Some(3) && unknown.stderr.contains("killcord token list"),
        "{}",
        unknown.stderr
    );
    // Whoever wants to shut somebody out does not mend the rig file first.
    std::fs::write(&rig, "[rig").unwrap();
    assert_eq!(token("revoke", &["alice"]).code(), Some(0));
}

#[test]
fn a_service_whose_output_is_kept_prints_no_link() {
    let (psu, station, port) = (Instrument::start(), Station::new(), Port::free());
    let remote = format!("[remote]\nlisten = \"127.0.0.1:{}\"\n", port.number());
    let rig = station.rig(&(rigs::head("5s", "") + &remote + &rigs::switch("psu", &psu)));
    // As systemd tells a program where its output goes: device and inode of the stream.
    let script = "export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/$$/fd/1); exec \"$0\" serve \"$1\"";
    let shell = killcord_tests::process::Launch::new("/bin/sh");
    let launch = shell.args(["-c", script]).arg(killcord_tests::place::program("killcord")).arg(&rig);
    let serve = station.dress(launch).start();
    door::await_state(&station, "safe");
    serve.await_line("what to do instead", LONG, |line| line.text.contains("killcord token add"));
    assert!(!serve.output().all().contains("/killcord/pair#"), "{}", serve.output().all());
}
