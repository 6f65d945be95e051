//! A wrapped app in browsers: what reaches the app, what comes back, and that neither it nor its page's silence
//! decides over the session.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use killcord::wire::ToHost;
use killcord_tests::page::{Browser, link};
use killcord_tests::wait::{LONG, SOON, until_true};
use killcord_tests::wrapped::{Wrapped, until_gone};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tungstenite::Message;

/// Nobody's lease or grace is over while a test looks elsewhere.
const PATIENT: &str = "expire_after = \"60s\"\nreload_grace = \"60s\"";

fn mirrored(browser: &Browser, path: &str, more: &[(&str, &str)]) -> Value {
    let mut answer = browser.get(path, more);
    assert_eq!(answer.status(), 200);
    answer.body_mut().read_json().unwrap()
}

/// The values of a header that the app was sent.
fn sent(seen: &Value, name: &str) -> Vec<String> {
    let all = seen.as_array().unwrap().iter().filter(|pair| pair[0] == name);
    all.map(|pair| pair[1].as_str().unwrap().to_owned()).collect()
}

/// A request by hand, whose body and answer are read as they come.
fn raw(browser: &Browser, head: &str) -> TcpStream {
    let mut stream = TcpStream::connect(browser.at()).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    let (at, cookie) = (browser.at(), browser.cookie());
    let (line, rest) = head.split_once('\n').unwrap_or((head, ""));
    let common = format!("Host: {at}\r\nCookie: {cookie}\r\nOrigin: http://{at}\r\nConnection: close\r\n");
    write!(stream, "{line}\r\n{common}{rest}\r\n").unwrap();
    stream
}

#[test]
fn a_tab_gets_killcord_s_page_and_everything_else_the_app() {
    let bench = Wrapped::mirror(PATIENT);
    let (_serve, browser) = bench.ready();
    for path in ["/", "/plots?n=1"] {
        let mut top = browser.get(path, &[("sec-fetch-dest", "document")]);
        assert!(top.headers()["content-security-policy"].to_str().unwrap().contains("frame-src 'self'"));
        assert_eq!(top.headers()["cache-control"], "no-store");
        assert!(top.body_mut().read_to_string().unwrap().contains("killcord-nonce"), "{path}");
    }
    let mut framed = browser.get("/page", &[("sec-fetch-dest", "iframe"), ("accept", "text/html")]);
    let policies: Vec<_> = framed.headers().get_all("content-security-policy").iter().cloned().collect();
    assert_eq!(policies, ["default-src 'self'", "frame-ancestors 'self'"], "framed by nobody else");
    assert_eq!(framed.headers()["x-frame-options"], "SAMEORIGIN");
    assert!(!framed.headers().contains_key("cache-control"));
    assert!(framed.body_mut().read_to_string().unwrap().contains("the app"));
    // Without a word of what it is for: by what it accepts, and by the mark of our own page.
    let mut plain = browser.get("/page", &[("accept", "text/html,*/*;q=0.8")]);
    assert!(plain.body_mut().read_to_string().unwrap().contains("killcord-nonce"));
    let mut marked = browser.get("/page?killcord-frame", &[("accept", "text/html,*/*;q=0.8")]);
    assert!(marked.body_mut().read_to_string().unwrap().contains("the app"));
    assert_eq!(mirrored(&browser, "/x?killcord-frame&a=%20", &[])["path"], "/x?a=%20");
    let own = browser.get("/killcord/nothing", &[]);
    assert_eq!(own.status(), 404, "no own path is ever the app's");
    let panel = browser.get("/killcord/panel", &[("sec-fetch-dest", "document")]);
    assert_eq!(panel.status(), 200);
}

