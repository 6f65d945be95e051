//! From another machine: a network namespace of its own with a real browser in it, TLS, links, tokens, and proxies by the
//! recipes of `docs/remote.md`.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod browser;

use std::path::PathBuf;

use browser::await_panel;
use browser::behind::Behind;
use killcord_tests::chromium::{Chromium, Tab};
use killcord_tests::door;
use killcord_tests::network::Network;
use killcord_tests::page::nth_link;
use killcord_tests::place;
use killcord_tests::port::Port;
use killcord_tests::process::{Launch, Process};
use killcord_tests::proxy::{APP_NAME, Kind, NAME, Proxy};
use killcord_tests::rigs;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, until, until_true};
use killcord_tests::wrapped::Wrapped;
use serde_json::{Value, json};

const PORT: u16 = 8420;

/// A bench at the far end of a network: instrument and host are there, this test is on neither machine.
struct Far {
    network: Network,
    station: Station,
    rig: PathBuf,
    sim: Process,
    serve: Process,
}

impl Far {
    fn start() -> Self {
        let (network, station) = (Network::open(), Station::new());
        let inside = network.beyond();
        let there = |program: PathBuf| {
            let launch = Launch::new(&inside[0]).args(&inside[1..]).arg(program);
            station.dress(launch)
        };
        let file = station.path("bench.toml");
        let supply = "[[instrument]]\nname = \"psu\"\nkind = \"supply\"\nlisten = \"tcp://127.0.0.1:5025\"\n";
        std::fs::write(&file, supply).unwrap();
        let sim = there(place::program("killcord")).args(["sim", "--no-queries"]).arg(&file).start();
        sim.await_line("the simulated supply", LONG, |line| line.text.starts_with("psu "));
        let address = network.address();
        let rig = station.rig(&format!(
            "{}[session]\nexpire_after = \"60s\"\nreload_grace = \"60s\"\n[remote]\nlisten = \"{address}:{PORT}\"\n\
             tls = \"self-signed\"\n[[device]]\nname = \"psu\"\ndriver = \"scpi\"\nconnect = \"tcp://127.0.0.1:5025\"\n\
             arm = [\"OUTP ON\"]\nsafe = [\"OUTP OFF\"]\nverify = [{{ query = \"OUTP?\", equals = false }}]\n",
            rigs::head("5s", "on_last_session = \"safe\"")
        ));
        let serve = there(place::program("killcord")).arg("serve").arg(&rig).start();
        door::await_watchdog(&station);
        door::await_state(&station, "safe");
        Self { network, station, rig, sim, serve }
    }

    /// `killcord token …` on the bench's machine.
    fn token(&self, command: &str, more: &[&str]) -> String {
        let ended = self.station.killcord(["token", command]).arg(&self.rig).args(more).run(LONG);
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
        ended.stdout
    }

    /// The last that the supply was told about its output.
    fn output(&self) -> Option<bool> {
        let lines = self.sim.output().lines();
        let last = lines.iter().rev().find(|line| line.text.contains("OUTP O"))?;
        Some(last.text.contains("OUTP ON"))
    }
}

/// The fingerprint that the browser itself finds, as a person reads it in its certificate viewer.
fn seen_fingerprint(tab: &Tab, origin: &str) -> String {
    let found = tab.ask("Network.getCertificate", &json!({ "origin": origin })).unwrap();
    let der = found["tableNames"][0].as_str().expect("no certificate").to_owned();
    let hash = format!(
        "crypto.subtle.digest('SHA-256', Uint8Array.from(atob({}), (c) => c.charCodeAt(0))).then((hash) => \
         Array.from(new Uint8Array(hash), (b) => b.toString(16).padStart(2, '0').toUpperCase()).join(':'))",
        json!(der)
    );
    tab.run(&hash).as_str().unwrap().to_owned()
}

#[test]
fn from_another_machine_one_pairs_operates_observes_and_is_revoked_under_use() {
    let far = Far::start();
    let chromium = Chromium::facing(&far.network);
    let link = nth_link(&far.serve, 0);
    let origin = format!("https://{}:{PORT}", far.network.address());
    assert!(link.starts_with(&format!("{origin}/killcord/pair#")), "{link}");

    // Without a link there is the pairing page, with the fingerprint that terminal and browser show too.
    let stranger = chromium.blank();
    stranger.ask("Network.enable", &json!({})).unwrap();
    stranger.go(&format!("{origin}/"));
    let meta = "document.querySelector('meta[name=\"killcord-fingerprint\"]')?.content ?? ''";
    let shown = stranger.run(meta).as_str().unwrap().to_owned();
    assert_eq!(shown, seen_fingerprint(&stranger, &origin));
    let told = until("the fingerprint in the terminal", LONG, || {
        far.serve.output().lines().into_iter().find(|line| line.text.trim() == shown)
    });
    assert_eq!(told.text.trim(), shown);
    let asked = "fetch('/killcord/api/v1/rig').then((answer) => answer.status)";
    assert_eq!(stranger.run(asked), json!(401));
    stranger.close();

    let operator = chromium.open(&link);
    await_panel(&operator);
    operator.arm();
    until_true("the supply to be on", LONG, || far.output() == Some(true));
    let cookies = operator.ask("Network.getCookies", &json!({})).unwrap();
    let cookie = &cookies["cookies"][0];
    assert!(cookie["name"].as_str().unwrap().starts_with("__Host-killcord-"), "{cookies}");
    assert!(cookie["secure"] == json!(true) && cookie["httpOnly"] == json!(true), "{cookies}");
    assert_eq!(cookie["sameSite"], "Strict");

    // Another browser, let in to look.
    let secret = far.token("add", &["visitor", "--for", "8h"]);
    let second = Chromium::facing(&far.network);
    let observer = second.open(&format!("{origin}/killcord/pair#{}", secret.trim()));
    await_panel(&observer);
    observer.await_text("You are observing");
    let list: Value = serde_json::from_str(&far.token("list", &["--json"])).unwrap();
    let mine = |by: Option<&str>| {
        let found = list
            .as_array()
            .unwrap()
            .iter()
            .find(|token| token["kind"] == "browser" && token["by"].as_str() == by);
        found.expect("no such browser")["name"].as_str().unwrap().to_owned()
    };
    assert!(!list.to_string().contains(secret.trim()));

    far.token("revoke", &["visitor"]);
    observer.await_text("operator");
    observer.await_no_text("You are observing");
    assert_eq!(observer.run(asked), json!(401));
    assert_eq!(far.output(), Some(true), "the operator is not touched by it");
    operator.await_text("Make safe");

    far.token("revoke", &[&mine(None)]);
    until_true("the supply to be off", LONG, || far.output() == Some(false));
    operator.await_no_text("Make safe");
    assert_eq!(operator.run(asked), json!(401));
}

