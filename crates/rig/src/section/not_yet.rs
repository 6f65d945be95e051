//! What the rig file will have and this version does not act on: refused, never ignored.

use crate::{problems::Problems, source::Span};

/// Tells of a value that is not acted on yet.
pub(crate) fn value(problems: &Problems, span: Span, what: &str, label: &str, help: &str) {
    problems.error(span, format!("{what} is not supported yet")).label(label).help(help).tell();
}
