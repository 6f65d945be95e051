//! A rig of one instrument that nobody here wrote and one that notes each line's time, served by `killcord serve`
//! to real browsers.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

pub mod album;
pub mod behind;

use std::cell::{Cell, OnceCell};
use std::path::PathBuf;
use std::time::Duration;

use killcord::Role;
use killcord::core::SessionId;
use killcord::wire::SessionView;
use killcord_tests::chromium::{Chromium, Tab};
use killcord_tests::clock::monotonic;
use killcord_tests::door;
use killcord_tests::instrument::Instrument;
use killcord_tests::journal::Journal;
use killcord_tests::page::Browser;
use killcord_tests::peers::Scpi;
use killcord_tests::port::Port;
use killcord_tests::process::Process;
use killcord_tests::rigs;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, SOON, maybe, until, until_true};

/// Nobody's lease or grace is over while a test looks elsewhere.
pub const PATIENT: &str = "expire_after = \"60s\"\nreload_grace = \"60s\"";

/// The bench.
pub struct Bench {
    pub psu: Instrument,
    pub scpi: Scpi,
    pub station: Station,
    pub rig: PathBuf,
    port: Port,
    /// Asks from outside, and has no session.
    witness: OnceCell<Browser>,
    /// How many of the present host's links were used.
    links: Cell<usize>,
}

impl Bench {
    /// `session` are the lines of `[session]`.
    pub fn with(session: &str) -> Self {
        Self::with_all(session, "on_last_session = \"safe\"")
    }

    /// With lines of `[safety]` too.
    pub fn with_all(session: &str, safety: &str) -> Self {
        let (psu, scpi, station, port) = (Instrument::start(), Scpi::start(), Station::new(), Port::free());
        let rig = format!(
            "{}[session]\n{session}\n[remote]\nlisten = \"127.0.0.1:{}\"\n{}{}",
            rigs::head("5s", safety),
            port.number(),
            rigs::switch("psu", &psu),
            pace(&scpi),
        );
        let rig = station.rig(&rig);
        Self { psu, scpi, station, rig, port, witness: OnceCell::new(), links: Cell::new(0) }
    }

    /// A host that answers.
    #[track_caller]
    pub fn serve(&self) -> Process {
        let serve = self.serve_unwatched();
        door::await_watchdog(&self.station);
        serve
    }

    /// The same, whatever becomes of its watchdog.
    #[track_caller]
    pub fn serve_unwatched(&self) -> Process {
        let serve = self.station.killcord(["serve"]).arg(&self.rig).start();
        self.links.set(0);
        link(&serve, 0);
        self.witness.get_or_init(|| Browser::pair(&self.invite(&serve)));
        door::await_state(&self.station, "safe");
        serve
    }

    /// Who asks from outside comes in by this link, of a host that was not started by [`Self::serve`].
    pub fn witness_at(&self, link: &str) {
        self.witness.get_or_init(|| Browser::pair(link));
    }

    /// A link of a host that nobody has used yet.
    #[track_caller]
    pub fn invite(&self, serve: &Process) -> String {
        link(serve, self.links.replace(self.links.get() + 1))
    }

    /// Opens a link in a browser, and awaits the panel behind it.
    #[track_caller]
    pub fn paired(&self, browser: &Chromium, serve: &Process) -> Tab {
        let tab = browser.open(&self.invite(serve));
        await_panel(&tab);
        tab
    }

    /// Opens a link, and then a page as an author would write it: `<killcord-status>` and nothing else. Its session
    /// is `bench` there.
    ///
    /// It is the host's own document, without the panel's script: a host serves no other pages yet.
    #[track_caller]
    pub fn author(&self, browser: &Chromium, serve: &Process) -> Tab {
        let tab = self.paired(browser, serve);
        tab.close();
        let tab = browser.blank();
        tab.without(&["*/assets/index-*"]);
        tab.prepare(AUTHOR);
        tab.go(&self.url());
        until_true("the author's session", LONG, || tab.run("typeof bench") == "object");
        tab
    }

