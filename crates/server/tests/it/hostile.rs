//! Floods, drips and malformed requests, by somebody who was not let in: each ends, and nobody else notices.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use killcord::wire::RigState;
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::bench::{Bench, Kept, SOON, get, post, remote};

fn connect(bench: &Bench) -> TcpStream {
    let stream = TcpStream::connect(bench.at()).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream
}

/// All that comes until the other side is done.
fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        // Cut while we were still writing: what came before counts.
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => String::from_utf8_lossy(&bytes).into_owned(),
    }
}

/// Sends these bytes; all that is answered.
fn raw(bench: &Bench, bytes: &[u8]) -> String {
    let mut stream = connect(bench);
    // It may have had enough before all was written.
    stream.write_all(bytes).ok();
    rest(&mut stream)
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

#[test]
fn a_header_that_never_ends_is_cut_off_in_its_time() {
    let bench = Bench::start();
    let mut page = bench.browser().page(None);
    let mut stream = connect(&bench);
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let (began, mut n) = (Instant::now(), 0);
    stream.write_all(format!("GET / HTTP/1.1\r\nHost: {}\r\n", bench.at()).as_bytes()).unwrap();
    // A line at a time, so that the connection is never idle.
    let mut answer = [0; 1024];
    loop {
        n += 1;
        let wrote = stream.write_all(format!("X-{n}: x\r\n").as_bytes());
        match stream.read(&mut answer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock && wrote.is_ok() => {}
            _ => break,
        }
        assert!(began.elapsed() < Duration::from_secs(60));
    }
    assert!(n > 10, "not at once");
    page.beat(1);
}

#[test]
fn a_body_that_never_ends_is_cut_off_in_its_time() {
    let bench = Bench::start();
    let mut page = bench.browser().page(None);
    let slow =
        post(bench.at(), "/killcord/pair", "", "{").replace("Content-Length: 1", "Content-Length: 100");
    let answer = raw(&bench, slow.as_bytes());
    assert_eq!(status(&answer), 408, "{answer}");
    page.beat(1);
}

#[test]
fn more_connections_than_a_stranger_may_have_shut_nobody_out() {
    let bench = Bench::start();
    let browser = bench.browser();
    let mut page = browser.page(None);
    page.arm(&bench);
    // They say just enough to be waited for.
    let half = format!("GET / HTTP/1.1\r\nHost: {}\r\n", bench.at());
    let mut hostile: Vec<TcpStream> = Vec::new();
    for _ in 0..600 {
        let mut stream = connect(&bench);
        stream.write_all(half.as_bytes()).ok();
        hostile.push(stream);
    }
    page.beat(1);
    assert_eq!(browser.get("/").status, 200, "a new connection of somebody who is known");
    assert_eq!(
        bench.ask(&get(bench.at(), "/killcord/pair", "")).status,
        200,
        "and of somebody who is not yet"
    );
    // So many others come between a browser's connection and its first word that each place changes hands.
    let outlives = || {
        let mut slow = connect(&bench);
        let _others: Vec<_> = (0..64).map(|_| connect(&bench)).collect();
        // Behind them in the listener's queue: once it is answered, all of them have come.
        assert_eq!(bench.ask(&get(bench.at(), "/killcord/pair", "")).status, 200);
        let cookie = format!("Cookie: {}\r\n", browser.cookie);
        slow.write_all(get(bench.at(), "/", &cookie).as_bytes()).ok();
        status(&rest(&mut slow)) == 200
    };
    // Two in three are pushed out; that all are has a chance of 10^-10.
    assert!((0..50).any(|_| outlives()), "a stream of strangers keeps out who is known");
    assert!(bench.is_on());
}

#[test]
fn a_guest_s_oldest_idle_connection_is_closed_for_one_more_of_his_and_nobody_else_s_is() {
    let bench = Bench::start();
    let (observer, browser) = (bench.browser(), bench.browser());
    let (mut page, mut kept) = (browser.page(None), browser.keeps());
    let mut all: Vec<_> = (0..100).map(|_| observer.keeps()).collect();
    let (gone, left) = all.split_at_mut(100 - 64);
    gone.iter_mut().for_each(Kept::closed);
    assert!(left.iter_mut().all(|one| one.ask() == Some(204)));
    assert_eq!(kept.ask(), Some(204));
    page.beat(1);
}

#[test]
fn guests_leave_descriptors_for_devices_and_let_others_come() {
    let before = getrlimit(Resource::Nofile);
    // Of these 384 are not for connections.
    let bench = Bench::within(512);
    setrlimit(Resource::Nofile, before).unwrap();
    let mut all: Vec<_> = (0..4)
        .flat_map(|_| {
            let guest = bench.browser();
            (0..60).map(move |_| guest.keeps()).collect::<Vec<_>>()
        })
        .collect();
    let mut page = bench.browser().page(None);
    page.beat(1);
    let left = all.iter_mut().filter_map(|one| one.ask()).count();
    assert!((64..128).contains(&left), "{left} connections");
}

#[test]
fn a_stranger_who_asks_without_end_is_slowed_down_and_nobody_else_is() {
    let bench = Bench::start();
    let browser = bench.browser();
    let uses_up = |path: &str| {
        let until = Instant::now() + SOON;
        while bench.ask(&get(bench.at(), path, "")).status != 429 {
            assert!(Instant::now() < until, "{path} is never refused");
        }
    };
    uses_up("/killcord/healthz");
    for path in ["/killcord/healthz", "/killcord/api/v1/rig", "/"] {
        assert!(matches!(browser.get(path).status, 200 | 204), "{path}");
    }
    for path in ["/killcord/pair", "/killcord/assets/pair.js"] {
        assert_eq!(bench.ask(&get(bench.at(), path, "")).status, 200, "{path}");
    }
    // What the pairing page does not name, or is not there.
    uses_up("/killcord/assets/index.js");
    uses_up("/killcord/assets/pair.css");
    let code = bench.code();
    let pair = post(bench.at(), "/killcord/pair", "", &format!("{{\"code\":\"{code}\"}}"));
    assert_eq!(bench.ask(&pair).status, 204, "and whoever has a link comes in");
}

#[test]
fn heads_that_are_too_long_or_too_many_are_refused() {
    let bench = Bench::start();
    let at = bench.at();
    let long = "x".repeat(64 * 1024);
    let many: String = (0..500).map(|n| format!("X-{n}: x\r\n")).collect();
    for request in [
        get(at, &format!("/{long}"), ""),
        get(at, "/", &format!("X-Long: {long}\r\n")),
        get(at, "/", &format!("Cookie: {long}\r\n")),
        get(at, "/", &many),
        format!("{long} / HTTP/1.1\r\nHost: {at}\r\n\r\n"),
    ] {
        let answer = raw(&bench, request.as_bytes());
        assert!(matches!(status(&answer), 0 | 400 | 414 | 431), "{}", &answer[..answer.len().min(200)]);
    }
    assert_eq!(bench.ask(&get(at, "/killcord/healthz", "")).status, 204);
}

#[test]
fn what_is_compressed_is_never_unpacked() {
    let bench = Bench::start();
    let browser = bench.browser();
    // Ten bytes of gzip that say of themselves that they are a bomb (RFC 1952 section 2.3).
    let bomb = "\u{1f}\u{8b}\u{8}\0\0\0\0\0\0\u{3}";
    let at = bench.at();
    for coding in ["gzip", "br", "deflate", "zstd", "gzip, gzip"] {
        let more = format!("Cookie: {}\r\nContent-Encoding: {coding}\r\n", browser.cookie);
        for path in ["/killcord/bye", "/killcord/pair", "/killcord/api/v1/arm", "/killcord/api/v1/links"] {
            let answer = bench.ask(&post(at, path, &more, bomb));
            assert!(matches!(answer.status, 400 | 415), "{coding} {path}: {answer:?}");
        }
    }
    let upgrade = format!(
        "Cookie: {}\r\nOrigin: http://{at}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n",
        browser.cookie
    );
    let request = get(at, "/killcord/ws", &upgrade).replace("Connection: close\r\n", "");
    let mut stream = connect(&bench);
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = [0; 1024];
    let read = stream.read(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]).to_ascii_lowercase();
    assert_eq!(status(&answer), 101, "{answer}");
    assert!(!answer.contains("permessage-deflate"), "{answer}");
}

