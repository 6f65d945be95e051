//! What is tried, one row of the threats after the other: by strangers, by sites that a browser of somebody who was let in
//! has open, and by that somebody.

use std::io::{self, Write as _};
use std::sync::atomic::Ordering;

use killcord::wire::ToHost;
use killcord_tests::line::Line;
use tungstenite::{Message, WebSocket};

use crate::target::Target;

/// Tries once; whether an answer came.
pub(crate) type Attack = fn(&Target) -> io::Result<bool>;

/// Those that cost the host most come first: there are more attackers than attacks.
pub(crate) const ATTACKS: [Attack; 32] = [
    // Handshakes without end, and frames of somebody who was let in to look.
    |it| it.encrypted().map(|_| true),
    flood,
    // Slowly: a head, a body, a handshake, a socket that says no hello, a frame that does not end.
    |it| {
        let begin = it.request("GET", "/", "");
        it.drip(it.encrypted()?, begin.as_bytes(), "X: x\r\n".bytes().cycle())
    },
    |it| {
        let head = "Content-Type: application/json\r\nContent-Length: 4000\r\n\r\n";
        let begin = it.request("POST", "/killcord/pair", head);
        it.drip(it.encrypted()?, begin.as_bytes(), " ".bytes().cycle())
    },
    |it| it.drip(it.plain()?, &[], it.client_hello()?.into_iter()),
    |it| it.socket().and_then(|mut socket| it.wait(socket.get_mut())).map(|()| true),
    |it| {
        let mut socket = it.socket()?;
        hello(&mut socket)?;
        socket.get_mut().write_all(&[0x81])?;
        it.wait(socket.get_mut()).map(|()| true)
    },
    // What is no TLS, and what only begins like it.
    |it| it.ask_plain(it.request("GET", "/", "\r\n").as_bytes()),
    |it| it.ask_plain(b"\x16\x03\x01\x00\x05hello"),
    // Codes that are none, were used, or are another kind of secret.
    |it| it.ask(it.post("/killcord/pair", "", "{\"code\":\"0123456789abcdef0123456789abcdef\"}")),
    |it| it.ask(it.post("/killcord/pair", "", &format!("{{\"code\":\"{}\"}}", it.has.used))),
    |it| it.ask(it.post("/killcord/pair", "", &format!("{{\"code\":\"{}\"}}", secret(&it.has.observer)))),
    // Cookies and keys that are none, are over, or are another kind of secret.
    |it| {
        let forged = format!("Cookie: {}={}\r\n\r\n", it.cookie(), "0".repeat(43));
        it.ask(it.request("GET", "/killcord/api/v1/sessions", &forged))
    },
    |it| bearer(it, &format!("kc_{}", "0".repeat(43))),
    |it| it.ask(it.request("GET", "/killcord/api/v1/rig", &format!("Cookie: {}\r\n\r\n", it.has.expired))),
    |it| bearer(it, &it.has.expired_key),
    |it| bearer(it, secret(&it.has.observer)),
    // What only an operator may.
    |it| {
        let body = "{\"session\":1,\"epoch\":\"1.1\",\"id\":\"observer\"}";
        it.ask(it.post("/killcord/api/v1/arm", &cookie(it), body))
    },
    |it| it.ask(it.post("/killcord/api/v1/links", &cookie(it), "{\"role\":\"operator\"}")),
    // DNS rebinding.
    |it| it.ask("GET /killcord/api/v1/rig HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
    // Another site's page in the observer's browser: fetch, form, image and socket.
    |it| {
        let head = "Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: cors\r\n\
                    Content-Length: 0\r\n\r\n";
        it.ask(it.request("POST", "/killcord/api/v1/safe", &(cookie(it) + head)))
    },
    |it| {
        let head = "Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n\
                    Sec-Fetch-Dest: document\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                    Content-Length: 3\r\n\r\na=b";
        it.ask(it.request("POST", "/killcord/api/v1/stop", &(cookie(it) + head)))
    },
    |it| {
        let head = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n\r\n";
        it.ask(it.request("GET", "/killcord/api/v1/rig", &(cookie(it) + head)))
    },
    |it| it.ask(upgrade(it, "https://evil.example", "")),
    // Heads and addresses without end.
    |it| it.ask(it.request("GET", &format!("/{}", "x".repeat(60_000)), "\r\n")),
    |it| it.ask(it.request("GET", "/", &("X-Many: ".to_owned() + &"y".repeat(60_000) + "\r\n\r\n"))),
    // What would be large once it is unpacked: a body, and a socket's frames.
    |it| {
        let gzip = "Content-Encoding: gzip\r\n";
        it.ask(it.post("/killcord/pair", gzip, "\x1f\x08\x08\x08"))
    },
    |it| {
        let asked = upgrade(it, &it.origin(), "Sec-WebSocket-Extensions: permessage-deflate\r\n");
        it.ask([asked.as_bytes(), PACKED].concat())
    },
    // Files that are none of ours.
    |it| it.ask(it.request("GET", "/killcord/%2e%2e/..%2f../etc/passwd", "\r\n")),
    // A word of a proxy's that is none.
    |it| {
        let head = "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n\r\n";
        it.ask(it.request("GET", "/killcord/api/v1/rig", head))
    },
    // Two requests that a proxy might take for one: by two lengths, and by a length and chunks.
    |it| it.ask(it.smuggled("Content-Length: 0\r\nContent-Length: 45\r\n\r\n")),
    |it| it.ask(it.smuggled("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")),
];

/// A frame of a socket that is compressed, masked by nothing (RFC 7692 section 7.2.3.1).
const PACKED: &[u8] = b"\xc1\x85\0\0\0\0\x4a\x04\0\0\0";

/// A cookie without its name.
fn secret(cookie: &str) -> &str {
    cookie.split_once('=').map_or(cookie, |(_, secret)| secret)
}

/// The observer's.
fn cookie(it: &Target) -> String {
    format!("Cookie: {}\r\n", it.has.observer)
}

fn bearer(it: &Target, key: &str) -> io::Result<bool> {
    it.ask(it.request("GET", "/killcord/api/v1/sessions", &format!("Authorization: Bearer {key}\r\n\r\n")))
}

/// Asks for a socket, as a page of that site in the observer's browser.
fn upgrade(it: &Target, origin: &str, more: &str) -> String {
    let head = format!(
        "{}Origin: {origin}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}Sec-WebSocket-Protocol: killcord.v1\r\n\r\n",
        cookie(it)
    );
    it.request("GET", "/killcord/ws", &head)
}

/// As an observer who would be more.
fn hello(socket: &mut WebSocket<Line>) -> io::Result<()> {
    let (nonce, want) = ("a document that was never asked for".to_owned(), killcord::Role::Operator);
    say(socket, &ToHost::Hello { v: 1, resume: None, nonce, want })
}

fn say(socket: &mut WebSocket<Line>, frame: &ToHost) -> io::Result<()> {
    let text = serde_json::to_string(frame)?;
    socket.send(Message::text(text)).map_err(io::Error::other)
}

/// Beats, text that is no frame, and pings, without a pause until the socket is closed for it.
fn flood(it: &Target) -> io::Result<bool> {
    let mut socket = it.socket()?;
    hello(&mut socket)?;
    for n in 0.. {
        if it.is_over() {
            break;
        }
        let said = match n % 3 {
            0 => say(&mut socket, &ToHost::Beat { n, visible: true, main_ms: None, input_ms: None }),
            1 => socket.send(Message::text("{\"t\":\"nothing of ours\"}")).map_err(io::Error::other),
            _ => socket.send(Message::Ping("?".into())).map_err(io::Error::other),
        };
        if said.is_err() {
            it.done.shown_out.fetch_add(1, Ordering::Relaxed);
            break;
        }
        it.done.frames.fetch_add(1, Ordering::Relaxed);
    }
    Ok(true)
}
