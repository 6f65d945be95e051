//! `[[device.control]]`: what a person sets.

use killcord_core::{Control, ControlKind, Number, Step, rig::Needs, step::Template};

use super::Reader;
use crate::{
    fields::Fields,
    limits,
    link::tables,
    node::short,
    step::{Asked, fits},
    text,
};

#[derive(Clone, Copy)]
enum Kind {
    Number,
    Toggle,
    Choice,
    Button,
}

impl<'a> Reader<'a> {
    pub(super) fn controls(&self) -> Vec<Control> {
        let mut controls: Vec<Control> = Vec::new();
        let Some(node) = self.fields.peek("control") else { return controls };
        for (fields, _) in tables(node.node, "device.control", limits::CONTROLS) {
            let control = self.control(&fields, &controls);
            controls.extend(control);
            self.finish_below(fields, "[[device.control]]");
        }
        controls
    }

    fn control(&self, fields: &Fields<'a>, earlier: &[Control]) -> Option<Control> {
        let name = self.own_name(fields, "control", "setpoint", |name| {
            earlier.iter().any(|control| control.name == name)
        });
        let label = fields.get("label").and_then(text::label);
        let unit = self.unit(fields, "[[device.control]]");
        let needs = fields
            .get("needs")
            .map(|node| node.word(&[("armed", Needs::Armed), ("connected", Needs::Connected)]));
        let kind = fields
            .require("kind", "write kind = \"number\", \"toggle\", \"choice\" or \"button\"")
            .and_then(|node| {
                node.word(&[
                    ("number", Kind::Number),
                    ("toggle", Kind::Toggle),
                    ("choice", Kind::Choice),
                    ("button", Kind::Button),
                ])
            });
        let Some(kind) = kind else {
            // Which keys belong to it is unknown: none is an unknown key.
            for key in ["send", "query", "min", "max", "options", "on", "off"] {
                fields.field(key);
            }
            return None;
        };
        let (kind, query) = match kind {
            Kind::Number => self.number(fields),
            Kind::Toggle => self.toggle(fields),
            Kind::Choice => self.choice(fields),
            Kind::Button => self.button(fields),
        };
        let (query, field) = match query {
            Some(asked) => (Some(asked.step), asked.field),
            None => (None, None),
        };
        Some(Control {
            device: self.ix,
            name: name?,
            label,
            kind: kind?,
            query,
            field,
            unit,
            needs: needs.unwrap_or(Some(Needs::Armed))?,
        })
    }

    fn readback(&self, fields: &Fields<'a>) -> Option<Asked> {
        fields.get("query").and_then(|node| self.steps.question(node))
    }

    fn number(&self, fields: &Fields<'a>) -> (Option<ControlKind>, Option<Asked>) {
        let send_node =
            fields.require("send", "write send = \"VOLT {}\", or { write_register = 100, scale = 0.1 }");
        let send = send_node.and_then(|node| self.steps.template(node));
        let query = self.readback(fields);
        let bound = |key, help| {
            let node = fields.require(key, help)?;
            Some((node, node.number()?))
        };
        let min = bound("min", "write min = 0: the least that may be set");
        let max = bound("max", "write max = 12.5: the most that may be set");
        let kind = (|| {
            let ((min_node, min), (max_node, max)) = (min?, max?);
            if min >= max {
                max_node
                    .error("`max` must be more than `min`")
                    .also(min_node.span, "the least")
                    .help("the least first, the most second")
                    .tell();
                return None;
            }
            let send = send?;
            match &send {
                Template::Register { format, .. } => {
                    fits(min_node, min, *format)?;
                    fits(max_node, max, *format)?;
                }
                Template::Coil { .. } => {
                    if let Some(node) = send_node {
                        node.error("a coil takes no number")
                            .help("write kind = \"toggle\", with on and off")
                            .tell();
                    }
                    return None;
                }
                Template::Line { .. } => {}
            }
            Some(ControlKind::Number { send, min: Number(min), max: Number(max) })
        })();
        (kind, query)
    }

    fn toggle(&self, fields: &Fields<'a>) -> (Option<ControlKind>, Option<Asked>) {
        let side = |key, help| -> Option<Step> { self.steps.action(fields.require(key, help)?) };
        let on = side("on", "write on = \"OUTP ON\", or { write_coil = 0, value = true }");
        let off = side("off", "write off = \"OUTP OFF\", or { write_coil = 0, value = false }");
        let query = fields.get("query").and_then(|node| self.steps.readback(node));
        let is_on = query.as_ref().and_then(|asked| asked.condition.clone());
        let kind = on.zip(off).map(|(on, off)| ControlKind::Toggle { on, off, is_on });
        (kind, query)
    }

    fn choice(&self, fields: &Fields<'a>) -> (Option<ControlKind>, Option<Asked>) {
        let send_node = fields.require("send", "write send = \"FUNC {}\"");
        let send = send_node.and_then(|node| self.steps.template(node));
        let query = self.readback(fields);
        let options_node = fields.require("options", "write options = [\"VOLT\", \"CURR\"]");
        let kind = (|| {
            let (send, node) = (send?, options_node?);
            let words = node.list("a list of words", limits::WORDS)?;
            if words.len() < 2 {
                node.error("a choice has at least two options")
                    .help("for one thing to do write kind = \"button\"")
                    .tell();
                return None;
            }
            let mut options: Vec<String> = Vec::with_capacity(words.len());
            for word in words {
                let option = text::label(word)?;
                if options.contains(&option) {
                    word.error(format!("\"{}\" stands twice in `options`", short(&option))).tell();
                    return None;
                }
                let number = option.parse::<f64>().ok().filter(|number| number.is_finite());
                match (&send, number) {
                    (Template::Register { format, .. }, Some(number)) => fits(word, number, *format)?,
                    (Template::Register { .. } | Template::Coil { .. }, None) => {
                        word.error("a register takes a number, this option is none")
                            .help("write the numbers as options: [\"0\", \"1\", \"2\"]")
                            .tell();
                        return None;
                    }
                    (Template::Line { decimals: Some(_), .. }, _) => {
                        if let Some(node) = send_node {
                            node.error("an option is sent as it is, decimals are of no use")
                                .help("write {} where {:.…} stands")
                                .tell();
                        }
                        return None;
                    }
                    _ => {}
                }
                options.push(option);
            }
            Some(ControlKind::Choice { send, options })
        })();
        (kind, query)
    }

    fn button(&self, fields: &Fields<'a>) -> (Option<ControlKind>, Option<Asked>) {
        let send = fields
            .require("send", "write send = \"SYST:PRES\", or { call = \"…\" }")
            .and_then(|node| self.steps.action(node));
        (send.map(|send| ControlKind::Button { send }), None)
    }
}
