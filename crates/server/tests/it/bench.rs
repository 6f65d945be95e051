//! A host over a simulated supply behind a server, and browsers in front: real sockets everywhere.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard,
        mpsc::{Receiver, sync_channel},
    },
    time::{Duration, Instant},
};

use killcord::{
    Host, Options, Registry, Rig, Role,
    core::{Epoch, SessionId},
    wire::{ErrorCode, RigState, SessionsView, ToHost, ToPage},
};
use killcord_server::{Asset, Assets, Bound, Remote, Server, Tokens, Ui};
use killcord_sim::{Config, Running, Sim};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket, client::IntoClientRequest as _, protocol::CloseFrame};

/// Generous: the machine may be busy with something else.
pub(crate) const SOON: Duration = Duration::from_secs(30);

const INSTRUMENTS: &str = r#"
[[instrument]]
name = "psu"
kind = "supply"
listen = "tcp://127.0.0.1:0"
"#;

/// Nobody's lease ends while a test looks elsewhere.
const PATIENT: &str = "expire_after = \"60s\"\nreload_grace = \"60s\"";

pub(crate) struct Bench {
    pub(crate) server: Server,
    pub(crate) host: Host,
    pub(crate) sim: Running,
    pub(crate) links: Receiver<String>,
    /// Whoever holds it stalls the server at the next pairing.
    gate: Arc<Mutex<()>>,
    dir: TempDir,
}

/// `session` are the lines of `[session]`, `safety` more of `[safety]`, `device` what stands below its device.
fn rig(sim: &Running, session: &str, safety: &str, device: &str) -> Rig {
    let text = format!(
        r#"
[rig]
name = "Test bench"
deadline = "5s"
[safety]
watchdog = "off"
on_last_session = "safe"
{safety}
[session]
{session}
[[device]]
name = "psu"
driver = "scpi"
connect = "{}"
sync = "*OPC?"
timeout = "1s"
budget = "3s"
arm = ["OUTP ON"]
safe = ["OUTP OFF"]
verify = [{{ query = "OUTP?", equals = false }}]
{device}
"#,
        sim.addresses()["psu"].connect()
    );
    let file = killcord_rig::RigFile::parse("rig.toml", text.as_bytes()).unwrap();
    file.check(&Registry::default().specs()).map_err(|problems| panic!("{problems}")).unwrap().0
}

impl Bench {
    pub(crate) fn start() -> Self {
        Self::with(PATIENT)
    }

    pub(crate) fn with(session: &str) -> Self {
        Self::of(session, "", "")
    }

    pub(crate) fn of(session: &str, safety: &str, device: &str) -> Self {
        Self::serving(&remote(), session, safety, device)
    }

    pub(crate) fn at_remote(remote: &Remote) -> Self {
        Self::serving(remote, PATIENT, "", "")
    }

    /// The first page of this machine arms it.
    pub(crate) fn at_remote_arming(remote: &Remote) -> Self {
        Self::serving(remote, PATIENT, "arm = \"on-first-session\"", "")
    }

    /// With pages of its own, of this folder.
    pub(crate) fn with_pages(remote: &Remote, folder: &Path) -> Self {
        Self::showing(remote, PATIENT, "", "", Some(Ui::read(folder).unwrap()), || {})
    }

    fn serving(remote: &Remote, session: &str, safety: &str, device: &str) -> Self {
        Self::showing(remote, session, safety, device, None, || {})
    }

    /// Its server finds so many descriptors, which the host would raise; the limit stays so.
    pub(crate) fn within(descriptors: u64) -> Self {
        Self::showing(&remote(), PATIENT, "", "", None, || {
            let before = getrlimit(Resource::Nofile);
            setrlimit(Resource::Nofile, Rlimit { current: Some(descriptors), ..before }).unwrap();
        })
    }

    fn showing(
        remote: &Remote,
        session: &str,
        safety: &str,
        device: &str,
        ui: Option<Ui>,
        before_serving: impl FnOnce(),
    ) -> Self {
        let sim = Sim::start(Config::parse(INSTRUMENTS, "bench.toml").unwrap()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut options = Options::new(dir.path().join("rig.toml")).state_dir(Some(dir.path().join("state")));
        options.runtime_dir = dir.path().join("run");
        let host = Host::start(rig(&sim, session, safety, device), options).unwrap();
        let (told, links) = sync_channel(16);
        let gate = Arc::new(Mutex::new(()));
        let gated = Arc::clone(&gate);
        let index = b"<!doctype html><html><head><title>Panel</title></head></html>";
        let pair = b"<!doctype html><html><head><script src=\"./assets/pair.js\"></script></head></html>";
        let assets = Assets::new(vec![
            Asset { path: "index.html".into(), bytes: index.as_slice().into() },
            Asset { path: "pair.html".into(), bytes: pair.as_slice().into() },
            Asset { path: "assets/pair.js".into(), bytes: b"export {};".as_slice().into() },
            Asset { path: "assets/index.js".into(), bytes: b"export {};".as_slice().into() },
        ]);
        let assets = match ui {
            Some(ui) => assets.with_ui(ui),
            None => assets,
        };
        before_serving();
        let server = Bound::to(remote, dir.path())
            .unwrap()
            .serve(host.clone(), assets, move |link| {
                told.send(link).unwrap();
                drop(gated.lock().unwrap());
            })
            .unwrap();
        Self { server, host, sim, links, gate, dir }
    }

    /// The folder of its state.
    pub(crate) fn state(&self) -> &Path {
        self.dir.path()
    }

    /// A file of its state.
    pub(crate) fn kept(&self, file: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(file)).unwrap()
    }

