//! Pairing: the link's code, which a browser never sends by itself (it is the fragment), for a cookie.

use std::{sync::Arc, time::Instant};

use axum::{
    body::Bytes,
    extract::{FromRequestParts, State},
    http::{
        StatusCode,
        header::{COOKIE, SET_COOKIE},
        request::Parts,
    },
    response::{IntoResponse as _, Response},
};
use killcord::core::BrowserId;
use serde::Deserialize;

use crate::{answer::Refused, server::Shared};

/// How long a cookie lives, in seconds: a year. What it opens ends when the browser is forgotten.
const COOKIE_LIVES: u32 = 365 * 24 * 3600;

#[derive(Deserialize)]
struct Code {
    code: String,
}

/// Takes the code and gives the cookie. A browser that is paired needs none: the link is left for another.
pub(crate) async fn take(
    State(shared): State<Arc<Shared>>,
    paired: Result<Browser, Refused>,
    body: Bytes,
) -> Result<Response, Refused> {
    let Code { code } = serde_json::from_slice(&body).map_err(|_| Refused::BadRequest)?;
    if paired.is_ok() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let cookie = shared.access.pair(&code, Instant::now());
    if matches!(cookie, Ok(_) | Err(Refused::CodeExpired)) {
        // One link is good for one browser: the next one gets another.
        shared.invite();
    }
    let cookie =
        format!("{}={}; HttpOnly; SameSite=Strict; Path=/; Max-Age={COOKIE_LIVES}", shared.cookie, cookie?);
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response())
}

/// A browser signs out: all its sessions end, and it is let in no more.
pub(crate) async fn leave(State(shared): State<Arc<Shared>>, Browser(browser): Browser) -> Response {
    // In this order no hello of it comes in between.
    shared.access.forget(browser);
    shared.host.sign_out(browser);
    let cookie = format!("{}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0", shared.cookie);
    (StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response()
}

/// A request of a paired browser. Whatever takes it is closed to everybody else.
#[derive(Clone, Copy)]
pub(crate) struct Browser(pub(crate) BrowserId);

impl FromRequestParts<Arc<Shared>> for Browser {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Refused> {
        let cookies = parts.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        cookies
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .filter(|(name, _)| *name == shared.cookie)
            .find_map(|(_, value)| shared.access.browser(value))
            .map(Browser)
            .ok_or(Refused::NotPaired)
    }
}