/// Through a proxy one arms, it is restarted under use, the tab is closed.
fn through(kind: Kind) {
    let mut behind = Behind::armed(kind);
    behind.proxy.again();
    behind.await_resumed();
    assert_eq!(behind.view()["address"], "127.0.0.1");
    behind.is_as_it_was();
    behind.close();
}

#[test]
fn through_nginx_by_the_recipe_a_page_works_and_survives_its_restart() {
    through(Kind::Nginx);
}

#[test]
fn through_caddy_by_the_recipe_a_page_works_and_survives_its_restart() {
    through(Kind::Caddy);
}

/// Says what became of a socket of the app's own.
const SOCKET: &str = "new Promise((done) => { \
    const socket = new WebSocket(origin.replace('http', 'ws') + '/socket'); \
    socket.onmessage = () => done('told'); socket.onerror = () => done('refused'); })";

fn the_app_through(kind: Kind) {
    let bench = Wrapped::mirror("expire_after = \"60s\"\nreload_grace = \"60s\"");
    let (app, folder) = (Port::free(), tempfile::Builder::new().prefix("kcp").tempdir().unwrap());
    let mut proxy = Proxy::start(kind, bench.port(), app.number(), folder.path(), "");
    let remote = format!(
        "app_listen = \"127.0.0.1:{}\"\napp_origin = \"{}\"\nnames = [\"{NAME}\"]\n\
         trusted_proxies = [\"127.0.0.1\"]\nbase_path = \"/bench1/\"",
        app.number(),
        proxy.app_origin()
    );
    let rig = std::fs::read_to_string(&bench.rig).unwrap();
    std::fs::write(&bench.rig, rig.replace("app_listen = \"127.0.0.1:0\"", &remote)).unwrap();
    let serve = bench.serve();
    bench.await_app("ready");
    let chromium = Chromium::naming("*.lab.example");
    // Who came through a proxy arms nothing by opening a page: a person does, in the panel.
    let panel = chromium.open(&proxy.link(&nth_link(&serve, 0)));
    panel.go(&format!("{}killcord/panel", proxy.url()));
    await_panel(&panel);
    panel.arm();
    bench.until("ON");
    let tab = chromium.open(&proxy.url());
    let frame = until("the app's page", LONG, || {
        let frame = tab.framed().ok()?;
        frame.try_run("document.body.innerText").is_ok_and(|text| text == "the app").then_some(frame)
    });
    let loaded = frame.run("performance.timeOrigin");
    // The numbers of the sessions that are live.
    let live = || -> Vec<Value> {
        let list = "fetch('/bench1/killcord/api/v1/sessions').then((answer) => answer.json())";
        let list = tab.try_run(list).unwrap_or_default();
        let live = list["sessions"].as_array().into_iter().flatten().filter(|it| it["standing"] == "live");
        live.map(|it| it["session"].clone()).collect()
    };
    let sessions = until("both pages to be there", LONG, || Some(live()).filter(|live| live.len() == 2));
    assert_eq!(frame.run("origin"), proxy.app_origin().as_str());
    let seen = frame.run("fetch('/asked').then((answer) => answer.text())");
    let seen = seen.as_str().unwrap();
    assert!(seen.contains(APP_NAME) && !seen.contains("killcord-"), "{seen}");
    assert_eq!(frame.run(SOCKET), "told");

    proxy.again();
    until_true("both pages to resume", LONG, || live() == sessions);
    panel.await_text("Make safe");
    assert_eq!(frame.run(SOCKET), "told");
    assert_eq!(frame.run("performance.timeOrigin"), loaded, "the app's page is the same one");
    assert!(bench.is("ON"), "a restart is nothing to the bench");
    assert_eq!(bench.supply.commands().iter().filter(|line| *line == "OUTP ON").count(), 1);
    assert!(tab.run("location.href").as_str().unwrap().starts_with(&proxy.url()));
}

#[test]
fn an_app_through_nginx_by_the_recipe_has_its_own_origin_and_sockets_and_survives_its_restart() {
    the_app_through(Kind::Nginx);
}

#[test]
fn an_app_through_caddy_by_the_recipe_has_its_own_origin_and_sockets_and_survives_its_restart() {
    the_app_through(Kind::Caddy);
}
