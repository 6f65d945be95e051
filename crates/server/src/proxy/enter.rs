//! How a browser comes into the app's origin: our own page asks for a ticket, its frame takes it there and gets a cookie
//! that is worth something there alone.
//!
//! **It must never** lead elsewhere than to a path of the app, or give the app anything that is worth something at our
//! own address.

use std::{
    sync::{Arc, PoisonError},
    time::Instant,
};

use axum::{
    Extension, Json,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, header::SET_COOKIE, uri::PathAndQuery},
    response::{IntoResponse as _, Redirect, Response},
};
use serde::{Deserialize, Serialize};

use super::{absent, entry::Entry, gate::Visit, origin};
use crate::{
    answer::Refused,
    from::{From, Scheme},
    pair::Operator,
    server::{AppDoor, Shared},
};

/// Where the frame goes first, at the app's address.
pub(crate) const PATH: &str = "/killcord-enter";

/// Where the frame of our own page goes.
#[derive(Serialize)]
pub(crate) struct Way {
    url: String,
}

/// A ticket, for our own page alone, and for operators: the app knows no roles. The frame's `to` is put behind it.
pub(crate) async fn ticket(
    State(shared): State<Arc<Shared>>,
    Extension(from): Extension<From>,
    Operator(browser): Operator,
) -> Result<Json<Way>, Refused> {
    let door = shared.app.as_ref().ok_or(Refused::Unknown)?;
    let shell = origin::asked(&from).ok_or(Refused::WrongHost)?.into();
    let app = shown(door, &from).ok_or(Refused::WrongHost)?;
    let mut entries = shared.entries.lock().unwrap_or_else(PoisonError::into_inner);
    let entry = Entry { guest: browser.guest, shell };
    let ticket = entries.ticket(entry, Instant::now()).ok_or(Refused::Failed)?;
    Ok(Json(Way { url: format!("{app}{PATH}?ticket={ticket}") }))
}

/// The app's origin, as the browser sees it that asks us.
pub(super) fn shown(door: &AppDoor, from: &From) -> Option<String> {
    door.origin.clone().or_else(|| origin::beside(from, door.address))
}

#[derive(Deserialize)]
pub(crate) struct Ask {
    ticket: String,
    #[serde(default)]
    to: String,
}

/// Takes the ticket and gives the cookie, if the browser has none that is worth something, and goes on to the app.
pub(crate) async fn enter(
    State(shared): State<Arc<Shared>>,
    Extension(from): Extension<From>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    asked: Result<Query<Ask>, QueryRejection>,
) -> Response {
    let refused = |refused: Refused| {
        if absent::wants_page(&headers) {
            absent::page(refused, &visit.shell)
        } else {
            refused.into_response()
        }
    };
    let (Some(door), Ok(Query(Ask { ticket, to }))) = (&shared.app, asked) else {
        return refused(Refused::BadRequest);
    };
    let mut entries = shared.entries.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(entry) = entries.take(&ticket, Instant::now()) else {
        return refused(Refused::NotEntered);
    };
    let known = |has: &Entry| has.guest.id == entry.guest.id && has.shell == entry.shell;
    let mut answer = Redirect::to(&path(&to)).into_response();
    if !visit.entry.as_ref().is_ok_and(known) {
        let Some(secret) = entries.admit(entry) else { return refused(Refused::Failed) };
        // Of the app's origin: no script reads it, and no other site's page sends it. It goes with the browser.
        let secure = if from.scheme == Scheme::Encrypted { "; Secure" } else { "" };
        let name = cookie(door, from.scheme);
        let text = format!("{name}={secret}; HttpOnly; SameSite=Strict; Path=/{secure}");
        if let Ok(text) = text.parse() {
            answer.headers_mut().insert(SET_COOKIE, text);
        }
    }
    answer
}

/// The name of the app's cookie: its port tells it from ours, as cookies do not tell ports apart.
pub(super) fn cookie(door: &AppDoor, scheme: Scheme) -> String {
    let prefix = if scheme == Scheme::Encrypted { "__Host-" } else { "" };
    format!("{prefix}killcord-{}", door.address.port())
}

/// A path of the app; its root where the text is none.
fn path(to: &str) -> String {
    let elsewhere = !to.starts_with('/') || to.starts_with("//") || to.contains('\\');
    let path = to.parse::<PathAndQuery>().ok().filter(|_| !elsewhere);
    path.map_or_else(|| "/".into(), |path| path.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_in_leads_to_a_path_and_nowhere_else() {
        for right in ["/", "/plots?n=1&x=%20", "/a/%2F"] {
            assert_eq!(path(right), right);
        }
        for wrong in [
            "",
            "plots",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/",
            "/a\r\nSet-Cookie: b=c",
            "/a b",
        ] {
            assert_eq!(path(wrong), "/", "{wrong:?}");
        }
        assert_eq!(path("/a#b"), "/a");
    }
}
