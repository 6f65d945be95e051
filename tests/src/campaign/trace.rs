//! What a run leaves behind for whoever looks into it: the accounts of its watchdogs, and the simulators' log.

use std::path::Path;

use killcord_sim::Snapshot;
use serde_json::Value;

use crate::station::Station;

/// The accounts that watchdogs have left and no later start has taken in.
pub(super) fn accounts(station: &Station) -> Vec<Value> {
    let mut found = Vec::new();
    let mut folders = vec![station.path("state"), station.path("run")];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if is_account(&path) {
                // Taken in and removed meanwhile, it is in the journal.
                let text = std::fs::read_to_string(path).unwrap_or_default();
                found.extend(serde_json::from_str::<Value>(&text));
            }
        }
    }
    found
}

fn is_account(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("watchdog-") && name.ends_with(".json")
}

/// Every command and every switch of an output, a line each, in their order.
pub(super) fn log(record: &Snapshot) -> String {
    let mut lines: Vec<(u64, String)> = record
        .commands
        .iter()
        .map(|it| {
            let done = it.performed_ms.map_or_else(|| "never".to_owned(), |at| format!("{at:.1}"));
            let faults = if it.faults.is_empty() { String::new() } else { format!(" {:?}", it.faults) };
            let what = format!("{} {:?} over {}", it.instrument, it.text, it.connection);
            (it.seq, format!("{:.1} {what}, done {done}{faults}\n", it.t_ms))
        })
        .collect();
    let switches = record.changes.iter().filter(|change| change.output != "setpoint");
    lines.extend(switches.map(|it| {
        (it.seq, format!("{:.1} {} {}: {} -> {}\n", it.t_ms, it.instrument, it.output, it.from, it.to))
    }));
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}
