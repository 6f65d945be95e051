//! `[session]`

use std::time::Duration;

use killcord_core::policy::{Liveness, Session};

use crate::{
    duration::show,
    fields::{Field, Fields},
    problems::Problems,
};

/// Beats that may be missed before a lease is over, at least.
const BEATS: u32 = 3;
/// The same where the page's main thread has to answer: the answer is a beat old when it is told.
const ANSWERED_BEATS: u32 = 4;
/// More often would load the host for nothing.
const FASTEST_BEAT: Duration = Duration::from_millis(50);

/// Reads the section; every key has a default.
pub(crate) fn read(root: &Fields<'_>) -> Session {
    let mut session = Session::default();
    let Some(node) = root.get("session") else { return session };
    let Some(fields) = node.table("[session]", "a table: write [session] once, in single brackets") else {
        return session;
    };
    let beat = fields.field("beat");
    if let Some((field, found)) = beat.and_then(|field| Some((field, field.node.time()?))) {
        if found < FASTEST_BEAT {
            field
                .node
                .error(format!("`beat` is at least {}", show(FASTEST_BEAT)))
                .help("leave it out for 1s")
                .tell();
        } else {
            session.beat = found;
        }
    }
    let expire_after = fields.field("expire_after");
    if let Some(found) = expire_after.and_then(|field| field.node.time()) {
        session.expire_after = found;
    }
    if let Some(found) = fields.get("reload_grace").and_then(|node| node.duration()) {
        session.reload_grace = found;
    }
    let frozen_for = fields.field("frozen_for");
    if let Some(found) = frozen_for.and_then(|field| field.node.time()) {
        session.frozen_for = found;
    }
    if let Some(found) = fields.get("idle_after").and_then(|node| node.time_or_never()) {
        session.idle_after = found;
    }
    let idle_warning = fields.field("idle_warning");
    if let Some(found) = idle_warning.and_then(|field| field.node.time()) {
        session.idle_warning = found;
    }
    if let Some(node) = fields.get("liveness")
        && let Some(found) = node.word(&[
            ("page", Liveness::Page),
            ("connection", Liveness::Connection),
            ("operator", Liveness::Operator),
        ])
    {
        session.liveness = found;
    }

    let (beats, word) = match session.liveness {
        Liveness::Operator => (ANSWERED_BEATS, "four"),
        _ => (BEATS, "three"),
    };
    let least = session.beat.saturating_mul(beats);
    if session.expire_after < least
        && let Some(at) = expire_after.or(beat)
    {
        let draft = at.node.error(format!("`expire_after` must be at least {word} beats")).label(format!(
            "expire_after is {}, {word} beats are {}",
            show(session.expire_after),
            show(least)
        ));
        let draft = match beat {
            Some(beat) if beat.key_span != at.key_span => draft.also(beat.node.span, "one beat"),
            _ => draft,
        };
        draft
            .help(format!("write expire_after = \"{}\", or a shorter beat", show(least)))
            .help("with less, one late beat would take the hardware from its operator")
            .tell();
    }
    if let Some(field) = frozen_for {
        never_frozen(root.problems, field, &session);
    }
    match (session.idle_after, idle_warning) {
        (None, Some(field)) => root
            .problems
            .warning(field.key_span, "`idle_warning` never takes effect: idle_after is \"never\"")
            .help("leave it out, or write idle_after = \"30m\"")
            .tell(),
        (Some(idle), _) if session.idle_warning >= idle => {
            if let Some(field) = idle_warning.or_else(|| fields.peek("idle_after")) {
                field
                    .node
                    .error("`idle_warning` must be shorter than `idle_after`")
                    .label(format!(
                        "idle_warning is {}, idle_after is {}",
                        show(session.idle_warning),
                        show(idle)
                    ))
                    .help("write a shorter idle_warning")
                    .tell();
            }
        }
        _ => {}
    }
    fields.finish();
    session
}

/// Tells of a time for frozen pages where none is ever taken for frozen.
fn never_frozen(problems: &Problems, field: Field<'_>, session: &Session) {
    if session.liveness == Liveness::Connection {
        problems
            .warning(field.key_span, "`frozen_for` never takes effect: liveness is \"connection\"")
            .help("leave it out: a browser that answers keeps session and control; or write liveness = \"page\"")
            .tell();
    } else if session.frozen_for <= session.expire_after {
        problems
            .warning(field.key_span, "`frozen_for` never takes effect: a silent page is gone before it")
            .label(format!("expire_after is {}", show(session.expire_after)))
            .help("leave it out for 10m, or write a longer one")
            .tell();
    }
}
