//! `[messages]`

use std::collections::BTreeMap;

use crate::{
    fields::Fields,
    limits,
    node::{Node, short},
};

/// One for each end of a session, and for what a page sees while its session has not ended.
const KEYS: [&str; 12] = [
    "expired",
    "host_gone",
    "page_closed",
    "window_closed",
    "frozen",
    "idle",
    "signed_out",
    "ended_by_operator",
    "renderer_crashed",
    "host_stopping",
    "lost",
    "taken_over",
];

/// What is filled in.
const FILLED: [&str; 3] = ["rig", "time", "hardware"];

/// Reads the section; what has no key has no words of the rig's own.
pub(crate) fn read(root: &Fields<'_>) -> BTreeMap<String, String> {
    let mut messages = BTreeMap::new();
    let Some(node) = root.get("messages") else { return messages };
    let Some(fields) = node.table("[messages]", "a table: write [messages] once, in single brackets") else {
        return messages;
    };
    for key in KEYS {
        if let Some(text) = fields.get(key).and_then(message) {
            messages.insert(key.into(), text);
        }
    }
    fields.finish();
    messages
}

fn message(node: Node<'_>) -> Option<String> {
    let text = node.text()?;
    if text.len() > limits::MESSAGE {
        node.error(format!("`{}` is longer than {} bytes", node.key, limits::MESSAGE))
            .help("say what the person in front of the page has to do, and where to read more")
            .tell();
        return None;
    }
    if let Some(control) = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        node.error(format!("`{}` contains the control character {control:?}", node.key))
            .help("remove it: a message is Markdown")
            .tell();
        return None;
    }
    let mut good = true;
    for (at, word) in braced(text) {
        if FILLED.contains(&word) {
            continue;
        }
        good = false;
        node.problems
            .error(
                node.part(at, at + word.len() + 2),
                format!("nothing is filled in for {{{}}}", short(word)),
            )
            .label("it would be shown as it stands")
            .suggest(word, FILLED)
            .help("what is filled in is {rig}, {time} and {hardware}")
            .tell();
    }
    good.then(|| text.to_owned())
}

/// Each word in braces with the place of its brace. Other braces are text.
fn braced(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices('{').filter_map(|(at, _)| {
        let (word, _) = text[at + 1..].split_once('}')?;
        let is_word = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        is_word.then_some((at, word))
    })
}
