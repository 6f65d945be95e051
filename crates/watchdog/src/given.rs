//! What the host has given into our hands: descriptors and addresses of its links, its locks, and the process
//! groups and the app that it has started. Untouched until the watchdog acts.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Seek as _, Write as _},
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

use killcord_core::{LinkIx, watchdog::Told};
use killcord_device::{Handed, let_go};
use rustix::process::{Pid, Signal, kill_process_group, pidfd_send_signal};

use crate::reaper::{Tree, started_at};

/// A killed app is gone within a few milliseconds; the devices do not wait longer for one that hangs.
const APP_GONE_WITHIN: Duration = Duration::from_millis(50);

/// All of it.
#[derive(Default)]
pub(crate) struct Given {
    host: Option<OwnedFd>,
    /// The rig's lock: held as long as this descriptor is open.
    lock: Option<File>,
    links: BTreeMap<LinkIx, Handed>,
    groups: BTreeMap<u32, u64>,
    app: Option<Tree>,
}

impl Given {
    /// What came with the rig: the host's pidfd, and the rig's lock.
    pub(crate) fn rig(&mut self, host: OwnedFd, lock: OwnedFd) {
        self.host = Some(host);
        self.lock = Some(File::from(lock));
    }

    /// The host's process: readable once it has ended.
    pub(crate) const fn host(&self) -> Option<&OwnedFd> {
        self.host.as_ref()
    }

    /// Keeps what a message says or carries.
    pub(crate) fn keep(&mut self, told: &Told, fds: Vec<OwnedFd>) {
        let mut fds = fds.into_iter();
        match told {
            Told::Link { link, address, lock, port } => {
                let handed = Handed {
                    link: *link,
                    address: address.as_ref().and_then(|address| address.parse().ok()),
                    lock: lock.then(|| fds.next()).flatten(),
                    port: port.then(|| fds.next()).flatten(),
                };
                self.drop_link(*link);
                self.links.insert(*link, handed);
            }
            Told::LinkClosed { link } => self.drop_link(*link),
            Told::GroupStarted { group, started } => {
                self.groups.insert(*group, *started);
            }
            Told::GroupEnded { group } => {
                self.groups.remove(group);
            }
            Told::AppStarted { reaper, started, mark } => {
                self.app = Some(Tree { reaper: *reaper, started: *started, mark: mark.clone() });
            }
            Told::AppGone => self.app = None,
            _ => {}
        }
    }

    /// The last close of a serial port may wait for half a minute in the kernel: not here.
    fn drop_link(&mut self, link: LinkIx) {
        if let Some(port) = self.links.remove(&link).and_then(|handed| handed.port) {
            let_go(port);
        }
    }

    /// What is known of the links, to go on with them.
    pub(crate) fn take_links(&mut self) -> Vec<Handed> {
        std::mem::take(&mut self.links).into_values().collect()
    }

    /// Ends the host, whatever it is doing, and what it has started. A host with SIGKILL pending runs no further
    /// instruction of its own: it is not waited for.
    pub(crate) fn end_host(&mut self) {
        if let Some(host) = &self.host {
            // Gone already, which is as good.
            let _gone = pidfd_send_signal(host, Signal::KILL);
        }
        self.end_app();
        for (group, started) in std::mem::take(&mut self.groups) {
            let pid = i32::try_from(group).ok().and_then(Pid::from_raw);
            if let Some(pid) = pid.filter(|_| is_the_same(group, started)) {
                let _gone = kill_process_group(pid, Signal::KILL);
            }
        }
    }

    /// Ends what is left of the host's app.
    pub(crate) fn end_app(&mut self) {
        self.app.take_if(|app| app.end(APP_GONE_WITHIN));
    }

    /// Writes into the rig's lock who holds it now, for whoever asks. A full disk changes nothing: the lock holds.
    pub(crate) fn sign_lock(&mut self) {
        let Some(lock) = &mut self.lock else { return };
        let holder = format!(r#"{{"pid":{},"program":"killcord-watchdog"}}"#, std::process::id());
        let _unsigned =
            lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| lock.write_all(holder.as_bytes()));
    }

    /// Whatever can be waited for besides the pipe: the host's end.
    pub(crate) fn host_fd(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        self.host.as_ref().map(AsFd::as_fd)
    }
}

/// Whether the group is still the one that was started: its leader is the same process, or has ended. A group's
/// number is given to nobody as long as a process is in it.
fn is_the_same(group: u32, started: u64) -> bool {
    started_at(group).is_none_or(|now| now == started)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_from_a_later_one_of_the_same_number() {
        let own = std::process::id();
        let started = started_at(own).unwrap();
        assert!(started > 0);
        assert!(is_the_same(own, started));
        assert!(!is_the_same(own, started + 1), "another process has the number now");
        assert!(is_the_same(u32::MAX, 7), "its leader has ended; who is left in the group is meant");
    }
}
