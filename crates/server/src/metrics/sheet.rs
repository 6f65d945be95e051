//! One metric after the other, each with its name, what it means, and its rows.
//!
//! Names and units are as the Prometheus naming rules have them: a counter's `_total` and a time's `_seconds` are put
//! behind the name here.

use std::fmt;

use killcord::metrics::Distribution;
use prometheus_client::{
    encoding::{DescriptorEncoder, NoLabelSet},
    metrics::MetricType,
    registry::Unit,
};

/// Labels of a row.
pub(super) type Labels<'a> = &'a [(&'static str, &'a str)];
/// Takes rows of a metric.
pub(super) type Rows<'r, T> = &'r mut dyn FnMut(Labels<'_>, T) -> fmt::Result;

pub(super) struct Sheet<'a>(DescriptorEncoder<'a>);

impl<'a> Sheet<'a> {
    pub(super) const fn new(encoder: DescriptorEncoder<'a>) -> Self {
        Self(encoder)
    }

    /// What only goes up.
    pub(super) fn counters(
        &mut self,
        name: &str,
        help: &str,
        rows: impl FnOnce(Rows<'_, u64>) -> fmt::Result,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        rows(&mut |labels, count| {
            metric.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&count, None)
        })
    }

    /// One such.
    pub(super) fn counter(&mut self, name: &str, help: &str, count: u64) -> fmt::Result {
        self.counters(name, help, |row| row(&[], count))
    }

    /// What goes up and down.
    pub(super) fn gauges(
        &mut self,
        name: &str,
        help: &str,
        rows: impl FnOnce(Rows<'_, u64>) -> fmt::Result,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        rows(&mut |labels, value| metric.encode_family(&labels)?.encode_gauge(&value))
    }

    /// One such.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.gauges(name, help, |row| row(&[], value))
    }

    /// A time; without a row where there is none.
    pub(super) fn seconds(&mut self, name: &str, help: &str, value: Option<f64>) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?;
        value.map_or(Ok(()), |value| metric.encode_gauge(&value))
    }

    /// A row for each state that there is, 1 for the one that it is in.
    pub(super) fn states(&mut self, name: &str, help: &str, all: &[&str], now: &str) -> fmt::Result {
        self.gauges(name, help, |row| {
            all.iter().try_for_each(|state| row(&[("state", state)], u64::from(*state == now)))
        })
    }

    /// How long things took.
    pub(super) fn histograms(
        &mut self,
        name: &str,
        help: &str,
        rows: impl FnOnce(Rows<'_, Distribution>) -> fmt::Result,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
        rows(&mut |labels, Distribution { sum, count, classes }| {
            metric.encode_family(&labels)?.encode_histogram::<NoLabelSet>(sum, count, &classes, None)
        })
    }
}
