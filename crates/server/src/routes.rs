//! Which path leads where. All own paths lie under `/killcord/`; everything else is the pages'.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    middleware,
    routing::{delete, get, post},
};
use killcord::wire::{MAX_FRAME, RigView};

use crate::{
    answer::Refused, bye, gate, health, pages, pair, pair::Browser, server::Shared, sessions, socket,
};

pub(crate) fn routes(shared: &Arc<Shared>) -> Router {
    let own = Router::new()
        .route("/pair", get(pages::pair).post(pair::take).delete(pair::leave))
        .route("/ws", get(socket::open))
        .route("/bye", post(bye::take))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/api/v1/rig", get(rig))
        .route("/api/v1/sessions", get(sessions::list))
        .route("/api/v1/sessions/{id}", delete(sessions::end))
        .fallback(pages::file)
        .method_not_allowed_fallback(nothing);
    Router::new()
        .nest("/killcord", own)
        .fallback(pages::get)
        .layer(DefaultBodyLimit::max(MAX_FRAME))
        .layer(middleware::from_fn_with_state(Arc::clone(shared), gate::check))
        .with_state(Arc::clone(shared))
}

async fn nothing() -> Refused {
    Refused::Unknown
}

/// What a page would be shown now, without the past of its readings.
async fn rig(State(shared): State<Arc<Shared>>, _paired: Browser) -> Json<RigView> {
    Json((*shared.host.view()).clone())
}
