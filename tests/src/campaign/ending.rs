//! How a run ended, and many of them together: the table and the record of a campaign.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::plan::Plan;
use crate::measure::Samples;
use crate::place;

/// Who saw to it that the hardware is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The host.
    Host,
    /// The watchdog.
    Watchdog,
    /// The start after both were gone, or beside a watchdog at work.
    NextStart,
    /// A device could not be confirmed; that was said, and it is safe since.
    SaidNotSafe,
    /// It had not been switched on yet.
    NeverOn,
    /// It is not safe, or not by the rules, or the run could not be brought to its end.
    Unsafe,
}

impl Outcome {
    const ALL: [Self; 6] =
        [Self::Host, Self::Watchdog, Self::NextStart, Self::SaidNotSafe, Self::NeverOn, Self::Unsafe];

    const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Watchdog => "watchdog",
            Self::NextStart => "next start",
            Self::SaidNotSafe => "said",
            Self::NeverOn => "never on",
            Self::Unsafe => "UNSAFE",
        }
    }
}

/// One run's end.
#[derive(Clone, Debug)]
pub struct Ending {
    /// What was to happen.
    pub plan: Plan,
    /// Who made it safe.
    pub outcome: Outcome,
    /// From the cause to the last output's going off, in milliseconds; `None` where all were off by then.
    pub safe_ms: Option<f64>,
    /// What is wrong.
    pub findings: Vec<String>,
    /// What is odd and not unsafe: a status that says less than was true.
    pub doubts: Vec<String>,
    /// What the processes said, and what the simulators noted.
    pub said: String,
    /// The whole run.
    pub took: Duration,
}

impl Ending {
    /// A run that did not come to its end.
    #[must_use]
    pub fn broken(plan: Plan, why: String) -> Self {
        let (findings, doubts) = (vec![why], Vec::new());
        let (said, took) = (String::new(), Duration::ZERO);
        Self { plan, outcome: Outcome::Unsafe, safe_ms: None, findings, doubts, said, took }
    }

    /// What to show of it where something is wrong, with the command that repeats it.
    #[must_use]
    pub fn account(&self) -> String {
        let mut text = format!("{}\n", self.plan);
        for finding in &self.findings {
            let _infallible = writeln!(text, "  UNSAFE: {finding}");
        }
        for doubt in &self.doubts {
            let _infallible = writeln!(text, "  odd: {doubt}");
        }
        text + &format!("  again: {}\n", again(&self.plan)) + &self.said
    }

    /// Whether there is nothing to look into.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.findings.is_empty() && self.doubts.is_empty()
    }

    fn json(&self) -> Value {
        let said = if self.is_plain() { "" } else { &self.said };
        json!({
            "seed": self.plan.seed, "plan": self.plan.to_string(), "cause": self.plan.cause.name(),
            "outcome": self.outcome.name(), "safe_ms": self.safe_ms, "findings": self.findings,
            "doubts": self.doubts, "said": said, "took_s": self.took.as_secs_f64(),
        })
    }
}

/// The command that repeats a run.
fn again(plan: &Plan) -> String {
    // A seed that means a window gives another run in a campaign without them.
    let flag = if Plan::draw(plan.seed, true) == *plan { "" } else { " --no-windows" };
    format!("cargo xtask bench campaign --count 1 --seed {}{flag}", plan.seed)
}

/// The ends of a campaign, by seed.
#[derive(Clone, Debug, Default)]
pub struct Tally(pub Vec<Ending>);

impl Tally {
    /// The runs that did not end safe.
    pub fn unsafe_ends(&self) -> impl Iterator<Item = &Ending> {
        self.0.iter().filter(|ending| ending.outcome == Outcome::Unsafe)
    }

    /// The runs that ended safe, and oddly.
    pub fn odd_ends(&self) -> impl Iterator<Item = &Ending> {
        self.0.iter().filter(|ending| ending.outcome != Outcome::Unsafe && !ending.doubts.is_empty())
    }

    /// From cause to safe, in milliseconds, by cause: of the runs without a device's fault, and of those with one.
    #[must_use]
    pub fn times(&self) -> BTreeMap<&'static str, [Samples; 2]> {
        let mut times: BTreeMap<&'static str, [Samples; 2]> = BTreeMap::new();
        for ending in &self.0 {
            if let Some(time) = ending.safe_ms {
                let [well, ill] = times.entry(ending.plan.cause.name()).or_default();
                if ending.plan.trouble.is_none() { well.add(time) } else { ill.add(time) }
            }
        }
        times
    }

    /// Cause by outcome, for people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!("  {:<36} {:>5}", "cause", "n");
        for outcome in Outcome::ALL {
            let _infallible = write!(text, " {:>10}", outcome.name());
        }
        let _infallible = writeln!(text, " {:>10} {:>10} {:>12}", "p50 ms", "most ms", "with fault");
        let times = self.times();
        let mut causes: BTreeMap<&str, Vec<Outcome>> = BTreeMap::new();
        for ending in &self.0 {
            causes.entry(ending.plan.cause.name()).or_default().push(ending.outcome);
        }
        for (cause, outcomes) in causes {
            let _infallible = write!(text, "  {cause:<36} {:>5}", outcomes.len());
            for outcome in Outcome::ALL {
                let count = outcomes.iter().filter(|it| **it == outcome).count();
                let _infallible = write!(text, " {count:>10}");
            }
            let shown = |samples: Option<&Samples>, percent| match samples.filter(|it| !it.is_empty()) {
                Some(samples) => format!("{:.0}", samples.percentile(percent)),
                None => "-".to_owned(),
            };
            let [well, ill] = [0, 1].map(|at| times.get(cause).map(|times| &times[at]));
            let [half, most, worst] = [shown(well, 50.0), shown(well, 100.0), shown(ill, 100.0)];
            let _infallible = writeln!(text, " {half:>10} {most:>10} {worst:>12}");
        }
        text
    }

    /// Keeps every run as JSON under `target/bench`, and says where.
    ///
    /// # Errors
    /// When it cannot be written there.
    pub fn keep(&self) -> std::io::Result<PathBuf> {
        let dir = place::root().join("target/bench");
        std::fs::create_dir_all(&dir)?;
        let path = dir.join("campaign-runs.json");
        let runs: Vec<Value> = self.0.iter().map(Ending::json).collect();
        std::fs::write(&path, serde_json::to_string_pretty(&runs)?)?;
        Ok(path)
    }
}
