//! The journal's teardowns, read from the disk on a thread of its own: a slow disk holds up no page.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, Query, State, rejection::PathRejection, rejection::QueryRejection},
};
use killcord::{
    core::{Report, Time, report::DeviceReport},
    journal::{JournalError, Reader},
    wire::{TeardownCause, TeardownExchange, TeardownHead, TeardownOfDevice, TeardownReport, TeardownsView},
};
use serde::Deserialize;

use crate::{answer::Refused, pair::Browser, server::Shared};

/// The most that are listed at once.
const MOST: u32 = 1000;

/// How many.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    #[serde(default = "usual")]
    most: u32,
}

const fn usual() -> u32 {
    100
}

/// The last ones, the newest first.
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    _paired: Browser,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<TeardownsView>, Refused> {
    let Query(Wanted { most }) = wanted.map_err(|_| Refused::BadRequest)?;
    if most > MOST {
        return Err(Refused::BadRequest);
    }
    let found = read(&shared, move |journal| journal.teardowns(most)).await?;
    let head = |found: killcord::journal::Teardown| TeardownHead {
        id: found.id,
        run: found.run,
        at_unix_ms: found.at_ms,
        cause: found.cause,
        confirmed: found.confirmed,
        took_ms: found.took_ms,
    };
    Ok(Json(TeardownsView { teardowns: found.into_iter().map(head).collect() }))
}

/// One of them, whole.
pub(crate) async fn one(
    State(shared): State<Arc<Shared>>,
    _paired: Browser,
    id: Result<Path<u64>, PathRejection>,
) -> Result<Json<TeardownReport>, Refused> {
    // The database counts in signed numbers.
    let id = id.ok().map(|Path(id)| id).filter(|id| i64::try_from(*id).is_ok()).ok_or(Refused::Unknown)?;
    read(&shared, move |journal| journal.report(id)).await?.map(whole).map(Json).ok_or(Refused::Unknown)
}

async fn read<T: Send + 'static>(
    shared: &Shared,
    look: impl FnOnce(&Reader) -> Result<T, JournalError> + Send + 'static,
) -> Result<T, Refused> {
    let folder = shared.state.clone();
    let read = move || Reader::open(&folder).and_then(|journal| look(&journal));
    match tokio::task::spawn_blocking(read).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "the journal cannot be read");
            Err(Refused::NoJournal)
        }
        Err(_) => Err(Refused::NoJournal),
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn whole(report: Report) -> TeardownReport {
    let began = report.began;
    let after = |time: Time| ms(time.since(began));
    TeardownReport {
        confirmed: report.confirmed(),
        causes: report
            .causes
            .iter()
            .map(|(at, cause)| TeardownCause { cause: cause.code().into(), at_ms: after(*at) })
            .collect(),
        mode: report.mode,
        extent: report.extent,
        took_ms: ms(report.took),
        out_of_time: report.out_of_time,
        devices: report.devices.into_iter().map(|device| of_device(device, after)).collect(),
        notes: report.notes,
    }
}

fn of_device(device: DeviceReport, after: impl Fn(Time) -> u64) -> TeardownOfDevice {
    TeardownOfDevice {
        confirmed: device.confirmed(),
        device: device.name,
        status: device.status,
        mode: device.mode,
        released: device.released,
        first_byte_ms: device.first_byte.map(&after),
        safe_ms: device.safe_at.map(&after),
        exchanges: device
            .exchanges
            .into_iter()
            .map(|exchange| TeardownExchange {
                phase: exchange.phase,
                step: exchange.step,
                at_ms: after(exchange.at),
                done_ms: after(exchange.done),
                answer: exchange.answer,
                error: exchange.error,
            })
            .collect(),
        remarks: device.remarks,
    }
}
