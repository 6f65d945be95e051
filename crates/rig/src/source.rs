//! The text of a rig file and places in it.

use std::ops::Range;

/// A piece of the text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self { start: range.start, end: range.end.max(range.start) }
    }
}

/// A rig file as it was read.
#[derive(Debug)]
pub(crate) struct Source {
    /// As a person named it.
    pub(crate) name: String,
    pub(crate) text: String,
}

impl Source {
    /// Line and column, both from 1; columns count characters.
    pub(crate) fn position(&self, offset: usize) -> (usize, usize) {
        let offset = self.boundary(offset);
        let before = self.text.get(..offset).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        (line, column)
    }

    /// The text of `span`, empty where it lies outside.
    pub(crate) fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// `span` moved to lie inside the text and between characters.
    pub(crate) fn clamp(&self, span: Span) -> Span {
        let start = self.boundary(span.start);
        let mut end = span.end.clamp(start, self.text.len());
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        Span { start, end }
    }

    /// The whole lines that these spans lie on, and those between them.
    pub(crate) fn lines_of(&self, spans: impl Iterator<Item = Span>) -> Span {
        let (start, end) = spans
            .map(|span| self.clamp(span))
            .fold((self.text.len(), 0), |(start, end), span| (start.min(span.start), end.max(span.end)));
        let start = self.text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let end =
            self.text.get(end..).and_then(|behind| behind.find('\n')).map_or(self.text.len(), |at| end + at);
        Span { start, end: end.max(start) }
    }

    fn boundary(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let source = Source { name: "rig.toml".into(), text: "a = 1\nunit = \"°C\"\n".into() };
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(6), (2, 1));
        let c = source.text.find('C').unwrap();
        assert_eq!(source.position(c), (2, 10), "the degree sign is one character of two bytes");
        assert_eq!(source.position(c - 1), (2, 9), "inside a character is at its start");
        assert_eq!(source.position(usize::MAX), (3, 1));
    }
}
