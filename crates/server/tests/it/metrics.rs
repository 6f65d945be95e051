//! What there is to watch: who may, what is counted, and that its documents speak of the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Instant,
};

use killcord::wire::{RigState, ToHost};

use crate::bench::{Bench, Browser, SOON, get};

const PATH: &str = "/killcord/metrics";

/// One scrape: each row by its name with its labels.
fn scrape(browser: &Browser) -> BTreeMap<String, f64> {
    rows(&browser.get(PATH).body)
}

fn rows(text: &str) -> BTreeMap<String, f64> {
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| {
        let (name, value) = row.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    })
    .collect()
}

/// Scrapes until a row has this value.
fn until(browser: &Browser, row: &str, value: f64) -> BTreeMap<String, f64> {
    let until = Instant::now() + SOON;
    loop {
        let rows = scrape(browser);
        if rows.get(row) == Some(&value) {
            return rows;
        }
        assert!(Instant::now() < until, "{row} is {:?}, not {value}", rows.get(row));
        std::thread::yield_now();
    }
}

/// The names that are given, each with its type.
fn given(text: &str) -> BTreeMap<String, String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    types.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect()
}

fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All metrics that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '_');
    words.filter(|word| word.starts_with("killcord_")).map(str::to_owned).collect()
}

/// The metric that a series belongs to: a histogram has three.
fn metric(given: &BTreeMap<String, String>, series: &str) -> String {
    let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| {
        let name = series.strip_suffix(end)?;
        (given.get(name).is_some_and(|kind| kind == "histogram")).then(|| name.to_owned())
    });
    of_histogram.unwrap_or_else(|| series.to_owned())
}

