//! What happens is told: counted, said in the log within the span of its session or teardown, written to the journal.
//!
//! Behind the order to the hardware, always; the log's writer and the journal's are threads of their own.

use std::{collections::BTreeMap, net::IpAddr};

use killcord_core::{Cause, Report, SessionId, rules::Event};
use tracing::{Span, error_span, field::display};

use super::Engine;
use crate::journal::{Comer, Entrance, What};

/// The spans that are open.
///
/// At the level of errors, so that what is said in one always has its fields, however little is logged.
#[derive(Default)]
pub(super) struct Spans {
    sessions: BTreeMap<SessionId, Span>,
    teardown: Option<Span>,
}

impl Engine {
    pub(super) fn record(&mut self, event: Event) {
        self.shared.metrics.count(&event);
        self.spans.tell(&event, &self.comes);
        self.journal.record(What::Event { event, by: self.comes.clone() });
    }

    /// Who came to the door. Counted already.
    pub(super) fn record_access(&self, entrance: Entrance) {
        let Entrance { access, from, name, more } = &entrance;
        tracing::info!(address = from.map(display), name, more, "access: {}", access.code());
        self.journal.record(What::Access(entrance));
    }

    /// A page has come back to its session.
    pub(super) fn record_return(&self, session: SessionId, before: Option<IpAddr>) {
        self.spans.within(session, || tracing::info!(address = self.comes.address.map(display), "came back"));
        if let Some(address) = self.comes.address.filter(|_| before != self.comes.address) {
            self.journal.record(What::Moved { session, address });
        }
    }
}

impl Spans {
    /// A session that begins is `by` that one.
    fn tell(&mut self, event: &Event, by: &Comer) {
        match event {
            Event::SessionBegan { session, kind, role } => {
                let (kind, address, who) = (kind.code(), by.address.map(display), by.who.as_deref());
                let span = error_span!("session", id = %session, kind, address, who);
                span.in_scope(|| tracing::info!(?role, "began"));
                self.sessions.insert(*session, span);
            }
            Event::SessionEnded { session, reason } => {
                if let Some(span) = self.sessions.remove(session) {
                    span.in_scope(|| tracing::info!(reason = reason.code(), "ended"));
                }
            }
            Event::Control { holder } => match holder.and_then(|holder| self.sessions.get(&holder)) {
                Some(span) => span.in_scope(|| tracing::info!("in control")),
                None => tracing::info!("nobody is in control"),
            },
            Event::Arming { session } => self.within(*session, || tracing::info!("arms the rig")),
            Event::Armed => tracing::info!("the rig is armed"),
            Event::Acknowledged { session } => self.within(*session, || tracing::info!("acknowledges")),
            Event::Cause { cause, joined: false } => {
                let span = error_span!("teardown", cause = cause.code());
                span.in_scope(|| tracing::info!("began"));
                self.teardown = Some(span);
            }
            Event::Cause { cause, joined: true } => {
                if let Some(span) = &self.teardown {
                    span.in_scope(|| tracing::info!(another = cause.code(), "another cause joins"));
                }
            }
            Event::Teardown(report) => {
                if let Some(span) = self.teardown.take() {
                    span.in_scope(|| over(report));
                }
            }
            _ => {}
        }
    }

    fn within(&self, session: SessionId, tell: impl FnOnce()) {
        match self.sessions.get(&session) {
            Some(span) => span.in_scope(tell),
            None => tell(),
        }
    }
}

fn over(report: &Report) {
    let took_ms = crate::view::ms(report.took);
    if report.confirmed() {
        return tracing::info!(took_ms, "over: every device is confirmed safe");
    }
    let names: Vec<_> = report.unconfirmed().map(|device| device.name.as_str()).collect();
    let (devices, out_of_time) = (names.join(", "), report.out_of_time);
    // What the host does on its own it does again until it succeeds, and the panel shows it.
    if matches!(report.causes.first(), Some((_, Cause::Start | Cause::Recovery | Cause::Retry { .. }))) {
        tracing::info!(took_ms, devices, out_of_time, "over: NOT confirmed safe");
    } else {
        tracing::error!(took_ms, devices, out_of_time, "over: NOT confirmed safe; look at the bench");
    }
}
