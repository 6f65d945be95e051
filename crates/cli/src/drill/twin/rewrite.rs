//! The rig file once more, with its ways leading to the twin.
//!
//! Whatever the file says of time, order and rules stays as it is. No address and no program of the real rig
//! is left in it.

use std::{collections::BTreeMap, path::Path};

use killcord_sim::{Address, Place};
use toml::{Table, Value};

use super::words::run_line;

/// What becomes of the file's names.
#[derive(Debug, Default)]
pub(super) struct Ways<'a> {
    /// By device: where its twin listens, and the programs of its `run` steps by their number. A device that
    /// is not here is left out.
    pub(super) devices: BTreeMap<&'a str, (&'a Address, &'a [Vec<String>])>,
    /// By link, where the twins on it listen.
    pub(super) links: BTreeMap<&'a str, &'a Address>,
}

/// The text of a checked rig file, rewritten; `recorder` is the program that stands in for each of its own.
pub(super) fn rewrite(text: &str, ways: &Ways<'_>, recorder: &Path) -> Result<Table, toml::de::Error> {
    let mut file: Table = text.parse()?;
    // A program of the real rig's, which would talk to the real devices.
    file.remove("app");
    // Nobody looks at the twin, and the folder lies beside the real file.
    file.remove("ui");
    for link in tables(file.get_mut("link")) {
        let way = name(link).and_then(|name| ways.links.get(name.as_str()).copied());
        redirect(link, way);
    }
    if let Some(Value::Array(links)) = file.get_mut("link") {
        links.retain(|link| {
            link.as_table().and_then(name).is_some_and(|it| ways.links.contains_key(it.as_str()))
        });
        if links.is_empty() {
            file.remove("link");
        }
    }
    let twinned = |name: &str| ways.devices.contains_key(name);
    if let Some(Value::Array(devices)) = file.get_mut("device") {
        devices.retain(|device| device.as_table().and_then(name).is_some_and(|name| twinned(&name)));
    }
    for device in tables(file.get_mut("device")) {
        let Some((address, programs)) = name(device).and_then(|name| ways.devices.get(name.as_str())) else {
            continue;
        };
        redirect(device, Some(address));
        for key in ["safe_after", "arm_after"] {
            if let Some(Value::Array(names)) = device.get_mut(key) {
                names.retain(|name| name.as_str().is_some_and(twinned));
            }
        }
        for (_, value) in device.iter_mut() {
            replace_programs(value, recorder, address, programs);
        }
    }
    Ok(file)
}

fn tables(value: Option<&mut Value>) -> impl Iterator<Item = &mut Table> {
    value.and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_table_mut)
}

fn name(table: &Table) -> Option<String> {
    Some(table.get("name")?.as_str()?.to_owned())
}

/// Another place behind the same scheme, with the same settings of the line.
fn redirect(table: &mut Table, to: Option<&Address>) {
    let Some(Value::String(connect)) = table.get_mut("connect") else { return };
    let Some(to) = to else { return };
    let scheme = connect.split("://").next().unwrap_or_default();
    let place = match &to.place {
        Place::Tcp(at) => at.to_string(),
        Place::Pty(path) => path.display().to_string(),
    };
    let settings = connect.split_once('?').map_or_else(String::new, |(_, settings)| format!("?{settings}"));
    *connect = format!("{scheme}://{place}{settings}");
}

/// Wherever a program would be run, the recorder is.
fn replace_programs(value: &mut Value, recorder: &Path, to: &Address, programs: &[Vec<String>]) {
    match value {
        Value::Array(values) => {
            values.iter_mut().for_each(|value| replace_programs(value, recorder, to, programs));
        }
        Value::Table(table) => {
            if let Some(Value::Array(command)) = table.get_mut("run") {
                let words: Vec<&str> = command.iter().filter_map(Value::as_str).collect();
                let known = programs.iter().position(|program| *program == words);
                // One that is not known would be none of a sequence; it is not run either.
                let line = known.map_or_else(|| String::from("run"), run_line);
                let at = to.tcp().map_or_else(String::new, |at| at.to_string());
                let stand_in = [recorder.display().to_string(), String::from("stand-in"), at, line];
                *command = stand_in.into_iter().map(Value::String).collect();
            }
            for (key, value) in table.iter_mut() {
                if key != "run" {
                    replace_programs(value, recorder, to, programs);
                }
            }
        }
        _ => {}
    }
}
