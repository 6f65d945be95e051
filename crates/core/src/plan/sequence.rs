//! A sequence of a rig file, unfolded into single exchanges: ramps, checks and waits over time.
//!
//! It holds only where it stands; the entries are handed in at each call, so that its state stays small.
//! An exchange whose result is never handed in is simply due again: that is how a step is repeated on a new
//! connection, and how a ramp goes on with the value that is due by then.

use std::time::Duration;

use super::Failure;
use crate::{Check, Item, Number, Step, Time, Value, check::number, step::Ramp};

/// What a sequence does when an entry fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnFailure {
    /// Nothing after it is sent: arm, verify.
    Stop,
    /// The rest is sent all the same: safe, emergency, release.
    Continue,
}

/// The entries of a sequence.
#[derive(Clone, Copy, Debug)]
pub enum Entries<'a> {
    /// As in a rig file.
    Items(&'a [Item]),
    /// Checks alone: verify.
    Checks(&'a [Check]),
}

impl<'a> Entries<'a> {
    fn get(self, at: usize) -> Option<Entry<'a>> {
        match self {
            Self::Items(items) => items.get(at).map(|item| match item {
                Item::Do(step) => Entry::Do(step),
                Item::Check(check) => Entry::Check(check),
                Item::Ramp(ramp) => Entry::Ramp(ramp),
                Item::Wait(wait) => Entry::Wait(*wait),
            }),
            Self::Checks(checks) => checks.get(at).map(Entry::Check),
        }
    }
}

#[derive(Clone, Copy)]
enum Entry<'a> {
    Do(&'a Step),
    Check(&'a Check),
    Ramp(&'a Ramp),
    Wait(Duration),
}

/// What a sequence wants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Todo {
    /// This exchange now, at most until then.
    Ask(Step, Time),
    /// Nothing before this time.
    Wait(Time),
    /// Nothing any more.
    Done,
}

/// An entry that failed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Failed {
    /// Its place in the sequence.
    pub at: usize,
    /// What was seen, in words.
    pub why: String,
    /// Whether the device had answered: it is there, and said something else.
    pub answered: bool,
}

/// Where a sequence stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sequence {
    on_failure: OnFailure,
    at: usize,
    entry: Progress,
    failed: Vec<Failed>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Progress {
    Fresh,
    /// First asked then, to be asked (again) then, last asked then.
    Check {
        began: Time,
        again: Time,
        asked: Time,
    },
    /// At `from` then; the next write is due then.
    Ramp {
        began: Time,
        from: Number,
        due: Time,
        last: bool,
    },
    /// Straight to the end: there is no believable `from`.
    Jump,
    Wait {
        until: Time,
    },
}

impl Sequence {
    /// At its first entry.
    #[must_use]
    pub const fn new(on_failure: OnFailure) -> Self {
        Self { on_failure, at: 0, entry: Progress::Fresh, failed: Vec::new() }
    }

    /// The entries that failed so far.
    #[must_use]
    pub fn failed(&self) -> &[Failed] {
        &self.failed
    }

    /// What to do at `now`, where one exchange of the device takes at most `timeout`.
    pub fn todo(&mut self, entries: Entries<'_>, timeout: Duration, now: Time) -> Todo {
        loop {
            if self.on_failure == OnFailure::Stop && !self.failed.is_empty() {
                return Todo::Done;
            }
            let Some(entry) = entries.get(self.at) else { return Todo::Done };
            let limit = |step: &Step| now + step.timeout().unwrap_or(timeout);
            match (entry, &mut self.entry) {
                (Entry::Do(step), _) => return Todo::Ask(step.clone(), limit(step)),
                (Entry::Wait(_), Progress::Wait { until }) => {
                    if now < *until {
                        return Todo::Wait(*until);
                    }
                    self.advance();
                }
                (Entry::Wait(wait), progress) => *progress = Progress::Wait { until: now + wait },
                (Entry::Check(check), Progress::Check { began, again, asked }) => {
                    if now < *again {
                        return Todo::Wait(*again);
                    }
                    if *again == *began {
                        // Its time begins with its first question, however long the line was busy.
                        (*began, *again) = (now, now);
                    }
                    let end = *began + super::budget::check_time(check, timeout);
                    if now >= end && *again > *began {
                        self.fail(format!("{check} does not hold"), false);
                        self.advance();
                        continue;
                    }
                    *asked = now;
                    return Todo::Ask(check.query.clone(), limit(&check.query).min(end));
                }
                (Entry::Check(_), progress) => {
                    *progress = Progress::Check { began: now, again: now, asked: now };
                }
                (Entry::Ramp(ramp), Progress::Ramp { began, from, due, last }) => {
                    if now < *due {
                        return Todo::Wait(*due);
                    }
                    let value = due_value(ramp, *from, now.since(*began));
                    *last = value.is_none();
                    let step = ramp.write.fill(&Value::Number(value.unwrap_or(ramp.to)));
                    let limit = limit(&step);
                    return Todo::Ask(step, limit);
                }
                (Entry::Ramp(ramp), Progress::Jump) => {
                    let step = ramp.write.fill(&Value::Number(ramp.to));
                    let limit = limit(&step);
                    return Todo::Ask(step, limit);
                }
                (Entry::Ramp(ramp), _) => return Todo::Ask(ramp.from.clone(), limit(&ramp.from)),
            }
        }
    }

