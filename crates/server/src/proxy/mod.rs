//! The way to the wrapped app: with `[app]`, every path outside `/killcord/` is the app's, for paired browsers.
//!
//! No HTML of the app is touched. A document at the top of a tab is Killcord's own page, which holds the session and
//! frames the app at the same path; whatever else is asked goes to the app, streamed both ways. **It must never**
//! buffer a body, let the app see Killcord's cookie, or let the app's answer take that cookie away.

mod absent;
mod forward;
mod head;
mod shell;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Extension,
    extract::{Request, State},
    http::Method,
    response::{IntoResponse as _, Response},
};
use killcord::wire::AppState;

use crate::{answer::Refused, from::From, gate, pair::Browser, secret, server::Shared};

/// Everything outside `/killcord/` where the rig has an app.
pub(crate) async fn get(
    State(shared): State<Arc<Shared>>,
    Extension(from): Extension<From>,
    browser: Result<Browser, Refused>,
    request: Request,
) -> Response {
    let path = request.uri().path();
    let ours = path == "/killcord" || path.starts_with("/killcord/");
    // A way through to somewhere else, and an echo of what a script must not see: neither is anything for an app.
    if ours || matches!(*request.method(), Method::CONNECT | Method::TRACE) {
        return gate::ours(Refused::Unknown.into_response());
    }
    let top = shell::is_for(&request);
    if top && matches!(*request.method(), Method::GET | Method::HEAD) {
        return gate::ours(shell::document(&shared, browser, request.method()));
    }
    let browser = match browser {
        Ok(browser) => browser,
        Err(refused) => return gate::ours(refused.into_response()),
    };
    // A form for the whole tab: the page that it leaves may be back behind a redirect, and is given its grace.
    if top && let Some(nonce) = secret::word() {
        shared.host.document(browser.id, nonce);
    }
    let as_page = absent::wants_page(request.headers());
    let answer = match address(&shared) {
        Ok(app) if head::is_service_worker(request.headers()) => {
            tracing::debug!(%app, "the app asked for a service worker");
            Err(Refused::ServiceWorker)
        }
        Ok(app) => forward::pass(&shared, request, app, &from, browser.revoked()).await,
        Err(refused) => Err(refused),
    };
    match answer {
        Ok(answer) => answer,
        Err(refused) if as_page => gate::ours(absent::page(refused)),
        Err(refused) => gate::ours(refused.into_response()),
    }
}

/// Where the app answers. One that is being stopped may still be told by its page to let go.
fn address(shared: &Shared) -> Result<SocketAddr, Refused> {
    let state = shared.host.view().app.as_ref().map(|app| app.state);
    match (state, shared.host.app_address()) {
        (Some(AppState::Ready | AppState::Stopping), Some(address)) => Ok(address),
        (Some(AppState::Stopped | AppState::Exited), _) => Err(Refused::AppGone),
        _ => Err(Refused::AppNotReady),
    }
}
