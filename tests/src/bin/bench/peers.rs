//! A tab that a person closes, in a real browser, beside what web frameworks offer for it: close to the moment at which
//! hardware can be switched off. And one reload in each, which ends nothing of ours.
//!
//! The frameworks run with their own settings as they come. Their time is when their hook is called, ours when the
//! instrument has the safe command: ours contains the way to the instrument, theirs does not.

use std::path::{Path, PathBuf};
use std::time::Duration;

use killcord_tests::chromium::{Chromium, Reload};
use killcord_tests::clock::monotonic;
use killcord_tests::instrument::{Arrival, Instrument};
use killcord_tests::measure::{Figures, Row, Samples};
use killcord_tests::page::link;
use killcord_tests::port::Port;
use killcord_tests::process::{Launch, Process};
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, maybe, until};
use killcord_tests::{place, rigs};

use crate::options::Options;

/// Page closed, to the safe command at the instrument: `[p50, p99]` in milliseconds.
const CLOSED: [Option<f64>; 2] = [Some(50.0), Some(50.0)];
/// So long a framework has for its hook.
const HOOK_WITHIN: Duration = Duration::from_secs(60);
/// So long a reload has to be taken for an end.
const RELOAD_WITHIN: Duration = Duration::from_secs(25);

/// A framework's app, and where it notes its hook.
struct Peer {
    hooks: PathBuf,
    url: String,
    _process: Process,
    _port: Port,
    _station: Station,
}

impl Peer {
    fn start(name: &str) -> Self {
        let (station, port) = (Station::new(), Port::free());
        let (number, app) = (port.number().to_string(), place::root().join("tests/apps/web-guis"));
        let file = app.join(format!("{name}_app.py")).display().to_string();
        let launch = match name {
            "bokeh" => Launch::new(place::peer("bokeh")).args(["serve", &file, "--port", &number]).args([
                "--address".to_owned(),
                "127.0.0.1".into(),
                "--allow-websocket-origin".into(),
                format!("127.0.0.1:{number}"),
            ]),
            "streamlit" => Launch::new(place::peer("streamlit")).args(["run", &file]).args([
                "--server.port",
                &number,
                "--server.address=127.0.0.1",
                "--server.headless=true",
                "--browser.gatherUsageStats=false",
            ]),
            _ => Launch::new(place::peer("python")).arg(&file).env("PORT", &number),
        };
        let hooks = station.path("hooks");
        std::fs::write(&hooks, "").unwrap();
        let process = station.dress(launch).env("HOOKS", &hooks).start();
        let url = match name {
            "bokeh" => format!("http://127.0.0.1:{number}/bokeh_app"),
            _ => format!("http://127.0.0.1:{number}/"),
        };
        let answers = || ureq::get(&url).call().ok();
        until(name, LONG, answers);
        Self { hooks, url, _process: process, _port: port, _station: station }
    }

    fn calls(&self) -> Vec<Duration> {
        calls(&self.hooks)
    }
}

fn calls(hooks: &Path) -> Vec<Duration> {
    let text = std::fs::read_to_string(hooks).unwrap();
    let times = text.lines().filter_map(|line| line.split_once(' ')?.1.parse().ok());
    times.map(Duration::from_nanos).collect()
}

pub(crate) fn run(options: &Options) -> Figures {
    let mut figures = Figures::new("peers");
    let chromium = Chromium::start();
    let rounds = options.count(20);
    let ours = ours(&chromium, rounds, &mut figures);
    for name in ["bokeh", "nicegui", "streamlit"] {
        let peer = Peer::start(name);
        let mut closed = Samples::default();
        // They take seconds each.
        for round in 0..rounds.min(5) {
            eprintln!("{name}, a tab closed: {} of {}", round + 1, rounds.min(5));
            let tab = chromium.open(&peer.url);
            tab.await_text("the page is up");
            let before = peer.calls().len();
            let at = monotonic();
            tab.close();
            let called = until("the hook", HOOK_WITHIN, || peer.calls().get(before).copied());
            closed.add_time(called.saturating_sub(at));
        }
        let tab = chromium.open(&peer.url);
        tab.await_text("the page is up");
        let before = peer.calls().len();
        tab.reload(Reload::ALL[0]);
        let taken = maybe(RELOAD_WITHIN, || (peer.calls().len() > before).then_some(()));
        figures.row(Row::new(format!("{name}: tab closed, to its hook"), "ms", &closed, [None; 2]));
        let times = closed.median() / ours;
        figures.row(Row::single(format!("{name}: times ours"), "", times, None));
        let ended = f64::from(u8::from(taken.is_some()));
        figures.row(Row::single(format!("{name}: one reload taken for an end"), "", ended, None));
    }
    figures
}

/// Our own, in the same browser; the median.
fn ours(chromium: &Chromium, rounds: usize, figures: &mut Figures) -> f64 {
    let (instrument, station, port) = (Instrument::start(), Station::new(), Port::free());
    let session = format!("[session]\n[remote]\nlisten = \"127.0.0.1:{}\"\n", port.number());
    let head = rigs::head("5s", "on_last_session = \"safe\"");
    let rig = station.rig(&(head + &session + &rigs::switch("psu", &instrument)));
    let host = station.killcord(["serve"]).arg(&rig).start();
    let mut tab = chromium.open(&link(&host));
    let home = format!("http://127.0.0.1:{}/", port.number());
    let (mut closed, mut reloads) = (Samples::default(), 0);
    for round in 0..rounds {
        eprintln!("killcord, a tab closed: {} of {rounds}", round + 1);
        tab.arm();
        let on = || instrument.arrivals().into_iter().find(|arrival| arrival.line == "OUTP ON");
        until("the supply to be on", LONG, on);
        let (how, began) = (Reload::ALL[round % Reload::ALL.len()], monotonic());
        tab.reload(how);
        tab.await_text("Armed");
        // The host makes safe what it opens: that was before.
        let off = |it: &Arrival| it.line == "OUTP OFF" && it.at >= began;
        if let Some(off) = instrument.arrivals().into_iter().find(off) {
            let after = off.at.saturating_sub(began);
            eprintln!("{how:?} was taken for an end {after:?} after it began: {}", host.output().all());
            reloads += 1;
        }
        let at = monotonic();
        tab.close();
        let off = || instrument.arrivals().into_iter().find(|arrival| arrival.line == "OUTP OFF");
        closed.add_time(until("the safe command", LONG, off).at.saturating_sub(at));
        tab = chromium.open(&home);
        instrument.forget();
    }
    figures.row(Row::new("killcord: tab closed, to the safe command", "ms", &closed, CLOSED));
    figures.row(Row::single(
        format!("killcord: of {rounds} reloads taken for an end"),
        "",
        reloads as f64,
        Some(0.0),
    ));
    closed.median()
}
