//! What there is to watch, in Prometheus' text format, for whoever is let in.
//!
//! Everything is read on the server's thread: atomics that the host has counted by, and the view that it shows pages
//! anyway. No question goes to the rules, whoever asks how often. Rows are as many as the rig file has devices and the
//! program has words: nothing that comes over a network makes another.

mod refusals;
mod sheet;

use std::{fmt, sync::Arc};

use axum::{
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse as _, Response},
};
use killcord::{
    Cause, SessionEnd, SessionKind,
    core::{DeviceIx, DeviceState},
    device::Tally,
    journal::Access,
    metrics::{ByCause, Counter, Histogram, Outcome, STANDINGS},
    wire::{RigState, WatchdogState},
};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, prometheus_text},
    registry::Registry,
};

pub(crate) use self::refusals::{Counted, Counts, count};
use self::sheet::{Rows, Sheet};
use crate::{answer::Refused, pair::Browser, server::Shared};

const RIG: [&str; 7] = ["opening", "safe", "arming", "armed", "making_safe", "not_safe", "released"];
const WATCHDOG: [&str; 4] = ["starting", "watching", "missing", "off"];

/// Gives them.
pub(crate) async fn get(State(shared): State<Arc<Shared>>, _paired: Browser) -> Result<Response, Refused> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape(shared)));
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry).map_err(|_| Refused::Failed)?;
    Ok(([(CONTENT_TYPE, prometheus_text::CONTENT_TYPE)], text).into_response())
}

/// One look at everything.
struct Scrape(Arc<Shared>);

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrape").finish_non_exhaustive()
    }
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let sheet = &mut Sheet::new(encoder);
        self.program(sheet)?;
        self.rig(sheet)?;
        self.teardowns(sheet)?;
        self.sessions(sheet)?;
        self.rules(sheet)?;
        self.devices(sheet)?;
        self.watchdog(sheet)?;
        self.server(sheet)
    }
}

impl Scrape {
    fn program(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        sheet.gauges("killcord_build_info", "The program; always 1", |row| {
            row(&[("version", env!("CARGO_PKG_VERSION"))], 1)
        })?;
        let started = self.0.counts.started();
        sheet.seconds("killcord_start_time", "When the server was started, since 1970", Some(started))
    }

    fn rig(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        let (view, metrics) = (self.0.host.view(), self.0.host.metrics());
        sheet.gauges("killcord_rig_info", "The rig by its name; always 1", |row| {
            row(&[("rig", &view.name)], 1)
        })?;
        sheet.states("killcord_rig_state", "Where the rig stands", &RIG, rig_word(view.state))?;
        sheet.gauge("killcord_armed", "1 while a device may act", metrics.energised.get())?;
        let tripped = u64::from(view.trip.is_some());
        sheet.gauge("killcord_tripped", "1 until a person acknowledges what tripped", tripped)?;
        // What a person should know is of the journal alone.
        let failing = u64::from(!view.notices.is_empty());
        sheet.gauge("killcord_journal_failing", "1 while the journal is not written", failing)
    }

    fn teardowns(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        let metrics = self.0.host.metrics();
        sheet.counters("killcord_causes", "Causes that came", by("cause", &Cause::CODES, &metrics.causes))?;
        sheet.counters("killcord_teardowns", "Teardowns by how they ended", |row| {
            Cause::CODES.iter().zip(&metrics.teardowns).try_for_each(|(cause, outcomes)| {
                Outcome::CODES.iter().zip(outcomes).try_for_each(|(outcome, count)| {
                    row(&[("cause", cause), ("outcome", outcome)], count.get())
                })
            })
        })?;
        for (name, help, all) in [
            ("killcord_first_safe_byte", "From the cause to the first safe byte", &metrics.first_byte),
            ("killcord_safe", "From the cause until every device was confirmed safe", &metrics.safe),
            ("killcord_teardown", "From the cause until the teardown was over", &metrics.teardown),
        ] {
            sheet.histograms(name, help, |row| by_cause(all, row))?;
        }
        Ok(())
    }

    fn sessions(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        let metrics = self.0.host.metrics();
        sheet.gauges("killcord_sessions", "Sessions that there are", |row| {
            SessionKind::CODES.iter().zip(&metrics.sessions).try_for_each(|(kind, standings)| {
                STANDINGS
                    .iter()
                    .zip(standings)
                    .try_for_each(|(state, count)| row(&[("kind", kind), ("state", state)], count.get()))
            })
        })?;
        let began = by("kind", &SessionKind::CODES, &metrics.began);
        sheet.counters("killcord_sessions_began", "Sessions that began", began)?;
        let ended = by("reason", &SessionEnd::CODES, &metrics.ended);
        sheet.counters("killcord_sessions_ended", "Sessions that ended", ended)?;
        sheet.counter("killcord_beats", "Beats that were taken", metrics.beats.get())
    }