#[test]
fn metrics_are_for_whoever_is_let_in() {
    let bench = Bench::start();
    let refused = bench.ask(&get(bench.at(), PATH, ""));
    assert_eq!((refused.status, refused.code().as_str()), (401, "not_paired"));
    let answer = bench.browser().get(PATH);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn a_session_a_beat_an_arming_and_a_teardown_are_counted() {
    let bench = Bench::start();
    let browser = bench.browser();
    let mut page = browser.page(None);
    page.arm(&bench);
    until(&browser, "killcord_sessions{kind=\"page\",state=\"live\"}", 1.0);
    let rows = until(&browser, "killcord_armed", 1.0);
    assert_eq!(rows["killcord_rig_state{state=\"armed\"}"], 1.0);
    assert_eq!(rows["killcord_rig_state{state=\"safe\"}"], 0.0);
    assert_eq!(rows["killcord_device_state{device=\"psu\",state=\"armed\"}"], 1.0);
    assert!(rows["killcord_beats_total"] >= 1.0);
    assert!(rows["killcord_device_exchanges_total{device=\"psu\"}"] >= 2.0);
    assert_eq!(rows["killcord_device_errors_total{device=\"psu\"}"], 0.0);
    assert_eq!(rows["killcord_watchdog_state{state=\"off\"}"], 1.0);
    assert!(!rows.contains_key("killcord_watchdog_echo_age_seconds"), "where none watches there is no age");
    assert!(rows["killcord_rules_turn_age_seconds"] < SOON.as_secs_f64());
    assert_eq!(rows["killcord_teardowns_total{cause=\"safe_stop\",outcome=\"confirmed\"}"], 0.0);

    page.frame(&ToHost::Safe);
    let rows = until(&browser, "killcord_teardowns_total{cause=\"safe_stop\",outcome=\"confirmed\"}", 1.0);
    assert_eq!(rows["killcord_causes_total{cause=\"safe_stop\"}"], 1.0);
    for metric in ["first_safe_byte", "safe", "teardown"] {
        let of = |end: &str| rows[&format!("killcord_{metric}_seconds_{end}{{cause=\"safe_stop\"}}")];
        assert_eq!(of("count"), 1.0, "{metric}");
        assert!((0.0..5.0).contains(&of("sum")), "{metric}: {}", of("sum"));
        let all = format!("killcord_{metric}_seconds_bucket{{cause=\"safe_stop\",le=\"+Inf\"}}");
        assert_eq!(rows[&all], 1.0);
    }
    bench.wait_for(RigState::Safe);

    assert_eq!(browser.delete("/killcord/pair").status, 204, "signed out");
    let rows = until(&bench.browser(), "killcord_sessions_ended_total{reason=\"signed_out\"}", 1.0);
    assert_eq!(rows["killcord_sessions_began_total{kind=\"page\"}"], 1.0);
}

#[test]
fn requests_that_are_refused_are_counted_by_their_code() {
    let bench = Bench::start();
    let browser = bench.browser();
    for _ in 0..3 {
        assert_eq!(bench.ask(&get(bench.at(), "/killcord/api/v1/rig", "")).status, 401);
    }
    let wrong = get(bench.at(), PATH, "").replace(&bench.at().to_string(), "elsewhere.example");
    assert_eq!(bench.ask(&wrong).status, 421);
    let rows = scrape(&browser);
    assert_eq!(rows["killcord_server_refusals_total{code=\"not_paired\"}"], 3.0);
    assert_eq!(rows["killcord_server_refusals_total{code=\"wrong_host\"}"], 1.0);
    assert!(rows["killcord_server_connections_total"] >= 6.0);
    assert!(rows["killcord_server_open_connections"] >= 1.0);
}

#[test]
fn nothing_that_comes_over_the_network_makes_a_row_of_its_own() {
    let bench = Bench::start();
    let browser = bench.browser();
    bench.wait_for(RigState::Safe);
    let rows = |browser: &Browser| {
        let all = scrape(browser).into_keys();
        all.filter(|row| !row.starts_with("killcord_server_refusals_total")).collect::<Vec<_>>()
    };
    let before = rows(&browser);
    for path in ["/killcord/api/v1/nonsense", "/killcord/api/v1/devices/evil/controls/x", "/killcord/%00"] {
        assert_ne!(browser.get(path).status, 200);
    }
    let mut page = browser.page(None);
    page.say(r#"{"t":"evil"}"#);
    page.say("nonsense");
    page.beat(1);
    assert_eq!(rows(&browser), before);
    let refused =
        scrape(&browser).into_keys().filter(|row| row.starts_with("killcord_server_refusals_total"));
    let codes = ["unknown", "wrong_method"];
    let expected = codes.map(|code| format!("killcord_server_refusals_total{{code=\"{code}\"}}"));
    assert_eq!(refused.collect::<Vec<_>>(), expected);
}

#[test]
fn the_documents_the_rules_and_the_dashboard_speak_of_what_is_given() {
    let bench = Bench::start();
    let text = bench.browser().get(PATH).body;
    let given = given(&text);
    let described = named(&document("monitoring.md"));
    let missing: Vec<_> = given.keys().filter(|name| !described.contains(*name)).collect();
    assert!(missing.is_empty(), "docs/monitoring.md says nothing of {missing:?}");
    for file in ["monitoring.md", "monitoring/killcord.rules.yml", "monitoring/killcord.dashboard.json"] {
        let unknown: Vec<_> = named(&document(file))
            .into_iter()
            .filter(|name| !given.contains_key(&metric(&given, name)))
            .collect();
        assert!(unknown.is_empty(), "{file} names {unknown:?}, which the program does not give");
    }
}

/// The words that a query asks a label for: `state=~"a|b"`.
fn asked<'a>(query: &'a str, label: &str) -> Vec<&'a str> {
    let mut words = Vec::new();
    for operator in ["=", "!=", "=~", "!~"] {
        let asks = format!("{label}{operator}\"");
        let values = query.split(asks.as_str()).skip(1).filter_map(|rest| rest.split('"').next());
        words.extend(values.flat_map(|value| value.split('|')));
    }
    words
}

#[test]
fn words_that_rules_and_dashboard_ask_for_are_words_that_there_are() {
    let bench = Bench::start();
    let text = bench.browser().get(PATH).body;
    for file in ["monitoring/killcord.rules.yml", "monitoring/killcord.dashboard.json"] {
        let queries = document(file).replace("\\\"", "\"");
        for label in ["state", "outcome", "cause", "kind", "event", "le"] {
            for word in asked(&queries, label) {
                let row = format!("{label}=\"{word}\"");
                assert!(text.contains(&row), "{file} asks for {row}");
            }
        }
    }
    assert_eq!(asked("x{state=~\"a|b\",cause!=\"c\"}", "state"), ["a", "b"]);
}
