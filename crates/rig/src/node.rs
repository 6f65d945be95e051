//! One value of the file with its place, and what it can be taken for.
//!
//! A value of the wrong type says what was expected and how to write it; the caller gets `None` and goes
//! on, so that one problem never hides another.

use std::{ops::RangeInclusive, time::Duration};

use toml::{Spanned, de::DeValue};

use crate::{
    duration,
    fields::Fields,
    problems::{Draft, Problems},
    source::Span,
};

/// A value, where it stands, and the key that it belongs to.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    pub(crate) problems: &'a Problems,
    /// For messages.
    pub(crate) key: &'a str,
    pub(crate) span: Span,
    pub(crate) value: &'a DeValue<'a>,
}

impl<'a> Node<'a> {
    pub(crate) fn new(problems: &'a Problems, key: &'a str, value: &'a Spanned<DeValue<'a>>) -> Self {
        Self { problems, key, span: value.span().into(), value: value.get_ref() }
    }

    /// A problem at this value.
    pub(crate) fn error(&self, message: impl Into<String>) -> Draft<'a> {
        self.problems.error(self.span, message)
    }

    /// A warning at this value.
    pub(crate) fn warning(&self, message: impl Into<String>) -> Draft<'a> {
        self.problems.warning(self.span, message)
    }

    /// As it is written in the file.
    pub(crate) fn written(&self) -> &'a str {
        self.problems.source().slice(self.span)
    }

    fn wrong(&self, takes: &str) -> Draft<'a> {
        self.error(format!("`{}` takes {takes}", self.key)).label(format!("this is {}", kind(self.value)))
    }

    /// The place of a part of a text value; the whole value where escapes hide it.
    pub(crate) fn part(&self, start: usize, end: usize) -> Span {
        let (Some(text), written) = (self.value.as_str(), self.written()) else { return self.span };
        match written.find(text) {
            Some(at) if written.len() == text.len() + 2 * at && start <= end && end <= text.len() => {
                Span { start: self.span.start + at + start, end: self.span.start + at + end }
            }
            _ => self.span,
        }
    }

    /// Text that is not empty.
    pub(crate) fn text(&self) -> Option<&'a str> {
        match self.value.as_str() {
            None => {
                let written = match self.value {
                    DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {
                        format!("put it in quotes: {} = \"{}\"", self.key, self.written())
                    }
                    _ => format!("write {} = \"…\"", self.key),
                };
                self.wrong("text").help(written).tell();
                None
            }
            Some(text) if text.trim().is_empty() => {
                self.error(format!("`{}` is empty", self.key)).help("write it, or leave the key out").tell();
                None
            }
            Some(text) => Some(text),
        }
    }

    /// One of several words.
    pub(crate) fn word<T: Copy>(&self, words: &[(&'static str, T)]) -> Option<T> {
        let text = self.text()?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        self.error(format!("`{}` cannot be \"{}\"", self.key, short(text)))
            .label(format!("not one of {}", list(words.iter().map(|(word, _)| *word))))
            .suggest(text, words.iter().map(|(word, _)| *word))
            .tell();
        None
    }

    /// `true` or `false`.
    pub(crate) fn truth(&self) -> Option<bool> {
        let truth = self.value.as_bool();
        if truth.is_none() {
            let draft = self.wrong("true or false");
            match self.value.as_str().map(str::to_lowercase).as_deref() {
                Some("true" | "on" | "yes") => draft.help(format!("write {} = true", self.key)),
                Some("false" | "off" | "no") => draft.help(format!("write {} = false", self.key)),
                _ => draft.help(format!("write {} = true, or false, without quotes", self.key)),
            }
            .tell();
        }
        truth
    }

    /// A number that is neither infinite nor not-a-number.
    pub(crate) fn number(&self) -> Option<f64> {
        let number = number(self.value);
        match number {
            Some(number) if number.is_finite() => Some(number),
            Some(_) => {
                self.error(format!("`{}` must be a finite number", self.key)).tell();
                None
            }
            None => {
                let draft = self.wrong("a number");
                match self.value.as_str().map(str::trim) {
                    Some(text) if text.parse::<f64>().is_ok() => {
                        draft.help(format!("write it without quotes: {} = {text}", self.key))
                    }
                    Some(_) => draft.help(format!("write {} = 12.5, the unit apart from it", self.key)),
                    None => draft,
                }
                .tell();
                None
            }
        }
    }

    /// A whole number within limits, both included.
    pub(crate) fn integer(&self, limits: RangeInclusive<i64>) -> Option<i64> {
        let (low, high) = (*limits.start(), *limits.end());
        let takes = format!("a whole number from {low} to {high}");
        let DeValue::Integer(written) = self.value else {
            let draft = self.wrong(&takes);
            match self.value.as_str().map(str::trim) {
                Some(text) if text.parse::<i64>().is_ok() => {
                    draft.help(format!("write it without quotes: {} = {text}", self.key))
                }
                _ => draft,
            }
            .tell();
            return None;
        };
        match i64::from_str_radix(written.as_str(), written.radix()) {
            Ok(number) if limits.contains(&number) => Some(number),
            _ => {
                self.error(format!("`{}` takes {takes}", self.key)).label("out of range").tell();
                None
            }
        }
    }

    /// A duration with its unit.
    pub(crate) fn duration(&self) -> Option<Duration> {
        let takes = "a duration such as \"250ms\", \"5s\", \"10m\" or \"8h\"";
        let Some(text) = self.value.as_str() else {
            let draft = self.wrong(takes);
            match self.value {
                DeValue::Integer(_) | DeValue::Float(_) => draft.help(format!(
                    "put it in quotes, with its unit: {} = \"{}s\" if these are seconds",
                    self.key,
                    self.written()
                )),
                _ => draft,
            }
            .tell();
            return None;
        };
        match duration::parse(text) {
            Ok(duration) => Some(duration),
            Err(why) => {
                let draft = self
                    .error(format!("`{}` takes {takes}", self.key))
                    .label(format!("not a duration: {why}"));
                match duration::guess(text) {
                    Some(guess) => draft.help(format!("write {} = \"{guess}\"", self.key)),
                    None => draft,
                }
                .tell();
                None
            }
        }
    }

    /// A duration above zero.
    pub(crate) fn time(&self) -> Option<Duration> {
        let duration = self.duration()?;
        if duration.is_zero() {
            self.error(format!("`{}` must be more than 0", self.key)).tell();
            return None;
        }
        Some(duration)
    }

    /// A duration, or `None` in it for the word "never".
    pub(crate) fn time_or_never(&self) -> Option<Option<Duration>> {
        if self.value.as_str() == Some("never") { Some(None) } else { self.time().map(Some) }
    }

    /// A list; `takes` says of what, as in "a list of steps".
    pub(crate) fn list(&self, takes: &str, most: usize) -> Option<Vec<Self>> {
        let Some(list) = self.value.as_array() else {
            let draft = self.wrong(takes);
            match self.value {
                DeValue::String(_) | DeValue::Table(_) if self.written().len() < 100 => {
                    draft.help(format!("put it in brackets: {} = [{}]", self.key, self.written().trim()))
                }
                _ => draft,
            }
            .tell();
            return None;
        };
        if list.len() > most {
            self.error(format!("`{}` has {} entries, at most {most} are taken", self.key, list.len())).tell();
            return None;
        }
        Some(list.iter().map(|entry| Self::new(self.problems, self.key, entry)).collect())
    }

    /// A table; `title` is what messages call it.
    pub(crate) fn table(&self, title: &str, takes: &str) -> Option<Fields<'a>> {
        if let Some(table) = self.value.as_table() {
            return Some(Fields::new(self.problems, title, self.span, table));
        }
        self.wrong(takes).tell();
        None
    }
}

/// What a value is, in words.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The number that a value is, infinite and not-a-number included.
pub(crate) fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(written) => {
            i128::from_str_radix(written.as_str(), written.radix()).ok().map(|whole| whole as f64)
        }
        DeValue::Float(written) => written.as_str().parse().ok(),
        _ => None,
    }
}

/// "a", "b" or "c"
pub(crate) fn list<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    let words: Vec<_> = words.into_iter().map(|word| format!("\"{word}\"")).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// Text from the file for a message: not longer than a line.
pub(crate) fn short(text: &str) -> String {
    if text.chars().count() <= 60 {
        return text.to_owned();
    }
    text.chars().take(59).chain(['…']).collect()
}
