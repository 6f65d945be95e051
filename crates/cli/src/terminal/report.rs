//! A teardown's report in words.

use killcord::{Outcome, Report, Status, core::report::DeviceReport};

use crate::{
    console::Console,
    table,
    text::{duration, plain},
};

/// A table of the devices and how each ended.
pub(crate) fn devices(report: &Report) -> String {
    let row = |device: &DeviceReport| {
        vec![
            device.name.clone(),
            String::from(status(device)),
            String::from(if device.released { "released" } else { "not released" }),
            device.remarks.iter().map(|remark| plain(remark)).collect::<Vec<_>>().join(" "),
        ]
    };
    let rows: Vec<_> = report.devices.iter().map(row).collect();
    table::columns(&["device", "ended", "", ""], &rows)
}

/// How a device ended, in words.
pub(crate) const fn status(device: &DeviceReport) -> &'static str {
    match device.status {
        Status::SafeVerified => "safe, verified",
        Status::SafeUnverified if device.unverifiable => "made safe; nothing can be read back",
        Status::SafeUnverified => "safe commands sent, NOT verified",
        Status::Failed => "NOT confirmed safe",
        Status::Unreachable => "UNREACHABLE, not confirmed safe",
    }
}

/// One line that says how the whole of it ended.
pub(crate) fn whole(report: &Report) -> String {
    let took = duration(report.took);
    let left = report.unconfirmed().count();
    let released = report.devices.iter().all(|device| device.released);
    match (left, released) {
        (0, true) => format!("Every device is confirmed safe and released ({took})."),
        (0, false) => format!("Every device is confirmed safe ({took})."),
        (1, _) => format!("1 device is NOT confirmed safe ({took}):"),
        (left, _) => format!("{left} devices are NOT confirmed safe ({took}):"),
    }
}

/// What a person has to know before touching the bench, on stderr; nothing when all is well.
pub(crate) fn summary(console: &Console, outcome: &Outcome) {
    let lines = outcome.summary();
    if outcome.exit != 0 {
        console.error(whole(&outcome.report));
    }
    for line in lines {
        console.error(plain(&line));
    }
}
