//! Names and labels.

use crate::{limits, node::Node, node::short};

/// A name that other places of the file and commands refer to: `[a-z0-9_-]+`.
pub(crate) fn name(node: Node<'_>) -> Option<String> {
    let text = node.text()?;
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    if text.len() <= limits::NAME
        && text.chars().all(good)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
    {
        return Some(text.to_owned());
    }
    let draft = node
        .error(format!("\"{}\" is no name", short(text)))
        .label(format!("a name is a-z, 0-9, - and _, a letter or digit first, at most {}", limits::NAME));
    let folded: String = text
        .trim()
        .to_lowercase()
        .chars()
        .map(|c| if good(c) { c } else { '_' })
        .take(limits::NAME)
        .collect();
    let folded = folded.trim_matches('_');
    if folded.is_empty() || !folded.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        draft
    } else {
        draft.help(format!("write name = \"{folded}\"; what people read goes into `label`"))
    }
    .tell();
    None
}

/// Text for people: one line.
pub(crate) fn label(node: Node<'_>) -> Option<String> {
    let text = node.text()?.trim();
    if text.chars().count() > limits::LABEL || text.chars().any(char::is_control) {
        node.error(format!("`{}` is one line of at most {} characters", node.key, limits::LABEL)).tell();
        return None;
    }
    Some(text.to_owned())
}