    /// Who may come in, as `killcord token` would change it.
    pub(crate) fn tokens(&self) -> Tokens {
        Tokens::of(self.dir.path())
    }

    /// A new key, once the server knows it.
    pub(crate) fn key(&self, name: &str, role: Role) -> String {
        let (_, key) = self.tokens().add(name, role, None).unwrap();
        let until = Instant::now() + SOON;
        // A wrong key is a try, and there are few: a browser's list tells.
        let browser = self.browser();
        while !browser.get("/killcord/api/v1/tokens").body.contains(&format!("\"{name}\"")) {
            assert!(Instant::now() < until, "the key {name} is not taken");
            std::thread::yield_now();
        }
        assert_eq!(browser.delete("/killcord/pair").status, 204);
        key
    }

    /// A browser that is let in by a key, or a code.
    pub(crate) fn browser_by(&self, key: &str) -> Browser {
        let answer = self.ask(&post(self.at(), "/killcord/pair", "", &format!("{{\"code\":\"{key}\"}}")));
        assert_eq!(answer.status, 204, "{answer:?}");
        let cookie = answer.header("set-cookie").unwrap();
        Browser { at: self.at(), cookie: cookie.split(';').next().unwrap().to_owned() }
    }

    /// Stalls the server's thread for as long as what this gives is kept.
    pub(crate) fn stall(&self) -> MutexGuard<'_, ()> {
        let held = self.gate.lock().unwrap();
        let body = format!("{{\"code\":\"{}\"}}", self.code());
        while self.links.try_recv().is_ok() {}
        let mut stream = TcpStream::connect(self.at()).unwrap();
        stream.write_all(post(self.at(), "/killcord/pair", "", &body).as_bytes()).unwrap();
        self.links.recv_timeout(SOON).unwrap();
        held
    }

    /// What the host says of its sessions, whatever the server does.
    pub(crate) fn sessions(&self) -> SessionsView {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.host.sessions()).unwrap()
    }

    /// Until the time of every session is past.
    pub(crate) fn until_due(&self) {
        let until = Instant::now() + SOON;
        while self.sessions().sessions.iter().any(|session| session.lease_ms > 0) {
            assert!(Instant::now() < until, "{:?}", self.sessions());
            std::thread::yield_now();
        }
    }

    pub(crate) fn at(&self) -> SocketAddr {
        self.server.address()
    }

    /// The code of a new link.
    pub(crate) fn code(&self) -> String {
        self.server.invite().unwrap().split_once("/killcord/pair#").unwrap().1.to_owned()
    }

    pub(crate) fn browser(&self) -> Browser {
        let code = self.code();
        let body = format!("{{\"code\":\"{code}\"}}");
        let answer = self.ask(&post(self.at(), "/killcord/pair", "", &body));
        assert_eq!(answer.status, 204, "{answer:?}");
        let cookie = answer.header("set-cookie").unwrap();
        assert!(cookie.contains("HttpOnly; SameSite=Strict"), "{cookie}");
        Browser { at: self.at(), cookie: cookie.split(';').next().unwrap().to_owned() }
    }

    /// Sends these bytes and reads the answer to its end.
    pub(crate) fn ask(&self, request: &str) -> Answer {
        ask(self.at(), request)
    }

    pub(crate) fn wait_for(&self, state: RigState) {
        let until = Instant::now() + SOON;
        while self.host.view().state != state {
            assert!(Instant::now() < until, "the rig is {:?}, not {state:?}", self.host.view().state);
            std::thread::yield_now();
        }
    }

    /// Whether the supply's output is on, by its own record.
    pub(crate) fn is_on(&self) -> bool {
        self.sim.inspect().energised("psu").unwrap()
    }

    /// Until the supply's output is off.
    pub(crate) fn until_off(&self) {
        self.sim.wait_until(|bench| bench.energised("psu") == Some(false), SOON).unwrap();
    }
}

