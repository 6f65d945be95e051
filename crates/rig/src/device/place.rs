//! Keys that stand in the wrong table: TOML takes a key for the last header above it.

use killcord_core::driver::DriverSpec;

use super::Reader;
use crate::{fields::Fields, node::Node, source::Span};

impl<'a> Reader<'a> {
    /// The tables below the device's own keys.
    pub(super) fn below(&self) -> Vec<(&'static str, Node<'a>)> {
        ["reading", "control", "instrument_watchdog"]
            .into_iter()
            .filter_map(|key| Some((key, self.fields.peek(key)?.node)))
            .collect()
    }

    /// Whether a key of the device stands in one of its tables: told there, and not missed here.
    pub(super) fn stands_below(&self, key: &str) -> bool {
        self.below().iter().any(|(header, node)| match node.value {
            // An instrument watchdog has an `arm` of its own.
            toml::de::DeValue::Table(_) if *header == "instrument_watchdog" && key == "arm" => false,
            toml::de::DeValue::Array(list) => list
                .iter()
                .any(|entry| entry.get_ref().as_table().is_some_and(|table| table.contains_key(key))),
            toml::de::DeValue::Table(table) => table.contains_key(key),
            _ => false,
        })
    }

    /// Ends a table below the device's keys: of its unknown keys, some belong above it.
    pub(super) fn finish_below(&self, fields: Fields<'a>, header: &str) {
        let first = self.first_header();
        fields.finish_with(|name, field| {
            if !self.fields.knows(name) {
                return false;
            }
            self.misplaced(name, field.key_span, header, first);
            true
        });
    }

    pub(super) fn misplaced(&self, key: &str, span: Span, header: &str, first: Span) {
        let (line, _) = self.problems.source().position(first.start);
        let known = self.problems.source().slice(first).lines().next().unwrap_or(header).to_owned();
        self.problems
            .error(span, format!("`{key}` is a key of [[device]], but stands below {header}"))
            .label("belongs to the table above it")
            .also(first, "the device's own keys end here")
            .help(format!("move it up, above {known} in line {line}"))
            .tell();
    }

    /// The header of the first table below the device's keys.
    pub(super) fn first_header(&self) -> Span {
        self.below()
            .iter()
            .map(|(_, node)| match node.value.as_array().and_then(|list| list.first()) {
                Some(first) => Span::from(first.span()),
                None => node.span,
            })
            .min()
            .unwrap_or(self.fields.span)
    }

    pub(super) fn finish(self, driver: Option<&'static DriverSpec>) {
        let drivers = self.drivers;
        self.fields.finish_with(|name, field| {
            // With the driver unknown, its keys cannot be told from mistakes.
            if driver.is_none() {
                return true;
            }
            let Some(other) = drivers.iter().find(|spec| spec.keys.iter().any(|key| key.name == name)) else {
                return match below_key(name) {
                    Some(place) => {
                        field
                            .node
                            .problems
                            .error(field.key_span, format!("`{name}` is a key of {place}"))
                            .help(format!("write {place} above it"))
                            .tell();
                        true
                    }
                    None => false,
                };
            };
            field
                .node
                .problems
                .error(field.key_span, format!("`{name}` is a key of the driver `{}`", other.name))
                .label(format!("this device's driver is `{}`", driver.map_or("", |driver| driver.name)))
                .help("leave it out, or change `driver`")
                .tell();
            true
        });
    }
}

/// Keys that a device does not have, but a table below it.
pub(crate) fn below_key(name: &str) -> Option<&'static str> {
    match name {
        "every" | "limits" | "stale_after" | "query" | "unit" => Some("[[device.reading]]"),
        "kind" | "min" | "max" | "needs" | "send" | "options" => Some("[[device.control]]"),
        "feed" | "disarm" => Some("[device.instrument_watchdog]"),
        // As sections of their own.
        "reading" => Some("[[device.reading]]"),
        "control" => Some("[[device.control]]"),
        "instrument_watchdog" => Some("[device.instrument_watchdog]"),
        _ => None,
    }
}
