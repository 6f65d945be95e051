//! `killcord journal`: what happened, from the rig's durable record.

use std::path::{Path, PathBuf};

use killcord::journal::{Entry, JournalError, Reader, Run, Teardown};
use serde::Serialize;

use super::{Scene, access, json, print, show};
use crate::{
    args::{Journal, JournalCommand},
    demo,
    find::{self, Found},
    moment,
    stop::Stop,
    table,
};

/// What is printed with `--json`.
#[derive(Serialize)]
struct Listed {
    runs: Vec<Run>,
    sessions: Vec<Session>,
    teardowns: Vec<Teardown>,
}

/// One session, from its entries.
#[derive(Serialize)]
struct Session {
    run: u64,
    session: String,
    kind: String,
    role: String,
    began_ms: u64,
    /// `None` for one that still is, or whose end was not recorded.
    ended_ms: Option<u64>,
    reason: Option<String>,
}

pub(super) fn run(scene: &Scene<'_>, journal: &Journal) -> Result<u8, Stop> {
    match &journal.command {
        Some(JournalCommand::Show { id, rig }) => {
            let rig = rig.clone().or_else(|| journal.rig.clone());
            show::run(scene, journal.csv, *id, &open(scene, &named_or_default(scene, rig))?)
        }
        Some(JournalCommand::Access { rig }) => {
            let rig = rig.clone().or_else(|| journal.rig.clone());
            access::run(scene, journal.csv, journal.last, &open(scene, &named_or_default(scene, rig))?)
        }
        None => list(scene, journal, &named_or_default(scene, journal.rig.clone())),
    }
}

/// Reading a record touches no device: nobody has to confirm a rig that was found.
fn named_or_default(scene: &Scene<'_>, named: Option<PathBuf>) -> PathBuf {
    named.unwrap_or_else(|| match find::default_rig() {
        Found::Default(rig) => rig,
        Found::Demo => demo::Folder::of(&scene.options(Path::new("")).state_dir).rig(),
    })
}

fn open(scene: &Scene<'_>, rig: &Path) -> Result<Reader, Stop> {
    let options = scene.options(rig);
    let folder = options.rig_dir();
    if let Err(error) = killcord::journal::take_in(&folder, &options.reports()) {
        tracing::warn!(%error, "what a watchdog has left is not in the journal yet");
    }
    if !killcord::journal::path(&folder).is_file() {
        return Err(Stop::Nothing(format!(
            "{} has no journal yet in {}; open the rig once, or name the state folder with --state-dir",
            rig.display(),
            folder.display()
        )));
    }
    Ok(Reader::open(&folder)?)
}

fn list(scene: &Scene<'_>, journal: &Journal, rig: &Path) -> Result<u8, Stop> {
    let reader = open(scene, rig)?;
    let runs = reader.runs(journal.last)?;
    let sessions = sessions(&reader, &runs, journal.last)?;
    let listed = Listed { runs, sessions, teardowns: reader.teardowns(journal.last)? };
    print(&if scene.common.json {
        json(&listed)
    } else if journal.csv {
        listed.csv()
    } else {
        listed.text()
    });
    Ok(0)
}

