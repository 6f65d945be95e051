//! Who is attached: listed, and ended by a person who may operate.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
};
use killcord::{core::SessionId, wire::SessionsView};

use crate::{answer::Refused, pair::Browser, server::Shared};

/// From where a connection came.
#[derive(Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// All of them, and the last that have ended.
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    _paired: Browser,
) -> Result<Json<SessionsView>, Refused> {
    shared.host.sessions().await.map(Json).ok_or(Refused::Ending)
}

/// Ends one; its page is told why.
pub(crate) async fn end(
    State(shared): State<Arc<Shared>>,
    _paired: Browser,
    session: Result<Path<u64>, PathRejection>,
) -> Result<StatusCode, Refused> {
    let Path(session) = session.map_err(|_| Refused::Unknown)?;
    match shared.host.end_session(SessionId(session)).await {
        Some(true) => Ok(StatusCode::NO_CONTENT),
        Some(false) => Err(Refused::Unknown),
        None => Err(Refused::Ending),
    }
}
