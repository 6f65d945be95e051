//! The table at the end: each stage with its result, its time and its tests.

use std::fmt::Write;
use std::time::Duration;

use super::count::Counts;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Passed,
    Failed,
    /// There was nothing to do, for this reason.
    Skipped(&'static str),
    /// An earlier stage failed.
    NotRun,
}

impl Verdict {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "FAILED",
            Self::Skipped(_) => "skipped",
            Self::NotRun => "not run",
        }
    }
}

#[derive(Debug)]
pub(super) struct Row {
    name: &'static str,
    pub(super) verdict: Verdict,
    took: Duration,
    counts: Counts,
}

impl Row {
    pub(super) fn new(name: &'static str, verdict: Verdict, took: Duration, counts: Counts) -> Self {
        Self { name, verdict, took, counts }
    }

    pub(super) fn not_run(name: &'static str) -> Self {
        Self::new(name, Verdict::NotRun, Duration::ZERO, Counts::default())
    }
}

/// One line a stage; a check that counts no tests shows none.
pub(super) fn table(rows: &[Row]) -> String {
    let mut out = format!("{:<10} {:<8} {:>9} {:>7} {:>7}\n", "stage", "result", "time", "passed", "failed");
    for row in rows {
        let number = |n: u64| if row.counts == Counts::default() { String::new() } else { n.to_string() };
        let why = if let Verdict::Skipped(why) = row.verdict { format!("  {why}") } else { String::new() };
        let line = format!(
            "{:<10} {:<8} {:>9} {:>7} {:>7}{why}",
            row.name,
            row.verdict.word(),
            if row.verdict == Verdict::NotRun { String::new() } else { time(row.took) },
            number(row.counts.passed),
            number(row.counts.failed),
        );
        out.push_str(line.trim_end());
        out.push('\n');
    }
    let whole: Duration = rows.iter().map(|row| row.took).sum();
    // Writing to a String cannot fail.
    let _infallible = write!(out, "{:<10} {:<8} {:>9}", "whole", "", time(whole));
    out
}

/// The very last line.
pub(super) fn sum(rows: &[Row]) -> String {
    let mut whole = Counts::default();
    for row in rows {
        whole += row.counts;
    }
    format!("{} passed, {} failed", whole.passed, whole.failed)
}

pub(super) fn time(took: Duration) -> String {
    let seconds = took.as_secs();
    if seconds < 60 {
        format!("{:.1} s", took.as_secs_f64())
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let counts = |passed, failed| Counts { passed, failed };
        vec![
            Row::new("fmt", Verdict::Passed, Duration::from_millis(1240), counts(0, 0)),
            Row::new("ui", Verdict::Skipped("no front end"), Duration::ZERO, counts(0, 0)),
            Row::new("unit", Verdict::Failed, Duration::from_secs(125), counts(310, 2)),
            Row::not_run("processes"),
        ]
    }

    #[test]
    fn the_table_shows_each_stage() {
        let expected = "\
stage      result        time  passed  failed
fmt        passed       1.2 s
ui         skipped      0.0 s                  no front end
unit       FAILED   2 min 05 s     310       2
processes  not run
whole               2 min 06 s";
        assert_eq!(table(&rows()), expected);
    }

    #[test]
    fn the_last_line_sums_all_runners() {
        assert_eq!(sum(&rows()), "310 passed, 2 failed");
        assert_eq!(sum(&[]), "0 passed, 0 failed");
    }
}
