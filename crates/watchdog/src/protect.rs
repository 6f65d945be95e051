//! What kills the host must not take the watchdog along: a session, a cgroup and a place in memory of its own.
//!
//! Where the system does not give a protection, the watchdog watches without it and says so.

use std::{fs, io, path::PathBuf};

use rustix::mm::{MlockAllFlags, mlockall};

use crate::sys;

/// What ends or stops a terminal's programs, or a service's.
const SHRUGGED_OFF: [i32; 7] =
    [libc::SIGINT, libc::SIGHUP, libc::SIGTERM, libc::SIGQUIT, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];

/// Takes every protection that can be had. What could not is returned, in words.
pub(crate) fn protect() -> Vec<String> {
    shrug_off_signals();
    let mut missing = Vec::new();
    // Fails where it leads a group already, which is a session of its own started by somebody else.
    let _leads_one = rustix::process::setsid();
    if let Err(error) = lock_memory() {
        missing.push(format!(
            "the watchdog's memory may be paged out: {error}; raise `ulimit -l` to 16384 or more"
        ));
    }
    if let Err(error) = last_to_be_killed() {
        missing.push(format!("the system may end the watchdog when memory runs out: {error}"));
    }
    if let Err(error) = own_cgroup() {
        missing.push(format!(
            "the watchdog shares the host's control group ({error}): what ends the whole group ends both; run \
             the host under systemd with Delegate=yes"
        ));
    }
    missing
}

/// Nothing that ends or stops a terminal's programs does so here.
pub(crate) fn shrug_off_signals() {
    sys::shrug_off(&SHRUGGED_OFF);
}

/// What is mapped now. What comes later is little, and a limit on it must not keep a thread from starting.
pub(crate) fn lock_memory() -> io::Result<()> {
    Ok(mlockall(MlockAllFlags::CURRENT)?)
}

/// Never chosen by the out-of-memory killer where that may be said (root), else at least not before the host.
pub(crate) fn last_to_be_killed() -> io::Result<()> {
    let set = |adjustment: &str| fs::write("/proc/self/oom_score_adj", adjustment);
    set("-1000").or_else(|_| set("0"))
}

/// A leaf of its own below the present group (cgroups(7), version 2), where that may be made.
fn own_cgroup() -> io::Result<()> {
    let own = fs::read_to_string("/proc/self/cgroup")?;
    let path = own
        .lines()
        .find_map(|line| line.strip_prefix("0::"))
        .ok_or_else(|| io::Error::other("there is no cgroup version 2"))?;
    let mounts = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
    let mount = mounts
        .iter()
        .find(|mount| fs::exists(format!("{mount}/cgroup.controllers")).unwrap_or_default())
        .ok_or_else(|| io::Error::other("cgroup version 2 is not mounted"))?;
    let parent = PathBuf::from(format!("{mount}{path}"));
    sweep(&parent);
    let leaf = parent.join(format!("killcord-watchdog-{}", std::process::id()));
    fs::create_dir(&leaf)?;
    fs::write(leaf.join("cgroup.procs"), "0").inspect_err(|_| {
        // Empty: it was made for nothing.
        let _stays = fs::remove_dir(&leaf);
    })
}

/// Removes the leaves of watchdogs that have ended: nobody can remove the group that it is in itself. One that
/// is in use is not removed by this.
fn sweep(parent: &std::path::Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("killcord-watchdog-") {
            let _in_use = fs::remove_dir(entry.path());
        }
    }
}
