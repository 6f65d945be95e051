//! A wrapped app in browsers: what reaches the app, what comes back, and that neither it nor its page's silence
//! decides over the session.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use killcord::wire::ToHost;
use killcord_tests::page::{Browser, FRAME, link};
use killcord_tests::process::{Launch, look};
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
fn a_tab_gets_killcord_s_page_and_the_app_is_at_an_origin_of_its_own() {
    let bench = Wrapped::mirror(PATIENT);
    let (_serve, browser) = bench.ready();
    let app = browser.app();
    let (own, apps) = (format!("http://{}", browser.at()), format!("http://{}", app.at()));
    for path in ["/", "/plots?n=1"] {
        // What it accepts tells where an old browser does not.
        for asked in [("sec-fetch-dest", "document"), ("accept", "text/html,*/*;q=0.8")] {
            let mut top = browser.get(path, &[asked]);
            let policy = top.headers()["content-security-policy"].to_str().unwrap().to_owned();
            assert!(policy.contains(&format!("frame-src {apps}")), "{policy}");
            assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
            assert_eq!(top.headers()["cache-control"], "no-store");
            assert_eq!(top.headers()["cross-origin-opener-policy"], "same-origin");
            assert!(top.body_mut().read_to_string().unwrap().contains("killcord-nonce"), "{path}");
        }
        assert_eq!(browser.get(path, &[]).status(), 404, "nothing of the app is at our own address");
        assert_eq!(browser.get(path, &[("sec-fetch-dest", "iframe")]).status(), 404);
        assert_eq!(browser.ask("POST", path, "").0, 404);
        // A tab of the app's own is Killcord's page at that path.
        for more in
            [&[("sec-fetch-dest", "document")][..], &[("sec-fetch-dest", "document"), ("cookie", "a=1")]]
        {
            let top = app.get(path, more);
            assert_eq!(
                (top.status().as_u16(), &top.headers()["location"]),
                (303, &format!("{own}{path}").parse().unwrap())
            );
        }
    }
    let mut framed = app.get("/page", &FRAME);
    let policies: Vec<_> = framed.headers().get_all("content-security-policy").iter().cloned().collect();
    assert_eq!(policies, ["default-src 'self'", &format!("frame-ancestors {own}")], "framed by nobody else");
    assert!(
        !framed.headers().contains_key("x-frame-options") && !framed.headers().contains_key("cache-control")
    );
    assert!(framed.body_mut().read_to_string().unwrap().contains("the app"));
    for own in ["/killcord/panel", "/killcord/ws", "/killcord/api/v1/rig", "/killcord"] {
        assert_eq!(app.get(own, &[]).status(), 404, "no own path is behind the app's address");
    }
    let panel = browser.get("/killcord/panel", &[("sec-fetch-dest", "document")]);
    assert_eq!(panel.status(), 200);
}

#[test]
fn a_ticket_lets_in_once_and_leads_nowhere_else() {
    let bench = Wrapped::mirror(PATIENT);
    let (_serve, browser) = bench.ready();
    let app = browser.app();
    let ticket = || {
        let (_, way) = browser.ask("POST", "/killcord/enter", "");
        way["url"].as_str().unwrap().split_once(app.at()).unwrap().1.to_owned()
    };
    let come = |path: &str, cookie: &str| {
        let mut request = ureq::get(format!("http://{}{path}", app.at())).header("cookie", cookie);
        for (name, value) in FRAME {
            request = request.header(name, value);
        }
        request.config().http_status_as_error(false).max_redirects(0).build().call().unwrap()
    };
    let path = ticket();
    let first = come(&format!("{path}&to=/plots%3Fn=1"), "");
    assert_eq!(
        (first.status().as_u16(), &first.headers()["location"]),
        (303, &"/plots?n=1".parse().unwrap())
    );
    let cookie = first.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.ends_with("; HttpOnly; SameSite=Strict; Path=/"), "{cookie}");
    assert_eq!(come(&path, "").status(), 401, "it was used");
    for (to, wanted) in
        [("//evil.example", "/"), ("https://evil.example/", "/"), ("/%5Cevil", "/"), ("/a%0D%0Ab:c", "/")]
    {
        let answer = come(&format!("{}&to={to}", ticket()), "");
        assert_eq!(answer.headers()["location"], wanted, "{to}");
    }
    // Who is in keeps the cookie: another tab may be using it.
    assert!(!come(&ticket(), app.cookie()).headers().contains_key("set-cookie"));
    for wrong in ["/killcord-enter", "/killcord-enter?ticket=", "/killcord-enter?ticket=0123&to=/"] {
        let answer = come(wrong, "");
        assert!(matches!(answer.status().as_u16(), 400 | 401), "{wrong}: {}", answer.status());
        assert!(!answer.headers().contains_key("set-cookie") && !answer.headers().contains_key("location"));
    }
    let shown = app.get(&ticket(), &[("sec-fetch-dest", "document")]);
    assert_eq!(
        shown.headers()["location"],
        format!("http://{}/", browser.at()),
        "no ticket in a tab's address"
    );
}

