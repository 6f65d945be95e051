//! Before anything else is looked at: by which name the server is asked, and whose page asks.
//!
//! A page of another site that has its name resolve to this machine (DNS rebinding) is caught by `Host`, one that
//! sends its requests here by `Origin`.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method,
        header::{self, HOST, ORIGIN, UPGRADE},
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::{answer::Refused, server::Shared};

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

/// The names that this server has, as they stand in `Host`.
#[derive(Clone, Debug)]
pub(crate) struct Names(Vec<String>);

impl Names {
    pub(crate) fn of(address: SocketAddr, more: &[String]) -> Self {
        let port = address.port();
        let mut names = vec![address.to_string(), format!("localhost:{port}")];
        for name in more {
            let name = name.to_ascii_lowercase();
            names.push(format!("{name}:{port}"));
            names.push(name);
        }
        Self(names)
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// One `Host`, and it is ours.
    fn host(&self, request: &Request) -> bool {
        let asked = request.uri().authority().is_none_or(|authority| self.has(authority.as_str()));
        asked && single(request.headers(), &HOST).flatten().is_some_and(|host| self.has(host))
    }

    /// Whether it comes from a page of ours. Browsers always say so where something is changed or a socket is
    /// opened; a plain GET may say nothing.
    fn origin(&self, request: &Request) -> bool {
        let headers = request.headers();
        let reads = matches!(*request.method(), Method::GET | Method::HEAD) && !headers.contains_key(UPGRADE);
        match single(headers, &ORIGIN) {
            None => reads,
            Some(origin) => {
                origin.and_then(|origin| origin.strip_prefix("http://")).is_some_and(|name| self.has(name))
            }
        }
    }
}

/// A header that may come once; `Some(None)` where it came twice or is no text.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Option<&'a str>> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?;
    Some(first.to_str().ok().filter(|_| all.next().is_none()))
}

pub(crate) async fn check(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let refused = if !shared.names.host(&request) {
        Some(Refused::WrongHost)
    } else if !shared.names.origin(&request) {
        Some(Refused::WrongOrigin)
    } else if headers.contains_key("sec-purpose") || headers.contains_key("purpose") {
        Some(Refused::Prefetch)
    } else {
        None
    };
    match refused {
        Some(refused) => ours(refused.into_response()),
        None => next.run(request).await,
    }
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
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
