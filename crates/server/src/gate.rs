//! Before anything else is looked at: from where a request comes, by which name the server is asked, whose page asks,
//! and who that is.

use std::{
    sync::{Arc, PoisonError},
    time::Instant,
};

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue,
        header::{self, AUTHORIZATION, COOKIE},
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use killcord::journal::Access as Entrance;

use crate::{
    access::{Guest, Proof},
    answer::Refused,
    connection::Connection,
    from::{Ends, From, single},
    held::until_sent,
    names,
    places::Busy,
    server::Shared,
};

/// No inline script, nothing from elsewhere, in nobody's frame.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; \
    font-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// Who a request was let in as, for whoever answers it.
pub(crate) type LetIn = Result<Guest, Refused>;

pub(crate) async fn check(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let Some(connection) = request.extensions().get::<Arc<Connection>>().cloned() else {
        return ours(Refused::Failed.into_response());
    };
    let from = From::of(connection.ends, request.headers(), &shared.trusted_proxies);
    let let_in = match admitted(&shared, &connection, &from, &request) {
        Ok(let_in) => let_in,
        Err(refused) => return ours(refused.into_response()),
    };
    let busy = match &let_in {
        Ok(guest) => Some(match begin(&connection, guest, &mut request) {
            Ok(busy) => busy,
            Err(refused) => return ours(refused.into_response()),
        }),
        Err(_) => None,
    };
    request.extensions_mut().insert(let_in);
    request.extensions_mut().insert(from);
    until_sent(busy, next.run(request).await)
}

/// A guest's request begins. Whoever takes its connection over keeps what this gives, which the request has too.
///
/// # Errors
/// [`Refused::TooMany`].
pub(crate) fn begin(
    connection: &Connection,
    guest: &Guest,
    request: &mut Request,
) -> Result<Arc<Busy>, Refused> {
    let busy = Arc::new(connection.place.begin(guest).ok_or(Refused::TooMany)?);
    request.extensions_mut().insert(Arc::clone(&busy));
    Ok(busy)
}

/// Whether the request may be answered at all, and as whose.
fn admitted(
    shared: &Shared,
    connection: &Connection,
    from: &From,
    request: &Request,
) -> Result<LetIn, Refused> {
    let (ends, headers) = (connection.ends, request.headers());
    if is_readable(ends, from) {
        return Err(Refused::NotEncrypted);
    }
    if !shared.names.host(from, ends, request.uri()) {
        return Err(Refused::WrongHost);
    }
    if !names::is_ours(from, request.method(), headers) || names::is_of_another_site(headers) {
        return Err(Refused::WrongOrigin);
    }
    if headers.contains_key("sec-purpose") || headers.contains_key("purpose") {
        return Err(Refused::Prefetch);
    }
    let now = Instant::now();
    let let_in = guest(shared, from, headers, now);
    // Whoever has a right link is let in however many others knock: codes have a pace of their own, and the page costs
    // what it costs to refuse it.
    let pairs = shared.assets.are_for_pairing(request.method(), request.uri().path());
    if let_in.is_err() && !pairs && !knock(shared, from, now) {
        return Err(Refused::TooMany);
    }
    Ok(let_in)
}

/// Whether others could read it on its way. Between a proxy and us the network is its owner's affair; between a browser
/// and us it is not.
pub(crate) fn is_readable(ends: Ends, from: &From) -> bool {
    !ends.tls && !from.proxied && !ends.peer.ip().to_canonical().is_loopback()
}

/// A request of nobody who was let in; whether it may be one more.
pub(crate) fn knock(shared: &Shared, from: &From, now: Instant) -> bool {
    shared.knocks.lock().unwrap_or_else(PoisonError::into_inner).take(from.address, now)
}

/// By a key if there is one, else by a cookie.
fn guest(shared: &Shared, from: &From, headers: &HeaderMap, now: Instant) -> LetIn {
    if let Some(key) = single(headers, &AUTHORIZATION) {
        // RFC 6750 section 2.1; the scheme's case does not matter (RFC 9110 section 11.1).
        let key = key.and_then(|text| text.split_once(' '));
        let key =
            key.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).ok_or(Refused::NotPaired)?;
        let let_in = shared.access.guest(Proof::Key(key.1.trim()), from.address, now);
        if let_in.is_err() {
            shared.host.record_access(Entrance::Refused, Some(from.address), None);
        }
        return let_in;
    }
    let name = shared.cookie(from.scheme);
    let guest = cookies(headers, &name).find_map(|value| {
        // Every one of that name: a page of the same host may have set another.
        shared.access.guest(Proof::Cookie(value), from.address, now).ok()
    });
    guest.ok_or(Refused::NotPaired)
}

/// The values of all cookies of this name.
pub(crate) fn cookies<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let all = lines.flat_map(|line| line.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    all.filter(move |(known, _)| *known == name).map(|(_, value)| value)
}

/// Our own paths and pages: none takes long, and each answer is ours. The wrapped app's are neither.
pub(crate) async fn own(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    ours(match tokio::time::timeout(shared.limits.request, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Refused::TooSlow.into_response(),
    })
}

/// What every answer of ours says. A policy that it has already stays.
pub(crate) fn ours(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        // A process of its own, and not the one of the app's pages, which are of the same site.
        (HeaderName::from_static("origin-agent-cluster"), "?1"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
