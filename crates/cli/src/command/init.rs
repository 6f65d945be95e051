//! `killcord init [FILE]`: a rig file to begin with, and what is plugged in here.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::print;
use crate::{args, stop::Stop};

pub(super) fn run(init: &args::Init) -> Result<u8, Stop> {
    let file = &init.file;
    write(file).map_err(|source| Stop::File {
        path: file.clone(),
        remedy: match source.kind() {
            io::ErrorKind::AlreadyExists => "it exists and is not overwritten; name another file",
            _ => "the rig file could not be written; check folder and permissions",
        },
        source,
    })?;
    let mut lines = vec![format!("Wrote {}. Put your devices in, then: killcord check {0}", file.display())];
    let (serial, usbtmc) =
        (entries(Path::new("/dev/serial/by-id"), ""), entries(Path::new("/dev"), "usbtmc"));
    if serial.is_empty() && usbtmc.is_empty() {
        lines.push(String::from("No USB serial port and no USB instrument is plugged in here."));
    }
    for port in serial {
        lines.push(format!("  connect = \"serial://{}?baud=9600\"", port.display()));
    }
    for device in usbtmc {
        lines.push(format!("  {} (USB instrument; usbtmc is not supported yet)", device.display()));
    }
    print(&lines.join("\n"));
    Ok(0)
}

fn write(file: &Path) -> io::Result<()> {
    let mut file = fs::File::create_new(file)?;
    file.write_all(killcord_rig::template().as_bytes())
}

/// What a folder holds, names that begin so; sorted.
fn entries(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let named =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix));
    let mut found: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).filter(named).collect();
    found.sort();
    found
}
