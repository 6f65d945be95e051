//! Figures: samples to percentiles, beside the budget they are held to; shown as a table, kept as JSON.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::place;

/// Samples of one thing, in one unit.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// One more.
    pub fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    /// One more, in milliseconds.
    pub fn add_time(&mut self, time: Duration) {
        self.add(time.as_secs_f64() * 1e3);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value that `percent` of the samples do not exceed (nearest rank); NaN without samples.
    #[must_use]
    pub fn percentile(&self, percent: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (percent / 100.0 * sorted.len() as f64).ceil().max(1.0) as usize;
        sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
    }

    /// How many are less.
    #[must_use]
    pub fn below(&self, value: f64) -> usize {
        self.0.iter().filter(|sample| **sample < value).count()
    }

    /// The middle one.
    #[must_use]
    pub fn median(&self) -> f64 {
        self.percentile(50.0)
    }
}

/// One line of a table.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    what: String,
    unit: &'static str,
    count: usize,
    p50: f64,
    p99: f64,
    most: f64,
    /// What it may be at the most, `p50` and `p99`.
    budget: [Option<f64>; 2],
    met: bool,
}

impl Row {
    /// From samples, held to a budget of the median and of the 99th percentile.
    #[must_use]
    pub fn new(
        what: impl Into<String>,
        unit: &'static str,
        samples: &Samples,
        budget: [Option<f64>; 2],
    ) -> Self {
        let (p50, p99) = (samples.median(), samples.percentile(99.0));
        let within = |value: f64, budget: Option<f64>| budget.is_none_or(|budget| value <= budget);
        let met = !samples.is_empty() && within(p50, budget[0]) && within(p99, budget[1]);
        Self {
            what: what.into(),
            unit,
            count: samples.len(),
            p50,
            p99,
            most: samples.percentile(100.0),
            budget,
            met,
        }
    }

    /// One figure that was measured once, held to a budget.
    #[must_use]
    pub fn single(what: impl Into<String>, unit: &'static str, value: f64, budget: Option<f64>) -> Self {
        Self::new(what, unit, &Samples(vec![value]), [budget, None])
    }
}

/// The outcome of one harness.
#[derive(Debug, Serialize)]
pub struct Figures {
    name: &'static str,
    rows: Vec<Row>,
    notes: Vec<String>,
}

impl Figures {
    /// Of the harness with this name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, rows: Vec::new(), notes: Vec::new() }
    }

    /// One line more.
    pub fn row(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Something to know about them.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Whether every budget is met.
    #[must_use]
    pub fn met(&self) -> bool {
        self.rows.iter().all(|row| row.met)
    }

    /// As a table for people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!("{}\n", self.name);
        let budget = |row: &Row| {
            let part = |name: &str, value: Option<f64>| value.map(|value| format!("{name} ≤ {value}"));
            let parts: Vec<String> =
                [part("p50", row.budget[0]), part("p99", row.budget[1])].into_iter().flatten().collect();
            match (parts.is_empty(), row.met) {
                (true, _) => String::new(),
                (false, true) => format!("{}: met", parts.join(", ")),
                (false, false) => format!("{}: NOT MET", parts.join(", ")),
            }
        };
        let header = format!("  {:<58} {:>6} {:>10} {:>10} {:>10}  unit", "what", "n", "p50", "p99", "most");
        let _infallible = writeln!(text, "{header}");
        for row in &self.rows {
            let _infallible = writeln!(
                text,
                "  {:<58} {:>6} {:>10.3} {:>10.3} {:>10.3}  {:<5} {}",
                row.what,
                row.count,
                row.p50,
                row.p99,
                row.most,
                row.unit,
                budget(row)
            );
        }
        for note in &self.notes {
            let _infallible = writeln!(text, "  {note}");
        }
        text
    }

    /// Keeps them as JSON under `target/bench`, and says where.
    ///
    /// # Errors
    /// When it cannot be written there.
    pub fn keep(&self) -> std::io::Result<PathBuf> {
        let dir: &Path = &place::root().join("target/bench");
        std::fs::create_dir_all(dir)?;
        let path = dir.join(format!("{}.json", self.name));
        std::fs::write(&path, serde_json::to_string_pretty(self)?)?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let samples = Samples((1..=100).rev().map(f64::from).collect());
        assert_eq!(
            (samples.median(), samples.percentile(99.0), samples.percentile(100.0)),
            (50.0, 99.0, 100.0)
        );
        assert_eq!(Samples(vec![7.0]).percentile(99.0), 7.0);
    }

    #[test]
    fn a_budget_is_missed_by_either_percentile_and_by_no_samples() {
        let samples = Samples(vec![1.0, 1.0, 1.0, 30.0]);
        assert!(Row::new("", "ms", &samples, [Some(2.0), None]).met);
        assert!(!Row::new("", "ms", &samples, [Some(2.0), Some(20.0)]).met);
        assert!(!Row::new("", "ms", &Samples::default(), [None, None]).met);
    }
}
