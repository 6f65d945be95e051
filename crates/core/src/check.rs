//! Conditions: does an answer say what it has to say?
//!
//! A condition compares as what it is written as. What is not a number, or empty, never holds: a mute or
//! confused instrument must not pass for a safe one.

use std::{
    hash::{Hash, Hasher},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{Number, Step, Value};

/// A query with one condition.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Check {
    /// What is asked.
    pub query: Step,
    /// Which part of a comma list counts, from 1.
    pub field: Option<u16>,
    /// What the answer has to be.
    pub condition: Condition,
    /// Asked again until it holds, at most so long; asked once if absent.
    pub within: Option<Duration>,
    /// Time between two questions.
    pub every: Duration,
}

impl Check {
    /// Asked once, no field.
    #[must_use]
    pub const fn once(query: Step, condition: Condition) -> Self {
        Self { query, field: None, condition, within: None, every: Duration::from_millis(100) }
    }

    /// Whether `answer` satisfies it.
    #[must_use]
    pub fn holds(&self, answer: &Value) -> bool {
        match (answer, self.field) {
            (Value::Text(text), Some(field)) => match field_of(text, field) {
                Some(part) => self.condition.holds(&Value::Text(part.to_owned())),
                None => false,
            },
            _ => self.condition.holds(answer),
        }
    }
}

impl std::fmt::Display for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.query)?;
        if let Some(field) = self.field {
            write!(f, " field {field}")?;
        }
        write!(f, " {}", self.condition)
    }
}

/// The `field`th part (from 1) of a comma list, quotes respected.
#[must_use]
pub fn field_of(text: &str, field: u16) -> Option<&str> {
    let mut quoted = false;
    text.split(|c| {
        if c == '"' {
            quoted = !quoted;
        }
        c == ',' && !quoted
    })
    .nth(usize::from(field).checked_sub(1)?)
}

/// What an answer has to be.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Equal to what is written there.
    Equals(Expected),
    /// A number less than.
    Below(Number),
    /// A number greater than.
    Above(Number),
    /// A number from, to, both included.
    Between(Number, Number),
    /// Text that a regular expression finds.
    Matches(Pattern),
}

impl Condition {
    /// Whether `answer` satisfies it.
    #[must_use]
    pub fn holds(&self, answer: &Value) -> bool {
        // A register can hold not-a-number; it is not 0, and for that alone must not pass for on.
        if matches!(answer, Value::Number(number) if number.0.is_nan()) {
            return false;
        }
        match self {
            Self::Equals(expected) => expected.equals(answer),
            Self::Below(limit) => number(answer).is_some_and(|n| n < limit.0),
            Self::Above(limit) => number(answer).is_some_and(|n| n > limit.0),
            Self::Between(low, high) => number(answer).is_some_and(|n| low.0 <= n && n <= high.0),
            Self::Matches(pattern) => match answer {
                Value::Text(text) => !text.trim().is_empty() && pattern.regex.is_match(text.trim()),
                other => pattern.regex.is_match(&other.to_string()),
            },
        }
    }
}

impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Equals(Expected::Number { value, tolerance }) if tolerance.0 > 0.0 => {
                write!(f, "= {value} ± {tolerance}")
            }
            Self::Equals(Expected::Number { value, .. }) => write!(f, "= {value}"),
            Self::Equals(Expected::Truth(on)) => write!(f, "is {}", if *on { "on" } else { "off" }),
            Self::Equals(Expected::Text(text)) => write!(f, "= \"{text}\""),
            Self::Below(limit) => write!(f, "< {limit}"),
            Self::Above(limit) => write!(f, "> {limit}"),
            Self::Between(low, high) => write!(f, "between {low} and {high}"),
            Self::Matches(pattern) => write!(f, "matches /{}/", pattern.source()),
        }
    }
}

/// The right side of `equals`, by the type that it is written as.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// A number, equal within `tolerance`.
    Number {
        /// The number.
        value: Number,
        /// At most so far away; 0 for exactly.
        tolerance: Number,
    },
    /// `0`/`OFF`, or any other number/`ON`.
    Truth(bool),
    /// Trimmed, outer quotes off, case kept.
    Text(String),
}

impl Expected {
    fn equals(&self, answer: &Value) -> bool {
        match self {
            Self::Number { value, tolerance } => {
                number(answer).is_some_and(|n| n == value.0 || (n - value.0).abs() <= tolerance.0)
            }
            Self::Truth(on) => match answer {
                Value::Truth(answer) => answer == on,
                Value::Number(n) => (n.0 != 0.0) == *on,
                Value::Text(text) => truth(text) == Some(*on),
            },
            Self::Text(expected) => match answer {
                Value::Text(text) => !text.trim().is_empty() && unquote(text) == unquote(expected),
                other => other.to_string() == unquote(expected),
            },
        }
    }
}

