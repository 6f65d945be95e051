//! What the kernel tells of a process (proc(5)): its state, its parent, memory and processor time.

use std::path::PathBuf;
use std::time::Duration;

/// The fields of its `stat` behind its name, which may contain spaces: the first is its state. Empty once it is
/// gone.
fn stat(pid: u32) -> Vec<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .map_or_else(Vec::new, |(_, rest)| rest.split_ascii_whitespace().map(str::to_owned).collect())
}

fn number<T: std::str::FromStr>(pid: u32, field: usize) -> Option<T> {
    stat(pid).get(field)?.parse().ok()
}

/// Its state: `R`, `S`, `T` (stopped), `Z`; `None` once it is gone.
#[must_use]
pub fn state(pid: u32) -> Option<char> {
    stat(pid).first()?.chars().next()
}

/// Whether it is stopped by a signal.
#[must_use]
pub fn is_stopped(pid: u32) -> bool {
    state(pid) == Some('T')
}

/// Its parent.
#[must_use]
pub fn parent(pid: u32) -> Option<u32> {
    number(pid, 1)
}

/// Its session.
#[must_use]
pub fn session(pid: u32) -> Option<u32> {
    number(pid, 3)
}

/// The processor time it has used, all its threads; to a tick of 10 ms.
#[must_use]
pub fn cpu_time(pid: u32) -> Duration {
    // utime and stime.
    let ticks: u64 = [11, 12].into_iter().filter_map(|field| number::<u64>(pid, field)).sum();
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// Its resident memory, in bytes.
#[must_use]
pub fn resident(pid: u32) -> u64 {
    memory(pid, "VmRSS:")
}

/// Its address space, in bytes: what `RLIMIT_AS` limits.
#[must_use]
pub fn address_space(pid: u32) -> u64 {
    memory(pid, "VmSize:")
}

fn memory(pid: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or(0) * 1024
}

/// The children of a process.
#[must_use]
pub fn children(of: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten();
    let all = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    all.filter(|pid| parent(*pid) == Some(of)).collect()
}

/// Its children, theirs, and so on: each behind its parent.
#[must_use]
pub fn descendants(of: u32) -> Vec<u32> {
    let mut found = children(of);
    let mut next = 0;
    while let Some(pid) = found.get(next).copied() {
        found.extend(children(pid));
        next += 1;
    }
    found
}

/// The words of its command line.
#[must_use]
pub fn command_line(pid: u32) -> Vec<String> {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = line.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// Its open descriptors, and what each leads to.
#[must_use]
pub fn descriptors(pid: u32) -> Vec<(u32, PathBuf)> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten();
    entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((entry.file_name().to_str()?.parse().ok()?, std::fs::read_link(entry.path()).ok()?))
        })
        .collect()
}
