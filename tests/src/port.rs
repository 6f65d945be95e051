//! Free TCP ports for parts that must be told theirs. Below the range that the kernel gives to outgoing
//! connections, and locked against the other test processes of this machine, so that what was free stays so.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use rustix::fs::{FlockOperation, flock};

const FIRST: u16 = 20_000;
const LAST: u16 = 31_999;

/// A port nobody else uses as long as this lives.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    /// Finds one.
    ///
    /// # Panics
    /// When none of some thousand is free.
    #[must_use]
    pub fn free() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let dir =
            std::env::temp_dir().join(format!("killcord-tests-ports-{}", rustix::process::getuid().as_raw()));
        std::fs::create_dir_all(&dir).unwrap();
        let start = (std::process::id().wrapping_mul(97) % u32::from(LAST - FIRST)) as u16;
        for _ in 0..LAST - FIRST {
            let number = FIRST + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % (LAST - FIRST);
            let lock = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(dir.join(number.to_string()))
                .unwrap();
            if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok()
                && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok()
            {
                return Self { number, _lock: lock };
            }
        }
        panic!("no TCP port between {FIRST} and {LAST} is free on this machine");
    }

    /// Its number.
    #[must_use]
    pub const fn number(&self) -> u16 {
        self.number
    }
}
