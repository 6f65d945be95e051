//! What is said in the place of an app that does not answer: a short page that tries again by itself.

use axum::{
    Extension,
    http::{
        HeaderMap, HeaderValue,
        header::{ACCEPT, CONTENT_SECURITY_POLICY, RETRY_AFTER},
    },
    response::{Html, IntoResponse as _, Response},
};

use super::origin;
use crate::{answer::Refused, gate::POLICY};

/// Seconds between two tries.
const AGAIN: u16 = 1;

/// Whether a person would see the answer. Where a browser says what a request is for, that decides.
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-dest") {
        Some(dest) => matches!(dest.as_bytes(), b"document" | b"iframe" | b"frame"),
        None => accepts_pages(headers),
    }
}

/// As browsers ask for documents, and scripts (with few exceptions that say so) do not.
pub(super) fn accepts_pages(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.contains("text/html") && !headers.contains_key("x-requested-with")
}

/// The page, in the frame of the page of this origin. Nothing of it is a script.
pub(super) fn page(refused: Refused, shell: &str) -> Response {
    let status = refused.into_response().status();
    let again = if refused.may_pass() {
        format!("<meta http-equiv=\"refresh\" content=\"{AGAIN}\">")
    } else {
        String::new()
    };
    let text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n{again}\n<meta name=\"color-scheme\" \
         content=\"light dark\">\n<title>Killcord</title>\n</head>\n<body>\n<p role=\"status\">{}</p>\n</body>\n\
         </html>\n",
        refused.message()
    );
    // The extension is for whoever counts.
    let mut response = (status, Extension(refused), Html(text)).into_response();
    let headers = response.headers_mut();
    let policy =
        POLICY.replace("frame-ancestors 'none'", &format!("frame-ancestors {}", origin::source(shell)));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    if refused.may_pass() {
        headers.insert(RETRY_AFTER, HeaderValue::from(AGAIN));
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    #[test]
    fn a_page_is_for_people() {
        let asked = |lines: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            wants_page(&headers)
        };
        let html = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        assert!(asked(&[html]));
        assert!(asked(&[("sec-fetch-dest", "iframe")]));
        assert!(!asked(&[("sec-fetch-dest", "empty"), html]));
        assert!(!asked(&[html, ("x-requested-with", "XMLHttpRequest")]));
        assert!(!asked(&[("accept", "*/*")]));
    }
}
