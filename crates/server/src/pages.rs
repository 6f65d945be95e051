//! The pages: their files are given by the program, their document gets a nonce.
//!
//! A document is entered with the host before the first byte of the answer leaves, and carries its nonce in
//! `<meta name="killcord-nonce" content="…">`, the first thing in its head: no inline script is needed, and none
//! would run.

use std::{borrow::Cow, sync::Arc};

use axum::{
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, Method, header::CONTENT_TYPE},
    response::{Html, IntoResponse as _, Redirect, Response},
};
use killcord::{Rig, core::documents::OPENED};

use crate::{Ui, UiError, answer::Refused, names, pair::Browser, secret, server::Shared, ui};

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
pub struct Assets {
    files: Vec<Asset>,
    /// Pages of the author's own, in `index.html`'s place.
    ui: Option<Arc<Ui>>,
}

impl Assets {
    /// These files.
    #[must_use]
    pub const fn new(files: Vec<Asset>) -> Self {
        Self { files, ui: None }
    }

    /// With pages of the author's own: they are everything outside `/killcord/`, and the panel is at `/killcord/panel`.
    #[must_use]
    pub fn with_ui(mut self, ui: Ui) -> Self {
        self.ui = Some(Arc::new(ui));
        self
    }

    /// The built-in files, and the pages that the rig file names.
    ///
    /// # Errors
    /// [`UiError`].
    pub fn of(rig: &Rig) -> Result<Self, UiError> {
        let assets = Self::panel();
        Ok(match &rig.ui {
            Some(folder) => assets.with_ui(Ui::read(folder)?),
            None => assets,
        })
    }

    fn get(&self, path: &str) -> Option<&Asset> {
        self.files.iter().find(|asset| asset.path == path)
    }

    /// Whether a request is for the pairing page or a file that it names, or takes a code.
    pub(crate) fn are_for_pairing(&self, method: &Method, path: &str) -> bool {
        let reads = matches!(*method, Method::GET | Method::HEAD);
        match path.strip_prefix("/killcord/") {
            Some("pair") => reads || *method == Method::POST,
            Some(file) => {
                reads && self.get(file).is_some() && self.document(PAIR).contains(&format!("=\"./{file}\""))
            }
            None => false,
        }
    }

    fn document(&self, path: &str) -> Cow<'_, str> {
        self.get(path).map_or(NO_PANEL.into(), |asset| String::from_utf8_lossy(&asset.bytes))
    }
}

/// The page behind a link.
const PAIR: &str = "pair.html";
const NO_PANEL: &str = "<!doctype html><html lang=\"en\"><head><title>Killcord</title></head><body><h1>Killcord</h1>\
                        <p>This program was built without its panel: run <code>cargo xtask ui</code>, then build it \
                        again.</p></body></html>";

/// Everything outside `/killcord/`.
pub(crate) async fn get(
    State(shared): State<Arc<Shared>>,
    browser: Result<Browser, Refused>,
    request: Request,
) -> Response {
    let (asked, path) = (shared.asked(request.method(), request.headers()), request.uri().path());
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Refused::Unknown.into_response();
    }
    let Some(own) = &shared.assets.ui else {
        return match path {
            "/" | "/index.html" => document(&shared, browser, asked, "index.html"),
            _ => Refused::Unknown.into_response(),
        };
    };
    // Whether there is one is for whoever was let in.
    let browser = match browser {
        Ok(browser) => browser,
        Err(refused) if path.ends_with('/') || ui::is_document(path) => return elsewhere(&shared, refused),
        Err(refused) => return refused.into_response(),
    };
    match own.find(path) {
        Some(file) if ui::is_document(file.name) => page(&shared, &browser, asked, &file.text()),
        Some(file) => ([(CONTENT_TYPE, kind(file.name))], file.bytes.clone()).into_response(),
        None => Refused::Unknown.into_response(),
    }
}

/// The panel, which is there also where the rig wraps an app.
pub(crate) async fn panel(
    State(shared): State<Arc<Shared>>,
    browser: Result<Browser, Refused>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    document(&shared, browser, shared.asked(&method, &headers), "index.html")
}

/// The page behind a link, and for whoever comes without a cookie. Where another site's page may have led to it, it does
/// nothing before a person presses its button: a browser that is paired would have opened the bench by it.
pub(crate) async fn pair(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let fingerprint = shared.fingerprint().map(|print| ("killcord-fingerprint", print));
    let opened = shared.is_opened(&headers).then(|| ("killcord-opened", String::new()));
    Html(shared.told(&shared.built(PAIR), fingerprint.into_iter().chain(opened))).into_response()
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

/// How a document is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// It is given, and not only its head.
    whole: bool,
    /// A person, or a page of ours, wants it.
    opened: bool,
}

