//! The durable record: runs, what happened in them, and every teardown's report.
//!
//! SQLite on a thread of its own. The rules hand entries over with `try_send` and never wait; only the last
//! one, before the end, is waited for, and that for a bounded time: a full or dead disk delays no safe byte
//! and does not keep a process from ending. What could not be written is said in the report.

mod access;
mod accounts;
mod entry;
mod owed;
mod read;
mod schema;

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
};

use killcord_core::{DeviceIx, Report, Rig, RunId, SessionId, rules::Event, watchdog::Account};
use rusqlite::{Connection, params};

pub(crate) use self::access::{Comer, Entrance};
pub use self::{
    access::{Access, AccessEntry},
    read::{Entry, Reader, Run, Teardown},
};
use crate::clock::unix_ms;

/// Entries that may wait for the disk.
const WAITING: usize = 4096;

/// What went wrong with a journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Its file could not be opened.
    #[error("cannot open the journal {path}; check the disk and the folder's permissions")]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// Its folder could not be made.
    #[error("cannot make the journal's folder {path}; check its permissions, or move it with --state-dir")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It was written by a later version.
    #[error(
        "the journal {path} was written by a later version of Killcord (schema {found}, this one knows {known}); use that version, or move the state with --state-dir"
    )]
    Later {
        /// The file.
        path: PathBuf,
        /// The file's schema version.
        found: i64,
        /// The newest one that this program knows.
        known: i64,
    },
    /// A read or write failed.
    #[error("the journal cannot be read or written; check the disk")]
    Sqlite(#[from] rusqlite::Error),
}

/// The run before, if it did not end cleanly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unclean {
    /// Its number.
    pub run: RunId,
    /// When it was last heard of, in milliseconds since 1970.
    pub last_ms: u64,
    /// Whether the rig was armed, or being armed, then.
    pub armed: bool,
    /// What its watchdog did about it; `None` where it has left no report.
    pub watchdog: Option<Box<Account>>,
}

/// What is written down.
pub(crate) enum What {
    /// Of the rules; a session that begins is `by` that one.
    Event { event: Event, by: Comer },
    /// Who came to the door.
    Access(Entrance),
    /// A page came back to its session from another address.
    Moved { session: SessionId, address: IpAddr },
}

enum Message {
    Entry { at_ms: u64, what: What },
    Finish { exit: u8, reply: Box<dyn FnOnce(Result<(), String>) + Send> },
}

/// The journal of one run. Everything but opening it returns at once.
pub(crate) struct Journal {
    entries: Option<SyncSender<Message>>,
    trouble: Arc<Mutex<Option<String>>>,
}

/// What a host learns from its journal at start.
pub(crate) struct Opened {
    pub(crate) journal: Journal,
    pub(crate) run: RunId,
    pub(crate) unclean: Option<Unclean>,
    /// What the run before has left unsafe.
    pub(crate) owed: Vec<DeviceIx>,
}

/// A run that has begun.
struct Begun {
    connection: Connection,
    run: RunId,
    unclean: Option<Unclean>,
    owed: Vec<DeviceIx>,
}

impl Journal {
    /// Opens the journal and begins a run. A journal that cannot be opened or written is no reason not to
    /// make hardware safe: the host starts without, and says so.
    ///
    /// What a watchdog left in `reports` is taken in first.
    pub(crate) fn open(folder: &Path, reports: &[PathBuf], rig: &Arc<Rig>, file: &Path) -> Opened {
        match begin(folder, reports, rig, file) {
            Ok(Begun { connection, run, unclean, owed }) => {
                let (entries, inbox) = sync_channel(WAITING);
                let trouble = Arc::new(Mutex::new(None));
                let writer = Writer { connection, run, rig: Arc::clone(rig), trouble: Arc::clone(&trouble) };
                let thread = thread::Builder::new().name("killcord-journal".into());
                let started = thread.spawn(move || writer.run(&inbox));
                if let Err(error) = &started {
                    *trouble.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some(format!("the journal has no thread: {error}"));
                }
                Opened {
                    journal: Self { entries: started.is_ok().then_some(entries), trouble },
                    run,
                    unclean,
                    owed,
                }
            }
            Err(error) => {
                let why =
                    std::error::Error::source(&error).map_or(String::new(), |source| format!(": {source}"));
                let trouble = format!("This run is not recorded: {error}{why}");
                tracing::error!(%error, "the journal cannot be used");
                // A run number that no journal can have given: the time itself.
                Opened {
                    journal: Self { entries: None, trouble: Arc::new(Mutex::new(Some(trouble))) },
                    run: RunId(unix_ms()),
                    unclean: None,
                    owed: Vec::new(),
                }
            }
        }
    }

    /// Hands an entry over. Dropped, and said so, when the disk does not keep up.
    pub(crate) fn record(&self, what: What) {
        let Some(entries) = &self.entries else { return };
        if let Err(TrySendError::Full(_)) = entries.try_send(Message::Entry { at_ms: unix_ms(), what }) {
            self.set_trouble("The journal's disk does not keep up: entries are missing.");
        }
    }

