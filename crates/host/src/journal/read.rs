//! Reading a journal, also while a host writes it.

use std::path::Path;

use killcord_core::{Report, RunId};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};
use serde::Serialize;

use super::{JournalError, Unclean, path};

/// One life of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Its number.
    pub run: RunId,
    /// `[rig] name`.
    pub rig: String,
    /// The rig file.
    pub file: String,
    /// The program's version.
    pub version: String,
    /// In milliseconds since 1970.
    pub started_ms: u64,
    /// When it was last heard of, in milliseconds since 1970.
    pub last_ms: u64,
    /// When it ended, in milliseconds since 1970; `None` for one that runs, or ended uncleanly.
    pub ended_ms: Option<u64>,
    /// Its exit status.
    pub exit: Option<u8>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// In which run.
    pub run: RunId,
    /// In milliseconds since 1970.
    pub at_ms: u64,
    /// A stable word for it.
    pub kind: String,
    /// What belongs to it.
    pub detail: serde_json::Value,
}

/// A teardown, without its report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Teardown {
    /// Its number, for `killcord journal show`.
    pub id: u64,
    /// In which run.
    pub run: RunId,
    /// When it was over, in milliseconds since 1970.
    pub at_ms: u64,
    /// The stable word of its first cause.
    pub cause: String,
    /// Whether every device is confirmed safe.
    pub confirmed: bool,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// An open journal that is only read.
#[derive(Debug)]
pub struct Reader {
    pub(super) connection: Connection,
}

impl Reader {
    /// Opens the journal in a rig's state folder.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        let path = path(folder);
        let connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .map_err(|source| JournalError::Open { path, source })?;
        connection.busy_timeout(std::time::Duration::from_secs(2))?;
        Ok(Self { connection })
    }

    /// The last runs, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn runs(&self, most: u32) -> Result<Vec<Run>, JournalError> {
        let mut query = self.connection.prepare(
            "SELECT id, rig, file, version, started_ms, last_ms, ended_ms, exit FROM runs ORDER BY id DESC LIMIT ?1",
        )?;
        let rows = query.query_map([most], |row| {
            Ok(Run {
                run: RunId(row.get(0)?),
                rig: row.get(1)?,
                file: row.get(2)?,
                version: row.get(3)?,
                started_ms: row.get(4)?,
                last_ms: row.get(5)?,
                ended_ms: row.get(6)?,
                exit: row.get(7)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// All that happened in a run, oldest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn entries(&self, run: RunId) -> Result<Vec<Entry>, JournalError> {
        let mut query = self
            .connection
            .prepare("SELECT run, at_ms, kind, detail FROM events WHERE run = ?1 ORDER BY id")?;
        let rows = query.query_map([run.0], |row| {
            let detail: String = row.get(3)?;
            Ok(Entry {
                run: RunId(row.get(0)?),
                at_ms: row.get(1)?,
                kind: row.get(2)?,
                detail: serde_json::from_str(&detail).unwrap_or(serde_json::Value::String(detail)),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The last teardowns, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn teardowns(&self, most: u32) -> Result<Vec<Teardown>, JournalError> {
        let mut query = self.connection.prepare(
            "SELECT id, run, at_ms, cause, confirmed, took_ms FROM teardowns ORDER BY id DESC LIMIT ?1",
        )?;
        let rows = query.query_map([most], teardown)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A teardown's whole report.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn report(&self, id: u64) -> Result<Option<Report>, JournalError> {
        let json: Option<String> = self
            .connection
            .query_row("SELECT report FROM teardowns WHERE id = ?1", params![id], |row| row.get(0))
            .optional()?;
        Ok(json.and_then(|json| serde_json::from_str(&json).ok()))
    }
}

fn teardown(row: &Row<'_>) -> rusqlite::Result<Teardown> {
    Ok(Teardown {
        id: row.get(0)?,
        run: RunId(row.get(1)?),
        at_ms: row.get(2)?,
        cause: row.get(3)?,
        confirmed: row.get(4)?,
        took_ms: row.get(5)?,
    })
}

/// The last run without an end that nobody has acknowledged in a later one. A run in between that only made the
/// rig safe (`killcord safe`, a restart by a service manager) is nobody's acknowledgement.
pub(super) fn unclean(connection: &Connection) -> rusqlite::Result<Option<Unclean>> {
    connection
        .query_row(
            "SELECT id, last_ms, armed FROM runs WHERE ended_ms IS NULL
                AND id >= COALESCE((SELECT MAX(run) FROM events WHERE kind = 'acknowledged'), 0)
                ORDER BY id DESC LIMIT 1",
            [],
            |row| {
                Ok(Unclean {
                    run: RunId(row.get(0)?),
                    last_ms: row.get(1)?,
                    armed: row.get(2)?,
                    watchdog: None,
                })
            },
        )
        .optional()
}
