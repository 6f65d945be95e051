//! The course of one run: the cause, then whatever follows until nobody of Killcord is left, then the verdict.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::bench::{Bench, DEADLINE, HANG_AFTER};
use super::cause::Cause;
use super::ending::{Ending, Outcome};
use super::plan::Plan;
use super::stage::Stage;
use super::trace::{accounts, log};
use super::verdict::{Case, judge, safe_at};
use crate::load::Load;
use crate::station::Station;
use crate::wait::{let_pass, maybe, pause};

/// What a teardown may take beyond its deadline and the time in which a hang is noticed. More than ten times what
/// the slowest usually takes, on a machine where eight runs share two processors.
const MARGIN: Duration = Duration::from_secs(40);
/// From a cause to the last output's going off, and to the end of whoever saw to it.
const LIMIT: Duration = DEADLINE.saturating_add(HANG_AFTER).saturating_add(MARGIN);
/// How long a host that stays is given to make safe what cannot be reached, before it is told to end.
const PATIENCE: Duration = Duration::from_secs(3);
/// Between two looks at the process table.
const LOOK: Duration = Duration::from_millis(200);

/// Lives through the run of a plan.
///
/// # Panics
/// When the host cannot be brought to the moment: that is a fault too, and not the hardware's state.
#[must_use]
pub(super) fn live(plan: &Plan) -> Ending {
    let began = Instant::now();
    let station = Station::new();
    let bench = Bench::start(&plan.units, &station);
    let _load = plan.loaded.then(Load::shared);
    let mut stage = Stage::open(plan, &station, &bench);
    let down_ms = stage.reach();
    let mut course = Course::new(plan, &station, &bench, down_ms);
    course.trouble();
    course.causes(&mut stage);
    course.see_out(&mut stage);
    course.end(&mut stage, began.elapsed())
}

/// What is known so far.
struct Course<'r> {
    plan: &'r Plan,
    station: &'r Station,
    bench: &'r Bench,
    /// From here on the rig was to go down; milliseconds by the simulators' clock, as all of these.
    down_ms: Option<f64>,
    /// The cause that had to make it safe came then.
    demanded_ms: f64,
    /// The troubled device is well again from then on.
    mended_ms: f64,
    trouble_on: bool,
    /// Somebody has said that a device is not confirmed safe.
    said_not_safe: bool,
    /// A watchdog has left an account.
    accounted: bool,
    next_start: bool,
    doubts: Vec<String>,
}

impl<'r> Course<'r> {
    fn new(plan: &'r Plan, station: &'r Station, bench: &'r Bench, down_ms: Option<f64>) -> Self {
        Self {
            plan,
            station,
            bench,
            down_ms,
            demanded_ms: 0.0,
            mended_ms: 0.0,
            trouble_on: false,
            said_not_safe: false,
            accounted: false,
            next_start: false,
            doubts: Vec::new(),
        }
    }

    /// The device's fault begins.
    fn trouble(&mut self) {
        let Some(trouble) = &self.plan.trouble else { return };
        self.bench.trouble(trouble.unit, &trouble.fault);
        self.trouble_on = trouble.until_said;
        let lasts = trouble.fault.lasts.map_or(0.0, |lasts| lasts.as_secs_f64() * 1e3);
        self.mended_ms = self.bench.now_ms() + lasts;
        let_pass(trouble.lead);
    }

    fn causes(&mut self, stage: &mut Stage<'_>) {
        let second = self.plan.second.map(|(after, cause)| (Some(after), cause));
        let mut demanded = false;
        for (after, cause) in std::iter::once((None, self.plan.cause)).chain(second) {
            if let Some(after) = after {
                let_pass(after);
            }
            if cause.demands() && !demanded {
                demanded = true;
                self.demanded_ms = self.bench.now_ms();
            }
            stage.apply(cause);
            // Where both were killed there was nobody to demand anything of before the next start.
            if let Cause::BothKilled(_) = cause {
                self.demanded_ms = self.bench.now_ms();
            }
        }
        if !demanded {
            let_pass(self.plan.farewell);
            self.demanded_ms = self.bench.now_ms();
            self.farewell(stage, 0);
        }
    }

