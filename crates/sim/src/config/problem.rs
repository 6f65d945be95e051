//! A problem with its place in the file and a fix.

use std::{fmt, ops::Range};

/// Something in the file that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file's name.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub remedy: String,
    /// The line of the file.
    text: String,
    /// Characters to underline.
    width: usize,
}

impl Problem {
    pub(super) fn new(
        file: &str,
        source: &str,
        span: Range<usize>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let at = floor(source, span.start);
        let before = &source[..at];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = source[at..].find('\n').map_or(source.len(), |newline| at + newline);
        let end = floor(source, span.end).clamp(at, line_end);
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: source[line_start..at].chars().count() + 1,
            message: message.into(),
            remedy: remedy.into(),
            text: source[line_start..line_end].trim_end().to_owned(),
            width: source[at..end].chars().count().max(1),
        }
    }
}

/// The nearest character boundary at or below `at`.
fn floor(source: &str, at: usize) -> usize {
    (0..=at.min(source.len())).rev().find(|at| source.is_char_boundary(*at)).unwrap_or(0)
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        writeln!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        writeln!(f, " {number} | {}", self.text)?;
        writeln!(f, " {margin} | {}{}", " ".repeat(self.column - 1), "^".repeat(self.width))?;
        write!(f, " {margin} = {}", self.remedy)
    }
}

pub(super) fn render(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n")
}
