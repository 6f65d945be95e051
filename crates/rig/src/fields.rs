//! One table of the file: keys are asked for by name, and what nobody asked for is an unknown key.

use std::cell::RefCell;

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use crate::{
    node::{Node, short},
    problems::{Draft, Problems},
    source::Span,
};

/// A table being read.
pub(crate) struct Fields<'a> {
    pub(crate) problems: &'a Problems,
    /// What messages call it: `[safety]`, `device "psu"`.
    pub(crate) title: String,
    /// Its header, or all of an inline table.
    pub(crate) span: Span,
    table: &'a DeTable<'a>,
    asked: RefCell<Vec<&'static str>>,
}

/// A key that is there.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a> {
    pub(crate) key_span: Span,
    pub(crate) node: Node<'a>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(
        problems: &'a Problems,
        title: impl Into<String>,
        span: Span,
        table: &'a DeTable<'a>,
    ) -> Self {
        Self { problems, title: title.into(), span, table, asked: RefCell::default() }
    }

    /// The key, which is known from now on.
    pub(crate) fn field(&self, key: &'static str) -> Option<Field<'a>> {
        self.asked.borrow_mut().push(key);
        self.peek(key)
    }

    /// The key, which is not known by it.
    pub(crate) fn peek(&self, key: &str) -> Option<Field<'a>> {
        let (name, value) = self.table.get_key_value(key)?;
        Some(self.as_field(name, value))
    }

    /// The key's value.
    pub(crate) fn get(&self, key: &'static str) -> Option<Node<'a>> {
        self.field(key).map(|field| field.node)
    }

    /// The key's value; without it a problem with this remedy.
    pub(crate) fn require(&self, key: &'static str, help: &str) -> Option<Node<'a>> {
        let node = self.get(key);
        if node.is_none() {
            self.error(format!("{} has no `{key}`", self.title)).help(help).tell();
        }
        node
    }

    /// A problem of the table as a whole.
    pub(crate) fn error(&self, message: impl Into<String>) -> Draft<'a> {
        self.problems.error(self.span, message)
    }

    /// Whether the key was asked for.
    pub(crate) fn knows(&self, key: &str) -> bool {
        self.asked.borrow().contains(&key)
    }

    /// All keys that are there.
    pub(crate) fn present(&self) -> impl Iterator<Item = (&'a str, Field<'a>)> {
        self.table.iter().map(|(name, value)| (&**name.get_ref(), self.as_field(name, value)))
    }

    /// Tells of every key that nobody asked for. `place` may know more of it and tell instead.
    pub(crate) fn finish_with(self, place: impl Fn(&str, Field<'a>) -> bool) {
        let asked = self.asked.borrow();
        for (name, field) in self.present() {
            if asked.contains(&name) || place(name, field) {
                continue;
            }
            let draft = self
                .problems
                .error(field.key_span, format!("{} has no key `{}`", self.title, short(name)))
                .label("unknown key");
            match crate::suggest::closest(name, asked.iter().copied()) {
                Some(near) => draft.help(format!("did you mean `{near}`?")),
                None => draft.help(format!("its keys are {}", asked.join(", "))),
            }
            .tell();
        }
    }

    /// Tells of every key that nobody asked for.
    pub(crate) fn finish(self) {
        self.finish_with(|_, _| false);
    }

    fn as_field(&self, name: &'a Spanned<DeString<'a>>, value: &'a Spanned<DeValue<'a>>) -> Field<'a> {
        Field { key_span: name.span().into(), node: Node::new(self.problems, name.get_ref(), value) }
    }
}
