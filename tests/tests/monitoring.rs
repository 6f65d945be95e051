//! Debian's Prometheus beside a host: it scrapes, judges by the rules that are shipped, and an alert goes off.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use killcord_tests::instrument::Instrument;
use killcord_tests::page::{Browser, link};
use killcord_tests::place;
use killcord_tests::port::Port;
use killcord_tests::process::Launch;
use killcord_tests::prometheus::{PATH, Prometheus, dashboard_expressions, promtool, shipped};
use killcord_tests::rigs;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, SOON, until, until_true};

#[test]
fn debians_promtool_takes_the_rules_and_each_alert_goes_off_by_what_it_is_for() {
    let rules = shipped("killcord.rules.yml");
    for args in
        [["check", "rules", rules.to_str().unwrap()], ["test", "rules", "tests/monitoring/rules.test.yml"]]
    {
        let ended = promtool(&args).run(SOON);
        assert_eq!(ended.code(), Some(0), "{args:?}: {}{}", ended.stdout, ended.stderr);
    }
}

#[test]
fn debians_prometheus_scrapes_a_host_and_says_so_when_an_instrument_is_gone() {
    let (instrument, station, port) = (Instrument::start(), Station::new(), Port::free());
    let remote =
        format!("[session]\nexpire_after = \"60s\"\n[remote]\nlisten = \"127.0.0.1:{}\"\n", port.number());
    let head = rigs::head("5s", "on_last_session = \"safe\"");
    let rig = station.rig(&(head + &remote + &rigs::switch("psu", &instrument)));
    let serve = station.killcord(["serve", "--arm"]).arg(&rig).start();
    let browser = Browser::pair(&link(&serve));
    let mut page = browser.open();
    page.beat(1);
    until_true("the supply to be on", LONG, || instrument.value("OUTP").as_deref() == Some("ON"));
    // A refusal, so that there is one to be drawn.
    assert_eq!(browser.ask("GET", "/killcord/api/v1/nonsense", "").0, 404);

    let given = browser.get(PATH, &[]).body_mut().read_to_string().unwrap();
    let mut check = promtool(&["check", "metrics"]).with_input().start();
    check.type_line(&given);
    check.end_input();
    let status = check.wait(SOON);
    assert_eq!(status.code(), Some(0), "{}", check.output().all());

    let added = station.killcord(["token", "add"]).arg(&rig).arg("prometheus").run(SOON);
    assert_eq!(added.code(), Some(0), "{}", added.stderr);
    let prometheus = Prometheus::scraping(browser.at(), added.stdout.trim(), None);
    let is = |expression: &str| prometheus.query(expression).iter().any(|(_, value)| *value == 1.0);
    until_true("the rig to be armed, as Prometheus sees it", LONG, || is("killcord_armed"));
    until_true("the watchdog to be seen", LONG, || is("killcord_watchdog_state{state=\"watching\"}"));
    assert!(is("killcord_device_state{device=\"psu\",state=\"armed\"}"));
    until_true("two scrapes", LONG, || !prometheus.query("rate(killcord_beats_total[5s])").is_empty());
    for expression in dashboard_expressions(&shipped("killcord.dashboard.json")) {
        let rows = prometheus.query(&expression);
        // What is drawn only where there is some may be nothing.
        assert!(
            !rows.is_empty() || expression.ends_with("> 0"),
            "the dashboard shows nothing for {expression}"
        );
    }
    let firing = prometheus.firing();
    let ours = ["KillcordTeardownNotConfirmed", "KillcordDeviceUnreachable"];
    assert!(ours.iter().all(|alert| !firing.contains(*alert)), "{firing:?}");

    drop(instrument);
    for alert in ours {
        until_true(alert, LONG, || prometheus.firing().contains(alert));
    }
    let devices = prometheus.query("ALERTS{alertname=\"KillcordDeviceUnreachable\",alertstate=\"firing\"}");
    assert_eq!(devices[0].0["device"], "psu");
}

#[test]
fn debians_prometheus_scrapes_an_encrypted_host_whose_certificate_was_fetched_and_compared() {
    let (instrument, station, port) = (Instrument::start(), Station::new(), Port::free());
    let remote = format!("[remote]\nlisten = \"127.0.0.1:{}\"\ntls = \"self-signed\"\n", port.number());
    let rig = station.rig(&(rigs::head("5s", "") + &remote + &rigs::switch("psu", &instrument)));
    let serve = station.killcord(["serve"]).arg(&rig).start();
    let told = until("the fingerprint", LONG, || {
        let lines = serve.output().lines();
        lines.iter().map(|line| line.text.trim().to_owned()).find(|line| line.matches(':').count() == 31)
    });
    let added = station.killcord(["token", "add"]).arg(&rig).arg("prometheus").run(SOON);
    let (target, file) = (format!("127.0.0.1:{}", port.number()), station.path("killcord.pem"));

    // As the document has it.
    let document = std::fs::read_to_string(place::root().join("docs/monitoring.md")).unwrap();
    let mut commands = document.lines().filter(|line| line.starts_with("openssl ")).map(|line| {
        line.replace("bench1.lab.example:8420", &target).replace("killcord.pem", file.to_str().unwrap())
    });
    let (fetch, compare) = (commands.next().unwrap(), commands.next().unwrap());
    let run = |command: &str| Launch::new(place::system("sh")).args(["-c", command]).run(LONG);
    until_true("the host to serve", LONG, || run(&fetch).code() == Some(0));
    let found = run(&compare);
    assert!(found.stdout.trim().ends_with(&format!("={told}")), "{} is not {told}", found.stdout);

    let prometheus = Prometheus::scraping(&target, added.stdout.trim(), Some(&file));
    let is_up = || prometheus.query("up{job=\"killcord\"}").iter().any(|(_, value)| *value == 1.0);
    until_true("a scrape", LONG, is_up);
}
