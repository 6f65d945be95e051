//! Who comes in, by which name, and what is given to whom.

use std::net::TcpStream;

use killcord::{core::SessionEnd, wire::ToPage};

use crate::bench::{Bench, get, post};

#[test]
fn a_link_lets_one_browser_in_and_the_next_link_is_told() {
    let bench = Bench::start();
    let code = bench.code();
    let body = format!("{{\"code\":\"{code}\"}}");
    assert_eq!(bench.ask(&post(bench.at(), "/killcord/pair", "", &body)).status, 204);
    let next = bench.links.recv().unwrap();
    assert!(next.starts_with(&format!("http://{}/killcord/pair#", bench.at())), "{next}");
    let again = bench.ask(&post(bench.at(), "/killcord/pair", "", &body));
    assert_eq!((again.status, again.code().as_str()), (410, "code_used"));
    let guess = bench.ask(&post(bench.at(), "/killcord/pair", "", r#"{"code":"guess"}"#));
    assert_eq!((guess.status, guess.code().as_str()), (403, "code_wrong"));
}

#[test]
fn a_paired_browser_needs_no_link_and_leaves_it_for_another() {
    let bench = Bench::start();
    let browser = bench.browser();
    let code = bench.code();
    let answer = browser.post("/killcord/pair", &format!("{{\"code\":\"{code}\"}}"));
    assert_eq!((answer.status, answer.header("set-cookie")), (204, None));
    let other = bench.ask(&post(bench.at(), "/killcord/pair", "", &format!("{{\"code\":\"{code}\"}}")));
    assert_eq!(other.status, 204);
}

#[test]
fn a_browser_that_signs_out_loses_all_its_sessions_and_its_cookie() {
    let bench = Bench::start();
    let (browser, other) = (bench.browser(), bench.browser());
    let (mut one, mut two, mut others) = (browser.page(None), browser.page(None), other.page(None));
    let mut late = browser.socket().unwrap();
    let answer = browser.delete("/killcord/pair");
    assert_eq!(answer.status, 204);
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    for page in [&mut one, &mut two] {
        let ended = page.until(|frame| matches!(frame, ToPage::Ended { .. }));
        assert!(matches!(ended, ToPage::Ended { reason: SessionEnd::SignedOut, .. }), "{ended:?}");
    }
    assert_eq!(browser.get("/killcord/api/v1/rig").code(), "not_paired");
    late.say(r#"{"t":"hello","v":1,"nonce":"x","want":"operator"}"#);
    assert_eq!(late.closed(), 1008, "a socket that was open before is let in no more");
    others.beat(1);
}

#[test]
fn without_a_cookie_there_is_the_pairing_page_with_its_files_and_nothing_else() {
    let bench = Bench::start();
    let at = bench.at();
    let home = bench.ask(&get(at, "/", ""));
    assert_eq!((home.status, home.header("location")), (303, Some("/killcord/pair")));
    let pair = bench.ask(&get(at, "/killcord/pair", ""));
    assert!(pair.status == 200 && pair.body.contains("src=\"/killcord/assets/pair.js\""), "{pair:?}");
    assert!(!pair.body.contains("killcord-nonce"), "it holds no session");
    assert_eq!(bench.ask(&get(at, "/killcord/assets/index.js", "")).status, 200);
    let foreign = "Cookie: killcord-1=x; other=y\r\n";
    for request in [
        get(at, "/killcord/api/v1/rig", ""),
        get(at, "/killcord/openapi.json", ""),
        get(at, "/killcord/api/v1/sessions", ""),
        get(at, "/killcord/api/v1/rig", foreign),
        get(at, "/killcord/api/v1/rig", &format!("Cookie: killcord-{}=guess\r\n", at.port())),
        post(at, "/killcord/bye", "", "{}"),
        get(at, "/killcord/ws", &format!("Origin: http://{at}\r\n")),
    ] {
        let answer = bench.ask(&request);
        assert_eq!((answer.status, answer.code().as_str()), (401, "not_paired"), "{request}");
    }
    assert_eq!(bench.ask(&get(at, "/killcord/healthz", "")).status, 204);
}

#[test]
fn every_answer_forbids_inline_script_frames_and_copies() {
    let bench = Bench::start();
    let browser = bench.browser();
    for path in
        ["/", "/killcord/assets/index.js", "/killcord/pair", "/killcord/api/v1/rig", "/killcord/nothing"]
    {
        let answer = browser.get(path);
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}

#[test]
fn each_document_has_a_nonce_of_its_own() {
    let bench = Bench::start();
    let browser = bench.browser();
    let (one, two) = (browser.document(), browser.document());
    assert_eq!((one.len(), two.len()), (7 + 32, 7 + 32), "a person has opened it, and 128 bits");
    assert_ne!(one, two);
}

#[test]
fn another_name_is_refused_whoever_asks() {
    let bench = Bench::start();
    let (at, browser) = (bench.at(), bench.browser());
    let cookie = format!("Cookie: {}\r\n", browser.cookie);
    let host = |name: &str| get(at, "/", &cookie).replace(&format!("Host: {at}"), &format!("Host: {name}"));
    for name in ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost", "bench1.lab:1", ""] {
        let answer = bench.ask(&host(name));
        assert_eq!((answer.status, answer.code().as_str()), (421, "wrong_host"), "{name}");
    }
    let port = at.port();
    for name in [format!("localhost:{port}"), "bench1.lab".into(), format!("BENCH1.LAB:{port}")] {
        assert_eq!(bench.ask(&host(&name)).status, 200, "{name}");
    }
    let two = get(at, "/", &format!("{cookie}Host: evil.example\r\n"));
    assert!(matches!(bench.ask(&two).status, 400 | 421), "two names");
    let absolute = get(at, "http://evil.example/", &cookie);
    assert_eq!(bench.ask(&absolute).status, 421);
}

#[test]
fn another_sites_page_is_refused() {
    let bench = Bench::start();
    let (at, browser) = (bench.at(), bench.browser());
    let cookie = format!("Cookie: {}\r\n", browser.cookie);
    let origin = format!("Origin: http://{at}\r\n");
    for foreign in ["Origin: http://evil.example\r\n", "Origin: null\r\n", "Origin: https://x\r\n", ""] {
        let bye = post(at, "/killcord/bye", &cookie, "{}").replace(&origin, foreign);
        let answer = bench.ask(&bye);
        assert_eq!((answer.status, answer.code().as_str()), (403, "wrong_origin"), "{foreign}");
        let upgrade =
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n";
        let socket = get(at, "/killcord/ws", &format!("{cookie}{upgrade}{foreign}"));
        assert_eq!(bench.ask(&socket).code(), "wrong_origin", "{foreign}");
    }
    assert_eq!(bench.ask(&get(at, "/", &format!("{cookie}Origin: http://evil.example\r\n"))).status, 403);
}

#[test]
fn a_page_that_nobody_looks_at_is_refused() {
    let bench = Bench::start();
    let browser = bench.browser();
    let cookie = format!("Cookie: {}\r\nSec-Purpose: prefetch;prerender\r\n", browser.cookie);
    assert_eq!(bench.ask(&get(bench.at(), "/", &cookie)).code(), "prefetch");
}

#[test]
fn what_is_no_request_for_anything_here_gets_a_code_and_no_server_error() {
    let bench = Bench::start();
    let browser = bench.browser();
    for path in [
        "/nothing",
        "/../etc/passwd",
        "/killcord/assets/%2e%2e/index.html",
        "/killcord/index.html",
        "/assets/index.js",
        "/killcord/",
        "/killcord/api/v2/rig",
    ] {
        let answer = browser.get(path);
        assert_eq!((answer.status, answer.code().as_str()), (404, "unknown"), "{path}");
    }
    for path in ["/killcord/api/v1/rig", "/killcord/healthz"] {
        let answer = browser.post(path, "");
        assert_eq!((answer.status, answer.code().as_str()), (405, "wrong_method"), "{path}");
        assert!(answer.header("allow").is_some_and(|allow| allow.contains("GET")), "{answer:?}");
    }
    assert_eq!(browser.post("/", "").code(), "unknown");
    for body in [
        "",
        "{}",
        "[]",
        "\u{0}",
        r#"{"t":"safe"}"#,
        r#"{"t":"bye","session":-1,"nonce":"","persisted":true}"#,
    ] {
        assert_eq!(browser.post("/killcord/bye", body).code(), "bad_request", "{body}");
        assert_eq!(browser.post("/killcord/pair", body).code(), "bad_request", "{body}");
    }
    let long = "x".repeat(64 * 1024);
    assert_eq!(browser.post("/killcord/bye", &long).status, 413);
    assert_eq!(browser.get("/killcord/healthz").status, 204, "and it still answers");
}

#[test]
fn a_thousand_connections_that_say_nothing_shut_nobody_out() {
    let bench = Bench::start();
    let silent: Vec<_> = (0..1000).map_while(|_| TcpStream::connect(bench.at()).ok()).collect();
    assert!(silent.len() >= 500, "this machine gives only {} descriptors", silent.len());
    let mut page = bench.browser().page(None);
    page.beat(1);
}