/// The answer as a finite or infinite number; never not-a-number.
#[must_use]
pub fn number(answer: &Value) -> Option<f64> {
    match answer {
        Value::Number(n) => (!n.0.is_nan()).then_some(n.0),
        Value::Truth(on) => Some(f64::from(u8::from(*on))),
        Value::Text(text) => Number::parse(text).map(|n| n.0),
    }
}

/// `0`/`OFF` is false, any other number/`ON` is true, everything else is neither.
#[must_use]
pub fn truth(text: &str) -> Option<bool> {
    let text = unquote(text);
    if text.eq_ignore_ascii_case("ON") {
        Some(true)
    } else if text.eq_ignore_ascii_case("OFF") {
        Some(false)
    } else {
        Number::parse(text).map(|n| n.0 != 0.0)
    }
}

/// Trimmed, and one pair of outer quotes off.
fn unquote(text: &str) -> &str {
    let text = text.trim();
    ['"', '\''].iter().find_map(|&quote| text.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(text)
}

/// A regular expression that compares by its source.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    regex: regex_lite::Regex,
}

impl Pattern {
    /// Compiles it. Matching takes time linear in the answer's length, whatever the expression.
    ///
    /// # Errors
    /// Where the expression is not one, with the place.
    pub fn new(source: &str) -> Result<Self, regex_lite::Error> {
        Ok(Self { regex: regex_lite::Regex::new(source)? })
    }

    /// The expression as it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        self.regex.as_str()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source()
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.source().hash(state);
    }
}

impl TryFrom<String> for Pattern {
    type Error = regex_lite::Error;

    fn try_from(source: String) -> Result<Self, Self::Error> {
        Self::new(&source)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.source().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(condition: &Condition, answer: &str, expect: bool) {
        assert_eq!(condition.holds(&Value::Text(answer.into())), expect, "{answer:?} {condition}");
    }

    fn equals(value: f64, tolerance: f64) -> Condition {
        Condition::Equals(Expected::Number { value: value.into(), tolerance: tolerance.into() })
    }

    #[test]
    fn numbers_compare_as_numbers_whatever_their_spelling() {
        for zero in ["0", "+0.000E+00", "0 V", " 0.0\r"] {
            check(&equals(0.0, 0.0), zero, true);
        }
        check(&equals(0.0, 0.1), "0.05", true);
        check(&equals(0.0, 0.1), "0.2", false);
        check(&Condition::Below(0.5.into()), "0.49", true);
        check(&Condition::Below(0.5.into()), "0.5", false);
        check(&Condition::Above(0.5.into()), "9.9E37", true);
        check(&Condition::Between(1.0.into(), 2.0.into()), "2", true);
    }

    #[test]
    fn silence_and_noise_hold_nothing() {
        let off = Condition::Equals(Expected::Truth(false));
        let all = [
            equals(0.0, 1e9),
            Condition::Below(1e9.into()),
            Condition::Above((-1e9).into()),
            off,
            Condition::Equals(Expected::Text(String::new())),
        ];
        for condition in &all {
            for answer in ["", "  ", "\r", "9.91E37", "#", "ERR?"] {
                check(condition, answer, false);
            }
        }
        check(&Condition::Matches(Pattern::new(".*").unwrap()), "", false);
    }

    #[test]
    fn a_register_that_holds_no_number_holds_nothing() {
        let all = [
            equals(0.0, f64::INFINITY),
            Condition::Equals(Expected::Truth(true)),
            Condition::Equals(Expected::Truth(false)),
            Condition::Equals(Expected::Text("NaN".into())),
            Condition::Below(f64::INFINITY.into()),
            Condition::Above(f64::NEG_INFINITY.into()),
            Condition::Matches(Pattern::new("").unwrap()),
        ];
        for condition in &all {
            assert!(!condition.holds(&Value::Number(f64::NAN.into())), "{condition}");
        }
    }

    #[test]
    fn truth_values_take_numbers_and_words() {
        let on = Condition::Equals(Expected::Truth(true));
        let off = Condition::Equals(Expected::Truth(false));
        for answer in ["0", "OFF", "off", "+0"] {
            check(&off, answer, true);
            check(&on, answer, false);
        }
        for answer in ["1", "ON", "2"] {
            check(&on, answer, true);
            check(&off, answer, false);
        }
        check(&off, "of", false);
    }

    #[test]
    fn text_is_trimmed_and_its_outer_quotes_are_taken_off() {
        let text = Condition::Equals(Expected::Text("Ready".into()));
        check(&text, "\"Ready\"\r", true);
        check(&text, "ready", false);
    }

    #[test]
    fn a_field_of_a_comma_list_is_counted_from_one() {
        let mut check = Check::once(Step::query("X?"), equals(2.0, 0.0));
        check.field = Some(2);
        assert!(check.holds(&Value::Text("1,2,3".into())));
        assert!(check.holds(&Value::Text("\"a,b\",2".into())));
        assert!(!check.holds(&Value::Text("1".into())));
    }
}