/// A built page that holds a session.
pub(crate) fn document(
    shared: &Shared,
    browser: Result<Browser, Refused>,
    asked: Asked,
    name: &str,
) -> Response {
    match browser {
        Ok(browser) => page(shared, &browser, asked, &shared.built(name)),
        Err(refused) => elsewhere(shared, refused),
    }
}

/// Where a person goes who is not let in: to be paired. Scripts ask below `/killcord/` and get the code.
fn elsewhere(shared: &Shared, refused: Refused) -> Response {
    match refused {
        // Below the path that the browser knows.
        Refused::NotPaired => Redirect::to(&format!("{}killcord/pair", shared.base_path)).into_response(),
        refused => refused.into_response(),
    }
}

/// A page that holds a session.
fn page(shared: &Shared, browser: &Browser, asked: Asked, text: &str) -> Response {
    let Some(word) = secret::word() else { return Refused::Failed.into_response() };
    let nonce = if asked.opened { format!("{OPENED}{word}") } else { word };
    let text = shared.told(text, [("killcord-nonce", nonce.clone())]);
    if asked.whole {
        // Before the answer's first byte: the old page's goodbye comes after that.
        shared.host.document(browser.id, nonce);
    }
    Html(text).into_response()
}

impl Shared {
    pub(crate) fn asked(&self, method: &Method, headers: &HeaderMap) -> Asked {
        Asked { whole: *method == Method::GET, opened: self.is_opened(headers) }
    }

    /// Whether a person, or a page of ours, wants a document. To the window at the bench no other site's page leads.
    fn is_opened(&self, headers: &HeaderMap) -> bool {
        self.is_at_the_bench() || names::is_opened(headers)
    }

    /// A built document, in its place.
    fn built(&self, name: &str) -> String {
        placed(&self.assets.document(name), &self.base_path)
    }

    /// A document with what it is told, the first things in its head: where all of this is shown, if that is not the
    /// root, that it is in the window at the bench, if so, and more.
    fn told<'a>(&self, document: &str, more: impl IntoIterator<Item = (&'a str, String)>) -> String {
        let base = (self.base_path != "/").then(|| ("killcord-base", self.base_path.clone()));
        let window = self.is_at_the_bench().then(|| ("killcord-window", String::new()));
        told(document, base.into_iter().chain(window).chain(more))
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
    let (before, after) = document.split_at(first_in_head(document));
    format!("{before}{meta}{after}")
}

/// Where a document's head begins: behind its tag, or where it has none behind the `doctype`, in front of which nothing
/// may be.
fn first_in_head(document: &str) -> usize {
    let text = document.to_ascii_lowercase();
    let behind = |from: usize| text[from..].find('>').map(|at| from + at + 1);
    let head = text.match_indices("<head").map(|(at, tag)| at + tag.len());
    let head =
        head.into_iter().find(|&end| text[end..].starts_with(|c: char| c == '>' || c.is_ascii_whitespace()));
    let doctype = || text.trim_start().starts_with("<!doctype").then_some(0);
    head.or_else(doctype).and_then(behind).unwrap_or(0)
}

fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("woff") => "font/woff",
        Some("ttf") => "font/ttf",
        Some("webmanifest") => "application/manifest+json",
        Some("csv") => "text/csv; charset=utf-8",
        Some("txt" | "md") => "text/plain; charset=utf-8",
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
        assert_eq!(told("<HEAD data-a='1'\n>x"), "<HEAD data-a='1'\n><meta name=\"a\" content=\"b\">x");
        assert_eq!(
            told("<!doctype html><header>x"),
            "<!doctype html><meta name=\"a\" content=\"b\"><header>x"
        );
        assert!(told("no head").starts_with("<meta") && told("<head").starts_with("<meta"));
    }

    #[test]
    fn a_document_finds_its_files_wherever_it_is_shown() {
        let script = r#"<script src="./assets/a.js">"#;
        assert_eq!(placed(script, "/"), r#"<script src="/killcord/assets/a.js">"#);
        assert_eq!(placed(script, "/bench1/"), r#"<script src="/bench1/killcord/assets/a.js">"#);
    }
}
