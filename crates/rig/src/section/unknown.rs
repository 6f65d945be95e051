//! Sections and keys at the top of the file that nobody knows.

use toml::de::DeValue;

use crate::{device, fields::Field, node::short, problems::Problems};

const SECTIONS: [&str; 9] = ["rig", "safety", "session", "messages", "remote", "link", "device", "app", "ui"];

/// Tells of a key at the top of the file that is no section acted on; always `true`.
pub(crate) fn section(problems: &Problems, name: &str, field: Field<'_>) -> bool {
    let is_section = match field.node.value {
        DeValue::Table(_) => true,
        DeValue::Array(list) => list.iter().any(|entry| entry.get_ref().is_table()),
        _ => false,
    };
    if !is_section {
        problems
            .error(field.key_span, format!("`{}` stands above all sections", short(name)))
            .label("a key belongs to the section above it")
            .help("move it below its section, such as [rig]")
            .tell();
        return true;
    }
    let draft = problems.error(field.key_span, format!("there is no section `{}`", short(name)));
    match (device::below_key(name), crate::suggest::closest(name, SECTIONS)) {
        (Some(place), _) => draft.help(format!("write {place}, below its [[device]]")),
        (None, Some(near)) => draft.help(format!("did you mean `{near}`?")),
        (None, None) => draft.help(format!("the sections are {}", SECTIONS.join(", "))),
    }
    .tell();
    true
}