#[test]
fn an_observer_gets_the_panel_and_never_the_app() {
    let bench = Wrapped::mirror(PATIENT);
    let (_serve, browser) = bench.ready();
    let added = bench.station.killcord(["token", "add"]).arg(&bench.rig).arg("visitor").run(LONG);
    until_true("the running host to know it", SOON, || {
        browser.ask("GET", "/killcord/api/v1/tokens", "").1.to_string().contains("visitor")
    });
    let observer = Browser::pair(&format!("http://{}/killcord/pair#{}", browser.at(), added.stdout.trim()));
    for path in ["/", "/plots?n=1"] {
        let top = observer.get(path, &[("sec-fetch-dest", "document")]);
        assert_eq!(
            (top.status().as_u16(), &top.headers()["location"]),
            (303, &"/killcord/panel".parse().unwrap())
        );
    }
    assert_eq!(observer.get("/killcord/panel", &[("sec-fetch-dest", "document")]).status(), 200);
    let (status, refused) = observer.ask("POST", "/killcord/enter", "");
    assert_eq!((status, &refused["code"]), (403, &"operators_only".into()));
    assert_eq!(browser.ask("POST", "/killcord/enter", "").0, 200);
}

#[test]
fn neither_cookie_is_worth_anything_at_the_other_address_and_both_end_together() {
    let bench = Wrapped::mirror(PATIENT);
    let (_serve, browser) = bench.ready();
    let app = browser.app();
    let own = app.cookie().rsplit_once("; ").unwrap().1;
    let ask = |at: &str, path: &str, cookie: &str| {
        let request = ureq::get(format!("http://{at}{path}")).header("cookie", cookie);
        request.config().http_status_as_error(false).build().call().unwrap().status().as_u16()
    };
    assert_eq!(ask(app.at(), "/page", browser.cookie()), 401);
    assert_eq!(ask(app.at(), "/page", own), 200);
    assert_eq!(ask(browser.at(), "/killcord/api/v1/rig", own), 401);
    let forged =
        own.replacen(app.at().rsplit_once(':').unwrap().1, browser.at().rsplit_once(':').unwrap().1, 1);
    assert_eq!(ask(browser.at(), "/killcord/api/v1/rig", &forged), 401);
    assert_eq!(ask(browser.at(), "/killcord/api/v1/rig", &format!("{forged}; {}", browser.cookie())), 200);

    let mut stream = BufReader::new(raw(&app, "GET /stream HTTP/1.1"));
    let mut socket = app.socket("/socket", None);
    socket.read().unwrap();
    let mut line = String::new();
    while !line.contains("one") {
        line.clear();
        assert_ne!(stream.read_line(&mut line).unwrap(), 0);
    }
    assert_eq!(browser.ask("DELETE", "/killcord/pair", "").0, 204, "it signs out");
    assert_eq!(ask(app.at(), "/page", own), 401);
    let mut rest = String::new();
    // Cut: an error, or an end.
    drop(stream.read_to_string(&mut rest));
    assert!(!rest.contains("two"));
    while socket.read().is_ok() {}
}

