//! Before anything else is looked at: from where a request comes, by which name the server is asked, whose page asks,
//! and who that is.

use std::{
    sync::{Arc, PoisonError},
    time::Instant,
};

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method,
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
    from::{From, single},
    names,
    server::Shared,
};

/// The policy of our own answers; what they frame, and who frames them, is said with it.
macro_rules! policy {
    ($more:literal) => {
        concat!(
            "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; font-src 'self'; ",
            "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; ",
            $more
        )
    };
}

/// No inline script, nothing from elsewhere, in nobody's frame.
const POLICY: &str = policy!("frame-ancestors 'none'");
/// Of the page that frames the wrapped app. It is framed itself, for a moment, where a browser does not say that it
/// asks for a frame.
pub(crate) const FRAMES: &str = policy!("frame-src 'self'; frame-ancestors 'self'");
/// Of what stands in that frame in the app's place.
pub(crate) const FRAMED: &str = policy!("frame-ancestors 'self'");

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
    if let_in.is_ok() {
        connection.stranger.known();
    }
    request.extensions_mut().insert(let_in);
    request.extensions_mut().insert(from);
    next.run(request).await
}

/// Whether the request may be answered at all, and as whose.
fn admitted(
    shared: &Shared,
    connection: &Connection,
    from: &From,
    request: &Request,
) -> Result<LetIn, Refused> {
    let (ends, headers) = (connection.ends, request.headers());
    // Between a proxy and us the network is its owner's affair; between a browser and us it is not.
    if !ends.tls && !from.proxied && !ends.peer.ip().to_canonical().is_loopback() {
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
    // Codes have a pace of their own: whoever has a right one is let in however many others knock.
    let pairs = *request.method() == Method::POST && request.uri().path() == "/killcord/pair";
    let knocks = || shared.knocks.lock().unwrap_or_else(PoisonError::into_inner).take(from.address, now);
    if let_in.is_err() && !pairs && !knocks() {
        return Err(Refused::TooMany);
    }
    Ok(let_in)
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
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .filter(|(known, _)| *known == name)
        .find_map(|(_, value)| shared.access.guest(Proof::Cookie(value), from.address, now).ok())
        .ok_or(Refused::NotPaired)
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
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
