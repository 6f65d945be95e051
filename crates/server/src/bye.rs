//! Goodbyes of pages whose socket is gone, or would be too slow: a beacon, sent as the page goes.

use std::sync::Arc;

use axum::{body::Bytes, extract::State, http::StatusCode};
use killcord::wire::ToHost;

use crate::{answer::Refused, pair::Browser, server::Shared};

/// Takes a `bye` frame. Whether it is one that counts, the host judges; the answer tells nothing of it.
pub(crate) async fn take(
    State(shared): State<Arc<Shared>>,
    browser: Browser,
    body: Bytes,
) -> Result<StatusCode, Refused> {
    match serde_json::from_slice(&body) {
        Ok(ToHost::Bye { session, nonce, persisted }) => {
            shared.host.goodbye(browser.id, session, nonce, persisted);
            Ok(StatusCode::NO_CONTENT)
        }
        _ => Err(Refused::BadRequest),
    }
}
