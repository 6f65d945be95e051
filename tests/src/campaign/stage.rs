//! The host of a run: started, brought to the moment, and given the cause.

use std::path::PathBuf;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::bench::{Bench, is_off, is_on, volts};
use super::cause::Cause;
use super::plan::{Moment, Plan};
use crate::display::Display;
use crate::door;
use crate::process::Process;
use crate::station::Station;
use crate::wait::{LONG, let_pass, maybe, pause, until, until_true};

/// Between two looks at something that takes a process table or a socket to see.
const LOOK: Duration = Duration::from_millis(50);
/// Typed again after so long, while nothing has come of it: on a busy machine the host may not have been ready.
const AGAIN: Duration = Duration::from_secs(5);

/// The processes of a run.
pub(super) struct Stage<'r> {
    plan: &'r Plan,
    station: &'r Station,
    bench: &'r Bench,
    rig: PathBuf,
    display: Option<Display>,
    /// The host, then whoever was started after it.
    pub(super) hosts: Vec<Process>,
    /// What is wrong without being the hardware's state.
    pub(super) findings: Vec<String>,
}

impl<'r> Stage<'r> {
    /// Starts the host.
    pub(super) fn open(plan: &'r Plan, station: &'r Station, bench: &'r Bench) -> Self {
        let rig = station.rig(&bench.rig(plan));
        let display = plan.window.then(Display::bare);
        let mut stage = Self { plan, station, bench, rig, display, hosts: Vec::new(), findings: Vec::new() };
        match &stage.display {
            Some(display) => {
                let window = station.launch("killcord-desktop").arg(&stage.rig);
                let host = display.dress(window).start();
                stage.hosts.push(host);
            }
            None => stage.serve(),
        }
        stage
    }

    /// Starts `killcord serve`, which arms nothing by itself.
    pub(super) fn serve(&mut self) {
        self.hosts.push(self.station.killcord(["serve"]).arg(&self.rig).with_input().start());
    }

    fn host(&mut self) -> &mut Process {
        self.hosts.first_mut().unwrap()
    }

    /// Brings it to the moment. Gives the time (by the simulators' clock) from which on the rig is to go down,
    /// where that comes before the cause.
    pub(super) fn reach(&mut self) -> Option<f64> {
        let mut down = None;
        let after = match self.plan.moment {
            Moment::Connecting(after) => {
                if matches!(self.plan.cause, Cause::HostStopped) {
                    // One that is stopped before it has opened anything has nothing to be ended for.
                    self.comes_to("the host to open a device", |bench| !bench.look().commands.is_empty());
                }
                after
            }
            Moment::Idle(after) => {
                self.may_arm();
                after
            }
            Moment::Arming(after) => {
                let since = self.bench.look().commands.last().map_or(0, |last| last.seq);
                self.arm("arming to begin", move |bench| has_begun(bench, since));
                after
            }
            Moment::Ramp => {
                let climbing = |bench: &Bench| (0.5..11.0).contains(&volts(&bench.look()));
                self.arm("the ramp upwards", climbing);
                Duration::ZERO
            }
            Moment::Armed(after) => {
                self.armed();
                after
            }
            Moment::Teardown(after) => {
                self.armed();
                down = Some(self.bench.now_ms());
                self.ask("safe");
                self.comes_to("the ramp downwards", |bench| volts(&bench.look()) < 11.9);
                after
            }
            Moment::Release(after) => {
                self.armed();
                down = Some(self.bench.now_ms());
                self.host().try_type("quit");
                self.comes_to("all to be off", Bench::is_off);
                after
            }
        };
        let_pass(after);
        down
    }

    /// Awaits a state of the bench that the host brings about.
    #[track_caller]
    fn comes_to(&mut self, what: &str, state: impl Fn(&Bench) -> bool) {
        let (bench, host) = (self.bench, self.hosts.first_mut().unwrap());
        until_true(what, LONG, || {
            assert!(host.ended().is_none(), "it ended instead of {what}:\n{}", host.output().all());
            state(bench)
        });
    }

    /// Asks at the host's door, and does not wait for what comes of it.
    fn ask(&self, what: &str) {
        let _answer = door::ask(self.station, what, Duration::from_millis(20));
    }

    fn status(&self) -> Option<Value> {
        door::ask(self.station, "status", Duration::from_secs(5)).map(|answer| answer["rig"].clone())
    }

    #[track_caller]
    fn may_arm(&self) {
        until("the rig to be safe", LONG, || {
            pause(LOOK);
            let rig = self.status()?;
            let refused = rig["arm_refused"].as_array().is_some_and(|reasons| !reasons.is_empty());
            (rig["state"] == "safe" && !refused).then_some(())
        });
    }

    /// Has it armed until something is seen of it. A window arms by itself.
    #[track_caller]
    fn arm(&mut self, what: &str, state: impl Fn(&Bench) -> bool) {
        if self.plan.window {
            return self.comes_to(what, state);
        }
        self.may_arm();
        let bench = self.bench;
        let seen = (0..LONG.as_secs() / AGAIN.as_secs()).any(|_| {
            self.host().try_type("arm");
            maybe(AGAIN, || state(bench).then_some(())).is_some()
        });
        let said = self.host().output().all();
        assert!(seen, "waited in vain for {what}. It said:\n{said}");
    }

