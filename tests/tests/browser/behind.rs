//! A proxy of Debian in front of a host, by the recipe, and the page of a person who has armed through it.

use killcord_tests::chromium::{Chromium, Tab};
use killcord_tests::door;
use killcord_tests::instrument::Instrument;
use killcord_tests::page::nth_link;
use killcord_tests::port::Port;
use killcord_tests::process::Process;
use killcord_tests::proxy::{Kind, NAME, Proxy};
use killcord_tests::rigs;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, until_true};
use serde_json::Value;
use tempfile::TempDir;

use super::await_panel;

/// The page, the proxy, and what is behind it.
pub struct Behind {
    pub proxy: Proxy,
    tab: Tab,
    /// Its number, and when its document was loaded.
    session: Value,
    loaded: Value,
    psu: Instrument,
    _chromium: Chromium,
    _serve: Process,
    _folder: TempDir,
    _station: Station,
}

impl Behind {
    /// Armed.
    #[track_caller]
    pub fn armed(kind: Kind) -> Self {
        let (psu, station, port) = (Instrument::start(), Station::new(), Port::free());
        let rig = station.rig(&format!(
            "{}[session]\nexpire_after = \"60s\"\nreload_grace = \"60s\"\n[remote]\nlisten = \"127.0.0.1:{}\"\n\
             names = [\"{NAME}\"]\ntrusted_proxies = [\"127.0.0.1\"]\nbase_path = \"/bench1/\"\n{}",
            rigs::head("5s", "on_last_session = \"safe\""),
            port.number(),
            rigs::switch("psu", &psu),
        ));
        let serve = station.killcord(["serve"]).arg(&rig).start();
        door::await_watchdog(&station);
        door::await_state(&station, "safe");
        let folder = tempfile::Builder::new().prefix("kcp").tempdir().unwrap();
        let proxy = Proxy::start(kind, port.number(), Port::free().number(), folder.path(), "");
        let chromium = Chromium::naming(NAME);
        let tab = chromium.open(&proxy.link(&nth_link(&serve, 0)));
        await_panel(&tab);
        assert!(tab.run("location.href").as_str().unwrap().starts_with(&proxy.url()));
        tab.arm();
        until_true("the supply to be on", LONG, || psu.value("OUTP").as_deref() == Some("ON"));
        let loaded = tab.run("performance.timeOrigin");
        let mut behind = Self {
            proxy,
            tab,
            session: Value::Null,
            loaded,
            psu,
            _chromium: chromium,
            _serve: serve,
            _folder: folder,
            _station: station,
        };
        behind.session = behind.view()["session"].clone();
        assert!(behind.session.is_u64(), "{}", behind.view());
        behind
    }

    /// The session, as its own page is told through the proxy; nothing while that does not get through.
    pub fn view(&self) -> Value {
        let list = "fetch('/bench1/killcord/api/v1/sessions').then((answer) => answer.json())";
        self.tab.try_run(list).unwrap_or_default()["sessions"][0].clone()
    }

    /// Awaits that the page is there again as the session that it was.
    #[track_caller]
    pub fn await_resumed(&self) {
        until_true("the page to resume", LONG, || {
            let view = self.view();
            view["session"] == self.session && view["standing"] == "live"
        });
        self.tab.await_text("Make safe");
    }

    /// The bench and its page have taken no notice of anything.
    #[track_caller]
    pub fn is_as_it_was(&self) {
        assert_eq!(self.view()["session"], self.session);
        assert_eq!(self.psu.value("OUTP").as_deref(), Some("ON"), "a cut is nothing to the bench");
        assert_eq!(self.tab.run("performance.timeOrigin"), self.loaded, "and the page is the same one");
        assert_eq!(self.psu.commands().iter().filter(|line| *line == "OUTP ON").count(), 1);
    }

    /// The person closes the tab: the bench is safe.
    #[track_caller]
    pub fn close(self) {
        self.tab.close();
        until_true("the supply to be off", LONG, || self.psu.value("OUTP").as_deref() == Some("OFF"));
    }
}
