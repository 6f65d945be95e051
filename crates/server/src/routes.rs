//! Which path leads where. All own paths lie under `/killcord/`; everything else is the wrapped app's or the pages'.

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
        .fallback(pages::file)
        .method_not_allowed_fallback(wrong_method);
    let ours = Router::new().nest("/killcord", own);
    let wraps = shared.host.rig().plan.app.is_some();
    let ours = if wraps { ours } else { ours.fallback(pages::get) };
    let ours = ours
        .layer(DefaultBodyLimit::max(MAX_FRAME))
        .layer(middleware::from_fn_with_state(Arc::clone(shared), gate::own));
    // Behind the layers: neither the limits nor the headers of our own answers are the app's.
    let all = if wraps { ours.fallback(proxy::get) } else { ours };
    all.layer(middleware::from_fn_with_state(Arc::clone(shared), gate::check))
        .layer(middleware::from_fn_with_state(Arc::clone(shared), metrics::count))
        .with_state(Arc::clone(shared))
}

async fn wrong_method() -> Refused {
    Refused::WrongMethod
}
