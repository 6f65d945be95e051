//! What the journal of a run says: the only witness of a drill at real hardware.

use std::time::Duration;

use killcord::{Report, Status, core::report::DeviceReport, journal::Reader};

use super::{process::Folders, twin::Seen};

/// Teardowns of one drill's run; more than these there never are.
const MOST: u32 = 100;

/// The teardowns that there were before a cause.
#[derive(Clone, Copy, Debug)]
pub(super) struct Past {
    last: u64,
}

impl Past {
    pub(super) fn of(folders: &Folders) -> Self {
        let last = open(folders).and_then(|reader| Some(reader.teardowns(1).ok()?.first()?.id));
        Self { last: last.unwrap_or_default() }
    }

    /// The first teardown since then: its cause, and what was seen of it.
    pub(super) fn next(self, folders: &Folders) -> Option<(String, Seen)> {
        let reader = open(folders)?;
        let teardowns = reader.teardowns(MOST).ok()?;
        let first = teardowns.iter().filter(|teardown| teardown.id > self.last).min_by_key(|it| it.id)?;
        let report = reader.report(first.id).ok()??;
        Some((first.cause.clone(), seen(&report)))
    }
}

fn open(folders: &Folders) -> Option<Reader> {
    Reader::open(&folders.options().rig_dir()).ok()
}

fn seen(report: &Report) -> Seen {
    let since = |time: killcord::core::Time| time.since(report.began);
    let names = |is: &dyn Fn(&DeviceReport) -> bool| -> Vec<String> {
        report.devices.iter().filter(|device| is(device)).map(|device| device.name.clone()).collect()
    };
    let energised = names(&|device| matches!(device.status, Status::Failed | Status::Unreachable));
    let not_read_back = names(&|device| device.status == Status::SafeUnverified && !device.unverifiable);
    let last = report.devices.iter().filter_map(|device| device.safe_at).map(since).max();
    Seen {
        first_safe_byte: report.devices.iter().filter_map(|device| device.first_byte).map(since).min(),
        safe: last.filter(|_: &Duration| energised.is_empty() && not_read_back.is_empty()),
        energised,
        not_read_back,
    }
}