#[test]
fn a_request_that_two_readers_would_end_at_different_places_smuggles_nothing() {
    let bench = Bench::start();
    let (at, browser) = (bench.at(), bench.browser());
    let mut page = browser.page(None);
    page.arm(&bench);
    let smuggled = post(at, "/killcord/api/v1/safe", &format!("Cookie: {}\r\n", browser.cookie), "");
    let head = format!("POST /killcord/bye HTTP/1.1\r\nHost: {at}\r\nOrigin: http://{at}\r\n");
    let length = smuggled.len() + 5;
    for framing in [
        // Both (RFC 9112 section 6.1: an attempt, or a mistake).
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n{smuggled}"),
        // Two lengths.
        format!("Content-Length: 0\r\nContent-Length: {length}\r\n\r\n{smuggled}"),
        format!("Content-Length: 0, {length}\r\n\r\n{smuggled}"),
        format!("Content-Length: +0\r\n\r\n{smuggled}"),
        format!("Content-Length: -1\r\n\r\n{smuggled}"),
        // A coding that is none, or not the last, or hidden.
        format!("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("Transfer-Encoding:\u{b}chunked\r\n\r\n0\r\n\r\n{smuggled}"),
        // Chunks of a size that is none.
        format!("Transfer-Encoding: chunked\r\n\r\n-1\r\n{smuggled}"),
        format!("Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{smuggled}"),
        // A line that goes on in the next (obs-fold).
        format!("Content-Length: 0\r\n X: y\r\n\r\n{smuggled}"),
        // A line feed alone as an end of line.
        format!("X: y\nContent-Length: 0\r\n\r\n{smuggled}"),
    ] {
        let answer = raw(&bench, format!("{head}{framing}").as_bytes());
        // A second answer is a second request: one that a proxy in front never saw.
        let answers = answer.matches("HTTP/1.1 ").count();
        let first_ended_here = !framing.contains("Transfer-Encoding") && answers == 2;
        assert!(answers <= 1 || first_ended_here, "{framing}\n{answer}");
        if answers == 1 {
            assert!((400..500).contains(&status(&answer)), "{framing}\n{answer}");
        }
    }
    page.beat(2);
}

#[test]
fn other_sites_get_nothing_by_images_scripts_frames_forms_or_fetches() {
    let bench = Bench::start();
    let (at, browser) = (bench.at(), bench.browser());
    let mut page = browser.page(None);
    page.arm(&bench);
    // As a browser sends them that would send the cookie all the same.
    for (site, mode, dest) in [
        ("cross-site", "no-cors", "image"),
        ("cross-site", "no-cors", "script"),
        ("cross-site", "cors", "empty"),
        ("cross-site", "navigate", "iframe"),
        ("cross-site", "navigate", "object"),
        // Another port of this machine is another's too.
        ("same-site", "no-cors", "image"),
        ("same-site", "navigate", "iframe"),
    ] {
        let more = format!(
            "Cookie: {}\r\nSec-Fetch-Site: {site}\r\nSec-Fetch-Mode: {mode}\r\nSec-Fetch-Dest: {dest}\r\n",
            browser.cookie
        );
        for path in ["/", "/killcord/api/v1/rig", "/killcord/api/v1/sessions"] {
            let answer = bench.ask(&get(at, path, &more));
            assert_eq!((answer.status, answer.code().as_str()), (403, "wrong_origin"), "{site} {dest}");
        }
    }
    for origin in ["http://evil.example", "null", "http://localhost:1", "https://bench1.lab"] {
        for path in ["safe", "stop", "release", "arm", "links"] {
            let form = post(
                at,
                &format!("/killcord/api/v1/{path}"),
                &format!("Cookie: {}\r\n", browser.cookie),
                "a=b",
            );
            let form = form.replace(&format!("Origin: http://{at}"), &format!("Origin: {origin}"));
            assert_eq!(bench.ask(&form).code(), "wrong_origin", "{origin} {path}");
        }
    }
    let opened = format!(
        "Cookie: {}\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n",
        browser.cookie
    );
    let document = bench.ask(&get(at, "/", &opened));
    assert_eq!(document.status, 200, "a link that a person follows");
    assert!(document.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
    page.beat(1);
    assert!(bench.is_on());
}

/// What browsers say of a page that was opened by another, and what old ones do not.
const LED: [&str; 3] = ["Sec-Fetch-Site: cross-site\r\n", "Sec-Fetch-Site: same-site\r\n", ""];

#[test]
fn a_document_to_which_another_site_s_page_led_arms_nothing_by_itself() {
    let bench = Bench::at_remote_arming(&remote());
    bench.wait_for(RigState::Safe);
    for led in LED {
        let browser = bench.browser();
        let mut page = browser.hello(&browser.document_of(led), None);
        // What it would have armed by its coming would be armed by now.
        for n in 1..20 {
            page.beat(n);
        }
        assert!(!bench.is_on(), "{led}");
        assert_eq!(browser.delete("/killcord/pair").status, 204);
    }
    let browser = bench.browser();
    let _page = browser.hello(&browser.document_of("Sec-Fetch-Site: same-origin\r\n"), None);
    bench.wait_for(RigState::Armed);
}

#[test]
fn the_pairing_page_acts_by_itself_only_where_no_other_site_s_page_led_to_it() {
    let bench = Bench::start();
    let acts = |who: &str| {
        let opened = format!("Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n{who}");
        let pair = bench.ask(&get(bench.at(), "/killcord/pair", &opened));
        assert_eq!(pair.status, 200, "{who}");
        pair.body.contains("<meta name=\"killcord-opened\"")
    };
    assert!(acts("Sec-Fetch-Site: none\r\n") && acts("Sec-Fetch-Site: same-origin\r\n"));
    for led in LED {
        assert!(!acts(led), "{led}");
    }
}
