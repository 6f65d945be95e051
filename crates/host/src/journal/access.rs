//! The journal's view of every access: who was let in and who was not, who attached, took control and left, from
//! where, when.
//!
//! **It must never** hold a secret: no code, no cookie, no token; a name is what its owner called it.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use killcord_core::RunId;
use rusqlite::params;
use serde::Serialize;
use serde_json::{Value, json};

use super::{JournalError, Reader};

/// What happens at the door of a host, apart from its sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A browser or a program was let in for the first time.
    Paired,
    /// Somebody was not: a code that is none or too old, a token that is none, or too many tries.
    Refused,
    /// Whoever was let in is let in no more.
    Revoked,
    /// A browser has signed out.
    SignedOut,
}

impl Access {
    /// The stable words of all of them.
    pub const CODES: [&'static str; 4] = ["paired", "refused", "revoked", "signed_out"];

    /// A stable word for it, as in journal and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Paired => "paired",
            Self::Refused => "refused",
            Self::Revoked => "revoked",
            Self::SignedOut => "signed_out",
        }
    }
}

/// From where a session comes that begins, and whose it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Comer {
    /// `None` for a window and a terminal.
    pub(crate) address: Option<IpAddr>,
    /// The token that its browser was let in by, by its name.
    pub(crate) who: Option<Arc<str>>,
}

/// One such, to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entrance {
    pub(crate) access: Access,
    pub(crate) from: Option<IpAddr>,
    pub(crate) name: Option<String>,
    /// So many more were refused since the last one that is on record.
    pub(crate) more: u64,
}

impl Entrance {
    pub(super) fn detail(&self) -> Value {
        let mut detail = json!({ "address": self.from, "name": self.name });
        if self.more > 0 {
            detail["more"] = self.more.into();
        }
        detail
    }
}

/// One line of the view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccessEntry {
    /// In which run.
    pub run: RunId,
    /// In milliseconds since 1970.
    pub at_ms: u64,
    /// What happened: a word of [`Access::CODES`], or `attached`, `moved` (a page came back from another address),
    /// `took_control`, `ended`.
    pub event: String,
    /// Which session; `None` for what is of none.
    pub session: Option<u64>,
    /// What the session is: `window`, `page`, `terminal`.
    pub kind: Option<String>,
    /// From where; `None` for a window and a terminal.
    pub address: Option<String>,
    /// Whose it is: the name of the token.
    pub name: Option<String>,
    /// Why it ended.
    pub reason: Option<String>,
    /// So many more were refused between the one before and this one.
    pub more: Option<u64>,
}

/// Events that are accesses, and what they are called here.
const EVENTS: [(&str, &str); 8] = [
    ("paired", "paired"),
    ("refused", "refused"),
    ("revoked", "revoked"),
    ("signed_out", "signed_out"),
    ("session_began", "attached"),
    (MOVED, "moved"),
    ("control", "took_control"),
    ("session_ended", "ended"),
];
/// A page came back to its session from another address.
pub(super) const MOVED: &str = "session_moved";

/// What is known of a session from the lines before.
#[derive(Clone, Default)]
struct Known {
    kind: Option<String>,
    address: Option<String>,
    name: Option<String>,
}

impl Reader {
    /// The last accesses, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn accesses(&self, most: u32) -> Result<Vec<AccessEntry>, JournalError> {
        let kinds = EVENTS.map(|(kind, _)| format!("'{kind}'")).join(",");
        let mut query = self.connection.prepare(&format!(
            "SELECT id, run, at_ms, kind, detail FROM events WHERE kind IN ({kinds})
                AND NOT (kind = 'control' AND json_extract(detail, '$.holder') IS NULL)
                ORDER BY id DESC LIMIT ?1"
        ))?;
        let rows = query.query_map([most], |row| {
            let detail: String = row.get(4)?;
            Ok((row.get(0)?, RunId(row.get(1)?), row.get(2)?, row.get(3)?, detail))
        })?;
        let mut found: Vec<(i64, RunId, u64, String, String)> = rows.collect::<Result<_, _>>()?;
        // In their order, so that each line knows what came before it.
        found.reverse();
        let mut sessions = HashMap::new();
        if let Some((first, run, ..)) = found.first() {
            self.sessions_before(*first, *run, &mut sessions)?;
        }
        let mut entries: Vec<_> = found
            .into_iter()
            .map(|(_, run, at_ms, kind, detail)| {
                entry(run, at_ms, &kind, &serde_json::from_str(&detail).unwrap_or_default(), &mut sessions)
            })
            .collect();
        entries.reverse();
        Ok(entries)
    }

    /// What the view's first line may have to know: of sessions of its run that began before it.
    fn sessions_before(
        &self,
        id: i64,
        run: RunId,
        sessions: &mut HashMap<(RunId, u64), Known>,
    ) -> Result<(), JournalError> {
        let mut query = self.connection.prepare(
            "SELECT kind, detail FROM events WHERE run = ?1 AND id < ?2 AND kind IN ('session_began', ?3) ORDER BY id",
        )?;
        let rows = query.query_map(params![run.0, id, MOVED], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })?;
        for row in rows {
            let (kind, detail) = row?;
            entry(run, 0, &kind, &serde_json::from_str(&detail).unwrap_or_default(), sessions);
        }
        Ok(())
    }
}

