//! Which devices the run before has left unsafe. Whoever comes next owes them a safe state, though it may end before
//! it has reached them: its watchdog goes on where the last one gave way.
//!
//! A device that was only switched off, and never acted in that run, is nobody's: it is not waited for, for ever.

use killcord_core::{DeviceIx, Plan, Report, RunId};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::Value;

use super::{accounts, entry::LEFT};

/// The devices of `plan` that the last run in the journal has left. Asked before a new one begins.
///
/// Where its watchdog has given an account, that decides. One that gave way before it had tried leaves none: then it is
/// what the host has left to it, and where that has not ended cleanly either (both were killed, or the power failed),
/// every device that acts, for nobody knows.
pub(super) fn by_the_last_run(connection: &Connection, plan: &Plan) -> rusqlite::Result<Vec<DeviceIx>> {
    let last = connection
        .query_row("SELECT id, ended_ms IS NULL FROM runs ORDER BY id DESC LIMIT 1", [], |row| {
            Ok((RunId(row.get(0)?), row.get::<_, bool>(1)?))
        })
        .optional()?;
    let Some((run, unclean)) = last else { return Ok(Vec::new()) };
    let account = accounts::of(connection, run)?;
    let left = left_by_the_host(connection, run)?;
    let is_owed = |name: &String| match &account {
        Some(account) => was_left(&account.report, name),
        None => unclean || left.contains(name),
    };
    let devices = plan.devices.iter().enumerate();
    Ok(devices
        .filter(|(_, device)| !device.only_measures() && is_owed(&device.name))
        .map(|(at, _)| DeviceIx::from(at))
        .collect())
}

/// By name.
fn left_by_the_host(connection: &Connection, run: RunId) -> rusqlite::Result<Vec<String>> {
    let mut rows = connection.prepare("SELECT detail FROM events WHERE run = ?1 AND kind = ?2")?;
    let details = rows.query_map(params![run.0, LEFT], |row| row.get::<_, String>(0))?;
    let name =
        |detail: &str| Some(serde_json::from_str::<Value>(detail).ok()?["device"].as_str()?.to_owned());
    details.filter_map(|detail| detail.map(|detail| name(&detail)).transpose()).collect()
}

/// A watchdog's report lists what was its own to make safe.
fn was_left(report: &Report, name: &str) -> bool {
    report.devices.iter().any(|device| device.name == name && !device.confirmed())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use killcord_core::{Cause, DeviceReport, Extent, Mode, Status, Time};

    use super::*;

    #[test]
    fn a_device_that_the_last_watchdog_did_not_confirm_is_owed_and_no_other() {
        let device = |name: &str, status| DeviceReport {
            device: DeviceIx(0),
            name: name.into(),
            status,
            unverifiable: false,
            mode: Mode::Safe,
            released: true,
            first_byte: None,
            safe_at: None,
            exchanges: Vec::new(),
            remarks: Vec::new(),
        };
        let report = Report {
            causes: vec![(Time::ZERO, Cause::HostLost)],
            mode: Mode::Safe,
            extent: Extent::Release,
            began: Time::ZERO,
            took: Duration::from_millis(40),
            out_of_time: true,
            devices: vec![device("psu", Status::SafeVerified), device("load", Status::Unreachable)],
            notes: Vec::new(),
        };
        assert_eq!(["psu", "load", "furnace"].map(|name| was_left(&report, name)), [false, true, false]);
    }
}