    /// The campaign's own request to end.
    fn farewell(&self, stage: &mut Stage<'_>, host: usize) {
        let host = &mut stage.hosts[host];
        if host.ended().is_none() {
            host.signal(Signal::TERM);
        }
    }

    /// Until nobody is left.
    fn see_out(&mut self, stage: &mut Stage<'_>) {
        if self.plan.causes().all(|cause| !cause.demands() || cause.host_stays()) {
            self.await_off(stage, 0);
            self.farewell(stage, 0);
        }
        if self.plan.causes().any(|cause| cause == Cause::HostStopped) {
            self.end_stopped(stage);
        }
        self.await_end(stage, 0);
        if stage.hosts.len() > 1 {
            self.next_start(stage, 1);
        }
        self.await_nobody(stage);
        let lenient = self.plan.causes().any(Cause::takes_the_watchdog);
        if lenient && !self.bench.is_off() && !self.next_start {
            // Both were gone: that is what the next start is for.
            self.mend();
            stage.serve();
            self.demanded_ms = self.bench.now_ms();
            self.next_start(stage, 1);
            self.await_nobody(stage);
        }
        if self.trouble_on {
            let gone_on = self.bench.is_off();
            self.mend();
            if !gone_on {
                stage
                    .findings
                    .push("a device that could not be reached is on, and nobody goes on trying".to_owned());
            }
        }
    }

    /// A host that stands still is ended by its watchdog; where that was stopped too, once it goes on. Where it
    /// was killed, nobody but us is left to do it.
    fn end_stopped(&self, stage: &mut Stage<'_>) {
        if !self.plan.causes().any(Cause::takes_the_watchdog) {
            return;
        }
        stage.signal_watchdogs(Signal::CONT);
        let alone = maybe(LIMIT, || {
            pause(LOOK);
            (stage.watchdogs().is_empty() || stage.hosts[0].ended().is_some()).then_some(())
        });
        if alone.is_some() && stage.hosts[0].ended().is_none() {
            stage.hosts[0].signal(Signal::KILL);
        }
    }

    fn next_start(&mut self, stage: &mut Stage<'_>, host: usize) {
        self.next_start = true;
        self.await_off(stage, host);
        self.farewell(stage, host);
        self.await_end(stage, host);
    }

    /// While the host stays: it makes safe what it can reach without being told to end.
    fn await_off(&self, stage: &mut Stage<'_>, at: usize) {
        let patience = if self.trouble_on { PATIENCE } else { LIMIT };
        let came = maybe(patience, || {
            pause(LOOK);
            // One that was stopped for too long is ended by its watchdog.
            (self.bench.is_off() || stage.hosts[at].ended().is_some()).then_some(())
        });
        if came.is_none() && !self.trouble_on {
            stage.findings.push(format!("an output is on after {LIMIT:?} with a host at work"));
        }
    }

    fn await_end(&mut self, stage: &mut Stage<'_>, at: usize) {
        let ended = maybe(LIMIT, || {
            pause(LOOK);
            let ended = stage.hosts[at].ended();
            if ended.is_none() {
                stage.read_report(at);
            }
            ended
        });
        let Some(status) = ended else {
            let said = stage.hosts[at].output().all();
            stage.findings.push(format!("a host has not ended within {LIMIT:?}. It said:\n{said}"));
            stage.hosts[at].kill();
            return;
        };
        let off = self.bench.is_off();
        match status.code() {
            Some(0) if !off => stage.findings.push("a host ended with 0, and an output is on".to_owned()),
            Some(4) => {
                self.said_not_safe = true;
                stage.hosts[at].output().finish();
                let said = stage.hosts[at].output().all();
                if !["NOT confirmed safe", "NOT verified"].iter().any(|words| said.contains(words)) {
                    stage.findings.push("a host ended with 4 and named no device".to_owned());
                }
                if self.plan.trouble.is_none() {
                    self.doubt("it ended with 4 although no device had a fault".to_owned());
                }
            }
            Some(3) if at > 0 && self.plan.trouble.is_none() => {
                stage.hosts[at].output().finish();
                let said = stage.hosts[at].output().all();
                stage.findings.push(format!("the next start was refused:\n{said}"));
            }
            _ => {}
        }
    }

