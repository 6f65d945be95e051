//! Text for a line: what may stand in it, and the place for a value.

use killcord_core::step::Template;

use crate::{limits, node::Node, source::Span};

/// A line that is sent, nothing read back but `answer`.
pub(super) fn sent(node: Node<'_>, text: &str, answer: Option<&str>) -> Option<()> {
    clean(node, text)?;
    no_place(node, text)?;
    let line = text.trim_end();
    if answer.is_none() && line.ends_with('?') {
        node.error("this asks, but nobody reads the answer: the next question would get it")
            .help(format!("write {{ query = \"{line}\", equals = 1 }}, with the condition that has to hold"))
            .tell();
        return None;
    }
    Some(())
}

/// A line that is asked.
pub(super) fn asked(node: Node<'_>, text: &str) -> Option<()> {
    clean(node, text)?;
    no_place(node, text)
}

/// The line that confirms another.
pub(super) fn answer(node: Node<'_>) -> Option<String> {
    let text = node.text()?;
    clean(node, text)?;
    Some(text.to_owned())
}

/// A line with exactly one place in it.
pub(super) fn template(node: Node<'_>, text: &str, answer: Option<String>) -> Option<Template> {
    clean(node, text)?;
    let places = places(text);
    for bad in places.iter().filter(|place| place.decimals.is_none()) {
        node.problems
            .error(node.part(bad.at.start, bad.at.end), "this is no place for a value")
            .help("{} takes the shortest decimals, {:.3} fixes three of them")
            .tell();
    }
    let mut good = places.iter().filter_map(|place| Some((place.at, place.decimals?)));
    match (good.next(), good.next()) {
        (Some((at, decimals)), None) if places.len() == 1 => Some(Template::Line {
            before: text.get(..at.start)?.to_owned(),
            decimals,
            after: text.get(at.end..)?.to_owned(),
            answer,
        }),
        (None, _) if places.is_empty() => {
            node.error(format!("`{}` has no {{}}: the value would never be sent", node.key))
                .help(format!("put {{}} where the value belongs: \"{} {{}}\"", text.trim_end()))
                .tell();
            None
        }
        (Some((first, _)), Some((second, _))) => {
            node.problems
                .error(node.part(second.start, second.end), format!("`{}` has more than one {{}}", node.key))
                .also(node.part(first.start, first.end), "the first is here")
                .help("one value, one place")
                .tell();
            None
        }
        _ => None,
    }
}

/// No line ends and other control characters: they would make two lines of one.
fn clean(node: Node<'_>, text: &str) -> Option<()> {
    if let Some((at, bad)) = text.char_indices().find(|(_, c)| c.is_control()) {
        let draft = node
            .problems
            .error(
                node.part(at, at + bad.len_utf8()),
                format!("`{}` holds a control character ({})", node.key, bad.escape_default()),
            )
            .help("one entry is one line; its end is added: set it in `connect` with term=lf, cr or crlf");
        match bad {
            '\r' | '\n' | '\t' => draft,
            _ => draft.help(format!("to send this byte alone: {{ bytes = \"0x{:02x}\" }}", u32::from(bad))),
        }
        .tell();
        return None;
    }
    if text.len() > limits::LINE {
        node.error(format!("`{}` is longer than {} bytes", node.key, limits::LINE)).tell();
        return None;
    }
    Some(())
}

/// Nothing is filled in here.
fn no_place(node: Node<'_>, text: &str) -> Option<()> {
    match places(text).iter().find(|place| place.decimals.is_some()) {
        Some(place) => {
            node.problems
                .error(
                    node.part(place.at.start, place.at.end),
                    format!("nothing is filled into `{}`", node.key),
                )
                .help("{} belongs into a ramp, or into `send` of a number or choice control")
                .tell();
            None
        }
        None => Some(()),
    }
}

/// Something in braces.
struct Place {
    /// In bytes of the text.
    at: Span,
    /// `None` where it is no place for a value; `Some(None)` for `{}`, `Some(Some(3))` for `{:.3}`.
    decimals: Option<Option<u8>>,
}

fn places(text: &str) -> Vec<Place> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = text.get(at..).and_then(|rest| rest.find('{')).map(|open| at + open) {
        let Some(close) = text.get(open..).and_then(|rest| rest.find('}')).map(|close| open + close) else {
            break;
        };
        let inside = text.get(open + 1..close).unwrap_or_default();
        let decimals = match inside.strip_prefix(":.") {
            None if inside.is_empty() => Some(None),
            None => None,
            Some(digits) => digits.parse::<u8>().ok().filter(|&digits| digits <= 15).map(Some),
        };
        found.push(Place { at: Span { start: open, end: close + 1 }, decimals });
        at = close + 1;
    }
    found
}
