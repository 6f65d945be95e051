//! Killcord's own page around the app: the one document at our own address besides the panel.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderValue, Method, header::CONTENT_SECURITY_POLICY},
    response::{IntoResponse as _, Redirect, Response},
};
use killcord::Role;

use super::{absent::accepts_pages, enter, origin};
use crate::{answer::Refused, from::From, gate::POLICY, names, pages, pair::Browser, server::Shared};

/// The page's file.
const FILE: &str = "app.html";

/// Everything outside `/killcord/` at our own address: the page for a tab, entered with the host as the panel is, and
/// nothing else. For observers it is the panel.
pub(crate) async fn shell(
    State(shared): State<Arc<Shared>>,
    Extension(from): Extension<From>,
    browser: Result<Browser, Refused>,
    request: Request,
) -> Response {
    if !is_for(&request) {
        return Refused::Unknown.into_response();
    }
    // The app knows no roles: whoever sees it can do with the bench what it can.
    if browser.as_ref().is_ok_and(|browser| browser.role() == Role::Observer) {
        return Redirect::to(&format!("{}killcord/panel", shared.base_path)).into_response();
    }
    let app = shared.app.as_ref().and_then(|door| enter::shown(door, &from)).unwrap_or_default();
    let asked = shared.asked(request.method(), request.headers());
    let mut response = pages::document(&shared, browser, asked, FILE);
    let policy = format!("{POLICY}; frame-src {}", origin::source(&app));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Whether a request is for the document of a tab. An old browser does not say so.
fn is_for(request: &Request) -> bool {
    let path = request.uri().path();
    let own = path == "/killcord" || path.starts_with("/killcord/");
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let document = match names::destination(request.headers()) {
        Some(destination) => destination == "document",
        None => accepts_pages(request.headers()),
    };
    reads && document && !own
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn asked(method: &str, path: &str, lines: &[(&str, &str)]) -> bool {
        let mut request = axum::http::Request::builder().method(method).uri(path);
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        is_for(&request.body(Body::empty()).unwrap())
    }

    #[test]
    fn the_document_of_a_tab_is_our_page_and_nothing_else_is() {
        let html = ("accept", "text/html,*/*;q=0.8");
        let document = ("sec-fetch-dest", "document");
        assert!(asked("GET", "/", &[document, html]) && asked("HEAD", "/plots?n=1", &[document]));
        assert!(asked("GET", "/plots?n=1", &[html]), "an old browser");
        assert!(!asked("GET", "/", &[("sec-fetch-dest", "iframe"), html]));
        assert!(!asked("GET", "/data", &[("sec-fetch-dest", "empty")]) && !asked("GET", "/data", &[]));
        assert!(!asked("POST", "/", &[document, html]));
        assert!(!asked("GET", "/killcord/x", &[document, html]));
    }
}
