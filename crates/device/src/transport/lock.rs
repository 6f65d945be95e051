//! One holder for each device, machine-wide.
//!
//! The lock is a `flock` on a file named after the device, in a folder that every user of the machine shares
//! (`/run/lock`, else `/tmp`): two users' programs must meet. It holds as long as any copy of its descriptor
//! is open, so it can be handed to another process and outlive this one.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Read as _, Seek as _, Write as _},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, FileType, FlockOperation, Mode, OFlags, fchmod, flock, fstat, openat, stat},
    io::Errno,
};

use crate::DeviceError;

/// Proof that no other program of this machine that asks is talking to the device.
#[derive(Debug)]
pub struct DeviceLock {
    file: File,
}

impl DeviceLock {
    /// Takes the lock of `key`, a canonical device path or an address with its port, without waiting.
    ///
    /// # Errors
    /// [`DeviceError::InUse`] names the process that holds it.
    pub fn take(key: &str, target: &str) -> Result<Self, DeviceError> {
        let file = open(&folder().join(file_name(key))).map_err(|error| failed(target, error))?;
        Self::hold(file, target)
    }

    /// Goes on with a lock that another process has handed over. It holds already, or is taken again if that
    /// process had given it back meanwhile.
    ///
    /// # Errors
    /// [`DeviceError::InUse`] when somebody else has taken it since.
    pub fn adopt(handed: OwnedFd, target: &str) -> Result<Self, DeviceError> {
        Self::hold(File::from(handed), target)
    }

    fn hold(mut file: File, target: &str) -> Result<Self, DeviceError> {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(DeviceError::InUse { target: target.to_owned(), holder: holder(&mut file) });
            }
            Err(error) => return Err(failed(target, error)),
        }
        // Only for people: another user's file may not be writable, and the lock holds all the same.
        let _unwritten = note(&mut file);
        Ok(Self { file })
    }

    /// Ends it for every copy of it, in whatever process. A lock that is only dropped lives on in its copies.
    pub fn give_back(self) {
        // It ends with the last copy then.
        let _not_ended = flock(&self.file, FlockOperation::Unlock);
    }

    /// A second descriptor of the same lock, to be handed to another process.
    ///
    /// # Errors
    /// When the process is out of descriptors.
    pub fn share(&self) -> io::Result<OwnedFd> {
        self.file.as_fd().try_clone_to_owned()
    }
}

impl AsFd for DeviceLock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn failed(target: &str, error: Errno) -> DeviceError {
    DeviceError::Connect { target: format!("the lock of {target}"), source: error.into() }
}

/// A folder where any user can create a file and none can remove another's.
fn folder() -> PathBuf {
    let shared = |path: &&&str| {
        stat(**path).is_ok_and(|stat| {
            FileType::from_raw_mode(stat.st_mode) == FileType::Directory
                && stat.st_uid == 0
                && stat.st_mode & 0o1002 == 0o1002
        })
    };
    PathBuf::from(["/run/lock", "/tmp"].iter().find(shared).copied().unwrap_or("/tmp"))
}

/// Readable, and never the same for two keys.
fn file_name(key: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let mut name: String = key.chars().rev().take(60).map(plain).collect();
    name = name.chars().rev().collect();
    // FNV-1a, 64 bits.
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut file = format!("killcord{}{name}", if name.starts_with('-') { "" } else { "-" });
    let _infallible = write!(file, "-{hash:016x}.lock");
    file
}

