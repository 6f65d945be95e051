//! A browser without its screen: pairs, loads the document, holds a socket, says goodbye. It does what a browser
//! does and in the same order, so that a test can do it in any order at any moment.

use std::{collections::BTreeMap, io::ErrorKind, net::TcpStream};

use killcord::{
    core::{Epoch, SessionId},
    wire::{SessionsView, ToHost, ToPage},
};
use tungstenite::{Message, WebSocket, client::IntoClientRequest as _};
use ureq::{Agent, Body, http::Response, tls::TlsConfig};

use crate::{
    line::{self, Line},
    process::Process,
    wait::{LONG, until},
};

/// Whatever shares a cookie.
#[derive(Clone, Debug)]
pub struct Browser {
    at: String,
    encrypted: bool,
    cookie: String,
}

/// One page and its socket.
pub struct Page {
    socket: WebSocket<Line>,
    /// Names its document.
    pub nonce: String,
    /// Its session.
    pub session: SessionId,
    /// What it would resume with.
    pub token: String,
    /// Whether it went on with a session that was there.
    pub resumed: bool,
    /// The newest epoch that it was told.
    pub epoch: Epoch,
    /// The rig's own words, by their keys.
    pub messages: BTreeMap<String, String>,
}

/// What a browser says of the first request of a frame, whose page is of another origin.
pub const FRAME: [(&str, &str); 4] = [
    ("sec-fetch-site", "same-site"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "iframe"),
    ("accept", "text/html,*/*;q=0.8"),
];

/// The link that `killcord serve` prints first.
///
/// # Panics
/// When it prints none.
pub fn link(serve: &Process) -> String {
    nth_link(serve, 0)
}

/// The link that it prints when so many have been used.
///
/// # Panics
/// When it prints none.
pub fn nth_link(serve: &Process, used: usize) -> String {
    until("a link", LONG, || {
        let lines = serve.output().lines();
        let mut links = lines.iter().filter(|line| line.text.contains("/killcord/pair#"));
        links.nth(used)?.text.rsplit_once(' ').map(|(_, link)| link.to_owned())
    })
}

/// Whether what it leads to is encrypted, and the rest of it.
fn split(url: &str) -> (bool, &str) {
    match url.strip_prefix("https://") {
        Some(rest) => (true, rest),
        None => (false, url.strip_prefix("http://").unwrap()),
    }
}

/// Asks by connections of its own, whatever became of those before.
fn agent() -> Agent {
    let tls = TlsConfig::builder().disable_verification(true);
    let tls = tls.unversioned_rustls_crypto_provider(line::provider()).build();
    Agent::config_builder().tls_config(tls).build().new_agent()
}

impl Browser {
    /// Opens a link.
    ///
    /// # Panics
    /// When it does not let this browser in.
    #[must_use]
    pub fn pair(link: &str) -> Self {
        let (url, code) = link.split_once("/killcord/pair#").unwrap();
        let (encrypted, at) = split(url);
        let answer = agent()
            .post(format!("{url}/killcord/pair"))
            .header("origin", url)
            .send(format!("{{\"code\":\"{code}\"}}"))
            .unwrap();
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        Self { at: at.to_owned(), encrypted, cookie }
    }

    /// The same browser in the frame of its page: with the address of the wrapped app, and with the cookie of that besides
    /// the one of this.
    ///
    /// # Panics
    /// When it is not let in there.
    #[must_use]
    #[track_caller]
    pub fn app(&self) -> Self {
        let (status, way) = self.ask("POST", "/killcord/enter", "");
        assert_eq!(status, 200, "{way}");
        let way = way["url"].as_str().unwrap();
        let (encrypted, way) = split(way);
        let (at, path) = way.split_once('/').unwrap();
        let mut app = Self { at: at.to_owned(), encrypted, cookie: self.cookie.clone() };
        let answer = app.get(&format!("/{path}&to=/"), &FRAME);
        assert_eq!(answer.status(), 303);
        let own = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap();
        app.cookie = format!("{}; {own}", self.cookie);
        app
    }

    /// Where its host is: `127.0.0.1:8420`.
    #[must_use]
    pub fn at(&self) -> &str {
        &self.at
    }

