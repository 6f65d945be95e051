//! A bench whose rig wraps an app and is served to browsers: a supply, a person's machine, and `killcord serve`.

use std::path::PathBuf;

use crate::instrument::Instrument;
use crate::page::{Browser, link};
use crate::port::Port;
use crate::process::{Process, look};
use crate::station::{Station, quoted};
use crate::wait::{LONG, SOON, until_true};
use crate::{door, place, rigs};

/// The bench.
pub struct Wrapped {
    /// The supply.
    pub supply: Instrument,
    /// The machine.
    pub station: Station,
    /// The rig file.
    pub rig: PathBuf,
    port: Port,
}

impl Wrapped {
    /// One with this `command` (as in a rig file) and more lines of `[app]`; `session` are lines of `[session]`.
    #[must_use]
    pub fn new(session: &str, command: &str, app: &str) -> Self {
        let (supply, station, port) = (Instrument::start(), Station::new(), Port::free());
        let head = rigs::head("8s", "on_last_session = \"safe\"\nhang_after = \"1s\"");
        let more = format!(
            "[session]\n{session}\n[remote]\nlisten = \"127.0.0.1:{}\"\napp_listen = \"127.0.0.1:0\"\n[app]\ncommand = {command}\n\
             ready_within = \"90s\"\nstop = {{ within = \"1s\" }}\n{app}\n",
            port.number()
        );
        let rig = station.rig(&(head + &more + &rigs::switch("psu", &supply)));
        Self { supply, station, rig, port }
    }

    /// One around the tests' own app, which shows what it is asked.
    #[must_use]
    pub fn mirror(session: &str) -> Self {
        let python = quoted(&place::peer("python"));
        let program = quoted(&place::root().join("tests/apps/mirror/app.py"));
        Self::new(session, &format!("[{python}, {program}, \"{{port}}\"]"), "")
    }

    /// The same app on a socket.
    #[must_use]
    pub fn on_a_socket(session: &str) -> Self {
        let bench = Self::mirror(session);
        let text = std::fs::read_to_string(&bench.rig).unwrap();
        std::fs::write(
            &bench.rig,
            text.replace("{port}", "{socket}").replace("[app]\n", "[app]\nbefore_stop = \"/go\"\n"),
        )
        .unwrap();
        bench
    }

    /// Where its host is to listen.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// A host that is armed by its first page.
    #[must_use]
    pub fn serve(&self) -> Process {
        self.station.killcord(["serve", "--arm"]).arg(&self.rig).start()
    }

    /// A host whose app answers, and a browser that is let in.
    #[must_use]
    #[track_caller]
    pub fn ready(&self) -> (Process, Browser) {
        let serve = self.serve();
        let browser = Browser::pair(&link(&serve));
        self.await_app("ready");
        (serve, browser)
    }

    /// Until the app is there.
    #[track_caller]
    pub fn await_app(&self, state: &str) {
        await_app(&self.station, state);
    }

    /// Whether the supply's output was last set so.
    #[must_use]
    pub fn is(&self, output: &str) -> bool {
        self.supply.value("OUTP").as_deref() == Some(output)
    }

    /// Until the supply's output is set so.
    #[track_caller]
    pub fn until(&self, output: &str) {
        until_true(&format!("the supply to be {output}"), SOON, || self.is(output));
    }
}

/// Until the app of the machine's host is in this state.
#[track_caller]
pub fn await_app(station: &Station, state: &str) {
    until_true(&format!("the app to be {state}"), LONG, || {
        door::ask(station, "status", SOON).is_some_and(|it| it["rig"]["app"]["state"] == state)
    });
}

/// The interpreters of an app below a host.
#[must_use]
pub fn app_processes(host: &Process) -> Vec<u32> {
    let running = |pid: &u32| look::state(*pid).is_some_and(|state| !matches!(state, 'Z' | 'X'));
    ["python", "python3", "python3.11", "bokeh", "streamlit"]
        .iter()
        .flat_map(|name| host.descendants(name))
        .filter(running)
        .collect()
}

/// Until nothing of the app is left.
#[track_caller]
pub fn until_gone(host: &Process) {
    until_true("the app to be gone", SOON, || app_processes(host).is_empty());
}
