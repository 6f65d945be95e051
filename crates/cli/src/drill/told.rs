//! What a drill tells of a cause.

use std::time::Duration;

use serde::Serialize;

use super::{row::Row, twin::Seen};
use crate::{table, text};

/// How it came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Every device that was energised is off and, where that can be, was read back.
    Safe,
    /// At least these devices are not confirmed safe, or the host said so.
    NotSafe {
        /// Their names.
        devices: Vec<String>,
        /// What is wrong, in words.
        why: String,
    },
    /// It was not fired.
    NotRun(String),
    /// The rig did not arm, so there was nothing to fire it at.
    NotArmed {
        /// The devices that did not.
        devices: Vec<String>,
        /// What the host said.
        why: String,
    },
}

/// One cause and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) row: Row,
    pub(crate) outcome: Outcome,
    pub(crate) first_safe_byte: Option<Duration>,
    pub(crate) safe: Option<Duration>,
    /// Something else that a person should know.
    pub(crate) note: Option<String>,
}

impl Told {
    pub(crate) const fn not_run(row: Row, why: String) -> Self {
        Self { row, outcome: Outcome::NotRun(why), first_safe_byte: None, safe: None, note: None }
    }

    pub(super) const fn not_armed(row: Row, devices: Vec<String>, why: String) -> Self {
        let outcome = Outcome::NotArmed { devices, why };
        Self { row, outcome, first_safe_byte: None, safe: None, note: None }
    }

    /// From what was seen; `host`: what the host itself has against it.
    pub(super) fn of(row: Row, seen: &Seen, host: Option<String>, note: Option<String>) -> Self {
        let mut why = Vec::new();
        if !seen.energised.is_empty() {
            why.push(format!("still energised: {}", seen.energised.join(", ")));
        }
        if !seen.not_read_back.is_empty() {
            why.push(format!("made safe but not read back: {}", seen.not_read_back.join(", ")));
        }
        why.extend(host);
        let outcome = if why.is_empty() {
            Outcome::Safe
        } else {
            let devices = seen.energised.iter().chain(&seen.not_read_back).cloned().collect();
            Outcome::NotSafe { devices, why: why.join("; ") }
        };
        Self { row, outcome, first_safe_byte: seen.first_safe_byte, safe: seen.safe, note }
    }

    /// Whether hardware was left in a state that nobody confirmed.
    pub(crate) const fn is_bad(&self) -> bool {
        matches!(self.outcome, Outcome::NotSafe { .. } | Outcome::NotArmed { .. })
    }

    /// Whether there was nothing to fire it at.
    pub(crate) const fn did_not_arm(&self) -> bool {
        matches!(self.outcome, Outcome::NotArmed { .. })
    }

    /// One line that says how it came out.
    pub(crate) fn words(&self) -> String {
        let outcome = match &self.outcome {
            Outcome::Safe => String::from("safe"),
            Outcome::NotSafe { why, .. } => format!("NOT SAFE: {why}"),
            Outcome::NotRun(why) => format!("not run: {why}"),
            Outcome::NotArmed { devices, why } if devices.is_empty() => format!("DID NOT ARM: {why}"),
            Outcome::NotArmed { devices, why } => format!("DID NOT ARM ({}): {why}", devices.join(", ")),
        };
        let note = self.note.as_ref().map_or_else(String::new, |note| format!(" ({note})"));
        text::plain(&format!("{outcome}{note}"))
    }
}

/// A whole drill.
#[derive(Clone, Debug)]
pub(crate) struct Drill {
    pub(crate) rig: String,
    pub(crate) hardware: bool,
    pub(crate) notes: Vec<String>,
    pub(crate) told: Vec<Told>,
}

/// A cause, for programs.
#[derive(Serialize)]
struct RowShown<'a> {
    name: &'static str,
    cause: &'static str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_safe_byte_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safe_ms: Option<f64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    devices: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

/// A drill, for programs.
#[derive(Serialize)]
struct DrillShown<'a> {
    rig: &'a str,
    hardware: bool,
    safe: bool,
    notes: &'a [String],
    causes: Vec<RowShown<'a>>,
}

impl Drill {
    /// 0: all that was run came out safe; 4: something did not; 3: nothing was run.
    pub(crate) fn status(&self) -> u8 {
        let was_run = |told: &Told| !matches!(told.outcome, Outcome::NotRun(_));
        match (self.told.iter().any(Told::is_bad), self.told.iter().any(was_run)) {
            (true, _) => 4,
            (false, true) => 0,
            (false, false) => 3,
        }
    }