/// The sessions of these runs, newest first.
fn sessions(reader: &Reader, runs: &[Run], most: u32) -> Result<Vec<Session>, JournalError> {
    let mut all = Vec::new();
    for run in runs {
        let mut of_run: Vec<Session> = Vec::new();
        for Entry { at_ms, kind, detail, .. } in reader.entries(run.run)? {
            let word = |key: &str| match &detail[key] {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            match kind.as_str() {
                "session_began" => of_run.push(Session {
                    run: run.run.0,
                    session: word("session"),
                    kind: word("kind"),
                    role: word("role"),
                    began_ms: at_ms,
                    ended_ms: None,
                    reason: None,
                }),
                "session_ended" => {
                    let whose = word("session");
                    if let Some(session) = of_run.iter_mut().find(|session| session.session == whose) {
                        (session.ended_ms, session.reason) = (Some(at_ms), Some(word("reason")));
                    }
                }
                _ => {}
            }
        }
        all.extend(of_run.into_iter().rev());
        if all.len() >= most as usize {
            break;
        }
    }
    all.truncate(most as usize);
    Ok(all)
}

impl Listed {
    fn text(&self) -> String {
        let runs = self.runs.iter().map(|run| {
            let end = match (run.ended_ms, run.exit) {
                (Some(ended), Some(0)) => format!("{}  all safe", moment::local(ended)),
                (Some(ended), Some(exit)) => format!("{}  status {exit}: NOT all safe", moment::local(ended)),
                (Some(ended), None) => moment::local(ended),
                (None, _) => format!("no end on record; last heard of {}", moment::local(run.last_ms)),
            };
            vec![run.run.to_string(), moment::local(run.started_ms), end]
        });
        let sessions = self.sessions.iter().map(|session| {
            let end = session.ended_ms.map_or_else(|| String::from("-"), moment::local);
            vec![
                session.run.to_string(),
                format!("s{}", session.session.trim_start_matches('s')),
                session.kind.clone(),
                session.role.clone(),
                moment::local(session.began_ms),
                end,
                session.reason.clone().unwrap_or_default(),
            ]
        });
        let teardowns = self.teardowns.iter().map(|teardown| {
            vec![
                teardown.id.to_string(),
                teardown.run.to_string(),
                moment::local(teardown.at_ms),
                teardown.cause.clone(),
                String::from(if teardown.confirmed { "all safe" } else { "NOT all safe" }),
                format!("{} ms", teardown.took_ms),
            ]
        });
        let section = |title: &str, heads: &[&str], rows: Vec<Vec<String>>| {
            if rows.is_empty() {
                format!("{title}: none")
            } else {
                format!("{title}\n{}", table::columns(heads, &rows))
            }
        };
        [
            section("Runs", &["run", "started", "ended"], runs.collect()),
            section(
                "Sessions",
                &["run", "session", "kind", "role", "began", "ended", "reason"],
                sessions.collect(),
            ),
            section("Teardowns", &["id", "run", "ended", "cause", "outcome", "took"], teardowns.collect()),
            String::from("A whole report: killcord journal show ID. Who came in: killcord journal access"),
        ]
        .join("\n\n")
    }

    /// One row an entry; what does not apply to it is empty.
    fn csv(&self) -> String {
        let mut rows: Vec<(u64, Vec<String>)> = Vec::new();
        let time = |ms: Option<u64>| ms.map_or_else(String::new, moment::utc);
        for run in &self.runs {
            let exit = run.exit.map_or_else(String::new, |exit| exit.to_string());
            rows.push((
                run.started_ms,
                vec![
                    "run".into(),
                    run.run.to_string(),
                    run.run.to_string(),
                    time(Some(run.started_ms)),
                    time(run.ended_ms),
                    String::new(),
                    exit,
                    String::new(),
                ],
            ));
        }
        for session in &self.sessions {
            rows.push((
                session.began_ms,
                vec![
                    "session".into(),
                    session.run.to_string(),
                    session.session.clone(),
                    time(Some(session.began_ms)),
                    time(session.ended_ms),
                    session.reason.clone().unwrap_or_default(),
                    String::new(),
                    String::new(),
                ],
            ));
        }
        for teardown in &self.teardowns {
            let began = teardown.at_ms.saturating_sub(teardown.took_ms);
            let confirmed = String::from(if teardown.confirmed { "confirmed" } else { "not confirmed" });
            rows.push((
                began,
                vec![
                    "teardown".into(),
                    teardown.run.to_string(),
                    teardown.id.to_string(),
                    time(Some(began)),
                    time(Some(teardown.at_ms)),
                    teardown.cause.clone(),
                    confirmed,
                    teardown.took_ms.to_string(),
                ],
            ));
        }
        rows.sort_by_key(|(at, _)| *at);
        let rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
        table::csv(&["entry", "run", "id", "began", "ended", "cause", "outcome", "took_ms"], &rows)
    }
}