    #[track_caller]
    fn armed(&mut self) {
        self.arm("everything to be on", |bench| is_on(&bench.look()));
        until_true("the rig to be armed", LONG, || {
            pause(LOOK);
            self.status().is_some_and(|rig| rig["state"] == "armed")
        });
    }

    /// Does it to the host.
    pub(super) fn apply(&mut self, cause: Cause) {
        match cause {
            Cause::Asked(signal) => self.signal(signal),
            Cause::HostFaulted(signal) => {
                self.signal(signal);
                // Until Killcord's own handler is there, Rust's takes the first SIGSEGV that a process sends for no
                // fault.
                if maybe(Duration::from_millis(200), || self.host().ended()).is_none() {
                    self.signal(signal);
                }
            }
            Cause::InputEnds => self.host().end_input(),
            Cause::SafeStop => self.ask("safe"),
            Cause::Interlock => self.bench.trip(),
            Cause::HostKilled => self.signal(Signal::KILL),
            Cause::GroupKilled => {
                if self.host().ended().is_none() {
                    self.host().signal_group(Signal::KILL);
                }
            }
            Cause::HostStopped => self.signal(Signal::STOP),
            Cause::HostPaused(time) => {
                self.signal(Signal::STOP);
                let_pass(time);
                self.signal(Signal::CONT);
            }
            Cause::WatchdogKilled => self.signal_watchdogs(Signal::KILL),
            Cause::WatchdogStopped => self.signal_watchdogs(Signal::STOP),
            Cause::WatchdogThenHost(after) => {
                self.signal_watchdogs(Signal::KILL);
                let_pass(after);
                self.signal(Signal::KILL);
            }
            Cause::ReplacedThenHost(after) => {
                let old = self.watchdogs();
                self.signal_watchdogs(Signal::KILL);
                self.await_another(&old);
                let_pass(after);
                self.signal(Signal::KILL);
            }
            Cause::BothKilled(after) => {
                self.signal_watchdogs(Signal::KILL);
                self.signal(Signal::KILL);
                let_pass(after);
                self.serve();
            }
            Cause::SecondStart(after) => {
                self.signal(Signal::KILL);
                let_pass(after);
                self.serve();
            }
            Cause::WindowClosed => self.close_window(),
            Cause::DisplayKilled => {
                if let Some(display) = &mut self.display {
                    display.crash();
                }
            }
        }
    }

    fn signal(&mut self, signal: Signal) {
        if self.host().ended().is_none() {
            self.host().signal(signal);
        }
    }

    /// The watchdogs of all hosts of this run.
    pub(super) fn watchdogs(&self) -> Vec<u32> {
        self.hosts.iter().flat_map(|host| host.descendants("killcord-watchdog")).collect()
    }

    pub(super) fn signal_watchdogs(&self, signal: Signal) {
        for pid in self.watchdogs().into_iter().filter_map(|pid| Pid::from_raw(pid.cast_signed())) {
            // Gone by itself meanwhile.
            let _gone = kill_process(pid, signal);
        }
    }

    /// Awaits the watchdog that stands by after the old one, unless the host ends instead.
    fn await_another(&mut self, old: &[u32]) {
        let found = maybe(LONG, || {
            pause(LOOK);
            if self.host().ended().is_some() {
                return Some(());
            }
            let other = self.watchdogs().iter().any(|pid| !old.contains(pid));
            let watching = || self.status().is_some_and(|rig| rig["watchdog"]["state"] == "watching");
            (other && watching()).then_some(())
        });
        if found.is_none() {
            self.findings.push("no other watchdog came for the one that was killed".to_owned());
        }
    }

    /// A window shows a report of what is not safe until a person has read it, and closes it then.
    pub(super) fn read_report(&mut self, at: usize) {
        if at == 0 && self.display.is_some() && self.host().output().all().contains("Check by hand") {
            self.close_window();
        }
    }

    fn close_window(&mut self) {
        let pid = self.host().pid();
        let window = maybe(LONG, || {
            if self.host().ended().is_some() {
                return Some(None);
            }
            self.display.as_ref()?.windows(pid).into_iter().next().map(Some)
        });
        if let (Some(Some(window)), Some(display)) = (window, &self.display) {
            display.delete(window);
        }
    }
}

/// Whether the first byte of an arm sequence is there. Until then a host only asks, and makes safe.
fn has_begun(bench: &Bench, since: u64) -> bool {
    let snapshot = bench.look();
    let acts = ["CURR ", "VOLT 5", "write_register 100 1200"];
    let begun = |text: &str| acts.iter().any(|act| text.starts_with(act));
    !is_off(&snapshot) || snapshot.commands.iter().any(|command| command.seq > since && begun(&command.text))
}
