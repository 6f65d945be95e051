//! Which path leads where. All own paths lie under `/killcord/`; everything else is the page that holds the session. The
//! wrapped app is behind another address.

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{delete, get, post, put},
};
use killcord::wire::MAX_FRAME;

use crate::{
    answer::Refused, api, bye, gate, guests, health, metrics, pages, pair, proxy, server::Shared, sessions,
    socket, teardowns,
};

pub(crate) fn routes(shared: &Arc<Shared>) -> Router {
    let own = Router::new()
        .route("/pair", get(pages::pair).post(pair::take).delete(pair::leave))
        .route("/panel", get(pages::panel))
        .route("/ws", get(socket::open))
        .route("/bye", post(bye::take))
        .route("/metrics", get(metrics::get))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/openapi.json", get(api::openapi))
        .route("/api/v1/rig", get(api::rig))
        .route("/api/v1/arm", post(api::arm))
        .route("/api/v1/safe", post(api::safe))
        .route("/api/v1/stop", post(api::stop))
        .route("/api/v1/release", post(api::release))
        .route("/api/v1/devices/{device}/controls/{control}", put(api::set))
        .route("/api/v1/readings", get(api::readings))
        .route("/api/v1/teardowns", get(teardowns::list))
        .route("/api/v1/teardowns/{id}", get(teardowns::one))
        .route("/api/v1/sessions", get(sessions::list))
        .route("/api/v1/sessions/{id}", delete(sessions::end))
        .route("/api/v1/tokens", get(guests::list))
        .route("/api/v1/tokens/{name}", delete(guests::revoke))
        .route("/api/v1/links", post(guests::link))
        .route("/enter", post(proxy::ticket))
        .fallback(pages::file)
        .method_not_allowed_fallback(wrong_method);
    let all = Router::new().nest("/killcord", own);
    let all = if shared.app.is_some() { all.fallback(proxy::shell) } else { all.fallback(pages::get) };
    all.layer(DefaultBodyLimit::max(MAX_FRAME))
        .layer(middleware::from_fn_with_state(Arc::clone(shared), gate::own))
        .layer(middleware::from_fn_with_state(Arc::clone(shared), gate::check))
        .layer(middleware::from_fn_with_state(Arc::clone(shared), metrics::count))
        .with_state(Arc::clone(shared))
}

/// Behind the address of the wrapped app.
pub(crate) fn app(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route(proxy::ENTER, get(proxy::enter))
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(Arc::clone(shared), gate::own))
        // Behind that layer: neither the limits nor the headers of our own answers are the app's.
        .fallback(proxy::get)
        .layer(middleware::from_fn_with_state(Arc::clone(shared), proxy::check))
        .layer(middleware::from_fn_with_state(Arc::clone(shared), metrics::count))
        .with_state(Arc::clone(shared))
}

async fn wrong_method() -> Refused {
    Refused::WrongMethod
}