#[test]
fn the_app_is_asked_by_its_own_name_and_never_sees_killcord_s_cookie() {
    let bench = Wrapped::mirror(PATIENT);
    let (_serve, browser) = bench.ready();
    let own = format!("http://{}", browser.at());
    let seen = mirrored(
        &browser,
        "/a?b=%2F",
        &[
            ("origin", own.as_str()),
            ("cookie", "mine=1"),
            ("x-forwarded-for", "10.0.0.1"),
            ("te", "trailers"),
        ],
    );
    let headers = &seen["headers"];
    let host = sent(headers, "host").remove(0);
    assert!(host.starts_with("127.0.0.1:") && host != browser.at(), "{host}");
    assert_eq!(sent(headers, "origin"), [format!("http://{host}")]);
    assert_eq!(sent(headers, "cookie"), ["mine=1"]);
    assert_eq!(sent(headers, "x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(sent(headers, "x-forwarded-host"), [browser.at()]);
    assert!(sent(headers, "te").is_empty());
    assert_eq!(seen["path"], "/a?b=%2F");
    let taken = browser.get(&format!("/cookies?name={}", browser.cookie().split_once('=').unwrap().0), &[]);
    let kept: Vec<_> = taken.headers().get_all("set-cookie").iter().collect();
    assert_eq!(kept, ["sid=1; Path=/"]);
    assert!(!taken.headers().contains_key("clear-site-data"));
    assert_eq!(browser.get("/away", &[]).headers()["location"], "/page?from=redirect");
}

#[test]
fn nobody_reaches_the_app_without_a_cookie_or_from_another_site() {
    let bench = Wrapped::mirror(PATIENT);
    let (_serve, browser) = bench.ready();
    let ask = |more: &[(&str, &str)]| {
        let mut request = ureq::get(format!("http://{}/page", browser.at()));
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        request.config().http_status_as_error(false).max_redirects(0).build().call().unwrap()
    };
    assert_eq!(ask(&[]).status(), 401);
    assert_eq!(ask(&[("sec-fetch-dest", "iframe")]).status(), 401);
    let top = ask(&[("sec-fetch-dest", "document")]);
    assert_eq!(
        (top.status().as_u16(), &top.headers()["location"]),
        (303, &"/killcord/pair".parse().unwrap())
    );
    let cookie = browser.cookie();
    assert_eq!(ask(&[("cookie", cookie), ("origin", "http://evil.example")]).status(), 403);
    assert_eq!(ask(&[("cookie", cookie), ("host", "evil.example")]).status(), 421);
    assert_eq!(ask(&[("cookie", cookie), ("service-worker", "script")]).status(), 403);
    for method in ["CONNECT", "TRACE"] {
        let mut odd = raw(&browser, &format!("{method} {} HTTP/1.1", browser.at()));
        let mut answer = String::new();
        odd.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 4"), "{method}: {answer}");
    }
    let mut foreign = raw(&browser, "GET /socket HTTP/1.1\nUpgrade: websocket\r\n");
    let mut answer = String::new();
    foreign.read_to_string(&mut answer).unwrap();
    assert!(!answer.starts_with("HTTP/1.1 101"), "{answer}");
}

#[test]
fn answers_and_uploads_stream_and_are_as_long_as_they_are() {
    let bench = Wrapped::mirror(PATIENT);
    let (_serve, browser) = bench.ready();
    let mut stream = BufReader::new(raw(&browser, "GET /stream HTTP/1.1"));
    let next = |stream: &mut BufReader<TcpStream>, wanted: &str| {
        let mut line = String::new();
        while !line.contains(wanted) {
            line.clear();
            assert_ne!(stream.read_line(&mut line).unwrap(), 0, "{wanted} never came");
        }
    };
    next(&mut stream, "one");
    assert_eq!(browser.get("/go", &[]).status(), 200);
    next(&mut stream, "two");

    // Larger than anything that is held anywhere: the app tells what it has while more is on its way.
    let size = 24 << 20;
    let head = format!("POST /upload HTTP/1.1\nContent-Length: {size}\r\n");
    let mut upload = raw(&browser, &head);
    let mut told = BufReader::new(upload.try_clone().unwrap());
    let half = vec![b'x'; size / 2];
    upload.write_all(&half).unwrap();
    next(&mut told, "2");
    upload.write_all(&half).unwrap();
    next(&mut told, &format!("all {size}"));

    let mut chunked = raw(&browser, "POST /mirror HTTP/1.1\nTransfer-Encoding: chunked\r\n");
    chunked.write_all(b"5\r\nhello\r\n6\r\n there\r\n0\r\n\r\n").unwrap();
    let mut answer = String::new();
    chunked.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("hello there"), "{answer}");
}

#[test]
fn who_goes_away_takes_the_request_along() {
    let bench = Wrapped::mirror(PATIENT);
    let (_serve, browser) = bench.ready();
    let waiting = || browser.get("/waiting", &[]).body_mut().read_to_string().unwrap();
    let asked = raw(&browser, "GET /wait HTTP/1.1");
    until_true("the app to be asked", SOON, || waiting() == "1");
    drop(asked);
    until_true("the app to hear that nobody waits", SOON, || waiting() == "0");
}

#[test]
fn sockets_go_through_as_they_are() {
    let bench = Wrapped::mirror(PATIENT);
    let (_serve, browser) = bench.ready();
    let mut socket = browser.socket("/socket?x=1", Some("mirror"));
    let headers: Value = serde_json::from_str(socket.read().unwrap().to_text().unwrap()).unwrap();
    let host = sent(&headers, "host").remove(0);
    assert_eq!(sent(&headers, "origin"), [format!("http://{host}")]);
    assert!(sent(&headers, "cookie").is_empty());
    // Larger than a frame of Killcord's own.
    let large = "x".repeat(1 << 20);
    for message in [Message::text("hello"), Message::binary(vec![0, 159, 146, 150]), Message::text(large)] {
        socket.send(message.clone()).unwrap();
        assert_eq!(socket.read().unwrap(), message);
    }
    socket.close(None).unwrap();
    while socket.read().is_ok() {}
    let closed = || browser.get("/closed", &[]).body_mut().read_to_string().unwrap();
    until_true("the app to see it close", SOON, || closed() == "1");
    // One that is cut without a word.
    drop(browser.socket("/socket", None));
    until_true("the app to see it gone", SOON, || closed() == "2");
}

#[test]
fn an_app_that_blocks_for_longer_than_a_lease_costs_no_session_and_no_hardware() {
    let bench = Wrapped::mirror("beat = \"500ms\"\nexpire_after = \"3s\"");
    let (_serve, browser) = bench.ready();
    let mut page = browser.open();
    bench.until("ON");
    let slow = std::thread::spawn({
        let browser = browser.clone();
        move || browser.get("/block?s=12", &[]).body_mut().read_to_string().unwrap()
    });
    let began = Instant::now();
    let mut n = 0;
    while !slow.is_finished() {
        n += 1;
        page.beat(n);
        killcord_tests::wait::let_pass(Duration::from_millis(500));
    }
    assert_eq!(slow.join().unwrap(), "done", "no limit of ours has cut it");
    assert!(began.elapsed() >= Duration::from_secs(12));
    assert!(bench.is("ON"));
    page.beat(n + 1);
}

#[test]
fn an_app_that_is_not_there_is_said_so_by_a_page_that_tries_again() {
    let bench = Wrapped::mirror(PATIENT);
    let text = std::fs::read_to_string(&bench.rig).unwrap();
    let _rig = bench.station.rig(&text.replace("app.py", "no-app.py"));
    let serve = bench.serve();
    let browser = Browser::pair(&link(&serve));
    let framed = [("sec-fetch-dest", "iframe")];
    let first = browser.get("/", &framed);
    assert!(matches!(first.status().as_u16(), 502 | 503));
    bench.await_app("exited");
    let mut page = browser.get("/", &framed);
    assert_eq!(page.status(), 502);
    assert_eq!(page.headers()["x-frame-options"], "SAMEORIGIN");
    assert!(page.body_mut().read_to_string().unwrap().contains("http-equiv=\"refresh\""));
    let code: Value = browser.get("/data", &[]).body_mut().read_json().unwrap();
    assert_eq!(code["code"], "app_gone");
}

#[test]
fn an_app_that_drops_a_request_or_dies_is_a_bad_gateway_and_the_session_goes_on() {
    let bench = Wrapped::mirror(PATIENT);
    let (serve, browser) = bench.ready();
    let mut page = browser.open();
    assert_eq!(browser.get("/drop", &[]).status(), 502);
    let socket = browser.socket("/socket", None);
    let app = killcord_tests::wrapped::app_processes(&serve);
    let app = *app.last().expect("no app");
    kill_process(Pid::from_raw(app.cast_signed()).unwrap(), Signal::KILL).unwrap();
    bench.await_app("exited");
    assert_eq!(browser.get("/page", &[]).status(), 502);
    drop(socket);
    page.beat(1);
    bench.until("OFF");
}

#[test]
fn the_session_is_the_page_s_however_the_app_is_used() {
    let bench = Wrapped::mirror(PATIENT);
    let (_serve, browser) = bench.ready();
    let mut page = browser.open();
    bench.until("ON");
    // The app's own documents and sockets come and go: no goodbye, no claim.
    for _ in 0..5 {
        drop(browser.socket("/socket", None));
        assert_eq!(browser.get("/page", &[("sec-fetch-dest", "iframe")]).status(), 200);
    }
    page.beat(1);
    let nonce = browser.document();
    browser.bye(&page, false);
    let mut page = browser.hello(&nonce, Some(&page.token));
    assert!(page.resumed, "a reload is no end");
    page.beat(2);
    assert!(bench.is("ON"));
    browser.bye(&page, false);
    bench.until("OFF");
}

#[test]
fn a_form_of_the_app_for_the_whole_tab_is_no_end() {
    let bench = Wrapped::mirror(PATIENT);
    let (_serve, browser) = bench.ready();
    let page = browser.open();
    bench.until("ON");
    let mut form = raw(&browser, "POST /form HTTP/1.1\nSec-Fetch-Dest: document\r\nContent-Length: 0\r\n");
    browser.bye(&page, false);
    let mut answer = String::new();
    form.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\"POST\""), "{answer}");
    let mut page = browser.hello(&browser.document(), Some(&page.token));
    assert!(page.resumed, "a form is no end");
    page.beat(1);
    assert!(bench.is("ON"));
}

#[test]
fn a_safe_stop_and_every_end_of_the_host_leave_nothing_of_the_app() {
    for signal in [None, Some(Signal::TERM), Some(Signal::KILL)] {
        let bench = Wrapped::mirror(PATIENT);
        let (mut serve, browser) = bench.ready();
        let mut page = browser.open();
        bench.until("ON");
        let socket = browser.socket("/socket", None);
        match signal {
            None => {
                page.say(&ToHost::Stop);
                bench.until("OFF");
                assert_eq!(browser.get("/page", &[]).status(), 200, "it drives nothing, and stays");
                continue;
            }
            Some(signal) => serve.signal(signal),
        }
        serve.wait(LONG);
        bench.until("OFF");
        until_gone(&serve);
        drop(socket);
    }
}
