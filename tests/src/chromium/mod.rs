//! Chromium as people have it, driven from outside: its pages are opened, reloaded, left and read, and the whole of
//! it is stopped or killed. Without a driver program between: what the tests do to it, stopping it above all, a
//! driver would take for its own failure.
//!
//! Each has a profile of its own and reaches nothing but loopback. `--no-sandbox`, because the tests may run as root.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::network::Network;
use crate::place;
use crate::process::{Launch, Process, look};
use crate::wait::{LONG, until};

mod tab;
mod wire;

pub(crate) use tab::TEXT;
pub use tab::{Reload, Tab};
pub use wire::CallError;

/// What every browser of the tests is started with.
const FLAGS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--disable-crash-reporter",
    "--password-store=basic",
    "--lang=en-US",
    // It tells of buses and devices that this machine need not have.
    "--log-level=3",
    "--window-size=1280,900",
    "about:blank",
];

/// Nobody outside is asked for anything, by whatever part of the browser.
const NOWHERE: &str = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1";

const ANY_CERTIFICATE: &str = "--ignore-certificate-errors";

/// A browser at work.
pub struct Chromium {
    process: Process,
    wire: Arc<wire::Wire>,
    _profile: TempDir,
}

impl Default for Chromium {
    fn default() -> Self {
        Self::start()
    }
}

impl Chromium {
    /// Starts one.
    #[must_use]
    #[track_caller]
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts one with more of its flags.
    #[must_use]
    #[track_caller]
    pub fn with(flags: &[&str]) -> Self {
        Self::launch(None, NOWHERE, flags)
    }

    /// Starts one that has no other way out than this network.
    #[must_use]
    #[track_caller]
    pub fn behind(network: &Network) -> Self {
        // The address that the page has stays the host's own.
        let rules = format!("MAP 127.0.0.1:{} {}, {NOWHERE}", network.port(), network.way());
        let rules = rules.replace("EXCLUDE 127.0.0.1", &format!("EXCLUDE {}", network.address()));
        Self::launch(Some(network), &rules, &[])
    }

    /// Starts one at the near end of a network, to which the host at the far end is another machine. A certificate that it
    /// does not know is taken, as by a person who has compared it.
    #[must_use]
    #[track_caller]
    pub fn facing(network: &Network) -> Self {
        let rules = NOWHERE.replace("127.0.0.1", &network.address());
        Self::launch(Some(network), &rules, &[ANY_CERTIFICATE])
    }

    /// Starts one that finds this name on this machine, and takes its certificate.
    #[must_use]
    #[track_caller]
    pub fn naming(name: &str) -> Self {
        Self::launch(None, &format!("MAP {name} 127.0.0.1, {NOWHERE}"), &[ANY_CERTIFICATE])
    }

    #[track_caller]
    fn launch(network: Option<&Network>, rules: &str, flags: &[&str]) -> Self {
        let profile = tempfile::Builder::new().prefix("kcb").tempdir().unwrap();
        let pipes = profile.path().join("pipes");
        std::fs::create_dir(&pipes).unwrap();
        let wire = Arc::new(wire::lay(&pipes));
        let chromium = place::system("chromium");
        let inside = network.map_or_else(Vec::new, Network::inside);
        // The browser reads its commands from descriptor 3 and answers on 4.
        let launch = Launch::new("/bin/sh")
            .args(["-c", "in=$1 out=$2; shift 2; exec \"$@\" 3<\"$in\" 4>\"$out\"", "browser"])
            .args([pipes.join("in"), pipes.join("out")])
            .args(inside)
            .arg(chromium)
            .args(FLAGS)
            .args(flags)
            .arg(format!("--host-resolver-rules={rules}"))
            .arg(format!("--user-data-dir={}", profile.path().join("profile").display()))
            .env("HOME", profile.path())
            .without_env("DISPLAY")
            .without_env("WAYLAND_DISPLAY")
            .without_env("DBUS_SESSION_BUS_ADDRESS");
        let browser = Self { process: launch.start(), wire, _profile: profile };
        until("a browser that answers", LONG, || browser.ask("Browser.getVersion", &json!({})).ok());
        browser
    }

    fn ask(&self, method: &str, params: &Value) -> Result<Value, CallError> {
        self.wire.call(None, method, params, LONG)
    }

    /// Its process, the leader of all its others.
    #[must_use]
    pub const fn process(&self) -> &Process {
        &self.process
    }

    /// Opens a page in a tab of its own, in front of the others.
    ///
    /// # Panics
    /// When the browser does not.
    #[must_use]
    #[track_caller]
    pub fn open(&self, url: &str) -> Tab {
        let tab = self.blank();
        tab.go(url);
        tab
    }

    /// A tab that shows nothing yet.
    ///
    /// # Panics
    /// When the browser opens none.
    #[must_use]
    #[track_caller]
    pub fn blank(&self) -> Tab {
        let made = self.ask("Target.createTarget", &json!({ "url": "about:blank" })).expect("no new tab");
        self.join(made["targetId"].as_str().expect("a tab without a name"))
    }

    #[track_caller]
    fn join(&self, target: &str) -> Tab {
        let params = json!({ "targetId": target, "flatten": true });
        let joined = self.ask("Target.attachToTarget", &params).expect("the tab cannot be joined");
        let session = joined["sessionId"].as_str().expect("a tab without a session");
        Tab::new(Arc::clone(&self.wire), target.to_owned(), session.to_owned())
    }

    /// Another tab with the same page and, as when a person duplicates a tab, with a copy of what the page keeps
    /// for the session.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    #[track_caller]
    pub fn duplicate(&self, tab: &Tab) -> Tab {
        let before = self.targets();
        tab.run("void window.open(location.href)");
        let new = until("the other tab", LONG, || self.targets().into_iter().find(|it| !before.contains(it)));
        self.join(&new)
    }

    /// The tabs that there are.
    #[must_use]
    pub fn targets(&self) -> Vec<String> {
        let Ok(all) = self.ask("Target.getTargets", &json!({})) else { return Vec::new() };
        let pages = all["targetInfos"].as_array().cloned().unwrap_or_default();
        let pages = pages.into_iter().filter(|target| target["type"] == "page");
        pages.filter_map(|target| target["targetId"].as_str().map(str::to_owned)).collect()
    }

    /// Sends a signal to every process of it, the leader first.
    pub fn signal(&self, signal: Signal) {
        let all = std::iter::once(self.process.pid()).chain(look::descendants(self.process.pid()));
        for pid in all.collect::<Vec<_>>().into_iter().filter_map(|pid| Pid::from_raw(pid.cast_signed())) {
            // Those that have ended meanwhile need none.
            let _gone = kill_process(pid, signal);
        }
    }

    /// It ends as one whose machine lost power: no process of it sees another go, and says anything.
    pub fn kill(&mut self) {
        self.signal(Signal::STOP);
        self.signal(Signal::KILL);
        self.process.wait(LONG);
    }

    /// A person quits it.
    pub fn quit(&mut self) {
        let _last_word = self.wire.call(None, "Browser.close", &json!({}), Duration::from_secs(5));
        self.process.wait(LONG);
    }
}
