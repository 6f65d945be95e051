//! The record of what the watchdog did: one file, for the next host to take in.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use killcord_core::{
    Report,
    watchdog::{Account, Brief, Why},
};

/// The account so far, and where it goes.
pub(crate) struct Book {
    brief: Brief,
    account: Option<Account>,
}

impl Book {
    pub(crate) const fn new(brief: Brief) -> Self {
        Self { brief, account: None }
    }

    pub(crate) const fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// Takes a pass in and writes the file anew. What later passes did to a device stands for it; why it all began is
    /// told by the first.
    ///
    /// # Errors
    /// No folder takes it. The hardware has been dealt with by then.
    pub(crate) fn enter(&mut self, why: Why, began_ms: u64, report: Report) -> io::Result<PathBuf> {
        let ended_ms = unix_ms();
        let account = match self.account.take() {
            None => Account { run: self.brief.run, why, began_ms, ended_ms, passes: 1, report },
            Some(mut before) => {
                for entry in report.devices {
                    match before.report.devices.iter_mut().find(|known| known.device == entry.device) {
                        Some(known) => *known = entry,
                        None => before.report.devices.push(entry),
                    }
                }
                Account { ended_ms, passes: before.passes.saturating_add(1), ..before }
            }
        };
        let account = self.account.insert(account);
        let mut last = io::Error::other("there is no folder for it");
        for folder in &self.brief.reports {
            match write(folder, account) {
                Ok(path) => return Ok(path),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// Temporary, synced, renamed: whoever finds it finds all of it.
fn write(folder: &Path, account: &Account) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let path = folder.join(format!("watchdog-{}.json", account.run.0));
    let temporary = folder.join(format!("watchdog-{}.part", account.run.0));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(&serde_json::to_vec(account)?)?;
    file.sync_all()?;
    fs::rename(&temporary, &path)?;
    File::open(folder)?.sync_all()?;
    Ok(path)
}

/// Milliseconds since 1970 by the wall clock; only ever shown.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use killcord_core::{Cause, Extent, Mode, RunId, Time};

    use super::*;

    fn report() -> Report {
        Report {
            causes: vec![(Time::ZERO, Cause::HostLost)],
            mode: Mode::Safe,
            extent: Extent::Release,
            began: Time::ZERO,
            took: Duration::from_millis(3),
            out_of_time: false,
            devices: Vec::new(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn the_file_goes_to_the_first_folder_that_takes_it_and_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let blocked = dir.path().join("file");
        fs::write(&blocked, "").unwrap();
        let reports = vec![blocked.join("reports"), dir.path().join("reports")];
        let brief = Brief {
            hang_after: Duration::from_secs(5),
            run: RunId(7),
            reports,
            door: PathBuf::from("/nowhere"),
        };
        let mut book = Book::new(brief);
        let path = book.enter(Why::Exited, 1, report()).unwrap();
        assert_eq!(path, dir.path().join("reports/watchdog-7.json"));
        book.enter(Why::Left, 2, report()).unwrap();
        let account: Account = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        assert_eq!((account.passes, account.began_ms, account.why), (2, 1, Why::Exited));
        assert_eq!(fs::read_dir(dir.path().join("reports")).unwrap().count(), 1, "nothing temporary is left");
    }
}
