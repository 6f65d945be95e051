//! TOML, with the place of every key and value.

use toml::de::DeTable;

use crate::problems::Problems;

/// The file's tables; `None` where it is not TOML, every place of which was told.
pub(crate) fn parse(problems: &Problems) -> Option<DeTable<'_>> {
    let (table, errors) = DeTable::parse_recoverable(&problems.source().text);
    for error in &errors {
        let message = error.message();
        let span = error.span().unwrap_or(0..0);
        let draft = problems.error(span.into(), format!("this is not TOML: {message}"));
        match message {
            m if m.contains("duplicate key") => draft.help("leave one of them out"),
            _ => draft,
        }
        .tell();
    }
    errors.is_empty().then(|| table.into_inner())
}
