//! `killcord journal access`: who came in and who did not, who took control and left, from where, when.

use killcord::journal::{AccessEntry, Reader};

use super::{Scene, json, print};
use crate::{moment, stop::Stop, table};

const HEADS: [&str; 9] = ["run", "at", "event", "session", "kind", "from", "name", "reason", "more"];

pub(super) fn run(scene: &Scene<'_>, csv: bool, last: u32, journal: &Reader) -> Result<u8, Stop> {
    let entries = journal.accesses(last)?;
    let rows = |at: fn(u64) -> String| entries.iter().map(move |entry| row(entry, at)).collect::<Vec<_>>();
    print(&if scene.common.json {
        json(&entries)
    } else if csv {
        table::csv(&HEADS, &rows(moment::utc))
    } else if entries.is_empty() {
        String::from("Access: none")
    } else {
        table::columns(&HEADS, &rows(moment::local))
    });
    Ok(0)
}

fn row(entry: &AccessEntry, at: fn(u64) -> String) -> Vec<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    vec![
        entry.run.to_string(),
        at(entry.at_ms),
        entry.event.clone(),
        entry.session.map_or_else(String::new, |session| format!("s{session}")),
        text(&entry.kind),
        text(&entry.address),
        text(&entry.name),
        text(&entry.reason),
        entry.more.map_or_else(String::new, |more| more.to_string()),
    ]
}