    fn rules(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        let (host, metrics) = (&self.0.host, self.0.host.metrics());
        sheet.histograms(
            "killcord_rules_lateness",
            "How late the rules came to a time of theirs",
            |row| row(&[], metrics.late.read()),
        )?;
        let age = host.turn_age().as_secs_f64();
        sheet.seconds("killcord_rules_turn_age", "Since the rules went round last", Some(age))?;
        let dropped = metrics.dropped.get();
        sheet.counter("killcord_inputs_dropped", "Signs of life and readings that were dropped", dropped)
    }

    fn devices(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        let (view, host) = (self.0.host.view(), &self.0.host);
        sheet.gauges("killcord_device_state", "Where each device stands", |row| {
            view.devices.iter().try_for_each(|device| {
                DeviceState::CODES.iter().try_for_each(|state| {
                    let is = u64::from(*state == device.state.code());
                    row(&[("device", &device.name), ("state", state)], is)
                })
            })
        })?;
        type Part = fn(Tally) -> u64;
        let parts: [(&str, &str, Part); 3] = [
            ("killcord_device_exchanges", "Exchanges with a device", |tally| tally.exchanges),
            ("killcord_device_errors", "Exchanges that went wrong", |tally| tally.errors),
            ("killcord_device_timeouts", "Exchanges without an answer in time", |tally| tally.timeouts),
        ];
        let devices = || view.devices.iter().enumerate();
        for (name, help, part) in parts {
            sheet.counters(name, help, |row| {
                devices().try_for_each(|(at, device)| {
                    row(&[("device", &device.name)], part(host.exchanges(DeviceIx::from(at))))
                })
            })?;
        }
        sheet.counters("killcord_device_lost", "Connections to a device that were lost", |row| {
            devices()
                .zip(&host.metrics().lost)
                .try_for_each(|((_, device), lost)| row(&[("device", &device.name)], lost.get()))
        })
    }

    fn watchdog(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        let (view, host) = (self.0.host.view(), &self.0.host);
        let state = watchdog_word(view.watchdog.state);
        sheet.states("killcord_watchdog_state", "Whether there is a watchdog", &WATCHDOG, state)?;
        let age = host.watchdog_echo_age().map(|age| age.as_secs_f64());
        sheet.seconds("killcord_watchdog_echo_age", "Since the watchdog was heard of last", age)?;
        let lost = host.metrics().watchdogs_lost.get();
        sheet.counter("killcord_watchdog_lost", "Watchdogs that were lost", lost)?;
        let missing = view.watchdog.protections.len() as u64;
        sheet.gauge("killcord_watchdog_unprotected", "Protections that the watchdog lacks", missing)
    }

    fn server(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        let counts = &self.0.counts;
        sheet.counter("killcord_server_connections", "Connections that were taken", counts.connections())?;
        let access = by("event", &Access::CODES, &self.0.host.metrics().access);
        sheet.counters("killcord_access", "Who was let in, and who was not", access)?;
        sheet.gauge("killcord_server_open_connections", "Connections that there are", counts.open())?;
        sheet.counters("killcord_server_refusals", "Requests that were refused", |row| {
            counts.refused().try_for_each(|(code, count)| row(&[("code", code)], count))
        })
    }
}

/// A row for each word.
fn by<'a>(
    label: &'static str,
    codes: &'a [&'static str],
    counts: &'a [Counter],
) -> impl FnOnce(Rows<'_, u64>) -> fmt::Result + 'a {
    move |row| codes.iter().zip(counts).try_for_each(|(code, count)| row(&[(label, code)], count.get()))
}

fn by_cause(all: &ByCause<Histogram>, row: Rows<'_, killcord::metrics::Distribution>) -> fmt::Result {
    Cause::CODES.iter().zip(all).try_for_each(|(cause, histogram)| row(&[("cause", cause)], histogram.read()))
}

const fn rig_word(state: RigState) -> &'static str {
    match state {
        RigState::Opening => "opening",
        RigState::Safe => "safe",
        RigState::Arming => "arming",
        RigState::Armed => "armed",
        RigState::MakingSafe => "making_safe",
        RigState::NotSafe => "not_safe",
        RigState::Released => "released",
    }
}

const fn watchdog_word(state: WatchdogState) -> &'static str {
    match state {
        WatchdogState::Starting => "starting",
        WatchdogState::Watching => "watching",
        WatchdogState::Missing => "missing",
        WatchdogState::Off => "off",
    }
}
