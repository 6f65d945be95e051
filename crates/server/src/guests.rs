//! Who is let in: listed, revoked, and given links for others, by people who may operate.

use std::sync::Arc;

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
};
use killcord::{
    journal::Access as Entrance,
    wire::{LinkBody, LinkView, QrView, TokenView, TokensView},
};

use crate::{answer::Refused, codes, from::From, pair::Operator, qr::Qr, server::Shared, tokens::Kind};

/// All tokens, by name: keys, and the browsers that are paired.
pub(crate) async fn list(State(shared): State<Arc<Shared>>, Operator(by): Operator) -> Json<TokensView> {
    let view = |token: crate::tokens::Token| TokenView {
        here: *token.name == *by.name,
        is_browser: token.kind == Kind::Browser,
        role: token.role,
        by: token.by,
        agent: token.agent,
        made_unix_ms: token.made_unix_ms,
        expires_unix_ms: token.expires_unix_ms,
        name: token.name,
    };
    let tokens = shared.access.list().into_iter().map(view).collect();
    Json(TokensView { tokens, fingerprint: shared.fingerprint() })
}

/// Revokes one, and whom that has let in: their sessions end at once.
pub(crate) async fn revoke(
    State(shared): State<Arc<Shared>>,
    Extension(from): Extension<From>,
    _by: Operator,
    name: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Refused> {
    let Path(name) = name.map_err(|_| Refused::Unknown)?;
    if !shared.access.knows(&name) {
        return Err(Refused::Unknown);
    }
    shared.revoke(&name, Entrance::Revoked, from.address).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A link for one browser more. The one that the same had asked for before is worth nothing from here on.
pub(crate) async fn link(
    State(shared): State<Arc<Shared>>,
    Operator(by): Operator,
    body: Bytes,
) -> Result<Json<LinkView>, Refused> {
    let LinkBody { role } = serde_json::from_slice(&body).map_err(|_| Refused::BadRequest)?;
    let link = shared.link(role, Some(&by.guest)).ok_or(Refused::Failed)?;
    let qr = Qr::of(&link).map(|qr| QrView { size: qr.size as u32, path: qr.path() });
    Ok(Json(LinkView {
        link,
        qr,
        expires_ms: codes::LIVES.as_millis() as u64,
        fingerprint: shared.fingerprint(),
    }))
}