/// Opens or creates it; a symbolic link, or anything but a plain file, is refused.
fn open(path: &Path) -> Result<File, Errno> {
    let flags = OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    // Created by one user, used by all: first without O_CREAT, which the kernel refuses on another's file in
    // a sticky folder (fs.protected_regular).
    let attempts = [
        (flags | OFlags::RDWR, Mode::empty()),
        (flags | OFlags::RDWR | OFlags::CREATE | OFlags::EXCL, Mode::from_raw_mode(0o666)),
        (flags | OFlags::RDWR, Mode::empty()),
        (flags | OFlags::RDONLY, Mode::empty()),
    ];
    let mut last = Errno::NOENT;
    for (flags, mode) in attempts {
        match openat(CWD, path, flags, mode) {
            Ok(fd) => {
                let stat = fstat(&fd)?;
                if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
                    return Err(Errno::INVAL);
                }
                if flags.contains(OFlags::CREATE) {
                    // The umask took the others' right to write their own number into it.
                    fchmod(&fd, Mode::from_raw_mode(0o666))?;
                }
                return Ok(File::from(fd));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn note(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "{}", std::process::id())
}

/// The holder in words, from what it wrote into the file.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = (&*file).take(32).read_to_string(&mut text);
    match (read, text.trim().parse::<u32>()) {
        (Ok(_), Ok(pid)) => process(pid),
        _ => String::from("another program"),
    }
}

/// `process 4711 (killcord)`.
pub(super) fn process(pid: u32) -> String {
    let mut name = String::new();
    let comm = File::open(format!("/proc/{pid}/comm"));
    match comm.and_then(|file| file.take(64).read_to_string(&mut name)) {
        Ok(_) if !name.trim().is_empty() => format!("process {pid} ({})", name.trim()),
        _ => format!("process {pid}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_refused_and_told_who_has_it() {
        let key = format!("test-{}-a", std::process::id());
        let first = DeviceLock::take(&key, "the bench").unwrap();
        let error = DeviceLock::take(&key, "the bench").unwrap_err().to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        assert!(error.contains("the bench is in use"), "{error}");
        drop(first);
        DeviceLock::take(&key, "the bench").unwrap();
    }

    #[test]
    fn the_lock_lives_as_long_as_a_handed_on_copy() {
        let key = format!("test-{}-b", std::process::id());
        let first = DeviceLock::take(&key, "x").unwrap();
        let copy = first.share().unwrap();
        drop(first);
        assert!(matches!(DeviceLock::take(&key, "x"), Err(DeviceError::InUse { .. })));
        drop(copy);
        DeviceLock::take(&key, "x").unwrap();
    }

    #[test]
    fn a_lock_given_back_is_free_although_copies_are_open() {
        let key = format!("test-{}-c", std::process::id());
        let first = DeviceLock::take(&key, "x").unwrap();
        let _copy = first.share().unwrap();
        first.give_back();
        DeviceLock::take(&key, "x").unwrap();
    }

    #[test]
    fn a_copy_goes_on_with_the_lock_and_takes_it_again_if_it_was_given_back() {
        let key = format!("test-{}-d", std::process::id());
        let first = DeviceLock::take(&key, "x").unwrap();
        let (one, two, three) = (first.share().unwrap(), first.share().unwrap(), first.share().unwrap());
        drop(first);
        let adopted = DeviceLock::adopt(one, "x").unwrap();
        assert!(matches!(DeviceLock::take(&key, "x"), Err(DeviceError::InUse { .. })));
        adopted.give_back();
        let other = DeviceLock::take(&key, "x").unwrap();
        assert!(matches!(DeviceLock::adopt(two, "x"), Err(DeviceError::InUse { .. })));
        drop(other);
        DeviceLock::adopt(three, "x").unwrap();
    }

    #[test]
    fn a_symbolic_link_in_its_place_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        std::fs::write(&target, "untouched").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert_eq!(open(&link).unwrap_err(), Errno::LOOP);
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "untouched");
    }

    #[test]
    fn names_are_readable_and_distinct() {
        assert!(file_name("127.0.0.1:5025").starts_with("killcord-127.0.0.1-5025-"));
        assert_ne!(file_name("/dev/a:b"), file_name("/dev/a-b"));
        assert!(file_name(&"x".repeat(5000)).len() < 120);
    }
}
