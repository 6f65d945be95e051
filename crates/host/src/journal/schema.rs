//! The journal's tables, versioned by `user_version`.

use std::{path::Path, time::Duration};

use rusqlite::Connection;

use super::JournalError;

/// Steps from one version to the next; the version is how many have been taken.
const STEPS: [&str; 1] = ["
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        rig TEXT NOT NULL,
        file TEXT NOT NULL,
        version TEXT NOT NULL,
        started_ms INTEGER NOT NULL,
        last_ms INTEGER NOT NULL,
        armed INTEGER NOT NULL,
        ended_ms INTEGER,
        exit INTEGER
    );
    CREATE TABLE events (
        id INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs (id),
        at_ms INTEGER NOT NULL,
        kind TEXT NOT NULL,
        detail TEXT NOT NULL
    );
    CREATE INDEX events_run ON events (run, id);
    CREATE TABLE teardowns (
        id INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs (id),
        at_ms INTEGER NOT NULL,
        cause TEXT NOT NULL,
        confirmed INTEGER NOT NULL,
        took_ms INTEGER NOT NULL,
        report TEXT NOT NULL
    );
"];

/// Opens a journal for writing and brings its tables up to date.
pub(super) fn open(path: &Path) -> Result<Connection, JournalError> {
    let mut connection =
        Connection::open(path).map_err(|source| JournalError::Open { path: path.into(), source })?;
    // Another process only ever reads; what it holds up is short.
    connection.busy_timeout(Duration::from_secs(2))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    let Ok(taken) = usize::try_from(found) else {
        return Err(JournalError::Later { path: path.into(), found, known });
    };
    if taken > STEPS.len() {
        return Err(JournalError::Later { path: path.into(), found, known });
    }
    for (at, step) in STEPS.iter().enumerate().skip(taken) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", i64::try_from(at + 1).unwrap_or(i64::MAX))?;
        transaction.commit()?;
    }
    Ok(connection)
}
