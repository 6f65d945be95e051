//! The mark in the environment of everything that a test starts: what it starts in its turn inherits it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// The variable.
pub(super) const VARIABLE: &str = "KILLCORD_TESTS_MARK";

/// A mark that no other process of this machine has.
pub(super) fn new() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The processes that carry a mark.
pub(super) fn marked(mark: &str) -> Vec<u32> {
    let wanted = format!("{VARIABLE}={mark}");
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            std::fs::read(PathBuf::from(format!("/proc/{pid}/environ")))
                .is_ok_and(|environ| environ.split(|byte| *byte == 0).any(|var| var == wanted.as_bytes()))
        })
        .collect()
}

/// The name of a process, cut at 15 bytes by the kernel.
pub(super) fn command_name(pid: u32) -> Option<String> {
    Some(std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim_end().to_owned())
}
