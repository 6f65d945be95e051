//! For whoever watches the program: whether it answers, and whether the rig is open. Says nothing else.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use killcord::wire::RigState;

use crate::{answer::Refused, server::Shared};

/// It answers.
pub(crate) async fn alive() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// The rig was opened.
pub(crate) async fn ready(State(shared): State<Arc<Shared>>) -> Result<StatusCode, Refused> {
    match shared.host.view().state {
        RigState::Opening => Err(Refused::NotReady),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}