fn entry(
    run: RunId,
    at_ms: u64,
    kind: &str,
    detail: &Value,
    sessions: &mut HashMap<(RunId, u64), Known>,
) -> AccessEntry {
    let word = |key: &str| detail[key].as_str().map(str::to_owned);
    let session = detail["session"].as_u64().or_else(|| detail["holder"].as_u64());
    let mut known = Known { kind: word("kind"), address: word("address"), name: word("name") };
    if let Some(session) = session {
        let before = sessions.entry((run, session)).or_default();
        known.kind = known.kind.or_else(|| before.kind.clone());
        known.address = known.address.or_else(|| before.address.clone());
        known.name = known.name.or_else(|| before.name.clone());
        *before = known.clone();
    }
    let event = EVENTS.iter().find(|(known, _)| *known == kind).map_or(kind, |(_, event)| event);
    AccessEntry {
        run,
        at_ms,
        event: event.to_owned(),
        session,
        kind: known.kind,
        address: known.address,
        name: known.name,
        reason: word("reason"),
        more: detail["more"].as_u64(),
    }
}

#[cfg(test)]
mod tests {
    use killcord_core::{Role, SessionEnd, SessionId, SessionKind, rules::Event};

    use super::*;
    use crate::journal::{Journal, What};

    #[test]
    fn each_line_knows_from_where_and_whose_its_session_is_also_where_the_view_begins_behind_it() {
        let dir = tempfile::tempdir().unwrap();
        let rig = super::super::tests::rig();
        let journal = Journal::open(dir.path(), &[], &rig, std::path::Path::new("rig.toml")).journal;
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        let alice = Comer { address: Some(at("10.0.0.1")), who: Some("alice".into()) };
        let session = SessionId(1);
        let of_session = |event| What::Event { event, by: alice.clone() };
        let (from, name) = (Some(at("10.0.0.9")), None);
        journal.record(What::Access(Entrance { access: Access::Refused, from, name, more: 7 }));
        journal.record(of_session(Event::SessionBegan {
            session,
            kind: SessionKind::Page,
            role: Role::Operator,
        }));
        journal.record(of_session(Event::Control { holder: Some(session) }));
        journal.record(of_session(Event::Control { holder: None }));
        journal.record(What::Moved { session, address: at("10.0.0.2") });
        journal.record(of_session(Event::SessionEnded { session, reason: SessionEnd::Expired }));
        let (done, wait) = std::sync::mpsc::sync_channel(1);
        journal.finish(0, move |result| done.send(result).unwrap());
        wait.recv().unwrap().unwrap();

        let reader = Reader::open(dir.path()).unwrap();
        let all = reader.accesses(10).unwrap();
        let shown: Vec<_> = all
            .iter()
            .map(|entry| (entry.event.as_str(), entry.address.as_deref().unwrap(), entry.name.as_deref()))
            .collect();
        assert_eq!(
            shown,
            [
                ("ended", "10.0.0.2", Some("alice")),
                ("moved", "10.0.0.2", Some("alice")),
                ("took_control", "10.0.0.1", Some("alice")),
                ("attached", "10.0.0.1", Some("alice")),
                ("refused", "10.0.0.9", None),
            ]
        );
        assert_eq!((all[4].more, all[0].reason.as_deref()), (Some(7), Some("expired")));
        assert_eq!(reader.accesses(1).unwrap(), all[..1]);
    }
}
