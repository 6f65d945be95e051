//! `[safety]`

use std::time::Duration;

use killcord_core::{
    Mode,
    policy::{self, ArmPolicy, OnConnect, OnLast, OnLost, OnSuspend, OnWindowClose, Watchdog},
};

use super::not_yet;
use crate::{duration::show, fields::Fields, source::Span};

/// Host and watchdog hear of each other four times a second; fewer than four words missed are no silence.
const SHORTEST_HANG: Duration = Duration::from_secs(1);

/// `[safety]`, checked.
#[derive(Default)]
pub(crate) struct Safety {
    pub(crate) policy: policy::Safety,
    /// Where `arm = "on-first-session"` stands.
    pub(crate) arms_by_itself: Option<Span>,
}

/// Reads the section; every key has a default.
pub(crate) fn read(root: &Fields<'_>) -> Safety {
    let mut safety = Safety::default();
    let Some(node) = root.get("safety") else { return safety };
    let Some(fields) = node.table("[safety]", "a table: write [safety] once, in single brackets") else {
        return safety;
    };
    let policy = &mut safety.policy;

    if let Some(node) = fields.get("arm")
        && let Some(arm) =
            node.word(&[("manual", ArmPolicy::Manual), ("on-first-session", ArmPolicy::OnFirstSession)])
    {
        policy.arm = arm;
        safety.arms_by_itself = (arm == ArmPolicy::OnFirstSession).then_some(node.span);
    }
    if let Some(node) = fields.get("on_connect")
        && node.word(&[("safe", OnConnect::Safe), ("ask", OnConnect::Ask)]) == Some(OnConnect::Ask)
    {
        not_yet(
            root.problems,
            node.span,
            "on_connect = \"ask\"",
            "a bench found live would be made safe all the same",
            "leave it out, and switch off by hand what must not be ended at once",
        );
    }
    if let Some(found) = fields
        .get("on_control_lost")
        .and_then(|node| node.word(&[("safe", OnLost::Safe), ("hold", OnLost::Hold)]))
    {
        policy.on_control_lost = found;
    }
    if let Some(found) = fields.get("on_last_session").and_then(|node| {
        node.word(&[("release", OnLast::Release), ("safe", OnLast::Safe), ("hold", OnLast::Hold)])
    }) {
        policy.on_last_session = found;
    }
    let hold_for = fields.field("hold_for");
    if let Some(found) = hold_for.and_then(|field| field.node.time()) {
        policy.hold_for = found;
    }
    if let Some(found) = fields
        .get("on_safe_stop")
        .and_then(|node| node.word(&[("emergency", Mode::Emergency), ("safe", Mode::Safe)]))
    {
        policy.on_safe_stop = found;
    }
    if let Some(found) = fields
        .get("on_window_close")
        .and_then(|node| node.word(&[("quit", OnWindowClose::Quit), ("ask", OnWindowClose::Ask)]))
    {
        policy.on_window_close = found;
    }
    if let Some(found) = fields
        .get("on_suspend")
        .and_then(|node| node.word(&[("safe", OnSuspend::Safe), ("hold", OnSuspend::Hold)]))
    {
        policy.on_suspend = found;
    }
    let watchdog = [("required", Watchdog::Required), ("off", Watchdog::Off)];
    if let Some(found) = fields.get("watchdog").and_then(|node| node.word(&watchdog)) {
        policy.watchdog = found;
    }
    if let Some(node) = fields.get("hang_after")
        && let Some(found) = node.time()
    {
        if found < SHORTEST_HANG {
            node.error(format!("`hang_after` is at least {}", show(SHORTEST_HANG)))
                .help("leave it out for 5s; shorter, a busy machine would pass for a hung host")
                .tell();
        } else {
            policy.hang_after = found;
        }
    }

    if let Some(field) = hold_for
        && policy.on_control_lost != OnLost::Hold
        && policy.on_last_session != OnLast::Hold
    {
        root.problems
            .warning(field.key_span, "`hold_for` never takes effect: nothing here holds")
            .help("leave it out, or write on_last_session = \"hold\" or on_control_lost = \"hold\"")
            .tell();
    }
    fields.finish();
    safety
}
