//! Pairing: the link's code, which a browser never sends by itself (it is the fragment), for a cookie.

use std::{sync::Arc, time::Instant};

use axum::{
    body::Bytes,
    extract::{FromRequestParts, State},
    http::{
        StatusCode,
        header::{CONTENT_TYPE, COOKIE, SET_COOKIE},
        request::Parts,
    },
    response::{Html, IntoResponse, Response},
};
use killcord::core::BrowserId;
use serde::Deserialize;

use crate::{access::Paired, answer::Refused, server::Shared};

/// How long a cookie lives, in seconds: a year. What it opens ends when the browser is forgotten.
const COOKIE_LIVES: u32 = 365 * 24 * 3600;

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Killcord: pairing</title>
<script src="/killcord/pair.js" defer></script>
</head>
<body>
<h1>Killcord</h1>
<p id="state" role="status">Open the link that Killcord printed in its terminal. It works once, for ten minutes.</p>
</body>
</html>
"#;

const SCRIPT: &str = r#"'use strict';
const state = document.getElementById('state');
const pair = async () => {
  const code = location.hash.slice(1);
  if (code === '') return;
  history.replaceState(null, '', location.pathname);
  state.textContent = 'Pairing this browser…';
  try {
    const answer = await fetch('/killcord/pair', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code }),
    });
    if (answer.ok) location.replace('/');
    else state.textContent = (await answer.json()).message;
  } catch {
    state.textContent = 'Killcord does not answer. Is it still running?';
  }
};
window.addEventListener('hashchange', pair);
pair();
"#;

/// The page that a link opens, and whoever comes without a cookie.
pub(crate) async fn page() -> Html<&'static str> {
    Html(PAGE)
}

pub(crate) async fn script() -> Response {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT).into_response()
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

/// Takes the code and gives the cookie.
pub(crate) async fn take(State(shared): State<Arc<Shared>>, body: Bytes) -> Result<Response, Refused> {
    let Code { code } = serde_json::from_slice(&body).map_err(|_| Refused::BadRequest)?;
    let paired = shared.access.pair(&code, Instant::now());
    if paired.is_ok() {
        // One link is good for one browser: the next one gets another.
        shared.invite();
    }
    match paired? {
        Paired::TooOld => Err(Refused::OldCode),
        Paired::Cookie(value) => {
            let name = &shared.cookie;
            let cookie = format!("{name}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={COOKIE_LIVES}");
            Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response())
        }
    }
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
