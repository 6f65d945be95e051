//! Three instruments that nobody here wrote, armed by `killcord serve --arm` with its watchdog, and the judgement
//! of what the watchdog did when the host was gone.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

use std::path::PathBuf;

use killcord_tests::door;
use killcord_tests::journal::Journal;
use killcord_tests::peers::{SAFE, Trio};
use killcord_tests::process::{Launch, Process};
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, SOON, maybe, until_true};
use killcord_tests::watchdog::Watchdog;

/// The exit status of a watchdog that had to act, every device confirmed safe.
pub const ACTED: Option<i32> = Some(5);
/// The same, but for a device that is not confirmed safe.
pub const UNSAFE: Option<i32> = Some(4);
/// How the end of a killed host is told: whichever came first.
pub const GONE: &[&str] = &["pipe_ended", "exited"];

/// The instruments, and one person's machine.
pub struct Bench {
    pub trio: Trio,
    pub station: Station,
    pub rig: PathBuf,
}

impl Bench {
    pub fn start() -> Self {
        Self::with(r#"hang_after = "1s""#)
    }

    /// With these lines in `[safety]`.
    pub fn with(safety: &str) -> Self {
        Self::of(Trio::start(), safety)
    }

    pub fn of(trio: Trio, safety: &str) -> Self {
        let station = Station::new();
        let rig = station.rig(&trio.rig_with(safety));
        Self { trio, station, rig }
    }

    pub fn launch(&self) -> Launch {
        self.station.killcord(["serve", "--arm"]).arg(&self.rig).with_input()
    }

    #[track_caller]
    pub fn armed(&self) -> Armed<'_> {
        self.armed_by(self.launch())
    }

    /// Armed by a host that is started in another way.
    #[track_caller]
    pub fn armed_by(&self, launch: Launch) -> Armed<'_> {
        let host = launch.start();
        door::await_state(&self.station, "armed");
        // The host has handed its bytes over; a simulator takes its time with them.
        until_true("all instruments to be on", LONG, || self.trio.all_on());
        let watchdog = Watchdog::await_of(&host);
        Armed { bench: self, host, watchdog, before: self.trio.commands().len() }
    }

    /// What the next start finds in the journal of a run that a watchdog has ended.
    #[track_caller]
    pub fn journal_tells(&self, why: &[&str]) {
        let journal = Journal::read(&self.station, &self.rig);
        assert_eq!(journal.last()["cause"], "host_lost");
        assert_eq!(journal.last()["confirmed"], true);
        for device in ["pace", "cryocon", "furnace"] {
            assert_eq!(journal.status(device), "safe_verified", "{device}");
            assert_eq!(journal.device(device)["released"], true, "{device}");
            let exchanges = journal.device(device)["exchanges"].as_array().unwrap();
            let phases = |wanted| exchanges.iter().filter(|one| one["phase"] == wanted).count();
            assert!(phases("safe") > 0 && phases("verify") > 1, "{device}: {exchanges:?}");
        }
        let run = &journal.runs()[0];
        assert!(run["ended_ms"].is_null(), "a run without an end: {run}");
        let events = journal.events(run);
        let (_, acted) = events.iter().find(|(kind, _)| kind == "watchdog_acted").expect("not a word of it");
        let told = acted["why"]["why"].as_str().unwrap();
        assert!(why.contains(&told) && acted["confirmed"] == true, "{acted}");
    }
}

/// A host that holds the bench armed, and its watchdog.
pub struct Armed<'a> {
    pub bench: &'a Bench,
    pub host: Process,
    pub watchdog: Watchdog,
    /// Commands that the instruments had received by then.
    pub before: usize,
}

impl Armed<'_> {
    /// What the instruments have received since.
    pub fn since(&self) -> Vec<String> {
        self.bench.trio.command_texts().split_off(self.before)
    }

    /// The host is gone or on its way; the watchdog alone makes everything safe, once, in order, and leaves.
    #[track_caller]
    pub fn made_safe_by_the_watchdog(mut self, why: &[&str]) {
        self.host.wait(LONG);
        assert_eq!(self.watchdog.status(LONG), ACTED);
        assert!(self.bench.trio.all_off(), "an output is still on");
        // Their logs are pipes that are read beside.
        let _last = maybe(SOON, || (self.since().len() >= SAFE.len()).then_some(()));
        assert_eq!(self.since(), SAFE, "in the declared order, each exactly once");
        self.bench.journal_tells(why);
    }

    /// Nothing has happened: the rig is still armed, and the end in order is one.
    #[track_caller]
    pub fn still_armed_and_ends_in_order(mut self) {
        let rig = door::rig(&self.bench.station);
        assert_eq!(
            (&rig["state"], &rig["watchdog"]["state"]),
            (&"armed".into(), &"watching".into()),
            "{rig}"
        );
        assert!(self.bench.trio.all_on(), "an output went off");
        assert_eq!(self.since(), [""; 0], "an instrument was told something");
        self.host.end_input();
        let status = self.host.wait(LONG);
        assert_eq!(status.code(), Some(0), "{}", self.host.output().all());
        assert!(self.bench.trio.all_off(), "an output is still on");
        self.watchdog.await_end(SOON);
    }
}
