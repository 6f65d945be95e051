//! A device's sequences and questions, and what follows from them.

use killcord_core::{DevicePlan, Item, Step, Verify};

use super::{Names, Reader};
use crate::{
    limits,
    node::{Node, short},
    step::Place,
};

impl Reader<'_> {
    pub(super) fn items(&self, key: &'static str, place: Place) -> Vec<Item> {
        self.fields.get(key).map(|node| self.steps.sequence(node, place)).unwrap_or_default()
    }

    pub(super) fn question(&self, key: &'static str) -> Option<Step> {
        let node = self.fields.get(key)?;
        let asked = self.steps.question(node)?;
        if asked.field.is_some() {
            node.error(format!("`{key}` takes the answer as a whole")).help("leave `field` out").tell();
        }
        Some(asked.step)
    }

    pub(super) fn verify(&self) -> Verify {
        let Some(node) = self.fields.get("verify") else { return Verify::None };
        match node.value.as_str() {
            Some("none") => Verify::None,
            Some(text) => {
                let draft =
                    node.error("`verify` takes \"none\", or a list of questions with their conditions");
                match crate::suggest::closest(text, ["none"]) {
                    Some(_) => draft.help("write verify = \"none\""),
                    None => draft.help(format!(
                        "write verify = [{{ query = \"{}\", equals = false }}]",
                        short(text.trim())
                    )),
                }
                .tell();
                Verify::None
            }
            None => {
                if node.value.as_array().is_some_and(|list| list.is_empty()) {
                    node.error("`verify` is empty")
                        .help("ask the device whether it is safe: { query = \"OUTP?\", equals = false }")
                        .help("if nothing can be read back, say so: verify = \"none\"")
                        .tell();
                }
                Verify::Checks(self.steps.checks(node))
            }
        }
    }

    pub(super) fn names(&self, key: &'static str) -> Option<Names> {
        Some(names(self.fields.get(key)?.list("a list of device names", limits::DEVICES)?))
    }

    /// What the file leaves out follows from `safe`: without ramps, waits and conditions.
    pub(super) fn derive_emergency(&self, plan: &mut DevicePlan) {
        if self.fields.peek("emergency").is_some() || plan.safe.is_empty() {
            return;
        }
        plan.emergency = plan.safe.iter().filter(|item| item.is_immediate()).cloned().collect();
        let ramps = plan.safe.iter().any(|item| matches!(item, Item::Ramp(_)));
        if ramps
            && plan.emergency.is_empty()
            && let Some(safe) = self.fields.peek("safe")
        {
            self.problems
                .error(safe.key_span, "no `emergency` follows from this `safe`: nothing in it acts at once")
                .label("ramps, waits and conditions only")
                .help("write what removes power at once: emergency = [\"OUTP OFF\"]")
                .tell();
        }
    }

    /// Sequences that are to end something have a step that acts.
    pub(super) fn something_acts(&self, plan: &DevicePlan) {
        let acts = |item: &Item| matches!(item, Item::Do(_) | Item::Ramp(_));
        for (key, items) in [("safe", &plan.safe), ("emergency", &plan.emergency)] {
            if let Some(field) = self.fields.peek(key)
                && !items.is_empty()
                && !items.iter().any(acts)
            {
                self.problems
                    .error(field.key_span, format!("nothing in `{key}` acts: it only asks and waits"))
                    .help("write what makes the device harmless: \"OUTP OFF\"")
                    .tell();
            }
        }
    }
}

/// The names in a list, each once, with its place.
pub(crate) fn names(list: Vec<Node<'_>>) -> Names {
    let mut names = Names::new();
    for node in list {
        let Some(name) = node.text() else { continue };
        match names.iter().find(|(earlier, _)| earlier == name) {
            Some((_, earlier)) => node
                .warning(format!("\"{}\" stands twice in `{}`", short(name), node.key))
                .also(*earlier, "the first")
                .help("leave one out")
                .tell(),
            None => names.push((name.to_owned(), node.span)),
        }
    }
    names
}
