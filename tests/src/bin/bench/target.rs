//! A host as its attackers have it: how they come to it, with what, and what they have done.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use killcord_tests::clock::monotonic;
use killcord_tests::line::{Line, client};
use killcord_tests::page::Browser;
use killcord_tests::wait::{LONG, until_true};
use tungstenite::WebSocket;
use tungstenite::client::IntoClientRequest as _;

use crate::crowd::Crowd;

/// How long one waits for the other side, where it is not dripped on.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two words of a drip, and between two looks whether all is over.
const DRIP: Duration = Duration::from_millis(200);
/// How long what expires is good for: the shortest that there is.
const GOOD_FOR: (&str, Duration) = ("1m", Duration::from_mins(1));

/// The host, on loopback.
pub(crate) struct Target {
    /// `127.0.0.1:8420`
    at: String,
    port: u16,
    pub(crate) has: Has,
    pub(crate) over: AtomicBool,
    pub(crate) done: Done,
}

/// What was let in once, or is still, and would be somebody else.
pub(crate) struct Has {
    /// Somebody who was let in to look: the cookie, as it stands in a header.
    pub(crate) observer: String,
    /// The code that the observer was let in by.
    pub(crate) used: String,
    /// A key whose time will be over.
    pub(crate) expired_key: String,
    /// The cookie of a browser that was let in by it.
    pub(crate) expired: String,
    /// When that is.
    pub(crate) over_at: Duration,
}

/// What all of them have done.
#[derive(Default)]
pub(crate) struct Done {
    pub(crate) tries: AtomicUsize,
    pub(crate) answers: AtomicUsize,
    /// Full handshakes that came to their end.
    pub(crate) handshakes: AtomicUsize,
    /// Frames of the observer's.
    pub(crate) frames: AtomicUsize,
    /// The observer's sockets that were closed for what came by them.
    pub(crate) shown_out: AtomicUsize,
}

impl Has {
    /// Lets an observer in by an operator's link, and somebody by a key that is soon worth nothing.
    pub(crate) fn of(crowd: &Crowd, operator: &Browser) -> Self {
        let (status, view) = operator.ask("POST", "/killcord/api/v1/links", "{\"role\":\"observer\"}");
        assert_eq!(status, 200, "{view}");
        let link = view["link"].as_str().expect("no link");
        let (way, used) = link.split_once('#').expect("no code");
        let added = crowd.station.killcord(["token", "add"]).arg(&crowd.rig);
        let added = added.args(["late", "--for", GOOD_FOR.0]).run(LONG);
        assert_eq!(added.code(), Some(0), "{}", added.stderr);
        let expired_key = added.stdout.trim().to_owned();
        let over_at = monotonic() + GOOD_FOR.1;
        let known = || operator.ask("GET", "/killcord/api/v1/tokens", "").1.to_string().contains("\"late\"");
        until_true("the host to know the key", LONG, known);
        Self {
            observer: Browser::pair(link).cookie().to_owned(),
            used: used.to_owned(),
            expired: Browser::pair(&format!("{way}#{expired_key}")).cookie().to_owned(),
            expired_key,
            over_at,
        }
    }
}

impl Target {
    pub(crate) fn new(port: u16, has: Has) -> Self {
        let at = format!("{}:{port}", Ipv4Addr::LOCALHOST);
        Self { at, port, has, over: AtomicBool::new(false), done: Done::default() }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// What its own pages are of.
    pub(crate) fn origin(&self) -> String {
        format!("https://{}", self.at)
    }

    /// The name of the cookie that lets in.
    pub(crate) fn cookie(&self) -> String {
        format!("__Host-killcord-{}", self.port)
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(&self.at)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    /// A connection that is not encrypted.
    pub(crate) fn plain(&self) -> io::Result<Line> {
        Ok(Line::Plain(self.connect()?))
    }

    /// One that is, by a full handshake.
    pub(crate) fn encrypted(&self) -> io::Result<Line> {
        let line = Line::encrypt(self.connect()?)?;
        self.done.handshakes.fetch_add(1, Ordering::Relaxed);
        Ok(line)
    }

    /// A request's head; `more` are its other lines, with the empty one, and its body.
    pub(crate) fn request(&self, method: &str, path: &str, more: &str) -> String {
        format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n{more}", self.at)
    }

    /// A page's own request with a body.
    pub(crate) fn post(&self, path: &str, more: &str, body: &str) -> String {
        let more = format!(
            "Origin: {}\r\nContent-Type: application/json\r\n{more}Content-Length: {}\r\n\r\n{body}",
            self.origin(),
            body.len()
        );
        self.request("POST", path, &more)
    }

    /// A page's own request, framed so, with another one behind it that no proxy in front has seen.
    pub(crate) fn smuggled(&self, framing: &str) -> String {
        let inner = self.request("GET", "/killcord/api/v1/rig", "\r\n");
        self.request("POST", "/killcord/pair", &format!("Origin: {}\r\n{framing}{inner}", self.origin()))
    }

    /// Says this; whether anything comes back.
    pub(crate) fn ask(&self, what: impl AsRef<[u8]>) -> io::Result<bool> {
        answered(self.encrypted()?, what.as_ref())
    }

    /// Says this without encryption.
    pub(crate) fn ask_plain(&self, bytes: &[u8]) -> io::Result<bool> {
        answered(self.plain()?, bytes)
    }

    /// Says this, and one more word now and then for as long as the other side has patience.
    pub(crate) fn drip(
        &self,
        mut line: Line,
        begin: &[u8],
        words: impl Iterator<Item = u8>,
    ) -> io::Result<bool> {
        line.write_all(begin)?;
        line.tcp().set_read_timeout(Some(DRIP))?;
        for word in words {
            if self.is_over() {
                break;
            }
            line.write_all(&[word])?;
            match line.read(&mut [0; 1024]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                answer => return Ok(answer? > 0),
            }
        }
        Ok(false)
    }

    /// What a browser says first to have a connection encrypted.
    pub(crate) fn client_hello(&self) -> io::Result<Vec<u8>> {
        let mut hello = Vec::new();
        client(IpAddr::V4(Ipv4Addr::LOCALHOST))?.write_tls(&mut hello)?;
        Ok(hello)
    }

    /// The observer's socket.
    pub(crate) fn socket(&self) -> io::Result<WebSocket<Line>> {
        let request = format!("wss://{}/killcord/ws", self.at).into_client_request();
        let mut request = request.map_err(io::Error::other)?;
        let said = [("origin", self.origin()), ("cookie", self.has.observer.clone())];
        for (name, value) in said {
            request.headers_mut().insert(name, value.parse().map_err(io::Error::other)?);
        }
        let socket = tungstenite::client(request, self.encrypted()?);
        Ok(socket.map_err(|error| io::Error::other(error.to_string()))?.0)
    }

    /// Says nothing, until the other side has no more patience.
    pub(crate) fn wait(&self, line: &mut Line) -> io::Result<()> {
        line.tcp().set_read_timeout(Some(DRIP))?;
        while !self.is_over() {
            match line.read(&mut [0; 4096]) {
                Ok(0) => break,
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => break,
                _ => {}
            }
        }
        Ok(())
    }
}

fn answered(mut line: Line, bytes: &[u8]) -> io::Result<bool> {
    line.write_all(bytes)?;
    Ok(line.read(&mut [0; 1024])? > 0)
}
