//! Who is let in: listed, revoked, and given links for others, by people who may operate.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
};
use killcord::{
    Role,
    journal::Access as Entrance,
    wire::{LinkBody, LinkView, QrView, TokenView, TokensView},
};

use crate::{
    access::Guest, answer::Refused, codes, from::From, pair::Operator, qr::Qr, server::Shared, tokens::Kind,
};

/// All tokens, by name: keys, and the browsers that are paired.
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Operator(by): Operator,
) -> Result<Json<TokensView>, Refused> {
    let (door, by) = shared.door(&by.guest)?;
    Ok(Json(tokens(door, by.map(|by| &*by.name))))
}

/// The same; `here` is who asks, if it is one of them.
pub(crate) fn tokens(shared: &Shared, here: Option<&str>) -> TokensView {
    let view = |token: crate::tokens::Token| TokenView {
        here: Some(&*token.name) == here,
        is_browser: token.kind == Kind::Browser,
        role: token.role,
        by: token.by,
        agent: token.agent,
        made_unix_ms: token.made_unix_ms,
        expires_unix_ms: token.expires_unix_ms,
        name: token.name,
    };
    let tokens = shared.access.list().into_iter().map(view).collect();
    TokensView { tokens, fingerprint: shared.fingerprint() }
}

/// Revokes one, and whom that has let in: their sessions end at once.
pub(crate) async fn revoke(
    State(shared): State<Arc<Shared>>,
    Extension(from): Extension<From>,
    Operator(by): Operator,
    name: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Refused> {
    let (door, by) = shared.door(&by.guest)?;
    let Path(name) = name.map_err(|_| Refused::Unknown)?;
    forget(door, &name, by.map(|_| from.address)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The same; `from` where that is not the bench itself.
pub(crate) async fn forget(shared: &Arc<Shared>, name: &str, from: Option<IpAddr>) -> Result<(), Refused> {
    if !shared.access.knows(name) {
        return Err(Refused::Unknown);
    }
    shared.revoke(name, Entrance::Revoked, from).await
}

/// A link for one browser more. The one that the same had asked for before is worth nothing from here on.
pub(crate) async fn link(
    State(shared): State<Arc<Shared>>,
    Operator(by): Operator,
    body: Bytes,
) -> Result<Json<LinkView>, Refused> {
    let LinkBody { role } = serde_json::from_slice(&body).map_err(|_| Refused::BadRequest)?;
    let (door, by) = shared.door(&by.guest)?;
    invitation(door, role, by).map(Json)
}

/// The same; `by` whom: `None` is the host itself.
pub(crate) fn invitation(shared: &Shared, role: Role, by: Option<&Guest>) -> Result<LinkView, Refused> {
    let link = shared.link(role, by).ok_or(Refused::Failed)?;
    let qr = Qr::of(&link).map(|qr| QrView { size: qr.size as u32, path: qr.path() });
    let expires_ms = codes::LIVES.as_millis() as u64;
    Ok(LinkView { link, qr, expires_ms, fingerprint: shared.fingerprint() })
}
