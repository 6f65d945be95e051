//! What a watchdog did in a host's place, taken into the journal from the file that it left.
//!
//! The file is removed once the journal has it, and stays where the journal could not take it: a record is never
//! in neither place.

use std::{
    fs,
    path::{Path, PathBuf},
};

use killcord_core::{
    RunId,
    watchdog::{Account, Why},
};
use rusqlite::{Connection, OptionalExtension as _, params};

/// The longest file that is read, in bytes.
const LONGEST: u64 = 16 * 1024 * 1024;

/// Takes in whatever lies in `folders`, oldest run first.
pub(super) fn take_in(connection: &mut Connection, folders: &[PathBuf]) -> rusqlite::Result<()> {
    let mut found: Vec<(PathBuf, Account)> = folders.iter().flat_map(|folder| lying_in(folder)).collect();
    found.sort_by_key(|(_, account)| (account.run, account.ended_ms));
    for (path, account) in found {
        enter(connection, &account)?;
        if let Err(error) = fs::remove_file(&path) {
            // Found again, it is known by its time and not entered twice.
            tracing::warn!(path = %path.display(), %error, "a watchdog's report was taken in and could not be removed");
        }
    }
    Ok(())
}

fn lying_in(folder: &Path) -> Vec<(PathBuf, Account)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let ours = entries.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
    ours.filter_map(|path| match read(&path) {
        Ok(account) => Some((path, account)),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "a watchdog's report cannot be read, and is left where it is");
            None
        }
    })
    .collect()
}

fn read(path: &Path) -> std::io::Result<Account> {
    if fs::metadata(path)?.len() > LONGEST {
        return Err(std::io::Error::other("it is too long"));
    }
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// One transaction: its teardown, its word in the run's events, and when the run was last heard of.
fn enter(connection: &mut Connection, account: &Account) -> rusqlite::Result<()> {
    let run = account.run.0;
    let transaction = connection.transaction()?;
    let known: bool = transaction.query_row(
        "SELECT EXISTS (SELECT 1 FROM events WHERE run = ?1 AND at_ms = ?2 AND kind = 'watchdog_acted')",
        params![run, account.ended_ms],
        |row| row.get(0),
    )?;
    // One of a journal that was lost meanwhile has no run to belong to; it is kept all the same.
    transaction.execute(
        "INSERT OR IGNORE INTO runs (id, rig, file, version, started_ms, last_ms, armed) VALUES (?1, '', '', '', ?2, ?2, 1)",
        params![run, account.began_ms],
    )?;
    if !known {
        let detail = serde_json::json!({
            "why": account.why, "text": account.why.to_string(), "passes": account.passes,
            "began_ms": account.began_ms, "confirmed": account.report.confirmed(),
        });
        transaction.execute(
            "INSERT INTO events (run, at_ms, kind, detail) VALUES (?1, ?2, 'watchdog_acted', ?3)",
            params![run, account.ended_ms, detail.to_string()],
        )?;
        super::insert_report(&transaction, run, account.ended_ms, &account.report)?;
        transaction.execute(
            "UPDATE runs SET last_ms = max(last_ms, ?2) WHERE id = ?1",
            params![run, account.began_ms],
        )?;
    }
    transaction.commit()
}

/// What the watchdog of a run did, whenever it was taken in; `None` where none had to act, or nobody knows.
pub(super) fn of(connection: &Connection, run: RunId) -> rusqlite::Result<Option<Account>> {
    let found = connection
        .query_row(
            "SELECT events.at_ms, detail, report FROM events
                 JOIN teardowns ON teardowns.run = events.run AND teardowns.at_ms = events.at_ms
                 WHERE events.run = ?1 AND kind = 'watchdog_acted' ORDER BY events.id DESC LIMIT 1",
            [run.0],
            |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?)),
        )
        .optional()?;
    #[derive(serde::Deserialize)]
    struct Detail {
        why: Why,
        passes: u32,
        began_ms: u64,
    }
    Ok(found.and_then(|(ended_ms, detail, report)| {
        let Detail { why, passes, began_ms } = serde_json::from_str(&detail).ok()?;
        Some(Account { run, why, began_ms, ended_ms, passes, report: serde_json::from_str(&report).ok()? })
    }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use killcord_core::{Cause, Extent, Mode, Report, Time};

    use super::*;
    use crate::journal::{Reader, path, schema};

    fn account(run: u64) -> Account {
        let report = Report {
            causes: vec![(Time::ZERO, Cause::HostLost)],
            mode: Mode::Safe,
            extent: Extent::Release,
            began: Time::ZERO,
            took: Duration::from_millis(40),
            out_of_time: false,
            devices: Vec::new(),
            notes: Vec::new(),
        };
        Account { run: RunId(run), why: Why::Exited, began_ms: 1000, ended_ms: 1040, passes: 1, report }
    }

    #[test]
    fn a_report_is_taken_in_once_and_its_file_removed() {
        let dir = tempfile::tempdir().unwrap();
        let reports = dir.path().join("reports");
        fs::create_dir(&reports).unwrap();
        let file = reports.join("watchdog-3.json");
        let mut connection = schema::open(&path(dir.path())).unwrap();
        for _ in 0..2 {
            fs::write(&file, serde_json::to_vec(&account(3)).unwrap()).unwrap();
            take_in(&mut connection, std::slice::from_ref(&reports)).unwrap();
            assert!(!file.exists());
        }
        let reader = Reader::open(dir.path()).unwrap();
        let teardowns = reader.teardowns(10).unwrap();
        assert_eq!(teardowns.len(), 1, "found a second time, it is not entered twice");
        assert_eq!((teardowns[0].run, teardowns[0].cause.as_str()), (RunId(3), "host_lost"));
        assert_eq!(reader.report(teardowns[0].id).unwrap(), Some(account(3).report));
        assert_eq!(of(&connection, RunId(3)).unwrap(), Some(account(3)), "known later too");
        assert_eq!(of(&connection, RunId(2)).unwrap(), None);
    }

    #[test]
    fn a_file_that_is_no_report_is_left_where_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("watchdog-1.json");
        fs::write(&file, "{\"run\":").unwrap();
        let mut connection = schema::open(&path(dir.path())).unwrap();
        take_in(&mut connection, &[dir.path().into()]).unwrap();
        assert!(file.exists());
    }
}
