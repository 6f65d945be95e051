//! The HTTP interface of a real `killcord serve`: commands in a page's name, and everything that its OpenAPI document
//! lets one think of.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{path::PathBuf, time::Duration};

use killcord_tests::instrument::Instrument;
use killcord_tests::page::{Browser, Page, nth_link};
use killcord_tests::place;
use killcord_tests::port::Port;
use killcord_tests::process::{Launch, Process};
use killcord_tests::rigs;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, SOON, until, until_true};
use serde_json::{Value, json};

struct Served {
    instrument: Instrument,
    station: Station,
    rig: PathBuf,
    _port: Port,
    serve: Process,
}

impl Served {
    fn new() -> Self {
        let (instrument, station, port) = (Instrument::start(), Station::new(), Port::free());
        let head = rigs::head("5s", "on_last_session = \"safe\"");
        let more = format!(
            "[session]\nexpire_after = \"60s\"\n[remote]\nlisten = \"127.0.0.1:{}\"\n",
            port.number()
        );
        let control = "\n[[device.reading]]\nname = \"level\"\nquery = \"VOLT?\"\nevery = \"100ms\"\n\
                       [[device.control]]\nname = \"volts\"\nkind = \"number\"\nsend = \"VOLT {}\"\nmin = 0\nmax = 12\n";
        let rig = station.rig(&(head + &more + &rigs::switch("psu", &instrument) + control));
        let serve = station.killcord(["serve"]).arg(&rig).start();
        Self { instrument, station, rig, _port: port, serve }
    }

    /// The first browser, or the next one when so many are paired.
    fn browser(&self, paired: usize) -> Browser {
        Browser::pair(&nth_link(&self.serve, paired))
    }

    fn is_on(&self) -> bool {
        self.instrument.value("OUTP").as_deref() == Some("ON")
    }
}

/// Sends a command in a page's name until it is not refused for what only takes time.
fn command(browser: &Browser, page: &mut Page, method: &str, path: &str, value: Option<f64>) -> (u16, Value) {
    let mut n = 0;
    until("the command to be answered", LONG, || {
        n += 1;
        page.beat(n);
        let mut body = json!({ "session": page.session, "epoch": page.epoch, "id": format!("{path}{n}") });
        if let Some(value) = value {
            body["value"] = value.into();
        }
        let answer = browser.ask(method, path, &body.to_string());
        let code = answer.1["code"].as_str().unwrap_or_default().to_owned();
        (!matches!(code.as_str(), "arm_refused" | "stale_epoch")).then_some(answer)
    })
}

#[test]
fn a_page_commands_over_http_under_its_epoch_and_a_command_is_done_once() {
    let served = Served::new();
    let browser = served.browser(0);
    let mut page = browser.open();
    let arm = "/killcord/api/v1/arm";
    assert_eq!(command(&browser, &mut page, "POST", arm, None).0, 204);
    until_true("the supply to be on", SOON, || served.is_on());

    let volts = "/killcord/api/v1/devices/psu/controls/volts";
    assert_eq!(command(&browser, &mut page, "PUT", volts, Some(7.5)).0, 204);
    page.beat(900);
    let once = json!({ "session": page.session, "epoch": page.epoch, "id": "once", "value": 3 }).to_string();
    served.instrument.forget();
    for _ in 0..3 {
        assert_eq!(browser.ask("PUT", volts, &once).0, 204);
    }
    let last = json!({ "session": page.session, "epoch": page.epoch, "id": "last", "value": 4 }).to_string();
    assert_eq!(browser.ask("PUT", volts, &last).0, 204);
    let sent = until("the last one to arrive", SOON, || {
        let sent = served.instrument.commands();
        sent.contains(&"VOLT 4".to_owned()).then_some(sent)
    });
    let times = sent.iter().filter(|line| *line == "VOLT 3").count();
    assert_eq!(times, 1, "answered three times, done once: {sent:?}");

    let asked = |path: &str, body: Value| {
        let (status, answer) = browser.ask("PUT", path, &body.to_string());
        (status, answer["code"].as_str().unwrap_or_default().to_owned())
    };
    let (session, epoch) = (page.session, page.epoch);
    let body = |id: &str, value: f64| json!({ "session": session, "epoch": epoch, "id": id, "value": value });
    assert_eq!(asked(volts, body("high", 12.5)), (422, "bad_value".into()));
    assert_eq!(asked("/killcord/api/v1/devices/psu/controls/amps", body("x", 1.0)), (404, "unknown".into()));
    let old = json!({ "session": session, "epoch": "1.0", "id": "old", "value": 1 });
    assert_eq!(asked(volts, old), (409, "stale_epoch".into()));

    let other = served.browser(1);
    let mut watching = other.open();
    watching.beat(1);
    let theirs = json!({ "session": session, "epoch": epoch, "id": "theirs", "value": 1 }).to_string();
    let (status, answer) = other.ask("PUT", volts, &theirs);
    assert_eq!((status, &answer["code"]), (409, &json!("hello_first")), "a session of another browser");
    let own = json!({ "session": watching.session, "epoch": watching.epoch, "id": "own", "value": 1 });
    let (status, answer) = other.ask("PUT", volts, &own.to_string());
    assert_eq!((status, &answer["code"]), (409, &json!("not_operator")));
    assert_eq!(served.instrument.value("VOLT").as_deref(), Some("4"), "and none of these reached the supply");

    assert_eq!(other.ask("POST", "/killcord/api/v1/stop", "").0, 202, "but anybody may stop");
    until_true("the supply to be off", SOON, || !served.is_on());
    let stops = until("the stop to be on record", SOON, || {
        let (status, list) = other.ask("GET", "/killcord/api/v1/teardowns", "");
        assert_eq!(status, 200);
        list["teardowns"].as_array().unwrap().iter().find(|one| one["cause"] == "safe_stop").cloned()
    });
    let (_, report) = other.ask("GET", &format!("/killcord/api/v1/teardowns/{}", stops["id"]), "");
    assert_eq!(report["devices"][0]["status"], "safe_verified", "{report}");
    assert!(!report["devices"][0]["exchanges"].as_array().unwrap().is_empty());
    until("the past of a reading", SOON, || {
        let (_, past) = other.ask("GET", "/killcord/api/v1/readings?device=psu&name=level", "");
        past["readings"][0]["values"].as_array().is_some_and(|values| !values.is_empty()).then_some(())
    });
}

