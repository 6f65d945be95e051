//! `killcord journal show ID`: one teardown, exchange by exchange.

use killcord::{Report, core::report::DeviceReport, journal::Reader};

use super::{Scene, json, print};
use crate::{
    stop::Stop,
    table,
    terminal::report,
    text::{duration, ms, plain},
};

/// Prints a teardown's whole report.
pub(super) fn run(scene: &Scene<'_>, csv: bool, id: u64, reader: &Reader) -> Result<u8, Stop> {
    let Some(report) = reader.report(id)? else {
        return Err(Stop::Nothing(format!(
            "the journal has no teardown {id}; `killcord journal` lists them"
        )));
    };
    print(&if scene.common.json {
        json(&report)
    } else if csv {
        let rows: Vec<_> = report.devices.iter().flat_map(|device| exchanges(&report, device)).collect();
        table::csv(&["device", "phase", "at_ms", "done_ms", "step", "answer", "error"], &rows)
    } else {
        whole(id, &report)
    });
    Ok(0)
}

/// Each exchange of a device, in time since the first cause.
fn exchanges(report: &Report, device: &DeviceReport) -> Vec<Vec<String>> {
    let since = |at: killcord::core::Time| ms(at.since(report.began)).to_string();
    let row = |exchange: &killcord::core::report::Exchange| {
        vec![
            device.name.clone(),
            serde_json::to_value(exchange.phase)
                .ok()
                .and_then(|phase| phase.as_str().map(Into::into))
                .unwrap_or_default(),
            since(exchange.at),
            since(exchange.done),
            plain(&exchange.step),
            exchange.answer.as_deref().map(plain).unwrap_or_default(),
            exchange.error.as_deref().map(plain).unwrap_or_default(),
        ]
    };
    device.exchanges.iter().map(row).collect()
}

fn whole(id: u64, told: &Report) -> String {
    let mut lines = vec![format!("Teardown {id}: {}", report::whole(told))];
    for (at, cause) in &told.causes {
        lines.push(format!("  after {}: {cause}", duration(at.since(told.began))));
    }
    if told.out_of_time {
        lines.push(String::from("  The deadline cut it short."));
    }
    lines.extend(told.notes.iter().map(|note| format!("  {}", plain(note))));
    for device in &told.devices {
        let released = if device.released { ", released" } else { ", not released" };
        lines.push(format!("\n{}: {}{released}", device.name, report::status(device)));
        lines.extend(device.remarks.iter().map(|remark| format!("  {}", plain(remark))));
        let rows: Vec<_> = exchanges(told, device)
            .into_iter()
            .map(|row| {
                let answer = if row[6].is_empty() { row[5].clone() } else { format!("FAILED: {}", row[6]) };
                vec![format!("{} ms", row[2]), row[1].clone(), row[4].clone(), answer]
            })
            .collect();
        if !rows.is_empty() {
            lines.extend(
                table::columns(&["after", "phase", "step", "answer"], &rows)
                    .lines()
                    .map(|line| format!("  {line}")),
            );
        }
    }
    lines.join("\n")
}