    /// Writes the run's end behind all that waits, its last report included, syncs it, and then calls `reply` on the journal's thread.
    pub(crate) fn finish(&self, exit: u8, reply: impl FnOnce(Result<(), String>) + Send + 'static) {
        let message = Message::Finish { exit, reply: Box::new(reply) };
        let refused = match &self.entries {
            Some(entries) => entries.try_send(message).err().map(|error| match error {
                TrySendError::Full(message) | TrySendError::Disconnected(message) => message,
            }),
            None => Some(message),
        };
        if let Some(Message::Finish { reply, .. }) = refused {
            reply(Err(self.trouble().unwrap_or_else(|| "the journal's disk does not keep up".into())));
        }
    }

    /// What a person should know of the journal; `None` when all is well.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_trouble(&self, text: &str) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(text.into());
    }
}

/// Opens the file, looks at the run before and begins a new one.
fn begin(folder: &Path, reports: &[PathBuf], rig: &Rig, file: &Path) -> Result<Begun, JournalError> {
    crate::lock::private_folder(folder)
        .map_err(|source| JournalError::Folder { path: folder.into(), source })?;
    let mut connection = schema::open(&path(folder))?;
    accounts::take_in(&mut connection, reports)?;
    let unclean = match read::unclean(&connection)? {
        Some(unclean) => {
            let watchdog = accounts::of(&connection, unclean.run)?.map(Box::new);
            Some(Unclean { watchdog, ..unclean })
        }
        None => None,
    };
    let owed = owed::by_the_last_run(&connection, &rig.plan)?;
    let now = unix_ms();
    connection.execute(
        "INSERT INTO runs (rig, file, version, started_ms, last_ms, armed) VALUES (?1, ?2, ?3, ?4, ?4, 0)",
        params![rig.plan.rig, file.to_string_lossy(), env!("CARGO_PKG_VERSION"), now],
    )?;
    let run = u64::try_from(connection.last_insert_rowid()).unwrap_or_default();
    Ok(Begun { connection, run: RunId(run), unclean, owed })
}

/// Takes what watchdogs have left in `reports` into the journal of `folder`, for whoever wants to read it while no
/// host runs. Where there is no journal, nothing is done.
///
/// # Errors
/// When the journal cannot be written; the files stay.
pub fn take_in(folder: &Path, reports: &[PathBuf]) -> Result<(), JournalError> {
    if path(folder).is_file() && reports.iter().any(|folder| folder.is_dir()) {
        accounts::take_in(&mut schema::open(&path(folder))?, reports)?;
    }
    Ok(())
}

/// The journal's file in a rig's state folder.
#[must_use]
pub fn path(folder: &Path) -> PathBuf {
    folder.join("journal.db")
}

struct Writer {
    connection: Connection,
    run: RunId,
    rig: Arc<Rig>,
    trouble: Arc<Mutex<Option<String>>>,
}

impl Writer {
    fn run(mut self, inbox: &Receiver<Message>) {
        while let Ok(first) = inbox.recv() {
            // Whatever waits goes into one transaction: one sync for all of it.
            let mut batch = vec![first];
            batch.extend(inbox.try_iter().take(WAITING));
            let written =
                self.write(&batch).map_err(|error| format!("The journal was not written: {error}."));
            if let Err(why) = &written {
                tracing::error!(why, "the journal was not written");
            }
            *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = written.clone().err();
            for message in batch {
                if let Message::Finish { reply, .. } = message {
                    reply(written.clone());
                }
            }
        }
    }

    fn write(&mut self, batch: &[Message]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        let run = self.run.0;
        for message in batch {
            match message {
                Message::Entry { at_ms, what } => {
                    let (kind, detail) = entry::of(what, &self.rig);
                    transaction.execute(
                        "INSERT INTO events (run, at_ms, kind, detail) VALUES (?1, ?2, ?3, ?4)",
                        params![run, at_ms, kind, detail.to_string()],
                    )?;
                    if let What::Event { event: Event::Teardown(report), .. } = what {
                        insert_report(&transaction, run, *at_ms, report)?;
                    }
                    transaction.execute(
                        "UPDATE runs SET last_ms = ?2, armed = coalesce(?3, armed) WHERE id = ?1",
                        params![run, at_ms, entry::armed_after(what)],
                    )?;
                }
                Message::Finish { exit, .. } => {
                    transaction.execute(
                        "UPDATE runs SET last_ms = ?2, ended_ms = ?2, exit = ?3, armed = 0 WHERE id = ?1",
                        params![run, unix_ms(), exit],
                    )?;
                }
            }
        }
        // `synchronous = FULL`: when this returns, it is on the disk.
        transaction.commit()
    }
}

