//! `[[device.reading]]`: what is polled, and its interlock.

use std::time::Duration;

use killcord_core::{
    Number, Reading,
    rig::{Limits, OnLimit, While},
};

use super::{Reader, time};
use crate::{
    fields::Fields,
    limits::{self, FASTEST, SLOWEST},
    link::tables,
    node::Node,
    source::Span,
    text,
};

const EVERY: Duration = Duration::from_secs(1);
/// `stale_after` when it is left out: so many missed answers, but not before [`STALE_LEAST`].
const STALE_MISSED: u32 = 5;
const STALE_LEAST: Duration = Duration::from_secs(2);

impl<'a> Reader<'a> {
    /// The device's readings, and the places of limits that count only while armed.
    pub(super) fn readings(&self) -> (Vec<Reading>, Vec<Span>) {
        let mut readings: Vec<Reading> = Vec::new();
        let mut armed_limits = Vec::new();
        let Some(node) = self.fields.peek("reading") else { return (readings, armed_limits) };
        for (fields, _) in tables(node.node, "device.reading", limits::READINGS) {
            let (reading, limits_span) = self.reading(&fields, &readings);
            if let Some(reading) = reading {
                if reading.limits.as_ref().is_some_and(|limits| limits.r#while == While::Armed) {
                    armed_limits.extend(limits_span);
                }
                readings.push(reading);
            }
            self.finish_below(fields, "[[device.reading]]");
        }
        (readings, armed_limits)
    }

    fn reading(&self, fields: &Fields<'a>, earlier: &[Reading]) -> (Option<Reading>, Option<Span>) {
        let name = self.own_name(fields, "reading", "voltage", |name| {
            earlier.iter().any(|reading| reading.name == name)
        });
        let label = fields.get("label").and_then(text::label);
        let query_node = fields.require("query", "write query = \"MEAS:VOLT?\" or { read_register = 11 }");
        let query = query_node.and_then(|node| self.steps.question(node));
        let every = match fields.get("every") {
            None => Some(EVERY),
            Some(node) => node.time().and_then(|every| {
                if (FASTEST..=SLOWEST).contains(&every) {
                    return Some(every);
                }
                node.error(format!("`every` is from {} to {}", time(FASTEST), time(SLOWEST))).tell();
                None
            }),
        };
        let unit = self.unit(fields, "[[device.reading]]");
        let usual = every.unwrap_or(EVERY).saturating_mul(STALE_MISSED).max(STALE_LEAST);
        let stale_after = match fields.get("stale_after") {
            None => Some(usual),
            Some(node) => node.time().and_then(|stale| {
                let every = every.unwrap_or(EVERY);
                if stale > every {
                    return Some(stale);
                }
                node.error("`stale_after` must be longer than `every`")
                    .label(format!("asked every {}, it would be stale between two answers", time(every)))
                    .help(format!("leave it out for {}, or make it several times `every`", time(usual)))
                    .tell();
                None
            }),
        };
        let limits_node = fields.get("limits");
        let limits = limits_node.map(|node| limits_of(node));
        let reading = (|| {
            let query = query?;
            Some(Reading {
                device: self.ix,
                name: name?,
                label,
                query: query.step,
                field: query.field,
                every: every?,
                unit,
                stale_after: stale_after?,
                limits: match limits {
                    Some(limits) => Some(limits?),
                    None => None,
                },
            })
        })();
        (reading, limits_node.map(|node| node.span))
    }

    /// A name that is unique among its kind within the device.
    pub(super) fn own_name(
        &self,
        fields: &Fields<'_>,
        kind: &str,
        example: &str,
        taken: impl Fn(&str) -> bool,
    ) -> Option<String> {
        let node = fields.require("name", &format!("write name = \"{example}\""))?;
        let name = text::name(node)?;
        if taken(&name) {
            node.error(format!("this device has two {kind}s named \"{name}\""))
                .help("give one of them another name")
                .tell();
            return None;
        }
        Some(name)
    }

    /// A label for people. Where the driver has a key of this name too, a number is that key, misplaced.
    pub(super) fn unit(&self, fields: &Fields<'a>, header: &str) -> String {
        let Some(field) = fields.field("unit") else { return String::new() };
        let drivers_own =
            self.steps.driver.is_some_and(|driver| driver.keys.iter().any(|key| key.name == "unit"));
        if drivers_own && field.node.value.is_integer() && self.fields.peek("unit").is_none() {
            self.misplaced("unit", field.key_span, header, self.first_header());
            return String::new();
        }
        text::label(field.node).unwrap_or_default()
    }
}

fn limits_of(node: Node<'_>) -> Option<Limits> {
    let fields = node.table("`limits`", "a table such as { max = 13.0, on = \"safe\" }")?;
    let bound = |key| match fields.get(key) {
        Some(node) => node.number().map(|number| Some(Number(number))),
        None => Some(None),
    };
    let (min, max) = (bound("min"), bound("max"));
    let on = fields.get("on").map(|node| node.word(&[("safe", OnLimit::Safe), ("warn", OnLimit::Warn)]));
    let r#while =
        fields.get("while").map(|node| node.word(&[("armed", While::Armed), ("always", While::Always)]));
    let r#for = fields.get("for").map(|node| node.duration());
    fields.finish();
    let (min, max) = (min?, max?);
    match (min, max) {
        (None, None) => {
            node.error("`limits` has no `min` and no `max`: nothing is ever outside")
                .help("write limits = { max = 13.0 }")
                .tell();
            return None;
        }
        (Some(min), Some(max)) if min.0 >= max.0 => {
            node.error("`min` is not below `max`: every value would be outside")
                .label(format!("min is {min}, max is {max}"))
                .help("exchange them")
                .tell();
            return None;
        }
        _ => {}
    }
    Some(Limits {
        min,
        max,
        on: on.unwrap_or(Some(OnLimit::Safe))?,
        r#while: r#while.unwrap_or(Some(While::Armed))?,
        r#for: r#for.unwrap_or(Some(Duration::ZERO))?,
    })
}