    /// Where the panel is.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port())
    }

    pub const fn port(&self) -> u16 {
        self.port.number()
    }

    /// A host, and its panel in a tab of a browser, armed by a person's clicks.
    #[track_caller]
    pub fn armed_in(&self, browser: &Chromium) -> (Process, Tab) {
        let serve = self.serve();
        let tab = self.paired(browser, &serve);
        self.arm(&tab);
        (serve, tab)
    }

    /// Arms from a tab, and awaits that everything is on.
    #[track_caller]
    pub fn arm(&self, tab: &Tab) {
        self.psu.forget();
        tab.arm();
        until_true("everything to be on", LONG, || self.is_on());
        let lamp = "document.querySelector('[aria-label=\"State of the rig\"]')?.innerText";
        until_true("the panel to say so", LONG, || tab.run(lamp) == "Armed");
    }

    /// Whether both outputs are on, asked from outside.
    pub fn is_on(&self) -> bool {
        self.psu.value("OUTP").as_deref() == Some("ON") && self.scpi.pace_is_on()
    }

    /// Whether both outputs are off.
    pub fn is_off(&self) -> bool {
        self.psu.value("OUTP").as_deref() == Some("OFF") && !self.scpi.pace_is_on()
    }

    /// Awaits that both outputs are off.
    #[track_caller]
    pub fn await_off(&self) {
        until_true("everything to be off", LONG, || self.is_off());
    }

    /// How often the supply was switched on and off since a person armed it.
    pub fn switched(&self) -> (usize, usize) {
        let commands = self.psu.commands();
        let count = |wanted: &str| commands.iter().filter(|command| *command == wanted).count();
        (count("OUTP ON"), count("OUTP OFF"))
    }

    /// When, by the clock that [`Instrument`] notes, the supply was last told to be off.
    pub fn off_at(&self) -> Duration {
        let arrivals = self.psu.arrivals();
        arrivals.iter().rfind(|arrival| arrival.line == "OUTP OFF").expect("it was never switched off").at
    }

    /// The sessions of the host, asked by nobody who has one.
    #[track_caller]
    pub fn sessions(&self) -> Vec<SessionView> {
        self.witness.get().expect("there is no host").sessions().sessions
    }

    /// The only session that there is.
    #[track_caller]
    pub fn session(&self) -> SessionId {
        let [session] = &self.sessions()[..] else { panic!("{:?}", self.sessions()) };
        session.session
    }

    /// Awaits that the sessions have these roles, the oldest first.
    #[track_caller]
    pub fn await_roles(&self, roles: &[Role]) {
        let fits = || self.sessions().iter().map(|session| session.role).eq(roles.iter().copied());
        if maybe(LONG, || fits().then_some(())).is_none() {
            panic!("the roles are not {roles:?}: {:#?}", self.sessions());
        }
    }

    /// What is left of the only session's lease, in milliseconds.
    #[track_caller]
    pub fn lease(&self) -> u64 {
        self.sessions().first().expect("there is no session").lease_ms
    }

    /// The time (see [`Instrument`]) before which the only session's lease does not end, whatever happens from here on.
    #[track_caller]
    pub fn not_before(&self) -> Duration {
        let asked = monotonic();
        asked + Duration::from_millis(self.lease())
    }

    /// Awaits the journal's word on why sessions ended, newest first. What is safe is not held up by it.
    #[track_caller]
    pub fn await_reasons(&self, wanted: &[&str]) {
        if maybe(SOON, || (self.reasons() == wanted).then_some(())).is_none() {
            panic!("sessions ended for {:?} and not for {wanted:?}", self.reasons());
        }
    }

    /// Why sessions ended, newest first, as far as the journal says by now.
    pub fn reasons(&self) -> Vec<String> {
        let journal = Journal::read(&self.station, &self.rig);
        journal
            .sessions()
            .iter()
            .filter_map(|session| session["reason"].as_str())
            .map(str::to_owned)
            .collect()
    }
}

fn pace(scpi: &Scpi) -> String {
    format!(
        "\n[[device]]\nname = \"pace\"\ndriver = \"scpi\"\nconnect = \"tcp://127.0.0.1:{}\"\nid = \"*IDN?\"\n\
         expect_id = \"PACE5000\"\narm = [\":OUTP1:STAT 1\"]\nsafe = [\":OUTP1:STAT 0\"]\n\
         verify = [{{ query = \":OUTP1:STAT?\", matches = \" 0$\" }}]\n",
        scpi.pace()
    )
}

/// The link that a host prints: its first one, or the one that takes the place of it once it was used.
#[track_caller]
fn link(serve: &Process, number: usize) -> String {
    let lines = || serve.output().lines().into_iter().filter(|line| line.text.contains("/killcord/pair#"));
    let line = until("a link", LONG, || lines().nth(number));
    line.text.split_whitespace().find(|word| word.contains("/killcord/pair#")).unwrap().to_owned()
}

const AUTHOR: &str = "addEventListener('DOMContentLoaded', async () => {
  const { connect } = await import('/killcord/client.js');
  globalThis.bench = connect();
  document.body.replaceChildren(document.createElement('killcord-status'));
});";

/// Awaits a panel that the host hears.
#[track_caller]
pub fn await_panel(tab: &Tab) {
    tab.await_text("Test bench");
    tab.await_no_text("Connecting");
}
