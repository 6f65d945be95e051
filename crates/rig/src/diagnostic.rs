//! Problems of a rig file, as a person and as a program read them.
//!
//! Every diagnostic carries its file's text, so that it can be shown long after the file was let go. The
//! drawing is annotate-snippets', the library that draws the Rust compiler's own diagnostics.

use std::{fmt, io::IsTerminal, sync::Arc};

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};
use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::source::{Source, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The rig is refused.
    Error,
    /// The rig is taken, but it surely means something else than it says.
    Warning,
}

/// How diagnostics are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Text alone: for files, pipes and tests.
    #[default]
    Plain,
    /// With the colours of a terminal.
    Coloured,
}

impl Style {
    /// Coloured for a terminal that takes colours, plain for everything else; `NO_COLOR` set to anything
    /// wins (<https://no-color.org>).
    #[must_use]
    pub fn of(stream: &impl IsTerminal) -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        if stream.is_terminal() && set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb")
        {
            Self::Coloured
        } else {
            Self::Plain
        }
    }
}

/// One problem: where, what, and what to do about it.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    pub(crate) source: Arc<Source>,
    pub(crate) severity: Severity,
    pub(crate) message: String,
    /// `None` where it concerns the file as a whole.
    pub(crate) span: Option<Span>,
    pub(crate) label: String,
    pub(crate) also: Vec<(Span, String)>,
    pub(crate) help: Vec<String>,
}

impl Diagnostic {
    /// How bad it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    /// What is wrong, in one line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it; one entry for each way out.
    #[must_use]
    pub fn help(&self) -> &[String] {
        &self.help
    }

    /// The file, as it was named.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.source.name
    }

    /// Line and column, both from 1; `None` where it concerns the file as a whole.
    #[must_use]
    pub fn position(&self) -> Option<(usize, usize)> {
        self.span.map(|span| self.source.position(span.start))
    }

    /// The text that is underlined, empty where there is none.
    #[must_use]
    pub fn underlined(&self) -> &str {
        self.span.map_or("", |span| self.source.slice(self.source.clamp(span)))
    }

    /// The problem with the text it is about, underlined, and the remedies. No line break at its end.
    #[must_use]
    pub fn render(&self, style: Style) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(self.message.as_str());
        let group = match self.span {
            None => title.element(Origin::path(self.source.name.as_str())),
            Some(span) => {
                // Only the lines that are shown are handed over: drawing takes time with what it is given.
                let window = self
                    .source
                    .lines_of(std::iter::once(span).chain(self.also.iter().map(|(span, _)| *span)));
                let inside = |span: Span| {
                    let span = self.source.clamp(span);
                    span.start - window.start..span.end - window.start
                };
                let mut primary = AnnotationKind::Primary.span(inside(span));
                if !self.label.is_empty() {
                    primary = primary.label(self.label.as_str());
                }
                title.element(
                    Snippet::source(self.source.slice(window))
                        .line_start(self.source.position(window.start).0)
                        .path(self.source.name.as_str())
                        .annotation(primary)
                        .annotations(self.also.iter().map(|(span, label)| {
                            AnnotationKind::Context.span(inside(*span)).label(label.as_str())
                        })),
                )
            }
        };
        let group = group.elements(self.help.iter().map(|help| Level::HELP.message(help.as_str())));
        let drawn = match style {
            Style::Plain => Renderer::plain(),
            Style::Coloured => Renderer::styled(),
        }
        .render(&[group]);
        without_orders(drawn)
    }
}

/// The library draws the control characters of seven bits as signs. Those of eight (ISO 6429: U+009B begins an order to
/// a terminal as ESC [ does) it hands through; somebody else's file must not give any.
fn without_orders(drawn: String) -> String {
    let order = |c: char| matches!(c, '\u{80}'..='\u{9f}');
    if drawn.contains(order) { drawn.replace(order, "\u{fffd}") } else { drawn }
}

/// As [`Style::Plain`].
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Style::Plain))
    }
}

/// `severity`, `message`, `file`, `line`, `column`, `underlined`, `label`, `help`: for `check --json`.
impl Serialize for Diagnostic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let position = self.position();
        let mut out = serializer.serialize_struct("Diagnostic", 8)?;
        out.serialize_field("severity", &self.severity)?;
        out.serialize_field("message", &self.message)?;
        out.serialize_field("file", &self.source.name)?;
        out.serialize_field("line", &position.map(|(line, _)| line))?;
        out.serialize_field("column", &position.map(|(_, column)| column))?;
        out.serialize_field("underlined", self.underlined())?;
        out.serialize_field("label", &self.label)?;
        out.serialize_field("help", &self.help)?;
        out.end()
    }
}

/// All problems of a rig file that was refused, in the order of the file; at least one is an error.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Diagnostics(pub(crate) Vec<Diagnostic>);

impl Diagnostics {
    /// One after the other.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// How many are errors.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.0.iter().filter(|problem| problem.severity == Severity::Error).count()
    }

    /// All of them, a blank line between two.
    #[must_use]
    pub fn render(&self, style: Style) -> String {
        self.0.iter().map(|problem| problem.render(style)).collect::<Vec<_>>().join("\n\n")
    }
}

/// As [`Style::Plain`].
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Style::Plain))
    }
}

impl std::error::Error for Diagnostics {}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
