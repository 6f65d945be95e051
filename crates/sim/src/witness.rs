//! The witness: what the hardware did, as JSON over HTTP on loopback, and faults on demand.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /`, `GET /?after=SEQ` | a [`Snapshot`]; of commands and changes only those after that number |
//! | `GET /instruments/NAME` | an [`InstrumentSnapshot`] |
//! | `GET /faults/NAME` | its faults |
//! | `POST /faults/NAME` with a [`Fault`] as `application/json` | adds it; its faults |
//! | `DELETE /faults/NAME` | clears all of them |
//!
//! Loopback alone does not keep a web page out (DNS rebinding): the Host header has to be a loopback name,
//! and a `POST` has to be JSON, which a page of another origin may not send unasked.

use std::{sync::Arc, time::Instant};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, Query, Request, State},
    http::{StatusCode, header::HOST},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::{
    fault::{Fault, FaultError},
    snapshot::{InstrumentSnapshot, Snapshot},
    world::Shared,
};

/// Serves until the task is dropped.
pub(crate) async fn serve(shared: Arc<Shared>, listener: TcpListener) {
    let router = Router::new()
        .route("/", get(all))
        .route("/instruments/{name}", get(instrument))
        .route("/faults/{name}", get(faults).post(add_fault).delete(clear_faults))
        .layer(DefaultBodyLimit::max(16 * 1024))
        .layer(middleware::from_fn(only_loopback_names))
        .with_state(shared);
    // Ends only with its task: axum retries failed accepts itself.
    let _never = axum::serve(listener, router).await;
}

async fn only_loopback_names(request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name =
        host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(host, |(name, _)| name);
    if matches!(name, "127.0.0.1" | "localhost" | "[::1]") {
        next.run(request).await
    } else {
        let message =
            "the witness answers to 127.0.0.1, localhost and [::1] only; use one of these in the URL";
        refusal(StatusCode::FORBIDDEN, "wrong_host", message.to_owned())
    }
}

#[derive(Deserialize)]
struct Since {
    #[serde(default)]
    after: u64,
}

async fn all(State(shared): State<Arc<Shared>>, Query(since): Query<Since>) -> Json<Snapshot> {
    Json(shared.update(|world, now| world.snapshot(now, since.after)))
}

async fn instrument(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<Json<InstrumentSnapshot>, Wrong> {
    shared.update(|world, _| world.instrument(&name)).map(Json).map_err(Wrong::from)
}

async fn faults(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<Json<Vec<Fault>>, Wrong> {
    shared.update(|world, _| world.faults(&name)).map(Json).map_err(Wrong::from)
}

async fn add_fault(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Json(fault): Json<Fault>,
) -> Result<Json<Vec<Fault>>, Wrong> {
    let added = |world: &mut crate::world::World, now: Instant| {
        world.add_fault(&name, fault, now)?;
        world.faults(&name)
    };
    shared.update(added).map(Json).map_err(Wrong::from)
}

async fn clear_faults(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<StatusCode, Wrong> {
    shared.update(|world, _| world.clear_faults(&name)).map_err(Wrong::from)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize)]
struct Refusal {
    code: &'static str,
    message: String,
}

fn refusal(status: StatusCode, code: &'static str, message: String) -> Response {
    (status, Json(Refusal { code, message })).into_response()
}

/// A request that names nothing, or asks for what cannot be.
struct Wrong(FaultError);

impl From<FaultError> for Wrong {
    fn from(error: FaultError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        let (status, code) = match self.0 {
            FaultError::UnknownInstrument { .. } => (StatusCode::NOT_FOUND, "unknown_instrument"),
            FaultError::Useless { .. } => (StatusCode::BAD_REQUEST, "useless_fault"),
            FaultError::NotScripted { .. } => (StatusCode::BAD_REQUEST, "not_scripted"),
        };
        refusal(status, code, self.0.to_string())
    }
}
