//! The way to the wrapped app, which has an address of its own: another origin than our pages, for browsers that one
//! of those has let in there.
//!
//! A document at the top of a tab is always Killcord's own page, at our address; it holds the session and frames the
//! app. No HTML of the app is touched; whatever is asked goes to it, streamed both ways. **It must never** buffer a body,
//! let the app see Killcord's cookies, or let the app's answer take those away. Nothing of our own is behind the app's
//! address, and nothing of the app's behind ours.

mod absent;
mod enter;
mod entry;
mod forward;
mod gate;
mod head;
mod origin;
mod shell;

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
    http::Method,
    response::{IntoResponse as _, Response},
};
use killcord::{AppAddress, wire::AppState};

use self::gate::Visit;
use crate::{answer::Refused, from::From, gate::ours, server::Shared};

pub(crate) use self::{
    enter::{PATH as ENTER, enter, ticket},
    entry::Entries,
    gate::check,
    shell::shell,
};

/// Everything behind the app's address.
pub(crate) async fn get(
    State(shared): State<Arc<Shared>>,
    Extension(from): Extension<From>,
    Extension(visit): Extension<Visit>,
    request: Request,
) -> Response {
    let path = request.uri().path();
    let own = path == "/killcord" || path.starts_with("/killcord/");
    // A way through to somewhere else, and an echo of what a script must not see: neither is anything for an app.
    if own || matches!(*request.method(), Method::CONNECT | Method::TRACE) {
        return ours(Refused::Unknown.into_response());
    }
    let as_page = absent::wants_page(request.headers());
    let answer = match (&visit.entry, address(&shared)) {
        (Err(refused), _) => Err(*refused),
        (Ok(_), Err(refused)) => Err(refused),
        (Ok(_), Ok(app)) if head::is_service_worker(request.headers()) => {
            tracing::debug!(%app, "the app asked for a service worker");
            Err(Refused::ServiceWorker)
        }
        (Ok(entry), Ok(app)) => forward::pass(&shared, request, &app, &from, entry).await,
    };
    match answer {
        Ok(answer) => answer,
        Err(refused) if as_page => ours(absent::page(refused, &visit.shell)),
        Err(refused) => ours(refused.into_response()),
    }
}

/// Where the app answers. One that is being stopped may still be told by its page to let go.
fn address(shared: &Shared) -> Result<AppAddress, Refused> {
    let state = shared.host.view().app.as_ref().map(|app| app.state);
    match (state, shared.host.app_address()) {
        (Some(AppState::Ready | AppState::Stopping), Some(address)) => Ok(address),
        (Some(AppState::Stopped | AppState::Exited), _) => Err(Refused::AppGone),
        _ => Err(Refused::AppNotReady),
    }
}
