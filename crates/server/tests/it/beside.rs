//! The window at the bench with a server of its own, beside the one for browsers.

use std::fs;

use killcord::{core::SessionEnd, wire::ToPage};
use killcord_server::{Assets, Bound, Server, Ui};

use crate::bench::{Bench, Browser, ask, get, post};

/// The window's server, and the window that it has let in.
struct Window {
    _server: Server,
    browser: Browser,
    /// By which it was.
    code: String,
}

impl Window {
    fn of(bench: &Bench, browsers: Option<&Server>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("index.html"), "<!doctype html><head></head>").unwrap();
        let assets = Assets::default().with_ui(Ui::read(folder.path()).unwrap());
        let bound = Bound::for_window(bench.state(), false).unwrap();
        let server = bound.serve_window(bench.host.clone(), assets, browsers).unwrap();
        let link = server.invite().unwrap();
        let code = link.split_once("/killcord/pair#").unwrap().1;
        let at = server.address();
        let answer = ask(at, &post(at, "/killcord/pair", "", &format!("{{\"code\":\"{code}\"}}")));
        let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        Self { _server: server, browser: Browser { at, cookie }, code: code.to_owned() }
    }
}

#[test]
fn the_window_sees_and_changes_who_browsers_are_and_is_none_of_them() {
    let bench = Bench::start();
    let browser = bench.browser();
    let window = Window::of(&bench, Some(&bench.server));
    let (mut theirs, mut own) = (browser.page(None), window.browser.page(None));

    let listed = window.browser.get("/killcord/api/v1/tokens").body;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let tokens = listed["tokens"].as_array().unwrap();
    assert_eq!(tokens.len(), 1, "{listed}");
    assert_eq!(tokens[0]["here"], false);
    let sessions = bench.sessions().sessions;
    let who = |page| sessions.iter().find(|one| one.session == page).unwrap().who.clone().unwrap();
    assert_eq!(who(own.session), "the window at the bench");
    assert_eq!(who(theirs.session), tokens[0]["name"].as_str().unwrap());

    // A link of its is one to the server that others reach.
    let answer = window.browser.post("/killcord/api/v1/links", r#"{"role":"observer"}"#);
    let link: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let code = link["link"].as_str().unwrap().strip_prefix(&format!("http://{}/killcord/pair#", bench.at()));
    assert_eq!(bench.browser_by(code.unwrap()).get("/killcord/api/v1/tokens").code(), "operators_only");

    // Whom it revokes loses his sessions, and it keeps its own: both were the first that their server let in.
    let name = tokens[0]["name"].as_str().unwrap();
    assert_eq!(window.browser.delete(&format!("/killcord/api/v1/tokens/{name}")).status, 204);
    let ended = theirs.until(|frame| matches!(frame, ToPage::Ended { .. }));
    assert!(matches!(ended, ToPage::Ended { reason: SessionEnd::EndedByOperator, .. }), "{ended:?}");
    own.beat(1);
    assert_eq!(browser.get("/killcord/api/v1/rig").code(), "not_paired");
    assert_eq!(window.browser.get("/killcord/api/v1/rig").status, 200);
}

#[test]
fn a_window_whose_rig_lets_no_browser_in_is_told_so() {
    let bench = Bench::start();
    let window = Window::of(&bench, None);
    let window = &window.browser;
    for answer in [
        window.get("/killcord/api/v1/tokens"),
        window.post("/killcord/api/v1/links", r#"{"role":"operator"}"#),
        window.delete("/killcord/api/v1/tokens/alice"),
    ] {
        assert_eq!((answer.status, answer.code().as_str()), (404, "no_browsers"));
    }
}

#[test]
fn the_window_is_not_shut_out_of_its_own_bench() {
    let bench = Bench::start();
    let window = Window::of(&bench, Some(&bench.server));
    let window = &window.browser;
    assert!(window.get("/").body.contains("<meta name=\"killcord-window\""));
    // A web view need not say who wants a page: in the window it is always a person.
    assert!(window.get("/killcord/pair").body.contains("<meta name=\"killcord-opened\""));
    assert!(window.get("/").body.contains("content=\"opened-"));
    let answer = window.delete("/killcord/pair");
    assert_eq!((answer.status, answer.code().as_str()), (403, "window"));
    assert_eq!(window.get("/killcord/api/v1/rig").status, 200);
    assert!(!bench.browser().get("/").body.contains("killcord-window"));
}

#[test]
fn a_window_s_port_is_of_loopback_and_opened_once_for_its_cookie_alone() {
    let bench = Bench::start();
    let window = Window::of(&bench, None);
    let at = window.browser.at;
    assert!(at.ip().is_loopback());
    let stranger = ask(at, &get(at, "/killcord/api/v1/rig", ""));
    assert_eq!((stranger.status, stranger.code().as_str()), (401, "not_paired"));
    let other = Browser { at, cookie: bench.browser().cookie };
    assert_eq!(other.get("/killcord/api/v1/rig").code(), "not_paired", "a browser that is let in elsewhere");
    let again = ask(at, &post(at, "/killcord/pair", "", &format!("{{\"code\":\"{}\"}}", window.code)));
    assert_eq!((again.status, again.code().as_str()), (410, "code_used"));
    assert_eq!(window.browser.get("/killcord/api/v1/rig").status, 200);
}
