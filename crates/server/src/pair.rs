//! Pairing: the link's code, which a browser never sends by itself (it is the fragment), for a cookie. And who was let
//! in, for whoever answers a request.

use std::{sync::Arc, time::Instant};

use axum::{
    Extension,
    body::Bytes,
    extract::{FromRequestParts, State},
    http::{
        HeaderMap, StatusCode,
        header::{SET_COOKIE, USER_AGENT},
        request::Parts,
    },
    response::{IntoResponse as _, Response},
};
use killcord::{Role, core::BrowserId, journal::Access as Entrance, wire::PairBody};
use tokio_util::sync::CancellationToken;

use crate::{
    access::{self, Guest, Paired},
    agent,
    answer::Refused,
    from::{From, Scheme},
    gate::LetIn,
    server::Shared,
};

/// How long a cookie lives, in seconds: a year. What it opens ends when the browser is forgotten.
const COOKIE_LIVES: u32 = 365 * 24 * 3600;

/// Takes the code and gives the cookie. A browser that is paired needs none: the link is left for another.
pub(crate) async fn take(
    State(shared): State<Arc<Shared>>,
    Extension(from): Extension<From>,
    paired: Result<Browser, Refused>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    let PairBody { code } = serde_json::from_slice(&body).map_err(|_| Refused::BadRequest)?;
    if paired.is_ok() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let agent = headers.get(USER_AGENT).and_then(|text| text.to_str().ok()).and_then(agent::name);
    let taken = shared.access.pair(code.trim(), agent.as_deref(), from.address, Instant::now());
    match &taken {
        Ok(Paired { token, .. }) => {
            shared.host.record_access(Entrance::Paired, Some(from.address), Some(&token.name));
        }
        Err(_) => shared.host.record_access(Entrance::Refused, Some(from.address), None),
    }
    if matches!(taken, Ok(_) | Err(Refused::CodeExpired | Refused::Full)) {
        // One link is good for one browser: the next one gets another.
        shared.invite_if_used();
    }
    let Paired { cookie, token, forgotten } = taken?;
    let keeps = Arc::clone(&shared);
    // A slow disk holds up no page; the cookie is worth something after a restart once this is done.
    let kept = tokio::task::spawn_blocking(move || {
        access::save(&keeps.access, &token);
        if let Some(name) = forgotten {
            keeps.host.record_access(Entrance::Revoked, None, Some(&name));
            // It was told; nobody waits for it.
            access::delete(&keeps.access, &name).ok();
        }
    });
    if kept.await.is_err() {
        tracing::error!("a browser could not be kept");
    }
    let cookie = set_cookie(&shared, from.scheme, &cookie, COOKIE_LIVES);
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response())
}

/// A browser signs out: all its sessions end, and it is let in no more. The window at the bench would be shut out of its own.
pub(crate) async fn leave(
    State(shared): State<Arc<Shared>>,
    Extension(from): Extension<From>,
    browser: Browser,
) -> Result<Response, Refused> {
    if shared.is_at_the_bench() {
        return Err(Refused::Window);
    }
    shared.host.sign_out(browser.id);
    shared.revoke(&browser.name, Entrance::SignedOut, Some(from.address)).await?;
    let cookie = set_cookie(&shared, from.scheme, "", 0);
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response())
}

/// No script reads it, no other site's page sends it, and where it is encrypted no other host's page sets it (RFC
/// 6265bis section 4.1.3).
fn set_cookie(shared: &Shared, scheme: Scheme, value: &str, lives: u32) -> String {
    let secure = if scheme == Scheme::Encrypted { "; Secure" } else { "" };
    let (name, path) = (shared.cookie(scheme), &shared.base_path);
    format!("{name}={value}; HttpOnly; SameSite=Strict; Path={path}; Max-Age={lives}{secure}")
}

/// A request of somebody who was let in. Whatever takes it is closed to everybody else.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) id: BrowserId,
    /// The token's name.
    pub(crate) name: Arc<str>,
    pub(crate) guest: Guest,
}

impl Browser {
    pub(crate) fn role(&self) -> Role {
        self.guest.role
    }

    pub(crate) fn revoked(&self) -> &CancellationToken {
        &self.guest.revoked
    }
}

impl FromRequestParts<Arc<Shared>> for Browser {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _shared: &Arc<Shared>) -> Result<Self, Refused> {
        let let_in = parts.extensions.get::<LetIn>().cloned().unwrap_or(Err(Refused::NotPaired));
        let_in.map(|guest| Self { id: guest.id, name: Arc::clone(&guest.name), guest })
    }
}

/// A request of somebody who may operate.
pub(crate) struct Operator(pub(crate) Browser);

impl FromRequestParts<Arc<Shared>> for Operator {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Refused> {
        let browser = Browser::from_request_parts(parts, shared).await?;
        if browser.role() != Role::Operator {
            return Err(Refused::OperatorsOnly);
        }
        Ok(Self(browser))
    }
}
