//! The HTTP interface to the rig: what there is to see, commands in the name of an operator's session, and the safe
//! stop, which is nobody's privilege.
//!
//! It must never hold a lease, nor energise anything that the named session may not: the host judges the epoch.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::Bytes,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
};
use killcord::{
    Cause, Named,
    wire::{ArmBody, ErrorCode, Problem, ReadingsView, RigView, SetBody},
};
use serde::Deserialize;

use crate::{
    answer::Refused,
    pair::{Browser, Operator},
    server::Shared,
};

/// How long a command's answer is waited for; after that it is "accepted", and the same command asks again.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);
/// Written from crates/wire by `cargo xtask generate`.
const OPENAPI: &str = include_str!("openapi.json");

/// What this interface is, for programs.
pub(crate) async fn openapi(_paired: Browser) -> Response {
    ([(CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

/// What a page would be shown now, without the past of its readings.
pub(crate) async fn rig(State(shared): State<Arc<Shared>>, _paired: Browser) -> Json<RigView> {
    Json((*shared.host.view()).clone())
}

/// Makes the rig safe by its controlled sequence and stays connected.
pub(crate) async fn safe(State(shared): State<Arc<Shared>>, _paired: Browser) -> StatusCode {
    drop(shared.host.make_safe(Cause::SafeStop));
    StatusCode::ACCEPTED
}

/// The safe stop, by the rig's `on_safe_stop`.
pub(crate) async fn stop(State(shared): State<Arc<Shared>>, _paired: Browser) -> StatusCode {
    drop(shared.host.safe_stop());
    StatusCode::ACCEPTED
}

/// Makes the rig safe, hands it back and disconnects.
pub(crate) async fn release(State(shared): State<Arc<Shared>>, _by: Operator) -> StatusCode {
    drop(shared.host.release(Cause::SafeStop));
    StatusCode::ACCEPTED
}

/// Arms the rig in the name of an operator's session.
pub(crate) async fn arm(
    State(shared): State<Arc<Shared>>,
    Operator(by): Operator,
    body: Bytes,
) -> Result<Response, Refused> {
    let ArmBody { session, epoch, id } = serde_json::from_slice(&body).map_err(|_| Refused::BadRequest)?;
    let named = Named { browser: by.id, session, epoch, id };
    answered(shared.host.arm(named)).await
}

/// Sets a control in the name of an operator's session.
pub(crate) async fn set(
    State(shared): State<Arc<Shared>>,
    Operator(by): Operator,
    names: Result<Path<(String, String)>, PathRejection>,
    body: Bytes,
) -> Result<Response, Refused> {
    let Path((device, control)) = names.map_err(|_| Refused::Unknown)?;
    let SetBody { session, epoch, id, value } =
        serde_json::from_slice(&body).map_err(|_| Refused::BadRequest)?;
    let named = Named { browser: by.id, session, epoch, id };
    answered(shared.host.set(named, &device, &control, value)).await
}

async fn answered(
    answer: impl Future<Output = Option<Result<(), killcord::Refused>>>,
) -> Result<Response, Refused> {
    match tokio::time::timeout(ANSWER_WITHIN, answer).await {
        Ok(Some(Ok(()))) => Ok(StatusCode::NO_CONTENT.into_response()),
        Ok(Some(Err(refused))) => {
            let status = match refused.code {
                ErrorCode::BadFrame | ErrorCode::Version => StatusCode::BAD_REQUEST,
                ErrorCode::Unknown => StatusCode::NOT_FOUND,
                ErrorCode::BadValue => StatusCode::UNPROCESSABLE_ENTITY,
                ErrorCode::Busy => StatusCode::TOO_MANY_REQUESTS,
                _ => StatusCode::CONFLICT,
            };
            let code = word(refused.code);
            Ok((status, Json(Problem { code, message: refused.message })).into_response())
        }
        Ok(None) => Err(Refused::Ending),
        Err(_) => Ok(StatusCode::ACCEPTED.into_response()),
    }
}

fn word(code: ErrorCode) -> String {
    match serde_json::to_value(code) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Which readings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    device: Option<String>,
    name: Option<String>,
    #[serde(default)]
    since_ms: u64,
}

/// The recent past of readings.
pub(crate) async fn readings(
    State(shared): State<Arc<Shared>>,
    _paired: Browser,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<ReadingsView>, Refused> {
    let Query(Wanted { device, name, since_ms }) = wanted.map_err(|_| Refused::BadRequest)?;
    shared.host.readings(device, name, since_ms).await.map(Json).ok_or(Refused::Ending)
}
