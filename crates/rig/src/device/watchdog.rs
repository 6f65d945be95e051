//! `[device.instrument_watchdog]`: the instrument's own, kept quiet only while somebody is there.

use std::time::Duration;

use killcord_core::plan::InstrumentWatchdog;

use super::{Reader, time};
use crate::{
    limits::{FASTEST, SLOWEST},
    step::Place,
};

/// Time between two feeds when the file does not say.
const EVERY: Duration = Duration::from_secs(1);

impl Reader<'_> {
    pub(super) fn instrument_watchdog(&self) -> Option<InstrumentWatchdog> {
        let title = "[device.instrument_watchdog]";
        let node = self.fields.peek("instrument_watchdog")?.node;
        let fields = node.table(title, &format!("a table: write {title} once, in single brackets"))?;
        let arm = fields
            .require("arm", "write the steps that set and start it: arm = [\"OUTP:PROT:WDOG ON\"]")
            .map(|node| self.steps.sequence(node, Place::Sequence));
        let check = fields
            .require(
                "check",
                "write how it is read back: check = { query = \"OUTP:PROT:WDOG?\", equals = true }; one that is \
                 believed armed and is not protects nobody",
            )
            .and_then(|node| self.steps.check(node));
        let feed = fields
            .require("feed", "write what keeps it quiet: feed = \"*OPC?\"")
            .and_then(|node| self.steps.exchange(node));
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
        let disarm = fields
            .require(
                "disarm",
                "write the steps that stop it: disarm = [\"OUTP:PROT:WDOG OFF\"]; it would act after the release",
            )
            .map(|node| self.steps.sequence(node, Place::Sequence));
        self.finish_below(fields, title);
        Some(InstrumentWatchdog { arm: arm?, check: check?, feed: feed?, every: every?, disarm: disarm? })
    }
}
