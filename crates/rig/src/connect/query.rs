//! What stands behind the `?` of an address: the settings of the line.

use std::ops::RangeInclusive;

use killcord_core::plan::{Flow, Parity, Signal, Terminator};

use crate::{
    node::{Node, list, short},
    problems::Draft,
};

/// One `key=value`, with its place in the address.
struct Pair<'a> {
    key: &'a str,
    value: &'a str,
    at: usize,
}

/// The settings; what nobody asked for is an unknown one.
pub(super) struct Query<'a> {
    node: Node<'a>,
    pairs: Vec<Pair<'a>>,
    asked: Vec<&'static str>,
}

impl<'a> Query<'a> {
    /// From the text behind the `?` and its place in the address.
    pub(super) fn new(node: Node<'a>, query: Option<(usize, &'a str)>) -> Self {
        let mut pairs: Vec<Pair<'a>> = Vec::new();
        if let Some((mut at, query)) = query {
            for part in query.split('&') {
                match part.split_once('=') {
                    Some((key, value)) => {
                        let pair = Pair { key, value, at };
                        if pairs.iter().any(|earlier| earlier.key == key) {
                            node.problems
                                .error(
                                    node.part(at, at + part.len()),
                                    format!("`{}` stands twice in the address", short(key)),
                                )
                                .help("leave one out")
                                .tell();
                        } else {
                            pairs.push(pair);
                        }
                    }
                    None => node
                        .problems
                        .error(node.part(at, at + part.len()), "a setting of the line is written key=value")
                        .help("such as ?baud=115200&term=lf")
                        .tell(),
                }
                at += part.len() + 1;
            }
        }
        Self { node, pairs, asked: Vec::new() }
    }

    fn get(&mut self, key: &'static str) -> Option<&Pair<'a>> {
        self.asked.push(key);
        self.pairs.iter().find(|pair| pair.key == key)
    }

    /// A problem at the value of `key`.
    pub(super) fn error(&self, key: &str, message: impl Into<String>) -> Draft<'a> {
        let span = match self.pairs.iter().find(|pair| pair.key == key) {
            Some(pair) => {
                let start = pair.at + pair.key.len() + 1;
                self.node.part(start, start + pair.value.len())
            }
            None => self.node.span,
        };
        self.node.problems.error(span, message)
    }

    fn word<T: Copy>(&mut self, key: &'static str, words: &[(&'static str, T)]) -> Option<T> {
        let value = self.get(key)?.value;
        if let Some((_, found)) = words.iter().find(|(word, _)| *word == value) {
            return Some(*found);
        }
        self.error(key, format!("`{key}` cannot be \"{}\"", short(value)))
            .label(format!("not one of {}", list(words.iter().map(|(word, _)| *word))))
            .suggest(value, words.iter().map(|(word, _)| *word))
            .tell();
        None
    }

    pub(super) fn truth(&mut self, key: &'static str) -> Option<bool> {
        self.word(key, &[("true", true), ("false", false)])
    }

    pub(super) fn terminator(&mut self) -> Option<Terminator> {
        self.word("term", &[("lf", Terminator::Lf), ("cr", Terminator::Cr), ("crlf", Terminator::Crlf)])
    }

    pub(super) fn parity(&mut self) -> Option<Parity> {
        self.word("parity", &[("none", Parity::None), ("even", Parity::Even), ("odd", Parity::Odd)])
    }

    pub(super) fn flow(&mut self) -> Option<Flow> {
        self.word("flow", &[("none", Flow::None), ("xonxoff", Flow::XonXoff), ("rtscts", Flow::RtsCts)])
    }

    pub(super) fn dtr(&mut self) -> Option<Signal> {
        self.word("dtr", &[("on", Signal::On), ("off", Signal::Off), ("keep", Signal::Keep)])
    }

    pub(super) fn integer(&mut self, key: &'static str, limits: RangeInclusive<u32>) -> Option<u32> {
        let value = self.get(key)?.value;
        match value.parse() {
            Ok(number) if limits.contains(&number) => Some(number),
            _ => {
                self.error(
                    key,
                    format!("`{key}` takes a whole number from {} to {}", limits.start(), limits.end()),
                )
                .tell();
                None
            }
        }
    }

    /// Tells of every setting that nobody asked for.
    pub(super) fn finish(self) {
        for pair in &self.pairs {
            if self.asked.contains(&pair.key) {
                continue;
            }
            let draft = self.node.problems.error(
                self.node.part(pair.at, pair.at + pair.key.len()),
                format!("this kind of address has no setting `{}`", short(pair.key)),
            );
            match crate::suggest::closest(pair.key, self.asked.iter().copied()) {
                Some(near) => draft.help(format!("did you mean `{near}`?")),
                None => draft.help(format!("its settings are {}", self.asked.join(", "))),
            }
            .tell();
        }
    }
}