/// On this machine, by an address and a name.
pub(crate) fn remote() -> Remote {
    Remote { names: vec!["bench1.lab".into()], ..Remote::at("127.0.0.1:0".parse().unwrap()) }
}

/// The header of a program with a key.
pub(crate) fn bearer(key: &str) -> String {
    format!("Authorization: Bearer {key}\r\n")
}

pub(crate) fn get(at: SocketAddr, path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n{more}\r\n")
}

pub(crate) fn post(at: SocketAddr, path: &str, more: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: {at}\r\nOrigin: http://{at}\r\nConnection: close\r\n\
         Content-Length: {length}\r\n{more}\r\n{body}"
    )
}

pub(crate) fn ask(at: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    Answer::read(&String::from_utf8_lossy(&bytes))
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The stable code of what was refused.
    pub(crate) fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        assert!(!body["message"].as_str().unwrap().is_empty());
        body["code"].as_str().unwrap().to_owned()
    }
}

/// One browser: whatever shares its cookie.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) at: SocketAddr,
    pub(crate) cookie: String,
}

impl Browser {
    pub(crate) fn get(&self, path: &str) -> Answer {
        ask(self.at, &get(self.at, path, &format!("Cookie: {}\r\n", self.cookie)))
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        ask(self.at, &post(self.at, path, &format!("Cookie: {}\r\n", self.cookie), body))
    }

    /// A beacon with this goodbye, as bytes.
    pub(crate) fn bye(&self, body: &str) -> String {
        post(self.at, "/killcord/bye", &format!("Cookie: {}\r\n", self.cookie), body)
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        let more = format!("Cookie: {}\r\nOrigin: http://{}\r\n", self.cookie, self.at);
        ask(self.at, &get(self.at, path, &more).replacen("GET", "DELETE", 1))
    }

    /// Asks for the document as a person does; its nonce.
    pub(crate) fn document(&self) -> String {
        self.document_of("Sec-Fetch-Site: none\r\n")
    }

    /// Asks for the document with that word of the browser's on who wants it.
    pub(crate) fn document_of(&self, who: &str) -> String {
        let opened = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
        let answer = ask(self.at, &get(self.at, "/", &format!("Cookie: {}\r\n{opened}{who}", self.cookie)));
        assert_eq!(answer.status, 200, "{answer:?}");
        let (_, rest) = answer.body.split_once("<meta name=\"killcord-nonce\" content=\"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    }

    /// A connection that stays open, with its first answer.
    pub(crate) fn keeps(&self) -> Kept {
        let stream = TcpStream::connect(self.at).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let request = get(self.at, "/killcord/healthz", &format!("Cookie: {}\r\n", self.cookie));
        let mut kept = Kept { stream, request: request.replace("Connection: close\r\n", "") };
        assert_eq!(kept.ask(), Some(204));
        kept
    }

    pub(crate) fn socket(&self) -> Result<Page, Box<tungstenite::Error>> {
        let mut request = format!("ws://{}/killcord/ws", self.at).into_client_request().unwrap();
        let origin = format!("http://{}", self.at);
        request.headers_mut().insert("origin", origin.parse().unwrap());
        request.headers_mut().insert("cookie", self.cookie.parse().unwrap());
        let stream = TcpStream::connect(self.at).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let (socket, _) = tungstenite::client(request, stream).map_err(|error| match error {
            tungstenite::HandshakeError::Failure(error) => Box::new(error),
            tungstenite::HandshakeError::Interrupted(_) => panic!("no answer to the handshake"),
        })?;
        let nonce = String::new();
        Ok(Page { socket, nonce, session: SessionId(0), token: String::new(), epoch: None, welcome: None })
    }

    /// Loads the document and says hello.
    pub(crate) fn page(&self, resume: Option<&str>) -> Page {
        let nonce = self.document();
        self.hello(&nonce, resume)
    }

    /// Says hello for a document.
    pub(crate) fn hello(&self, nonce: &str, resume: Option<&str>) -> Page {
        let mut page = self.socket().unwrap();
        let resume = resume.map_or(String::new(), |token| format!("\"resume\":\"{token}\","));
        page.say(&format!(r#"{{"t":"hello","v":1,{resume}"nonce":"{nonce}","want":"operator"}}"#));
        let welcome = page.until(|frame| matches!(frame, ToPage::Welcome { .. }));
        if let ToPage::Welcome { session, resume, .. } = &welcome {
            (page.session, page.token) = (*session, resume.clone());
        }
        page.nonce = nonce.into();
        page.welcome = Some(welcome);
        page
    }
}

/// A connection with one request after the other.
pub(crate) struct Kept {
    pub(crate) stream: TcpStream,
    request: String,
}

impl Kept {
    /// The status of one more answer; `None` where the connection is closed.
    pub(crate) fn ask(&mut self) -> Option<u16> {
        // It may be closed just now.
        self.stream.write_all(self.request.as_bytes()).ok();
        let (mut head, mut byte) = (String::new(), [0]);
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read(&mut byte).unwrap_or(0) == 0 {
                return None;
            }
            head.push(byte[0].into());
        }
        Some(Answer::read(&head).status)
    }

    /// Waits until it is closed from the other side, sooner than every idle one is.
    pub(crate) fn closed(&mut self) {
        self.stream.set_read_timeout(Some(Duration::from_secs(7))).unwrap();
        let end = self.stream.read(&mut [0; 1024]);
        assert!(matches!(end, Ok(0)), "{end:?}");
    }
}

/// One page with its socket.
pub(crate) struct Page {
    pub(crate) socket: WebSocket<TcpStream>,
    pub(crate) nonce: String,
    pub(crate) session: SessionId,
    pub(crate) token: String,
    pub(crate) epoch: Option<Epoch>,
    welcome: Option<ToPage>,
}

impl Page {
    pub(crate) fn say(&mut self, text: &str) {
        self.socket.send(Message::text(text)).unwrap();
    }

    pub(crate) fn frame(&mut self, frame: &ToHost) {
        self.say(&serde_json::to_string(frame).unwrap());
    }

    /// The first frame that is one of those.
    pub(crate) fn until(&mut self, wanted: impl Fn(&ToPage) -> bool) -> ToPage {
        loop {
            if let Message::Text(text) = self.socket.read().unwrap() {
                let frame: ToPage = serde_json::from_str(&text).unwrap();
                if let ToPage::Welcome { epoch, .. } | ToPage::Control { epoch, .. } = &frame {
                    self.epoch = Some(*epoch);
                }
                if wanted(&frame) {
                    return frame;
                }
            }
        }
    }

    /// The first frame that is one of those, if one comes before nothing has come for so long.
    pub(crate) fn within(&mut self, quiet: Duration, wanted: impl Fn(&ToPage) -> bool) -> Option<ToPage> {
        self.socket.get_ref().set_read_timeout(Some(quiet)).unwrap();
        let found = loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    let frame: ToPage = serde_json::from_str(&text).unwrap();
                    if wanted(&frame) {
                        break Some(frame);
                    }
                }
                Ok(_) => {}
                Err(tungstenite::Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    break None;
                }
                Err(error) => panic!("{error}"),
            }
        };
        self.socket.get_ref().set_read_timeout(Some(SOON)).unwrap();
        found
    }

