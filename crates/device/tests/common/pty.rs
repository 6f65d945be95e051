//! A serial port without hardware: a pty whose master the test plays.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use killcord_core::{
    LinkPlan,
    plan::{Connect, Protocol, SerialLine},
};
use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{OptionalActions, tcgetattr, tcsetattr},
};

use super::Seen;

/// One test at a time: the system gives the name of a pty that is gone to the next one at once, and whoever
/// has just lost it still holds the lock of that name for a moment.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A pty whose master is in the test's hand.
pub struct Pty {
    pub master: File,
    pub path: PathBuf,
}

impl Pty {
    pub fn open() -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let path = PathBuf::from(name.into_string().unwrap());
        let mut raw = tcgetattr(&master).unwrap();
        raw.make_raw();
        tcsetattr(&master, OptionalActions::Now, &raw).unwrap();
        Self { master: File::from(master), path }
    }

    pub fn link(&self, protocol: Protocol, line: SerialLine) -> LinkPlan {
        LinkPlan {
            name: String::from("line"),
            connect: Connect::Serial { path: self.path.clone(), line, protocol },
            cut_in: true,
        }
    }

    /// Plays a device: what comes in is noted, and `answers` says what goes out.
    pub fn play(
        &self,
        mut answers: impl FnMut(&[u8]) -> Vec<u8> + Send + 'static,
    ) -> Seen<(Instant, Vec<u8>)> {
        let seen = Seen::default();
        let notes: Seen<(Instant, Vec<u8>)> = seen.clone();
        let mut master = self.master.try_clone().unwrap();
        // Keeps the slave open, so that the master does not read as hung up between two openings.
        let slave = File::options().read(true).write(true).open(&self.path).unwrap();
        std::thread::spawn(move || {
            let _slave = slave;
            let mut bytes = [0; 1024];
            while let Ok(count @ 1..) = master.read(&mut bytes) {
                notes.push((Instant::now(), bytes[..count].to_vec()));
                let answer = answers(&bytes[..count]);
                if master.write_all(&answer).is_err() {
                    return;
                }
            }
        });
        seen
    }
}
