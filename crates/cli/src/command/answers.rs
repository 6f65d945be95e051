//! What `check --connect` was answered, for people and for programs.

use serde::Serialize;

use crate::{table, text::plain};

/// A device and what it answered.
#[derive(Serialize)]
pub(super) struct Device {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) identity: Option<String>,
    /// Why it could not be opened, or does not say who it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    pub(super) queries: Vec<Asked>,
}

impl Device {
    /// Killcord itself failed on it.
    pub(super) fn unknown(name: &str) -> Self {
        let error = Some(String::from("asking it failed in Killcord itself; please report this"));
        Self { name: name.into(), title: name.into(), identity: None, error, queries: Vec::new() }
    }

    /// Whether it was opened and answered every query.
    pub(super) fn answered(&self) -> bool {
        self.error.is_none() && self.queries.iter().all(|asked| asked.error.is_none())
    }
}

/// A query and its answer.
#[derive(Serialize)]
pub(super) struct Asked {
    /// Where it stands in the rig file.
    pub(super) place: String,
    pub(super) query: String,
    /// As it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) answer: Option<String>,
    /// The number in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<f64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) unit: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) condition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) holds: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

/// The same for people.
pub(super) fn text(devices: &[Device]) -> String {
    let mut blocks = Vec::new();
    for device in devices {
        let mut lines = vec![match (&device.error, &device.identity) {
            (Some(error), _) => format!("{} ({}): {}", device.title, device.name, plain(error)),
            (None, Some(identity)) => format!("{} ({}): {}", device.title, device.name, plain(identity)),
            (None, None) => format!("{} ({}): open", device.title, device.name),
        }];
        let rows: Vec<_> = device.queries.iter().map(row).collect();
        if !rows.is_empty() {
            let columns = table::columns(&["", "asked", "answered", "value", "condition"], &rows);
            lines.extend(columns.lines().map(|line| format!("  {line}")));
        }
        blocks.push(lines.join("\n"));
    }
    let silent = devices.iter().filter(|device| !device.answered()).count();
    blocks.push(match (silent, devices.len()) {
        (0, _) => {
            String::from("Every device was opened and answered every query. Nothing but queries was sent.")
        }
        (silent, all) => format!("{silent} of {all} devices did not answer as they should."),
    });
    blocks.join("\n\n")
}

fn row(asked: &Asked) -> Vec<String> {
    let answer = match (&asked.answer, &asked.error) {
        (Some(answer), _) => plain(answer),
        (None, error) => format!("none: {}", plain(error.as_deref().unwrap_or("?"))),
    };
    let value =
        asked.value.map_or_else(String::new, |value| format!("{value} {}", asked.unit).trim_end().to_owned());
    let condition = match (&asked.condition, asked.holds) {
        (Some(condition), Some(true)) => format!("{condition}: holds"),
        (Some(condition), Some(false)) => format!("{condition}: does NOT hold now"),
        (Some(condition), None) => condition.clone(),
        (None, _) => String::new(),
    };
    vec![asked.place.clone(), asked.query.clone(), answer, value, condition]
}
