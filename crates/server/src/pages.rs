//! The pages: their files are given by the program, their document gets a nonce.
//!
//! A document is entered with the host before the first byte of the answer leaves, and carries its nonce in
//! `<meta name="killcord-nonce" content="…">`, the first thing in its head: no inline script is needed, and none
//! would run.

use std::{borrow::Cow, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{Method, StatusCode, header::CONTENT_TYPE},
    response::{Html, IntoResponse as _, Response},
};

use crate::{answer::Refused, pair, pair::Browser, secret, server::Shared};

/// One file of the pages.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Below the root, without a leading slash: `assets/index.js`.
    pub path: Cow<'static, str>,
    /// What is in it.
    pub bytes: Cow<'static, [u8]>,
}

/// The pages' files, in memory: nothing is looked up in a file system by what a request says.
#[derive(Clone, Debug, Default)]
pub struct Assets(Vec<Asset>);

impl Assets {
    /// These files; the document is `index.html`.
    #[must_use]
    pub const fn new(files: Vec<Asset>) -> Self {
        Self(files)
    }

    fn get(&self, path: &str) -> Option<&Asset> {
        self.0.iter().find(|asset| asset.path == path)
    }
}

/// Where the nonce goes.
const HEAD: &str = "<head>";

const NO_PANEL: &str = "<!doctype html><html lang=\"en\"><head><title>Killcord</title></head><body><h1>Killcord</h1>\
                        <p>This program was built without its panel: run <code>cargo xtask ui</code>, then build it \
                        again.</p></body></html>";

/// Everything outside `/killcord/`.
pub(crate) async fn get(
    State(shared): State<Arc<Shared>>,
    browser: Result<Browser, Refused>,
    request: Request,
) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Refused::Unknown.into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    let is_document = matches!(path, "" | "index.html");
    let browser = match browser {
        Ok(Browser(browser)) => browser,
        // A person reads it; a script gets the code.
        Err(Refused::NotPaired) if is_document => {
            return (StatusCode::UNAUTHORIZED, pair::page().await).into_response();
        }
        Err(refused) => return refused.into_response(),
    };
    if !is_document {
        return match shared.assets.get(path) {
            Some(asset) => ([(CONTENT_TYPE, kind(path))], asset.bytes.to_vec()).into_response(),
            None => Refused::Unknown.into_response(),
        };
    }
    let Some(nonce) = secret::word() else { return Refused::Failed.into_response() };
    let document = match shared.assets.get("index.html") {
        Some(asset) => String::from_utf8_lossy(&asset.bytes),
        None => NO_PANEL.into(),
    };
    let text = with_nonce(&document, &nonce);
    if *request.method() == Method::GET {
        // Before the answer's first byte: the old page's goodbye comes after that.
        shared.host.document(browser, nonce);
    }
    Html(text).into_response()
}

fn with_nonce(document: &str, nonce: &str) -> String {
    let meta = format!("<meta name=\"killcord-nonce\" content=\"{nonce}\">");
    match document.split_once(HEAD) {
        Some((before, after)) => format!("{before}{HEAD}{meta}{after}"),
        None => format!("{meta}{document}"),
    }
}

fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nonce_is_the_first_thing_in_the_head() {
        assert_eq!(
            with_nonce("<!doctype html><html><head><title>x</title>", "ab"),
            "<!doctype html><html><head><meta name=\"killcord-nonce\" content=\"ab\"><title>x</title>"
        );
        assert!(with_nonce("no head", "ab").starts_with("<meta"));
    }
}