fn insert_report(connection: &Connection, run: u64, at_ms: u64, report: &Report) -> rusqlite::Result<()> {
    let json = serde_json::to_string(report)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let cause = report.causes.first().map_or("", |(_, cause)| cause.code());
    let took = u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX);
    connection.execute(
        "INSERT INTO teardowns (run, at_ms, cause, confirmed, took_ms, report) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![run, at_ms, cause, report.confirmed(), took, json],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use killcord_core::{Policy, plan::Plan};

    use super::*;

    pub(super) fn rig() -> Arc<Rig> {
        let plan = Plan {
            rig: "bench".into(),
            deadline: std::time::Duration::from_secs(10),
            links: Vec::new(),
            devices: Vec::new(),
            app: None,
        };
        let (readings, controls) = (Vec::new(), Vec::new());
        Arc::new(Rig {
            plan,
            policy: Policy::default(),
            readings,
            controls,
            messages: Default::default(),
            source: None,
            remote: None,
            ui: None,
        })
    }

    fn report() -> Report {
        Report {
            causes: vec![(killcord_core::Time::ZERO, killcord_core::Cause::WindowClosed)],
            mode: killcord_core::Mode::Safe,
            extent: killcord_core::Extent::End,
            began: killcord_core::Time::ZERO,
            took: std::time::Duration::from_millis(7),
            out_of_time: false,
            devices: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn event(event: Event) -> What {
        What::Event { event, by: Comer::default() }
    }

    fn finish(journal: &Journal) -> Result<(), String> {
        let (done, wait) = sync_channel(1);
        journal.finish(0, move |result| done.send(result).unwrap());
        wait.recv().unwrap()
    }

    #[test]
    fn a_run_without_an_end_is_unclean_and_says_whether_it_was_armed() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Journal::open(dir.path(), &[], &rig(), Path::new("rig.toml"));
        let first = open();
        assert!(first.unclean.is_none());
        first.journal.record(event(Event::Armed));
        assert_eq!(finish(&first.journal), Ok(()));
        let second = open();
        assert!(second.run > first.run, "a run never repeats");
        assert!(second.unclean.is_none(), "the first one ended");
        second.journal.record(event(Event::Armed));
        // A reader that sees the entry knows that it is written.
        let reader = Reader::open(dir.path()).unwrap();
        while reader.entries(second.run).unwrap().is_empty() {
            thread::yield_now();
        }
        let unclean = open().unclean.unwrap();
        assert_eq!((unclean.run, unclean.armed), (second.run, true));
    }

    #[test]
    fn an_unclean_run_stays_one_until_a_person_acknowledges_it_whatever_ran_in_between() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Journal::open(dir.path(), &[], &rig(), Path::new("rig.toml"));
        let crashed = open().run;
        let between = open();
        assert_eq!(between.unclean.map(|unclean| unclean.run), Some(crashed));
        // It made the rig safe and ended as it should; nobody has looked.
        assert_eq!(finish(&between.journal), Ok(()));
        let looked = open();
        assert_eq!(looked.unclean.map(|unclean| unclean.run), Some(crashed));
        looked.journal.record(event(Event::Acknowledged { session: SessionId(1) }));
        assert_eq!(finish(&looked.journal), Ok(()));
        let again = open();
        assert!(again.unclean.is_none());
        // And one that crashes later is a new one, also where it had acknowledged one itself.
        assert_eq!(open().unclean.map(|unclean| unclean.run), Some(again.run));
    }

    #[test]
    fn a_report_is_read_back_whole() {
        let dir = tempfile::tempdir().unwrap();
        let opened = Journal::open(dir.path(), &[], &rig(), Path::new("rig.toml"));
        opened.journal.record(event(Event::Teardown(Box::new(report()))));
        assert_eq!(finish(&opened.journal), Ok(()));
        let reader = Reader::open(dir.path()).unwrap();
        let teardowns = reader.teardowns(10).unwrap();
        assert_eq!(teardowns.len(), 1);
        assert_eq!(reader.report(teardowns[0].id).unwrap(), Some(report()));
        let runs = reader.runs(10).unwrap();
        assert_eq!((runs[0].exit, runs[0].rig.as_str()), (Some(0), "bench"));
    }

    #[test]
    fn without_a_disk_the_run_goes_on_and_the_end_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let blocked = dir.path().join("file");
        std::fs::write(&blocked, "").unwrap();
        let opened = Journal::open(&blocked.join("state"), &[], &rig(), Path::new("rig.toml"));
        opened.journal.record(event(Event::Armed));
        assert!(opened.journal.trouble().unwrap().contains("not recorded"));
        assert!(finish(&opened.journal).is_err());
    }

    #[test]
    fn a_journal_of_a_later_version_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        drop(Journal::open(dir.path(), &[], &rig(), Path::new("rig.toml")));
        Connection::open(path(dir.path())).unwrap().pragma_update(None, "user_version", 999).unwrap();
        let opened = Journal::open(dir.path(), &[], &rig(), Path::new("rig.toml"));
        assert!(opened.journal.trouble().unwrap().contains("later version"));
    }
}