#[test]
fn the_app_is_asked_by_its_own_name_and_never_sees_killcord_s_cookie() {
    let bench = Wrapped::mirror(PATIENT);
    let (_serve, browser) = bench.ready();
    let app = browser.app();
    let own = format!("http://{}", app.at());
    let seen = mirrored(
        &app,
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
    assert!(host.starts_with("127.0.0.1:") && host != browser.at() && host != app.at(), "{host}");
    assert_eq!(sent(headers, "origin"), [format!("http://{host}")]);
    assert_eq!(sent(headers, "cookie"), ["mine=1"]);
    assert_eq!(sent(headers, "x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(sent(headers, "x-forwarded-host"), [app.at()]);
    assert!(sent(headers, "te").is_empty());
    assert_eq!(seen["path"], "/a?b=%2F");
    for cookie in app.cookie().split("; ") {
        let taken = app.get(&format!("/cookies?name={}", cookie.split_once('=').unwrap().0), &[]);
        let kept: Vec<_> = taken.headers().get_all("set-cookie").iter().collect();
        assert_eq!(kept, ["sid=1; Path=/"]);
        assert!(!taken.headers().contains_key("clear-site-data"));
    }
    assert_eq!(app.get("/away", &[]).headers()["location"], "/page?from=redirect");
}

#[test]
fn nobody_reaches_the_app_without_a_cookie_or_from_another_site() {
    let bench = Wrapped::mirror(PATIENT);
    let (_serve, browser) = bench.ready();
    let app = browser.app();
    let ask = |more: &[(&str, &str)]| {
        let mut request = ureq::get(format!("http://{}/page", app.at()));
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        request.config().http_status_as_error(false).max_redirects(0).build().call().unwrap()
    };
    assert_eq!(ask(&[]).status(), 401);
    assert_eq!(ask(&FRAME).status(), 401);
    let counted = browser.get("/killcord/metrics", &[]).body_mut().read_to_string().unwrap();
    assert!(counted.contains("killcord_server_refusals_total{code=\"not_entered\"} 2"), "{counted}");
    let stranger = ureq::get(format!("http://{}/", browser.at())).header("sec-fetch-dest", "document");
    let top = stranger.config().max_redirects(0).build().call().unwrap();
    assert_eq!(
        (top.status().as_u16(), &top.headers()["location"]),
        (303, &"/killcord/pair".parse().unwrap())
    );
    let cookie = app.cookie();
    assert_eq!(ask(&[("cookie", cookie)]).status(), 200);
    for origin in ["http://evil.example".to_owned(), format!("http://{}", browser.at()), "null".into()] {
        assert_eq!(ask(&[("cookie", cookie), ("origin", &origin)]).status(), 403, "{origin}");
    }
    assert_eq!(ask(&[("cookie", cookie), ("host", "evil.example")]).status(), 421);
    assert_eq!(ask(&[("cookie", cookie), ("host", browser.at())]).status(), 421);
    assert_eq!(ask(&[("cookie", cookie), ("service-worker", "script")]).status(), 403);
    assert_eq!(ask(&[("cookie", cookie), ("sec-purpose", "prefetch")]).status(), 403);
    // Our own page asks for the frame's content, and for nothing else; another site's for nothing at all.
    let fetch = |site: &str, mode: &str, dest: &str| {
        let lines = [
            ("cookie", cookie),
            ("sec-fetch-site", site),
            ("sec-fetch-mode", mode),
            ("sec-fetch-dest", dest),
        ];
        ask(&lines).status().as_u16()
    };
    assert_eq!(fetch("same-site", "navigate", "iframe"), 200);
    assert_eq!(fetch("same-site", "no-cors", "image"), 403);
    assert_eq!(fetch("same-site", "navigate", "object"), 403);
    assert_eq!(fetch("cross-site", "navigate", "iframe"), 403);
    assert_eq!(fetch("same-origin", "cors", "empty"), 200);
    let mut form = raw(
        &app,
        "POST /form HTTP/1.1\nSec-Fetch-Site: same-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\nContent-Length: 0\r\n",
    );
    let mut answer = String::new();
    form.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    for method in ["CONNECT", "TRACE"] {
        let mut odd = raw(&app, &format!("{method} {} HTTP/1.1", app.at()));
        let mut answer = String::new();
        odd.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 4"), "{method}: {answer}");
    }
    let mut foreign = raw(&app, "GET /socket HTTP/1.1\nUpgrade: websocket\r\n");
    let mut answer = String::new();
    foreign.read_to_string(&mut answer).unwrap();
    assert!(!answer.starts_with("HTTP/1.1 101"), "{answer}");
}

#[test]
fn answers_and_uploads_stream_and_are_as_long_as_they_are() {
    let bench = Wrapped::mirror(PATIENT);
    let (_serve, browser) = bench.ready();
    let app = browser.app();
    let mut stream = BufReader::new(raw(&app, "GET /stream HTTP/1.1"));
    let next = |stream: &mut BufReader<TcpStream>, wanted: &str| {
        let mut line = String::new();
        while !line.contains(wanted) {
            line.clear();
            assert_ne!(stream.read_line(&mut line).unwrap(), 0, "{wanted} never came");
        }
    };
    next(&mut stream, "one");
    assert_eq!(app.get("/go", &[]).status(), 200);
    next(&mut stream, "two");

    // Larger than anything that is held anywhere: the app tells what it has while more is on its way.
    let size = 24 << 20;
    let head = format!("POST /upload HTTP/1.1\nContent-Length: {size}\r\n");
    let mut upload = raw(&app, &head);
    let mut told = BufReader::new(upload.try_clone().unwrap());
    let half = vec![b'x'; size / 2];
    upload.write_all(&half).unwrap();
    next(&mut told, "2");
    upload.write_all(&half).unwrap();
    next(&mut told, &format!("all {size}"));

    let mut chunked = raw(&app, "POST /mirror HTTP/1.1\nTransfer-Encoding: chunked\r\n");
    chunked.write_all(b"5\r\nhello\r\n6\r\n there\r\n0\r\n\r\n").unwrap();
    let mut answer = String::new();
    chunked.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("hello there"), "{answer}");
}

#[test]
fn who_goes_away_takes_the_request_along() {
    let bench = Wrapped::mirror(PATIENT);
    let (_serve, browser) = bench.ready();
    let app = browser.app();
    let waiting = || app.get("/waiting", &[]).body_mut().read_to_string().unwrap();
    let asked = raw(&app, "GET /wait HTTP/1.1");
    until_true("the app to be asked", SOON, || waiting() == "1");
    drop(asked);
    until_true("the app to hear that nobody waits", SOON, || waiting() == "0");
}

#[test]
fn sockets_go_through_as_they_are() {
    let bench = Wrapped::mirror(PATIENT);
    let (_serve, browser) = bench.ready();
    let app = browser.app();
    let mut socket = app.socket("/socket?x=1", Some("mirror"));
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
    let closed = || app.get("/closed", &[]).body_mut().read_to_string().unwrap();
    until_true("the app to see it close", SOON, || closed() == "1");
    // One that is cut without a word.
    drop(app.socket("/socket", None));
    until_true("the app to see it gone", SOON, || closed() == "2");
}

#[test]
fn an_app_that_blocks_for_longer_than_a_lease_costs_no_session_and_no_hardware() {
    let bench = Wrapped::mirror("beat = \"500ms\"\nexpire_after = \"3s\"");
    let (_serve, browser) = bench.ready();
    let mut page = browser.open();
    bench.until("ON");
    let slow = std::thread::spawn({
        let app = browser.app();
        move || app.get("/block?s=12", &[]).body_mut().read_to_string().unwrap()
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
    let app = browser.app();
    let first = app.get("/", &FRAME);
    assert!(matches!(first.status().as_u16(), 502 | 503));
    bench.await_app("exited");
    let mut page = app.get("/", &FRAME);
    assert_eq!(page.status(), 502);
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.ends_with(&format!("frame-ancestors http://{}", browser.at())), "{policy}");
    assert!(page.body_mut().read_to_string().unwrap().contains("http-equiv=\"refresh\""));
    let code: Value = app.get("/data", &[]).body_mut().read_json().unwrap();
    assert_eq!(code["code"], "app_gone");
}

#[test]
fn an_app_that_drops_a_request_or_dies_is_a_bad_gateway_and_the_session_goes_on() {
    let bench = Wrapped::mirror(PATIENT);
    let (serve, browser) = bench.ready();
    let mut page = browser.open();
    let asked = browser.app();
    assert_eq!(asked.get("/drop", &[]).status(), 502);
    let socket = asked.socket("/socket", None);
    let app = killcord_tests::wrapped::app_processes(&serve);
    let app = *app.last().expect("no app");
    kill_process(Pid::from_raw(app.cast_signed()).unwrap(), Signal::KILL).unwrap();
    bench.await_app("exited");
    assert_eq!(asked.get("/page", &[]).status(), 502);
    drop(socket);
    page.beat(1);
    bench.until("OFF");
}

#[test]
fn the_session_is_the_page_s_however_the_app_is_used() {
    let bench = Wrapped::mirror(PATIENT);
    let (_serve, browser) = bench.ready();
    let app = browser.app();
    let mut page = browser.open();
    bench.until("ON");
    // The app's own documents and sockets come and go: no goodbye, no claim.
    for _ in 0..5 {
        drop(app.socket("/socket", None));
        assert_eq!(app.get("/page", &FRAME).status(), 200);
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
fn a_form_of_the_app_for_a_whole_tab_is_killcord_s_page_and_no_end() {
    let bench = Wrapped::mirror(PATIENT);
    let (_serve, browser) = bench.ready();
    let app = browser.app();
    let mut page = browser.open();
    bench.until("ON");
    // In a tab of its own: the frame may not lead its tab elsewhere (browser_hostile.rs).
    let mut form = raw(&app, "POST /form HTTP/1.1\nSec-Fetch-Dest: document\r\nContent-Length: 0\r\n");
    let mut answer = String::new();
    form.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    assert!(answer.contains(&format!("location: http://{}/form", browser.at())), "{answer}");
    page.beat(1);
    assert!(bench.is("ON"));
    // The page is loaded again meanwhile.
    let nonce = browser.document();
    browser.bye(&page, false);
    let mut page = browser.hello(&nonce, Some(&page.token));
    assert!(page.resumed, "a form is no end");
    page.beat(1);
    assert!(bench.is("ON"));
}

/// Connects to the socket as whoever runs it, and says what became of it.
const CONNECT: &str = "import socket, sys\ntry:\n    socket.socket(socket.AF_UNIX).connect(sys.argv[1])\n    print('in')\n\
                       except PermissionError:\n    print('refused')\n";

#[test]
fn an_app_on_a_socket_is_reached_through_killcord_and_by_no_other_user_of_the_machine() {
    let bench = Wrapped::on_a_socket(PATIENT);
    let (mut serve, browser) = bench.ready();
    let app = browser.app();
    let seen = mirrored(&app, "/a", &[]);
    assert_eq!(sent(&seen["headers"], "host"), ["localhost"]);
    let mut socket = app.socket("/socket", None);
    socket.read().unwrap();
    socket.send(Message::text("hello")).unwrap();
    assert_eq!(socket.read().unwrap(), Message::text("hello"));
    assert_eq!(app.get("/away", &[]).headers()["location"], "/page?from=redirect");

    let command = look::command_line(*killcord_tests::wrapped::app_processes(&serve).last().unwrap());
    let path = std::path::PathBuf::from(command.last().unwrap());
    let folder = std::fs::metadata(path.parent().unwrap()).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&folder.permissions()) & 0o777, 0o700);
    let connect = |user: &[&str]| {
        // The system's own, which others may run too.
        let words = user.iter().copied().chain(["/usr/bin/python3", "-c", CONNECT]);
        let ended = Launch::new("/usr/bin/env").args(words).arg(&path).run(LONG);
        format!("{}{}", ended.stdout.trim(), ended.stderr.trim())
    };
    assert_eq!(connect(&[]), "in", "{}", path.display());
    // Only root can be somebody else.
    if rustix::process::getuid().is_root() {
        let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
        assert_eq!(connect(&nobody), "refused");
    }
    serve.signal(Signal::TERM);
    assert_eq!(serve.wait(LONG).code(), Some(0), "{}", serve.output().all());
    assert!(!serve.output().all().contains("did not take `before_stop`"), "{}", serve.output().all());
    until_gone(&serve);
    // What the last one has left is in nobody's way.
    let (_serve, browser) = bench.ready();
    assert_eq!(browser.app().get("/page", &FRAME).status(), 200);
}

#[test]
fn a_safe_stop_and_every_end_of_the_host_leave_nothing_of_the_app() {
    for signal in [None, Some(Signal::TERM), Some(Signal::KILL)] {
        let bench = Wrapped::mirror(PATIENT);
        let (mut serve, browser) = bench.ready();
        let app = browser.app();
        let mut page = browser.open();
        bench.until("ON");
        let socket = app.socket("/socket", None);
        match signal {
            None => {
                page.say(&ToHost::Stop);
                bench.until("OFF");
                assert_eq!(app.get("/page", &[]).status(), 200, "it drives nothing, and stays");
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
