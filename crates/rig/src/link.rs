//! `[[link]]`: wires that several devices share.

use crate::{
    connect::{self, Connection},
    fields::Fields,
    limits,
    node::{Node, short},
    source::Span,
    text,
};

/// One `[[link]]`, checked.
pub(crate) struct LinkDraft {
    pub(crate) name: String,
    pub(crate) name_span: Span,
    /// `None` where its address is wrong, which was told.
    pub(crate) connection: Option<Connection>,
    pub(crate) connect_span: Span,
}

/// Reads all of them; what has no name cannot be referred to and is told.
pub(crate) fn read(root: &Fields<'_>) -> Vec<LinkDraft> {
    let Some(node) = root.get("link") else { return Vec::new() };
    let mut links: Vec<LinkDraft> = Vec::new();
    for (fields, _) in tables(node, "link", limits::LINKS) {
        let name_node = fields.require("name", "write name = \"bus\", and link = \"bus\" in its devices");
        let name = name_node.and_then(text::name);
        let connect =
            fields.require("connect", "write connect = \"modbus+rtu:///dev/…?baud=19200&parity=even\"");
        let connection = connect.and_then(connect::read);
        let (Some(name), Some(name_node)) = (name, name_node) else {
            fields.finish();
            continue;
        };
        if let Some(earlier) = links.iter().find(|link| link.name == name) {
            name_node
                .error(format!("two links are named \"{name}\""))
                .also(earlier.name_span, "the first")
                .help("give one of them another name")
                .tell();
        }
        links.push(LinkDraft {
            name,
            name_span: name_node.span,
            connection,
            connect_span: connect.map_or(fields.span, |node| node.span),
        });
        fields.finish();
    }
    links
}

/// The tables of a `[[key]]`, each with its number from 1.
pub(crate) fn tables<'a>(node: Node<'a>, key: &str, most: usize) -> Vec<(Fields<'a>, usize)> {
    let brackets = format!("[[{key}]]");
    if node.value.is_table() {
        node.error(format!("a {key} is written {brackets}, in double brackets"))
            .help(format!("write {brackets} above its keys, once for each"))
            .tell();
        return Vec::new();
    }
    node.list(&format!("tables written {brackets}"), most)
        .unwrap_or_default()
        .into_iter()
        .enumerate()
        .filter_map(|(at, entry)| {
            let number = at + 1;
            let mut fields = entry.table(&brackets, &format!("tables written {brackets}"))?;
            let name = fields.peek("name").and_then(|field| field.node.value.as_str());
            fields.title = match name {
                Some(name) => format!("{key} \"{}\"", short(name)),
                None => format!("{brackets} number {number}"),
            };
            Some((fields, number))
        })
        .collect()
}
