//! Firefox, driven from outside over WebDriver BiDi (<https://w3c.github.io/webdriver-bidi/>), which it speaks by
//! itself. As much of it as goodbyes need: tabs opened, read, loaded again and closed.

use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket};

use crate::chromium::{Reload, TEXT};
use crate::place;
use crate::process::{Launch, Process};
use crate::wait::{LONG, maybe};
use crate::webdriver::FIND;

/// Nothing of it asks, updates, or talks to its maker.
const PREFERENCES: &str = r#"
user_pref("app.normandy.enabled", false);
user_pref("app.update.disabledForTesting", true);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.homepage_override.mstone", "ignore");
user_pref("browser.startup.page", 0);
user_pref("browser.tabs.warnOnClose", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "http://127.0.0.1:9/");
user_pref("toolkit.telemetry.enabled", false);
user_pref("toolkit.telemetry.reportingpolicy.firstRun", false);
"#;

/// A browser at work.
pub struct Firefox {
    _process: Process,
    socket: Mutex<WebSocket<TcpStream>>,
    asked: AtomicU64,
    _profile: TempDir,
}

/// One tab of it.
pub struct FoxTab<'f> {
    firefox: &'f Firefox,
    context: String,
}

impl Default for Firefox {
    fn default() -> Self {
        Self::start()
    }
}

impl Firefox {
    /// Starts one.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    #[track_caller]
    pub fn start() -> Self {
        let profile = tempfile::Builder::new().prefix("kcf").tempdir().unwrap();
        std::fs::write(profile.path().join("user.js"), PREFERENCES).unwrap();
        let process = Launch::new(place::system("firefox-esr"))
            .args(["--headless", "--no-remote", "--remote-debugging-port", "0", "--profile"])
            .arg(profile.path())
            .env("HOME", profile.path())
            .env("MOZ_CRASHREPORTER_DISABLE", "1")
            .without_env("DISPLAY")
            .without_env("WAYLAND_DISPLAY")
            .without_env("DBUS_SESSION_BUS_ADDRESS")
            .start();
        let line =
            process.await_line("its address", LONG, |line| line.text.contains("BiDi listening on ws://"));
        let (_, at) = line.text.split_once("ws://").unwrap();
        let stream = TcpStream::connect(at.trim()).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        let (socket, _) = tungstenite::client(format!("ws://{}/session", at.trim()), stream).unwrap();
        let (socket, asked) = (Mutex::new(socket), AtomicU64::new(0));
        let firefox = Self { _process: process, socket, asked, _profile: profile };
        firefox.ask("session.new", &json!({ "capabilities": {} }));
        firefox
    }

    fn try_ask(&self, method: &str, params: &Value) -> Result<Value, String> {
        let id = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let question = json!({ "id": id, "method": method, "params": params });
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        socket.send(Message::text(question.to_string())).map_err(|error| error.to_string())?;
        loop {
            let Message::Text(text) = socket.read().map_err(|error| error.to_string())? else { continue };
            let mut answer: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            if answer["id"] != id {
                continue;
            }
            return match answer["type"].as_str() {
                Some("success") => Ok(answer["result"].take()),
                _ => Err(answer["message"].as_str().unwrap_or_default().to_owned()),
            };
        }
    }

    #[track_caller]
    fn ask(&self, method: &str, params: &Value) -> Value {
        self.try_ask(method, params).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Opens a page in a tab of its own.
    ///
    /// # Panics
    /// When it does not come.
    #[must_use]
    #[track_caller]
    pub fn open(&self, url: &str) -> FoxTab<'_> {
        let made = self.ask("browsingContext.create", &json!({ "type": "tab" }));
        let tab = FoxTab { firefox: self, context: made["context"].as_str().unwrap().to_owned() };
        tab.go(url);
        tab
    }
}

impl FoxTab<'_> {
    /// Goes to an address, and awaits the page.
    ///
    /// # Panics
    /// When it does not come.
    #[track_caller]
    pub fn go(&self, url: &str) {
        let params = json!({ "context": self.context, "url": url, "wait": "complete" });
        self.firefox.ask("browsingContext.navigate", &params);
    }

    /// The value of an expression in the page, which has to be something that JSON can tell.
    ///
    /// # Errors
    /// When it throws, or the page goes.
    pub fn try_run(&self, script: &str) -> Result<Value, String> {
        let params = json!({
            "expression": format!("Promise.resolve({script}).then((it) => JSON.stringify(it ?? null))"),
            "target": { "context": self.context }, "awaitPromise": true, "userActivation": true,
        });
        let answer = self.firefox.try_ask("script.evaluate", &params)?;
        match answer["result"]["value"].as_str() {
            Some(text) => serde_json::from_str(text).map_err(|error| error.to_string()),
            None => Err(answer["exceptionDetails"]["text"].as_str().unwrap_or_default().to_owned()),
        }
    }

    /// Loads the page again, and awaits it.
    ///
    /// # Panics
    /// When it does not come.
    #[track_caller]
    pub fn reload(&self, how: Reload) {
        let origin = || self.try_run("performance.timeOrigin").ok();
        let before = origin().expect("the page does not answer");
        let hard = how == Reload::Hard;
        match how {
            Reload::Button | Reload::Hard => {
                let params = json!({ "context": self.context, "ignoreCache": hard, "wait": "complete" });
                // Firefox does not offer it to drivers; its own button does the same as the other.
                if self.firefox.try_ask("browsingContext.reload", &params).is_err() {
                    let params = json!({ "context": self.context, "wait": "complete" });
                    self.firefox.ask("browsingContext.reload", &params);
                }
            }
            Reload::Script => drop(self.try_run("void setTimeout(() => location.reload())")),
            Reload::Address => {
                let here = self.try_run("location.href").unwrap();
                self.go(here.as_str().unwrap());
            }
            Reload::Link => drop(self.try_run(
                "(() => { const link = document.createElement('a'); link.href = location.href; \
                 document.body.append(link); setTimeout(() => link.click()); })()",
            )),
        }
        let there = maybe(LONG, || origin().filter(|now| *now != before));
        assert!(there.is_some(), "the page was not loaded again ({how:?})");
    }

    /// All that can be read on it.
    #[must_use]
    pub fn text(&self) -> String {
        match self.try_run(TEXT) {
            Ok(text) => text.as_str().unwrap_or_default().to_owned(),
            Err(error) => format!("({error})"),
        }
    }

    /// Awaits words on it.
    ///
    /// # Panics
    /// When they do not come; shows what it says instead.
    #[track_caller]
    pub fn await_text(&self, wanted: &str) {
        if maybe(LONG, || self.text().contains(wanted).then_some(())).is_none() {
            panic!("the page does not say {wanted:?}. It says:\n{}", self.text());
        }
    }

    /// Clicks the element with this role and name, as soon as it is there and enabled.
    ///
    /// # Panics
    /// When it does not come; shows the page's text.
    #[track_caller]
    pub fn click(&self, role: &str, name: &str) {
        let click = format!(
            "(() => {{ const found = (function () {{ {FIND} }})({}, {}); found?.click(); return found !== null; }})()",
            json!(role),
            json!(name)
        );
        if maybe(LONG, || self.try_run(&click).is_ok_and(|done| done == true).then_some(())).is_none() {
            panic!("no {role} {name:?} to click. The page says:\n{}", self.text());
        }
    }

    /// A person closes it.
    pub fn close(self) {
        let params = json!({ "context": self.context, "promptUnload": false });
        self.firefox.ask("browsingContext.close", &params);
    }
}
