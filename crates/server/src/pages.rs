//! The pages: their files are given by the program, their document gets a nonce.
//!
//! A document is entered with the host before the first byte of the answer leaves, and carries its nonce in
//! `<meta name="killcord-nonce" content="…">`, the first thing in its head: no inline script is needed, and none
//! would run.

use std::{borrow::Cow, sync::Arc};

use axum::{
    body::Bytes,
    extract::{Request, State},
    http::{Method, header::CONTENT_TYPE},
    response::{Html, IntoResponse as _, Redirect, Response},
};

use crate::{answer::Refused, pair::Browser, secret, server::Shared};

/// One file of the pages.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Below the root, without a leading slash: `assets/index.js`.
    pub path: Cow<'static, str>,
    /// What is in it.
    pub bytes: Cow<'static, [u8]>,
}

/// The pages' files, in memory: nothing is looked up in a file system by what a request says. `index.html`,
/// `app.html` and `pair.html` are documents, the rest lies below `/killcord/`.
#[derive(Clone, Debug, Default)]
pub struct Assets(Vec<Asset>);

impl Assets {
    /// These files.
    #[must_use]
    pub const fn new(files: Vec<Asset>) -> Self {
        Self(files)
    }

    fn get(&self, path: &str) -> Option<&Asset> {
        self.0.iter().find(|asset| asset.path == path)
    }

    fn document(&self, path: &str) -> Cow<'_, str> {
        self.get(path).map_or(NO_PANEL.into(), |asset| String::from_utf8_lossy(&asset.bytes))
    }
}

/// Where it goes.
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
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads || !matches!(request.uri().path(), "/" | "/index.html") {
        return Refused::Unknown.into_response();
    }
    document(&shared, browser, request.method(), "index.html")
}

/// The panel, which is there also where the rig wraps an app.
pub(crate) async fn panel(
    State(shared): State<Arc<Shared>>,
    browser: Result<Browser, Refused>,
    method: Method,
) -> Response {
    document(&shared, browser, &method, "index.html")
}

/// The page behind a link, and for whoever comes without a cookie.
pub(crate) async fn pair(State(shared): State<Arc<Shared>>) -> Response {
    let fingerprint = shared.fingerprint().map(|print| ("killcord-fingerprint", print));
    Html(shared.document("pair.html", fingerprint)).into_response()
}

/// A file of the pages below `/killcord/`: the same for everybody, so that the pairing page has its own.
pub(crate) async fn file(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path().trim_start_matches("/killcord/").trim_start_matches('/');
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    match shared.assets.get(path).filter(|_| reads && !path.ends_with(".html")) {
        Some(asset) => {
            let bytes = match &asset.bytes {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => Bytes::copy_from_slice(bytes),
            };
            ([(CONTENT_TYPE, kind(path))], bytes).into_response()
        }
        None => Refused::Unknown.into_response(),
    }
}

/// A page that holds a session.
pub(crate) fn document(
    shared: &Shared,
    browser: Result<Browser, Refused>,
    method: &Method,
    name: &str,
) -> Response {
    let browser = match browser {
        Ok(browser) => browser.id,
        // A person comes there; scripts ask below `/killcord/` and get the code.
        Err(Refused::NotPaired) => {
            // Below the path that the browser knows.
            return Redirect::to(&format!("{}killcord/pair", shared.base_path)).into_response();
        }
        Err(refused) => return refused.into_response(),
    };
    let Some(nonce) = secret::word() else { return Refused::Failed.into_response() };
    let text = shared.document(name, Some(("killcord-nonce", nonce.clone())));
    if *method == Method::GET {
        // Before the answer's first byte: the old page's goodbye comes after that.
        shared.host.document(browser, nonce);
    }
    Html(text).into_response()
}

impl Shared {
    /// A built document with what it is told, the first things in its head: where all of this is shown, if that is not
    /// the root, and one thing more.
    fn document(&self, name: &str, more: Option<(&str, String)>) -> String {
        let base = (self.base_path != "/").then(|| ("killcord-base", self.base_path.clone()));
        told(&placed(&self.assets.document(name), &self.base_path), base.into_iter().chain(more))
    }
}

/// The built documents name their files as if they lay beside them; they lie below `killcord/`.
fn placed(document: &str, base: &str) -> String {
    document.replace("=\"./", &format!("=\"{base}killcord/"))
}

/// Names and contents are ours: neither has a quote.
fn told<'a>(document: &str, what: impl Iterator<Item = (&'a str, String)>) -> String {
    let meta: String =
        what.map(|(name, content)| format!("<meta name=\"{name}\" content=\"{content}\">")).collect();
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
    fn what_a_document_is_told_is_the_first_thing_in_its_head() {
        let told = |document| told(document, [("a", "b".to_owned())].into_iter());
        assert_eq!(
            told("<!doctype html><html><head><title>x</title>"),
            "<!doctype html><html><head><meta name=\"a\" content=\"b\"><title>x</title>"
        );
        assert!(told("no head").starts_with("<meta"));
    }

    #[test]
    fn a_document_finds_its_files_wherever_it_is_shown() {
        let script = r#"<script src="./assets/a.js">"#;
        assert_eq!(placed(script, "/"), r#"<script src="/killcord/assets/a.js">"#);
        assert_eq!(placed(script, "/bench1/"), r#"<script src="/bench1/killcord/assets/a.js">"#);
    }
}
