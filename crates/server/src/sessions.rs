//! Who is attached: listed, and ended by a person who may operate.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
};
use killcord::{Role, core::SessionId, wire::SessionsView};

use crate::{
    answer::Refused,
    pair::{Browser, Operator},
    server::Shared,
};

/// All of them, and the last that have ended. From where they come, and as whom, is for operators.
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    browser: Browser,
) -> Result<Json<SessionsView>, Refused> {
    let mut all = shared.host.sessions().await.ok_or(Refused::Ending)?;
    if browser.role() != Role::Operator {
        for session in &mut all.sessions {
            (session.address, session.who) = (None, None);
        }
        for session in &mut all.ended {
            (session.address, session.who) = (None, None);
        }
    }
    Ok(Json(all))
}

/// Ends one; its page is told why.
pub(crate) async fn end(
    State(shared): State<Arc<Shared>>,
    _by: Operator,
    session: Result<Path<u64>, PathRejection>,
) -> Result<StatusCode, Refused> {
    let Path(session) = session.map_err(|_| Refused::Unknown)?;
    match shared.host.end_session(SessionId(session)).await {
        Some(true) => Ok(StatusCode::NO_CONTENT),
        Some(false) => Err(Refused::Unknown),
        None => Err(Refused::Ending),
    }
}