/// What anybody may do to himself.
const SIGN_OUT: &str = "DELETE /killcord/pair";

/// Everything that the document lets one think of, but for the deeds `without`, with these headers.
fn think_of_everything(served: &Served, at: &str, headers: &[String], without: &[&str]) {
    // The tool is given what lets it in; as a scheme of the document it would leave it out and wonder.
    let document = std::fs::read_to_string(place::root().join("crates/server/src/openapi.json")).unwrap();
    let mut document: Value = serde_json::from_str(&document).unwrap();
    document.as_object_mut().unwrap().remove("security");
    let file = served.station.path("openapi.json");
    std::fs::write(&file, document.to_string()).unwrap();
    // It keeps what it has seen in its working folder.
    let ended = Launch::new(place::peer("schemathesis"))
        .dir(file.parent().unwrap())
        .args(["run", "--workers=1", "--max-examples=60", "--seed=1", "--no-color"])
        .arg("--request-timeout=20")
        .arg(format!("--header=Origin: http://{at}"))
        .args(headers.iter().map(|header| format!("--header={header}")))
        .args(without.iter().map(|deed| format!("--exclude-name={deed}")))
        .arg(format!("--url=http://{at}"))
        .arg(&file)
        .run(Duration::from_secs(300));
    assert_eq!(ended.code(), Some(0), "{}\n{}", ended.stdout, ended.stderr);
}

#[test]
fn nothing_that_the_openapi_document_lets_one_think_of_is_a_server_error() {
    let served = Served::new();
    let browser = served.browser(0);
    let mut page = browser.open();
    page.beat(1);
    let cookie = format!("Cookie: {}", browser.cookie());
    // It has the list of tokens to think of, and would revoke its own.
    let without = ["DELETE /killcord/api/v1/tokens/{name}", SIGN_OUT];
    think_of_everything(&served, browser.at(), &[cookie], &without);
    assert_eq!(browser.ask("GET", "/killcord/api/v1/rig", "").0, 200, "and it still answers");
    assert!(!served.is_on(), "no request without a page's session and epoch arms anything");
}

#[test]
fn whatever_an_observer_or_a_stranger_thinks_of_changes_nothing_and_is_no_server_error() {
    let served = Served::new();
    let browser = served.browser(0);
    let mut page = browser.open();
    page.beat(1);
    let added = served.station.killcord(["token", "add"]).arg(&served.rig).arg("visitor").run(LONG);
    assert_eq!(added.code(), Some(0), "{}", added.stderr);
    let tokens = || browser.ask("GET", "/killcord/api/v1/tokens", "").1;
    let known = until("the running host to know it", SOON, || {
        let known = tokens();
        known.to_string().contains("visitor").then_some(known)
    });
    for headers in [vec![format!("Authorization: Bearer {}", added.stdout.trim())], Vec::new()] {
        think_of_everything(&served, browser.at(), &headers, &[SIGN_OUT]);
        assert_eq!(tokens(), known, "nobody was let in or revoked");
        page.beat(2);
        assert!(!served.is_on());
    }
}