    /// The close code that comes at the end; 0 where the connection just ends.
    pub(crate) fn closed(&mut self) -> u16 {
        loop {
            match self.socket.read() {
                Ok(Message::Close(close)) => {
                    return close.map_or(0, |CloseFrame { code, .. }| code.into());
                }
                Ok(_) => {}
                Err(_) => return 0,
            }
        }
    }

    pub(crate) fn welcome(&self) -> &ToPage {
        self.welcome.as_ref().unwrap()
    }

    pub(crate) fn resumed(&self) -> bool {
        matches!(self.welcome, Some(ToPage::Welcome { resumed: true, .. }))
    }

    pub(crate) fn role(&self) -> Role {
        match &self.welcome {
            Some(ToPage::Welcome { role, .. }) => *role,
            _ => panic!("not welcomed"),
        }
    }

    pub(crate) fn bye(&self, persisted: bool) -> String {
        let Self { session, nonce, .. } = self;
        format!(r#"{{"t":"bye","session":{},"nonce":"{nonce}","persisted":{persisted}}}"#, session.0)
    }

    /// Beats and waits for the answer, which comes behind all that was said before.
    pub(crate) fn beat(&mut self, n: u64) {
        self.frame(&ToHost::Beat { n, visible: true, main_ms: None, input_ms: None });
        self.until(|frame| matches!(frame, ToPage::Ack { n: acked, .. } if *acked == n));
    }

    /// Arms, once that can be done.
    pub(crate) fn arm(&mut self, bench: &Bench) {
        bench.wait_for(RigState::Safe);
        for n in 0.. {
            self.beat(1000 + n);
            let (id, epoch) = (format!("arm{n}"), self.epoch.unwrap());
            self.frame(&ToHost::Arm { epoch, id: id.clone() });
            match self.answer(&id) {
                Ok(()) => return,
                Err(ErrorCode::StaleEpoch) => {}
                Err(code) => panic!("{code:?}"),
            }
        }
    }

    /// The answer to the command of that name.
    pub(crate) fn answer(&mut self, named: &str) -> Result<(), ErrorCode> {
        let answer = self.until(|frame| match frame {
            ToPage::Done { id } | ToPage::Error { id: Some(id), .. } => id == named,
            _ => false,
        });
        match answer {
            ToPage::Error { code, .. } => Err(code),
            _ => Ok(()),
        }
    }
}
