//! Killcord's own page around the app: which requests it answers, and the page itself.

use axum::{
    extract::Request,
    http::{HeaderValue, Method, header::CONTENT_SECURITY_POLICY},
    response::Response,
};

use super::{absent::accepts_pages, head::FRAME};
use crate::{answer::Refused, gate, pages, pair::Browser, server::Shared};

/// The page's file.
const FILE: &str = "app.html";

/// Whether a request is for the document of a tab. Without `Sec-Fetch-Dest` (an old browser, or a name that is not
/// trustworthy to it) a frame's own request carries a mark, which the page puts there.
pub(super) fn is_for(request: &Request) -> bool {
    match request.headers().get("sec-fetch-dest") {
        Some(dest) => dest == "document",
        None => accepts_pages(request.headers()) && !marked(request),
    }
}

fn marked(request: &Request) -> bool {
    request.uri().query().is_some_and(|query| query.split('&').any(|item| item == FRAME))
}

/// The page, entered with the host as the panel is.
pub(super) fn document(shared: &Shared, browser: Result<Browser, Refused>, method: &Method) -> Response {
    let mut response = pages::document(shared, browser, method, FILE);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(gate::FRAMES));
    response
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn asked(path: &str, lines: &[(&str, &str)]) -> bool {
        let mut request = axum::http::Request::get(path);
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        is_for(&request.body(Body::empty()).unwrap())
    }

    #[test]
    fn the_document_of_a_tab_is_ours_and_what_it_frames_is_the_app_s() {
        let html = ("accept", "text/html,*/*;q=0.8");
        assert!(asked("/", &[("sec-fetch-dest", "document"), html]));
        assert!(!asked("/", &[("sec-fetch-dest", "iframe"), html]));
        assert!(!asked("/data", &[("sec-fetch-dest", "empty")]));
        assert!(asked("/plots?n=1", &[html]));
        assert!(!asked("/plots?n=1&killcord-frame", &[html]));
        assert!(
            asked("/?killcord-frame", &[("sec-fetch-dest", "document"), html]),
            "opened in a tab of its own"
        );
        assert!(!asked("/data", &[]));
    }
}
