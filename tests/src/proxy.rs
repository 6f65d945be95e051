//! nginx and Caddy of Debian, by the recipes in `docs/remote.md` as they are written there: only ports, folders and
//! certificates are other ones.

use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::place;
use crate::port::Port;
use crate::process::{Launch, Process, look};
use crate::wait::{LONG, until_true};

/// The name that the recipes give the bench.
pub const NAME: &str = "bench1.lab.example";

/// The name that they give its app.
pub const APP_NAME: &str = "bench1-app.lab.example";

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// nginx.
    Nginx,
    /// Caddy.
    Caddy,
}

/// A proxy in front of a host.
pub struct Proxy {
    kind: Kind,
    folder: PathBuf,
    port: Port,
    process: Option<Process>,
}

impl Proxy {
    /// Starts one in front of a host's port, and of that of its app, with its files in `folder`. `more` is
    /// added to the recipe's `location`.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    #[track_caller]
    pub fn start(kind: Kind, host: u16, app: u16, folder: &Path, more: &str) -> Self {
        let port = Port::free();
        let (cert, key) = certificate(folder);
        let document = std::fs::read_to_string(place::root().join("docs/remote.md")).unwrap();
        let mark = if kind == Kind::Nginx { "nginx" } else { "caddy" };
        let block = |mark: &str| {
            let (_, rest) = document.split_once(mark).expect("the recipe is gone");
            rest.split("```").nth(1).unwrap().split_once('\n').unwrap().1
        };
        let recipe = [block(&format!("<!-- {mark} -->")), block(&format!("<!-- {mark}: app -->"))].concat();
        let recipe = recipe
            .replace("127.0.0.1:8420", &format!("127.0.0.1:{host}"))
            .replace("127.0.0.1:8421", &format!("127.0.0.1:{app}"))
            .replace("/etc/ssl/bench1.pem", &cert.display().to_string())
            .replace("/etc/ssl/bench1.key", &key.display().to_string());
        let at = port.number();
        let text = match kind {
            Kind::Nginx => {
                let recipe = recipe
                    .replace("listen 443 ssl", &format!("listen 127.0.0.1:{at} ssl"))
                    .replace("proxy_buffering off;", &format!("proxy_buffering off;\n{more}"));
                let dir = folder.display();
                format!(
                    "daemon off; master_process on; error_log stderr; pid {dir}/nginx.pid; user root; \
                     worker_shutdown_timeout 100ms;\nevents {{}}\nhttp {{\n\
                     access_log off; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; \
                     fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;\n{recipe}}}\n"
                )
            }
            Kind::Caddy => {
                let recipe = [NAME, APP_NAME].iter().fold(recipe, |recipe, name| {
                    recipe.replace(
                        &format!("{name} {{"),
                        &format!("https://{name}:{at} {{\n    bind 127.0.0.1"),
                    )
                });
                format!(
                    "{{\n    admin off\n    auto_https disable_redirects\n    skip_install_trust\n}}\n{recipe}"
                )
            }
        };
        std::fs::write(folder.join("proxy.conf"), text).unwrap();
        let mut proxy = Self { kind, folder: folder.to_owned(), port, process: None };
        proxy.again();
        proxy
    }

    /// Ends it if it runs, and starts it again.
    ///
    /// # Panics
    /// When it does not start.
    #[track_caller]
    pub fn again(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.signal(Signal::TERM);
            process.wait(LONG);
        }
        let config = self.folder.join("proxy.conf");
        let launch = match self.kind {
            Kind::Nginx => Launch::new(place::system("nginx")).arg("-c").arg(&config),
            Kind::Caddy => {
                let caddy =
                    Launch::new(place::system("caddy")).args(["run", "--adapter", "caddyfile", "--config"]);
                caddy.arg(&config).env("HOME", &self.folder)
            }
        };
        let process = launch.start();
        let at = ("127.0.0.1", self.port.number());
        let all = || process.output().all();
        until_true("the proxy to listen", LONG, || {
            assert!(!all().contains("[emerg]") && !all().contains("Error:"), "{}", all());
            std::net::TcpStream::connect(at).is_ok()
        });
        self.process = Some(process);
    }

    /// nginx cuts whatever is under way through it, and goes on: its worker gives way to a new one, and may not finish.
    ///
    /// # Panics
    /// When it does not run, or cuts nothing.
    #[track_caller]
    pub fn cut(&self) {
        let process = self.process.as_ref().expect("no proxy");
        let before = look::children(process.pid());
        assert!(!before.is_empty(), "nginx has no worker");
        process.signal(Signal::HUP);
        until_true("the worker to be another one", LONG, || {
            let now = look::children(process.pid());
            !now.is_empty() && before.iter().all(|worker| !now.contains(worker))
        });
    }

    /// How often nginx has cut a page's socket by itself: for being silent, or as one end was gone.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    #[track_caller]
    pub fn cuts(&self) -> usize {
        self.process
            .as_ref()
            .expect("no proxy")
            .output()
            .all()
            .matches("while proxying upgraded connection")
            .count()
    }

    /// Where browsers find the bench.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{NAME}:{}/bench1/", self.port.number())
    }

    /// Where they find its app.
    #[must_use]
    pub fn app_origin(&self) -> String {
        format!("https://{APP_NAME}:{}", self.port.number())
    }

    /// A link of the host, as the browser reaches it here: the port is the proxy's.
    ///
    /// # Panics
    /// Where it does not lead to the recipe's name.
    #[must_use]
    #[track_caller]
    pub fn link(&self, link: &str) -> String {
        let rest = link.strip_prefix(&format!("https://{NAME}/bench1/")).expect(link);
        format!("{}{rest}", self.url())
    }
}

/// A certificate for the recipes' name.
fn certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let (cert, key) = (folder.join("bench1.pem"), folder.join("bench1.key"));
    let made = Launch::new(place::system("openssl"))
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", &format!("/CN={NAME}"), "-addext", &format!("subjectAltName=DNS:{NAME}")])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&cert)
        .run(LONG);
    assert!(made.status.success(), "{}", made.stderr);
    (cert, key)
}