    /// The table for people.
    pub(crate) fn table(&self) -> String {
        let time = |time: Option<Duration>| time.map_or_else(|| String::from("-"), milliseconds);
        let row = |told: &Told| {
            vec![String::from(told.row.words()), time(told.first_safe_byte), time(told.safe), told.words()]
        };
        let rows: Vec<_> = self.told.iter().map(row).collect();
        table::columns(&["cause", "first safe byte", "verified safe", "outcome"], &rows)
    }

    /// What it comes to, and what to do next.
    pub(crate) fn summary(&self) -> String {
        let count = |is: &dyn Fn(&Told) -> bool| self.told.iter().filter(|told| is(told)).count();
        let safe = count(&|told| told.outcome == Outcome::Safe);
        let bad = count(&Told::is_bad);
        let not_run = count(&|told| matches!(told.outcome, Outcome::NotRun(_)));
        let mut lines = vec![format!("{}: {safe} safe, {bad} not safe, {not_run} not run.", self.rig)];
        let watched = |told: &&Told| {
            matches!(told.outcome, Outcome::NotSafe { .. }) && told.row.ends() == super::row::Ends::Dead
        };
        if self.told.iter().any(|told| watched(&told)) {
            lines.push(String::from(
                "A host that is killed or hangs is covered by the watchdog alone: see that [safety] watchdog is \
                 \"required\" and that `killcord doctor` finds it.",
            ));
        }
        if bad > 0 {
            lines.push(String::from(
                "Do not trust this rig yet: mend what is named above, then run the drill again (`--only NAME` \
                 runs one cause).",
            ));
        }
        if not_run > 0 {
            lines.push(String::from(
                "What was not run says nothing about the rig: its reason stands beside it.",
            ));
        }
        lines.join("\n")
    }

    /// For programs.
    pub(crate) fn json(&self) -> String {
        let shown = DrillShown {
            rig: &self.rig,
            hardware: self.hardware,
            safe: self.status() == 0,
            notes: &self.notes,
            causes: self.told.iter().map(shown).collect(),
        };
        serde_json::to_string_pretty(&shown).unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}"))
    }
}

fn shown(told: &Told) -> RowShown<'_> {
    let (outcome, devices, why): (_, &[String], _) = match &told.outcome {
        Outcome::Safe => ("safe", &[], None),
        Outcome::NotSafe { devices, why } => ("not_safe", devices, Some(why.as_str())),
        Outcome::NotRun(why) => ("not_run", &[], Some(why.as_str())),
        Outcome::NotArmed { devices, why } => ("not_armed", devices, Some(why.as_str())),
    };
    let ms = |time: Duration| (time.as_secs_f64() * 1e6).round() / 1e3;
    RowShown {
        name: told.row.name(),
        cause: told.row.words(),
        outcome,
        first_safe_byte_ms: told.first_safe_byte.map(ms),
        safe_ms: told.safe.map(ms),
        devices,
        why,
        note: told.note.as_deref(),
    }
}

/// With a decimal where it matters: a first safe byte goes out within a millisecond or two.
fn milliseconds(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    if ms < 10.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drill(outcomes: Vec<Outcome>) -> Drill {
        let told = |outcome| Told { outcome, ..Told::not_run(Row::Sigterm, String::new()) };
        let told = outcomes.into_iter().map(told).collect();
        Drill { rig: String::from("Bench"), hardware: false, notes: Vec::new(), told }
    }

    #[test]
    fn nothing_that_was_not_run_counts_as_safe() {
        let not_run = || Outcome::NotRun(String::from("no display"));
        let bad = || Outcome::NotSafe { devices: vec![String::from("psu")], why: String::from("psu is on") };
        for (outcomes, status) in [
            (vec![Outcome::Safe, not_run()], 0),
            (vec![not_run()], 3),
            (vec![], 3),
            (vec![Outcome::Safe, bad()], 4),
            (vec![Outcome::NotArmed { devices: vec![], why: String::new() }], 4),
        ] {
            assert_eq!(drill(outcomes.clone()).status(), status, "{outcomes:?}");
        }
        assert!(drill(vec![Outcome::Safe, not_run()]).table().contains("not run: no display"));
    }

    #[test]
    fn a_device_that_nobody_read_back_is_not_safe() {
        let seen = Seen {
            first_safe_byte: Some(Duration::from_micros(1234)),
            safe: None,
            energised: Vec::new(),
            not_read_back: vec![String::from("psu")],
        };
        let told = Told::of(Row::Sigterm, &seen, None, None);
        assert!(told.is_bad());
        assert!(told.words().contains("psu"), "{}", told.words());
        let drill = Drill { told: vec![told], ..drill(vec![]) };
        assert!(drill.table().contains("1.2 ms"), "{}", drill.table());
        let json: serde_json::Value = serde_json::from_str(&drill.json()).unwrap();
        assert_eq!(json["causes"][0]["devices"][0], "psu");
        assert_eq!(json["safe"], false);
    }
}