    /// What its host's pages are of: `https://127.0.0.1:8420`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.encrypted { "https" } else { "http" }, self.at)
    }

    /// Its cookie, as it stands in a header.
    #[must_use]
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Sends a request as its pages do; status and body.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn ask(&self, method: &str, path: &str, body: &str) -> (u16, serde_json::Value) {
        let agent = agent();
        let origin = self.origin();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{origin}{path}"))
            .header("origin", origin)
            .header("cookie", &self.cookie)
            .body(body.to_owned())
            .unwrap();
        let request = agent.configure_request(request).http_status_as_error(false).build();
        let mut answer = agent.run(request).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or_default())
    }

    /// Asks for this path as a frame of a page does; more headers may be named.
    ///
    /// # Panics
    /// When no answer comes. Every status is one.
    #[must_use]
    pub fn get(&self, path: &str, more: &[(&str, &str)]) -> Response<Body> {
        let mut request = agent().get(format!("{}{path}", self.origin())).header("cookie", &self.cookie);
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        request.config().http_status_as_error(false).max_redirects(0).build().call().unwrap()
    }

    /// Asks for the document; its nonce.
    ///
    /// # Panics
    /// When it is not given.
    #[must_use]
    pub fn document(&self) -> String {
        // As one that a person opens.
        let opened =
            [("sec-fetch-site", "none"), ("sec-fetch-dest", "document"), ("accept", "text/html,*/*;q=0.8")];
        let mut answer = self.get("/", &opened);
        assert_eq!(answer.status(), 200);
        let text = answer.body_mut().read_to_string().unwrap();
        let (_, rest) = text.split_once("<meta name=\"killcord-nonce\" content=\"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    }

    /// The sessions that the host has.
    ///
    /// # Panics
    /// When it does not say.
    #[must_use]
    pub fn sessions(&self) -> SessionsView {
        let url = format!("{}/killcord/api/v1/sessions", self.origin());
        agent().get(url).header("cookie", &self.cookie).call().unwrap().body_mut().read_json().unwrap()
    }

    /// Loads the document and says hello.
    #[must_use]
    pub fn open(&self) -> Page {
        self.hello(&self.document(), None)
    }

    /// Says hello for a document, with the token of a session to go on with.
    ///
    /// # Panics
    /// When it is not welcome.
    #[must_use]
    pub fn hello(&self, nonce: &str, resume: Option<&str>) -> Page {
        let mut socket = self.socket("/killcord/ws", None);
        let resume = resume.map(str::to_owned);
        let want = killcord::Role::Operator;
        say(&mut socket, &ToHost::Hello { v: 1, resume, nonce: nonce.to_owned(), want });
        loop {
            let heard = hear(&mut socket).unwrap();
            if let ToPage::Welcome { session, resume: token, resumed, epoch, messages, .. } = heard {
                let (nonce, messages) = (nonce.to_owned(), messages.unwrap_or_default());
                return Page { socket, nonce, session, token, resumed, epoch, messages };
            }
        }
    }

    /// A WebSocket at this path, in a protocol by name.
    ///
    /// # Panics
    /// When it does not open.
    #[must_use]
    pub fn socket(&self, path: &str, protocol: Option<&str>) -> WebSocket<Line> {
        let scheme = if self.encrypted { "wss" } else { "ws" };
        let mut request = format!("{scheme}://{}{path}", self.at).into_client_request().unwrap();
        request.headers_mut().insert("origin", self.origin().parse().unwrap());
        request.headers_mut().insert("cookie", self.cookie.parse().unwrap());
        if let Some(protocol) = protocol {
            request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
        }
        let stream = TcpStream::connect(&self.at).unwrap();
        // As browsers do: a frame must not wait for the acknowledgement of the one before it.
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        let line = if self.encrypted { Line::encrypt(stream).unwrap() } else { Line::Plain(stream) };
        tungstenite::client(request, line).unwrap().0
    }

    /// The beacon of a page that goes.
    ///
    /// # Panics
    /// When it is not taken.
    pub fn bye(&self, page: &Page, persisted: bool) {
        let Page { session, nonce, .. } = page;
        let bye = ToHost::Bye { session: *session, nonce: nonce.clone(), persisted };
        let origin = self.origin();
        agent()
            .post(format!("{origin}/killcord/bye"))
            .header("origin", origin)
            .header("cookie", &self.cookie)
            .send(serde_json::to_string(&bye).unwrap())
            .unwrap();
    }
}

fn say(socket: &mut WebSocket<Line>, frame: &ToHost) {
    socket.send(Message::text(serde_json::to_string(frame).unwrap())).unwrap();
}

/// The next frame; the close code where there is none any more, 0 without one.
fn hear(socket: &mut WebSocket<Line>) -> Result<ToPage, u16> {
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => return Ok(serde_json::from_str(&text).unwrap()),
            Ok(Message::Close(close)) => return Err(close.map_or(0, |close| close.code.into())),
            Ok(_) => {}
            Err(_) => return Err(0),
        }
    }
}

impl Page {
    /// Says it.
    ///
    /// # Panics
    /// When the socket is gone.
    pub fn say(&mut self, frame: &ToHost) {
        say(&mut self.socket, frame);
    }

    /// The first frame that is one of those; the close code if none comes.
    ///
    /// # Errors
    /// The close code; 0 without one.
    pub fn until(&mut self, wanted: impl Fn(&ToPage) -> bool) -> Result<ToPage, u16> {
        loop {
            let frame = hear(&mut self.socket)?;
            if let ToPage::Control { epoch, .. } = &frame {
                self.epoch = *epoch;
            }
            if wanted(&frame) {
                return Ok(frame);
            }
        }
    }

    /// Beats and awaits the answer, which comes behind all that was said before.
    ///
    /// # Panics
    /// When none comes.
    pub fn beat(&mut self, n: u64) {
        self.say(&ToHost::Beat { n, visible: true, main_ms: None, input_ms: None });
        self.until(|frame| matches!(frame, ToPage::Ack { n: acked, .. } if *acked == n)).unwrap();
    }

    /// Its connection.
    #[must_use]
    pub const fn socket(&self) -> &WebSocket<Line> {
        &self.socket
    }

    /// The next frame of a connection that does not block.
    ///
    /// # Errors
    /// `WouldBlock` where none has come; anything else where none will come any more.
    pub fn try_hear(&mut self) -> Result<ToPage, ErrorKind> {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    let frame = serde_json::from_str(&text).unwrap();
                    if let ToPage::Control { epoch, .. } = &frame {
                        self.epoch = *epoch;
                    }
                    return Ok(frame);
                }
                Ok(Message::Close(_)) => return Err(ErrorKind::ConnectionAborted),
                Ok(_) => {}
                Err(tungstenite::Error::Io(error)) => return Err(error.kind()),
                Err(_) => return Err(ErrorKind::InvalidData),
            }
        }
    }

    /// The network is cut: nothing more goes either way, and nobody says so to the host.
    pub fn cut(&self) {
        self.socket.get_ref().tcp().shutdown(std::net::Shutdown::Both).unwrap();
    }
}
