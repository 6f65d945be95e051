//! State folders that cannot be written: a full disk, a disk that is mounted read-only. Root ignores modes,
//! so they are real mounts, in a mount namespace that only the program under test is in.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::place;
use crate::process::{Launch, Process};

/// What is mounted over a folder, for one program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    /// With this many KiB in all.
    Small(u32),
    /// Without one free byte.
    Full,
    /// Mounted read-only.
    ReadOnly,
}

/// Starts a program through a shell that first mounts a disk over `folder`; the program keeps the process id.
#[must_use]
pub fn launch(disk: Disk, folder: &Path, program: &Path) -> Launch {
    let mount = match disk {
        Disk::Small(kib) => format!("mount -t tmpfs -o size={kib}k tmpfs \"$1\""),
        Disk::Full => {
            "mount -t tmpfs -o size=64k tmpfs \"$1\" && { cat /dev/zero > \"$1/full\" 2> /dev/null || :; }"
                .into()
        }
        Disk::ReadOnly => "mount -t tmpfs -o ro,size=64k tmpfs \"$1\"".into(),
    };
    let unshare = Launch::new(place::system("unshare"));
    // Who is not root gets a user namespace of its own, in which mounting is allowed.
    let unshare = if rustix::process::geteuid().is_root() {
        unshare
    } else {
        unshare.args(["--user", "--map-root-user"])
    };
    unshare
        .args(["--mount", "--propagation", "private", "/bin/sh", "-c"])
        .arg(format!("{mount} && shift && exec \"$@\""))
        .arg("sh")
        .arg(folder)
        .arg(program)
}

/// Fills the disk that a running program sees at `folder`.
pub fn fill(process: &Process, folder: &Path) {
    let inside = inside(process, folder).join("fill");
    let mut file = std::fs::File::create(&inside).expect("the disk is full already");
    let block = vec![b'x'; 4096];
    while file.write_all(&block).is_ok() {}
    while file.write_all(&block[..1]).is_ok() {}
}

/// A folder as a running program sees it.
#[must_use]
pub fn inside(process: &Process, folder: &Path) -> PathBuf {
    let folder = folder.strip_prefix("/").unwrap_or(folder);
    PathBuf::from(format!("/proc/{}/root", process.pid())).join(folder)
}
