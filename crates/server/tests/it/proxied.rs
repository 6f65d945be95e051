//! Behind a proxy: whose word is believed, and where all of it is shown.

use std::{io::Write as _, net::TcpStream, time::Instant};

use killcord::wire::{RigState, SessionsView};
use killcord_server::Remote;

use crate::bench::{Bench, SOON, get, post, remote};

fn proxied(base_path: &str) -> Remote {
    Remote { trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()], base_path: base_path.into(), ..remote() }
}

/// As a proxy asks that was asked for `https://bench1.lab/` from another network.
fn by_proxy(text: &str, bench: &Bench) -> String {
    let at = bench.at();
    let asked = "Host: bench1.lab\r\nX-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\n";
    text.replace(&format!("Host: {at}\r\n"), asked)
        .replace(&format!("Origin: http://{at}"), "Origin: https://bench1.lab")
}

#[test]
fn a_browser_behind_a_trusted_proxy_is_seen_where_it_is_and_its_cookie_is_secure() {
    let bench = Bench::at_remote(&proxied("/"));
    let at = bench.at();
    let code = bench.server.invite().unwrap();
    let code = code.strip_prefix("https://bench1.lab/killcord/pair#").unwrap();
    let pair = post(at, "/killcord/pair", "", &format!("{{\"code\":\"{code}\"}}"));
    let answer = bench.ask(&by_proxy(&pair, &bench));
    assert_eq!(answer.status, 204, "{answer:?}");
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-killcord-") && cookie.ends_with("; Secure"), "{cookie}");
    let cookie = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());

    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let socket = get(at, "/killcord/ws", &format!("{cookie}{upgrade}Origin: http://{at}\r\n"));
    let socket = by_proxy(&socket, &bench).replace("Connection: close\r\n", "");
    let mut stream = TcpStream::connect(at).unwrap();
    stream.write_all(socket.as_bytes()).unwrap();
    let hello = br#"{"t":"hello","v":1,"nonce":"n","want":"operator"}"#;
    // A text frame masked with zeros (RFC 6455 section 5.2).
    stream.write_all(&[0x81, 0x80 | u8::try_from(hello.len()).unwrap(), 0, 0, 0, 0]).unwrap();
    stream.write_all(hello).unwrap();
    let until = Instant::now() + SOON;
    while bench.sessions().sessions.is_empty() {
        assert!(Instant::now() < until);
        std::thread::yield_now();
    }
    let seen = bench.ask(&by_proxy(&get(at, "/killcord/api/v1/sessions", &cookie), &bench));
    let seen: SessionsView = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(seen.sessions[0].address, Some("203.0.113.7".parse().unwrap()));
}

#[test]
fn nobody_who_is_no_proxy_is_believed() {
    let bench = Bench::start();
    let (at, browser) = (bench.at(), bench.browser());
    let lie = format!(
        "Cookie: {}\r\nX-Forwarded-For: 203.0.113.7\r\nForwarded: for=203.0.113.7\r\nX-Real-IP: 203.0.113.7\r\n",
        browser.cookie
    );
    assert_eq!(bench.ask(&get(at, "/", &lie)).status, 200);
    let named = get(at, "/", &format!("{lie}X-Forwarded-Host: bench1.lab\r\n"));
    let named = named.replace(&format!("Host: {at}"), "Host: evil.example");
    assert_eq!(bench.ask(&named).code(), "wrong_host");
    let page = post(at, "/killcord/bye", &format!("{lie}X-Forwarded-Proto: https\r\n"), "{}");
    assert_eq!(bench.ask(&page.replace("Origin: http:", "Origin: https:")).code(), "wrong_origin");
    let _page = browser.page(None);
    assert_eq!(bench.sessions().sessions[0].address, Some("127.0.0.1".parse().unwrap()));
}

#[test]
fn a_page_behind_a_proxy_that_says_nothing_is_not_taken_for_one_of_this_machine() {
    let bench = Bench::at_remote_arming(&proxied("/"));
    bench.wait_for(RigState::Safe);
    let mut page = bench.browser().page(None);
    // What it would have armed by its coming would be armed by now.
    for n in 1..20 {
        page.beat(n);
    }
    assert!(!bench.is_on());
    let here = Bench::at_remote_arming(&remote());
    here.wait_for(RigState::Safe);
    let _page = here.browser().page(None);
    here.wait_for(RigState::Armed);
}

#[test]
fn all_of_it_is_shown_below_the_base_path() {
    let bench = Bench::at_remote(&proxied("/lab/bench1/"));
    let at = bench.at();
    let link = bench.server.invite().unwrap();
    assert!(link.starts_with("https://bench1.lab/lab/bench1/killcord/pair#"), "{link}");
    let ask = |path: &str, more: &str| bench.ask(&by_proxy(&get(at, path, more), &bench));
    let home = ask("/lab/bench1/", "");
    assert_eq!((home.status, home.header("location")), (303, Some("/lab/bench1/killcord/pair")));
    let pair = ask("/lab/bench1/killcord/pair", "");
    assert!(pair.body.contains(r#"<meta name="killcord-base" content="/lab/bench1/">"#), "{pair:?}");
    assert!(pair.body.contains(r#"src="/lab/bench1/killcord/assets/pair.js""#), "{pair:?}");
    let body = format!("{{\"code\":\"{}\"}}", link.split_once('#').unwrap().1);
    let answer = bench.ask(&by_proxy(&post(at, "/lab/bench1/killcord/pair", "", &body), &bench));
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Secure-killcord-") && cookie.contains("Path=/lab/bench1/;"), "{cookie}");
    let cookie = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
    for path in ["/lab/bench1", "/lab/bench1/", "/lab/bench1/killcord/panel", "/killcord/panel"] {
        let panel = ask(path, &cookie);
        assert_eq!(panel.status, 200, "{path}");
        assert!(panel.body.contains("killcord-nonce"));
    }
    assert_eq!(ask("/lab/bench10/killcord/panel", &cookie).status, 404);
}
