//! What the rig file will have and this version does not act on: refused, never ignored.

use crate::{fields::Field, problems::Problems, source::Span};

/// Sections that are not acted on yet, and what to do without each.
pub(super) const SECTIONS: [(&str, &str); 1] =
    [("ui", "leave the section out: the built-in panel is the GUI")];

/// Tells of a section that is not acted on yet; whether it was one.
pub(super) fn section(problems: &Problems, name: &str, field: Field<'_>) -> bool {
    let Some((_, help)) = SECTIONS.iter().find(|(section, _)| *section == name) else { return false };
    problems
        .error(field.key_span, format!("[{name}] is not supported yet"))
        .label("it would have no effect")
        .help(*help)
        .tell();
    true
}

/// Tells of a value that is not acted on yet.
pub(crate) fn value(problems: &Problems, span: Span, what: &str, label: &str, help: &str) {
    problems.error(span, format!("{what} is not supported yet")).label(label).help(help).tell();
}
