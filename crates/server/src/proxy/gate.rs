//! Before anything else is looked at behind the app's address: by which name it is asked, whose page asks, and whether
//! that one was let in. As at our own address, but for the cookie, and for the page around the app, which is of another
//! origin and may ask for the frame's content alone.

use std::{
    sync::{Arc, PoisonError},
    time::Instant,
};

use axum::{
    extract::{Request, State},
    http::HeaderMap,
    middleware::Next,
    response::{IntoResponse as _, Redirect, Response},
};

use super::{enter, entry::Entry, origin};
use crate::{
    answer::Refused,
    connection::Connection,
    from::From,
    gate::{begin, cookies, is_readable, knock, ours},
    held::until_sent,
    names,
    server::{AppDoor, Shared},
};

/// Who asks the app, for whoever answers.
#[derive(Clone)]
pub(crate) struct Visit {
    pub(super) entry: Result<Entry, Refused>,
    /// The origin of the page around the app.
    pub(super) shell: Arc<str>,
}

pub(crate) async fn check(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let (Some(connection), Some(door)) =
        (request.extensions().get::<Arc<Connection>>().cloned(), &shared.app)
    else {
        return ours(Refused::Failed.into_response());
    };
    let from = From::of(connection.ends, request.headers(), &shared.trusted_proxies);
    if let Err(refused) = is_named(door, &connection, &from, &request) {
        return ours(refused.into_response());
    }
    let visit = visit(&shared, door, &from, request.headers());
    // The tab is Killcord's own page's, whatever the app makes of it.
    if names::destination(request.headers()) == Some("document") {
        return ours(Redirect::to(&around(&shared, &visit.shell, &request)).into_response());
    }
    if let Err(refused) = is_its_own(&from, &request) {
        return ours(refused.into_response());
    }
    let busy = match &visit.entry {
        Ok(entry) => begin(&connection, &entry.guest, &mut request).map(Some),
        Err(_) if knock(&shared, &from, Instant::now()) => Ok(None),
        Err(_) => Err(Refused::TooMany),
    };
    let busy = match busy {
        Ok(busy) => busy,
        Err(refused) => return ours(refused.into_response()),
    };
    request.extensions_mut().insert(visit);
    request.extensions_mut().insert(from);
    until_sent(busy, next.run(request).await)
}

/// Whether the app is asked by a name that it has, and by somebody who looks at what he asks for.
fn is_named(door: &AppDoor, connection: &Connection, from: &From, request: &Request) -> Result<(), Refused> {
    if is_readable(connection.ends, from) {
        return Err(Refused::NotEncrypted);
    }
    let shown = door.origin.is_some() && door.origin == origin::asked(from);
    if !shown && !door.names.host(from, connection.ends, request.uri()) {
        return Err(Refused::WrongHost);
    }
    if request.headers().contains_key("sec-purpose") || request.headers().contains_key("purpose") {
        return Err(Refused::Prefetch);
    }
    Ok(())
}

/// Whether a page of the app asks, or the one around it for the frame's content.
fn is_its_own(from: &From, request: &Request) -> Result<(), Refused> {
    let (method, headers) = (request.method(), request.headers());
    let framed = names::is_framed_by_a_neighbour(method, headers);
    if !names::is_ours(from, method, headers) || (names::is_of_another_site(headers) && !framed) {
        return Err(Refused::WrongOrigin);
    }
    Ok(())
}

/// By the cookie of this origin, and by nothing else.
fn visit(shared: &Shared, door: &AppDoor, from: &From, headers: &HeaderMap) -> Visit {
    let name = enter::cookie(door, from.scheme);
    let entries = shared.entries.lock().unwrap_or_else(PoisonError::into_inner);
    let entry = cookies(headers, &name).find_map(|value| entries.entry(value));
    let shell = match &entry {
        Some(entry) => Arc::clone(&entry.shell),
        None if door.origin.is_some() => origin::of(&shared.shown).into(),
        None => origin::beside(from, shared.address).unwrap_or_default().into(),
    };
    Visit { entry: entry.ok_or(Refused::NotEntered), shell }
}

/// The page around the app, at the path that is asked for.
fn around(shared: &Shared, shell: &str, request: &Request) -> String {
    let asked = request.uri().path_and_query().map_or("/", |asked| asked.as_str());
    // A ticket is nothing for an address that a person sees.
    let asked = if request.uri().path() == enter::PATH { "/" } else { asked };
    format!("{shell}{}{asked}", shared.base_path.trim_end_matches('/'))
}