    /// Whether the exchange that is due only asks: its answer has to be believed.
    #[must_use]
    pub fn asks(&self, entries: Entries<'_>) -> bool {
        match entries.get(self.at) {
            Some(Entry::Do(step)) => step.is_query(),
            Some(Entry::Check(_)) => true,
            Some(Entry::Ramp(_)) => !matches!(self.entry, Progress::Ramp { .. } | Progress::Jump),
            Some(Entry::Wait(_)) | None => false,
        }
    }

    /// Takes the result of the exchange last asked for.
    pub fn result(&mut self, entries: Entries<'_>, outcome: &Result<Option<Value>, Failure>, now: Time) {
        let Some(entry) = entries.get(self.at) else { return };
        match (entry, &mut self.entry) {
            (Entry::Do(step), _) => {
                if let Err(failure) = outcome {
                    self.fail(format!("{step}: {failure}"), answered(failure));
                }
                self.advance();
            }
            (Entry::Check(check), Progress::Check { began, again, asked }) => {
                if let Ok(Some(answer)) = outcome
                    && check.holds(answer)
                {
                    self.advance();
                    return;
                }
                let next = (*asked + check.every.max(Duration::from_millis(1))).max(now);
                if check.within.is_some_and(|within| next < *began + within) {
                    *again = next;
                    return;
                }
                let (why, answered) = match outcome {
                    Ok(Some(answer)) => (format!("{check} does not hold: answered {answer}"), true),
                    Ok(None) => (format!("{check} does not hold: no answer"), false),
                    Err(failure) => (format!("{check}: {failure}"), answered(failure)),
                };
                self.fail(why, answered);
                self.advance();
            }
            (Entry::Ramp(ramp), Progress::Ramp { began, from, due, last }) => {
                let last = *last;
                if !last {
                    *due = following(ramp, *from, *began, now);
                }
                if let Err(failure) = outcome {
                    self.fail(format!("ramp to {}: {failure}", ramp.to), answered(failure));
                }
                if last {
                    self.advance();
                }
            }
            (Entry::Ramp(ramp), Progress::Jump) => {
                if let Err(failure) = outcome {
                    self.fail(format!("ramp to {}: {failure}", ramp.to), answered(failure));
                }
                self.advance();
            }
            (Entry::Ramp(ramp), _) => match start(ramp, outcome) {
                Ok(from) => {
                    let due = following(ramp, from, now, now);
                    self.entry = Progress::Ramp { began: now, from, due, last: false };
                }
                Err((why, answered)) => {
                    self.fail(why, answered);
                    self.entry = Progress::Jump;
                }
            },
            (Entry::Check(_) | Entry::Wait(_), _) => {}
        }
    }

    fn advance(&mut self) {
        self.at += 1;
        self.entry = Progress::Fresh;
    }

    /// Once an entry: a ramp that fails at every write is one failure.
    fn fail(&mut self, why: String, answered: bool) {
        if self.failed.last().is_none_or(|last| last.at != self.at) {
            self.failed.push(Failed { at: self.at, why, answered });
        }
    }
}

const fn answered(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused(_))
}

/// Where a ramp starts, or why it cannot: then it jumps.
fn start(ramp: &Ramp, outcome: &Result<Option<Value>, Failure>) -> Result<Number, (String, bool)> {
    match outcome {
        Ok(Some(answer)) => match number(answer).filter(|n| n.is_finite()) {
            Some(from) => Ok(Number(from)),
            None => Err((format!("ramp from {}: {answer} is no number", ramp.from), true)),
        },
        Ok(None) => Err((format!("ramp from {}: no answer", ramp.from), false)),
        Err(failure) => Err((format!("ramp from {}: {failure}", ramp.from), answered(failure))),
    }
}

/// The value due after `elapsed`; `None` is the end: exactly `to`.
fn due_value(ramp: &Ramp, from: Number, elapsed: Duration) -> Option<Number> {
    let rate = ramp.per_second.0.abs();
    let way = ramp.to.0 - from.0;
    let gone = rate * elapsed.as_secs_f64();
    // Written so that a rate or a target that is no number ends the ramp at once.
    if gone < way.abs() && rate > 0.0 && elapsed < length(ramp, from)? {
        Some(rounded(from.0 + gone.copysign(way), from.0.abs().max(ramp.to.0.abs())))
    } else {
        None
    }
}

/// Six digits of the largest value on the way: more than any setpoint resolves, and no line of digits that an
/// instrument's parser has no room for.
fn rounded(value: f64, largest: f64) -> Number {
    let decimals = 5.0 - largest.log10().floor();
    let unit = 10_f64.powf(decimals.clamp(-300.0, 300.0));
    let rounded = (value * unit).round() / unit;
    Number(if rounded.is_finite() { rounded } else { value })
}

/// How long the whole ramp lasts.
fn length(ramp: &Ramp, from: Number) -> Option<Duration> {
    Duration::try_from_secs_f64((ramp.to.0 - from.0).abs() / ramp.per_second.0.abs()).ok()
}

/// When the write behind the one at `now` is due: on the grid of `step_every`, the last one at the very end.
fn following(ramp: &Ramp, from: Number, began: Time, now: Time) -> Time {
    if due_value(ramp, from, now.since(began)).is_none() {
        return now;
    }
    let every = ramp.step_every.max(Duration::from_millis(1));
    let gone = (now.since(began).as_nanos() / every.as_nanos() + 1).saturating_mul(every.as_nanos());
    let grid = began + Duration::from_nanos(u64::try_from(gone).unwrap_or(u64::MAX));
    length(ramp, from).map_or(grid, |length| grid.min(began + length))
}
