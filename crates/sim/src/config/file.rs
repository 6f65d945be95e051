//! The file as it is written, every value with its place.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::{fault::Fault, snapshot::OutputValue};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) witness: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) instrument: Vec<Spanned<Instrument>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Instrument {
    pub(super) name: Spanned<String>,
    pub(super) kind: Spanned<String>,
    pub(super) listen: Spanned<String>,
    #[serde(default)]
    pub(super) faults: Vec<Spanned<Fault>>,
    pub(super) idn: Option<Spanned<String>>,
    pub(super) max_voltage: Option<Spanned<f64>>,
    pub(super) max_current: Option<Spanned<f64>>,
    pub(super) slew: Option<Spanned<f64>>,
    pub(super) ohms: Option<Spanned<f64>>,
    pub(super) source: Option<Spanned<String>>,
    pub(super) unit: Option<Spanned<i64>>,
    pub(super) time_constant: Option<Spanned<String>>,
    pub(super) temperature: Option<Spanned<f64>>,
    pub(super) values: Option<Spanned<BTreeMap<String, OutputValue>>>,
}

impl Instrument {
    /// The keys that are there and that only some kinds have, with their places.
    pub(super) fn special_keys(&self) -> Vec<(&'static str, std::ops::Range<usize>)> {
        let keys = [
            ("idn", self.idn.as_ref().map(Spanned::span)),
            ("max_voltage", self.max_voltage.as_ref().map(Spanned::span)),
            ("max_current", self.max_current.as_ref().map(Spanned::span)),
            ("slew", self.slew.as_ref().map(Spanned::span)),
            ("ohms", self.ohms.as_ref().map(Spanned::span)),
            ("source", self.source.as_ref().map(Spanned::span)),
            ("unit", self.unit.as_ref().map(Spanned::span)),
            ("time_constant", self.time_constant.as_ref().map(Spanned::span)),
            ("temperature", self.temperature.as_ref().map(Spanned::span)),
            ("values", self.values.as_ref().map(Spanned::span)),
        ];
        keys.into_iter().filter_map(|(key, span)| Some((key, span?))).collect()
    }
}