    /// Until the watchdogs have done what there was to do.
    fn await_nobody(&mut self, stage: &mut Stage<'_>) {
        let began = Instant::now();
        loop {
            self.read_accounts();
            if self.plan.causes().any(|cause| cause == Cause::WatchdogStopped) {
                stage.signal_watchdogs(Signal::CONT);
            }
            let there = stage.watchdogs();
            if there.is_empty() {
                self.read_accounts();
                return;
            }
            if self.trouble_on && self.said_not_safe {
                self.mend();
            }
            if began.elapsed() > LIMIT * 2 {
                let off = if self.bench.is_off() { "all is off" } else { "an output is on" };
                stage.findings.push(format!("a watchdog is still there after {:?} ({off})", LIMIT * 2));
                stage.signal_watchdogs(Signal::KILL);
                return;
            }
            pause(LOOK);
        }
    }

    fn mend(&mut self) {
        if let Some(trouble) = self.plan.trouble.as_ref().filter(|_| self.trouble_on) {
            self.bench.mend(trouble.unit);
            self.mended_ms = self.bench.now_ms();
            self.trouble_on = false;
        }
    }

    fn read_accounts(&mut self) {
        for account in accounts(self.station) {
            self.accounted = true;
            let devices = account["report"]["devices"].as_array().cloned().unwrap_or_default();
            if devices.iter().any(|device| device["status"] != "safe_verified") {
                self.said_not_safe = true;
                if self.plan.trouble.is_none() {
                    let named: Vec<String> =
                        devices.iter().map(|it| format!("{}: {}", it["name"], it["status"])).collect();
                    let named = named.join(", ");
                    self.doubt(format!("a watchdog did not confirm, without a fault: {named}"));
                }
            }
        }
    }

    fn doubt(&mut self, text: String) {
        if !self.doubts.contains(&text) {
            self.doubts.push(text);
        }
    }

    /// Of a run that nothing is wrong with.
    const fn outcome(&self, was_on: bool) -> Outcome {
        match () {
            () if !was_on => Outcome::NeverOn,
            () if self.said_not_safe => Outcome::SaidNotSafe,
            () if self.next_start => Outcome::NextStart,
            () if self.accounted => Outcome::Watchdog,
            () => Outcome::Host,
        }
    }

    /// The verdict, once nobody is left.
    fn end(mut self, stage: &mut Stage<'_>, took: Duration) -> Ending {
        let record = self.bench.look();
        let case = Case {
            units: &self.plan.units,
            line_waits: self.plan.line_waits,
            troubled: self.plan.troubled(),
            deaf: self.plan.deaf(),
            down_ms: self.down_ms.unwrap_or(self.demanded_ms).min(self.demanded_ms),
            free_ms: self.demanded_ms.max(self.mended_ms),
            within: LIMIT,
        };
        let mut findings = std::mem::take(&mut stage.findings);
        findings.extend(judge(&record, &case));
        let was_on = record
            .commands
            .iter()
            .any(|command| self.plan.units.iter().any(|unit| command.text == unit.on()));
        let ended = stage.hosts[0].ended();
        let outcome = if findings.is_empty() { self.outcome(was_on) } else { Outcome::Unsafe };
        // Asked to end, or left alone, it ends by itself. Before it has taken its signals over they end it at once.
        let own = ended.is_some_and(|status| status.code().is_some()) || !was_on;
        if !own && !self.plan.causes().any(Cause::ends_the_host) {
            self.doubt(format!("the host was ended from outside, and no cause does that: {ended:?}"));
        }
        let said = stage.hosts.iter().map(|host| host.output().all() + "---\n").collect::<String>();
        let said = said + &log(&record);
        let safe_ms = safe_at(&record, &self.plan.units, self.demanded_ms).map(|at| at - self.demanded_ms);
        Ending { plan: self.plan.clone(), outcome, safe_ms, findings, doubts: self.doubts, said, took }
    }
}
