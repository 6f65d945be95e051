//! WebKitWebDriver, and the page of a window that was started to be driven.
//!
//! The test starts the window itself (so that it sees its exit status, its output and its signals); the driver
//! joins it by the address that `WEBKIT_INSPECTOR_SERVER` gave it. The driver's protocol is small enough that a
//! client library would only add an asynchronous runtime: <https://www.w3.org/TR/webdriver2/>.

use std::time::Duration;

use serde_json::{Value, json};

use crate::place;
use crate::port::Port;
use crate::process::{Launch, Process};
use crate::wait::{LONG, SOON, maybe, until};

/// A driver that has joined one page.
pub struct Page {
    _driver: Process,
    agent: ureq::Agent,
    session: String,
    _port: Port,
}

/// The driver said no, or nothing.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The driver does not answer in time: the page hangs, or the window is gone.
    #[error("the driver does not answer")]
    Silent(#[source] Box<ureq::Error>),
    /// The driver's own error.
    #[error("{code}: {message}")]
    Refused {
        /// As in the standard: `no such element`, `javascript error`, …
        code: String,
        /// In words.
        message: String,
    },
}

impl Page {
    /// Joins the window that listens at `inspector`.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    #[track_caller]
    pub fn join(inspector: &Port) -> Self {
        let port = Port::free();
        let driver = Launch::new(place::system("WebKitWebDriver"))
            .arg(format!("--port={}", port.number()))
            .arg(format!("--target=127.0.0.1:{}", inspector.number()))
            .start();
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(60)))
            .http_status_as_error(false)
            .build();
        let agent = ureq::Agent::new_with_config(config);
        let base = format!("http://127.0.0.1:{}", port.number());
        until("the driver's port", LONG, || agent.get(format!("{base}/status")).call().ok());
        // The window takes its time; a driver whose target is not there yet refuses at once.
        let capabilities = json!({ "capabilities": { "alwaysMatch": {} } });
        let id = until("a page that can be driven", LONG, || {
            let mut answer = agent.post(format!("{base}/session")).send_json(&capabilities).ok()?;
            let answer: Value = answer.body_mut().read_json().ok()?;
            Some(answer.get("value")?.get("sessionId")?.as_str()?.to_owned())
        });
        Self { _driver: driver, agent, session: format!("{base}/session/{id}"), _port: port }
    }

    fn call(&self, path: &str, body: &Value) -> Result<Value, PageError> {
        let silent = |error| PageError::Silent(Box::new(error));
        let mut answer =
            self.agent.post(format!("{}/{path}", self.session)).send_json(body).map_err(silent)?;
        let mut answer: Value = answer.body_mut().read_json().map_err(silent)?;
        let value = answer["value"].take();
        match value.get("error").and_then(Value::as_str) {
            Some(code) => Err(PageError::Refused {
                code: code.to_owned(),
                message: value["message"].as_str().unwrap_or_default().to_owned(),
            }),
            None => Ok(value),
        }
    }

    /// Runs a function body in the page and gives what it returns.
    ///
    /// # Errors
    /// When the page throws, hangs or is gone.
    pub fn try_run(&self, script: &str, args: &[Value]) -> Result<Value, PageError> {
        self.call("execute/sync", &json!({ "script": script, "args": args }))
    }

    /// As [`Self::try_run`].
    ///
    /// # Panics
    /// On its errors.
    #[track_caller]
    pub fn run(&self, script: &str) -> Value {
        self.try_run(script, &[]).unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Looks into the page's only frame, of whatever origin that is, and comes back.
    ///
    /// # Errors
    /// When there is no frame, or the page is gone.
    pub fn within<T>(&self, look: impl FnOnce(&Self) -> T) -> Result<T, PageError> {
        self.call("frame", &json!({ "id": 0 }))?;
        let seen = look(self);
        self.call("frame", &json!({ "id": null }))?;
        Ok(seen)
    }

    /// The elements with this role and name, among those that are shown and can be used.
    fn find(&self, role: &str, name: &str) -> Result<Option<Value>, PageError> {
        let found = self.try_run(FIND, &[json!(role), json!(name)])?;
        Ok((!found.is_null()).then_some(found))
    }

    /// Whether there is such an element now: role `button`, name `Arm`.
    ///
    /// # Panics
    /// When the page does not answer.
    #[must_use]
    #[track_caller]
    pub fn shows(&self, role: &str, name: &str) -> bool {
        self.find(role, name).unwrap_or_else(|error| panic!("looking for {role} {name:?}: {error}")).is_some()
    }

    /// Clicks the element as soon as it is there and enabled.
    ///
    /// # Panics
    /// When it does not come; shows the page's text.
    #[track_caller]
    pub fn click(&self, role: &str, name: &str) {
        let click = || {
            let element = self.find(role, name).ok()??;
            self.call(&click_path(&element)?, &json!({})).ok()
        };
        if maybe(LONG, click).is_none() {
            panic!("no {role} {name:?} to click. The page says:\n{}", self.text());
        }
    }

    /// Clicks what ends the page: the driver may have nobody left to answer for it.
    ///
    /// # Panics
    /// When it does not come; shows the page's text.
    #[track_caller]
    pub fn click_last(self, role: &str, name: &str) {
        match maybe(LONG, || click_path(&self.find(role, name).ok()??)) {
            Some(path) => drop(self.call(&path, &json!({}))),
            None => panic!("no {role} {name:?} to click. The page says:\n{}", self.text()),
        }
    }

    /// Arms the rig as a person does in the panel: the button, then the one in the dialog.
    ///
    /// # Panics
    /// When the panel does not offer it, or stays as it was.
    #[track_caller]
    pub fn arm(&self) {
        self.click("button", "Arm");
        self.click("button", "Arm the rig");
        self.await_text("Make safe");
    }

    /// Presses keys, as the W3C key actions spell them: `\u{e03c}` is F12.
    ///
    /// # Panics
    /// When the page does not answer.
    #[track_caller]
    pub fn press(&self, key: &str) {
        let keys = json!([{ "type": "keyDown", "value": key }, { "type": "keyUp", "value": key }]);
        let actions = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": keys }] });
        self.call("actions", &actions).unwrap_or_else(|error| panic!("pressing {key:?}: {error}"));
    }

    /// The page's visible text.
    #[must_use]
    pub fn text(&self) -> String {
        match self.try_run("return document.body.innerText", &[]) {
            Ok(text) => text.as_str().unwrap_or_default().to_owned(),
            Err(error) => format!("({error})"),
        }
    }

    /// Awaits a text in the page.
    ///
    /// # Panics
    /// When it does not come; shows the page's text.
    #[track_caller]
    pub fn await_text(&self, wanted: &str) {
        if maybe(LONG, || self.text().to_lowercase().contains(&wanted.to_lowercase()).then_some(())).is_none()
        {
            panic!("the page does not say {wanted:?}. It says:\n{}", self.text());
        }
    }

    /// Makes the page hang in an endless loop, and awaits that it does.
    ///
    /// # Panics
    /// When it goes on.
    #[track_caller]
    pub fn hang(&self) {
        // Late enough for this script's own answer to leave.
        self.run("setTimeout(() => { while (true) {} }, 300); return true");
        // A hung page answers no script. The short limit is part of the question, not a wait.
        let probe = ureq::Agent::new_with_config(
            ureq::Agent::config_builder().timeout_global(Some(Duration::from_millis(500))).build(),
        );
        let body = json!({ "script": "return 1", "args": [] });
        let hung = maybe(SOON, || {
            probe.post(format!("{}/execute/sync", self.session)).send_json(&body).is_err().then_some(())
        });
        assert!(hung.is_some(), "the page still answers");
    }
}

/// The driver's command that clicks an element.
fn click_path(element: &Value) -> Option<String> {
    Some(format!("element/{}/click", element.as_object()?.values().next()?.as_str()?))
}

/// Finds by role and accessible name, as a person with a screen reader would.
pub(crate) const FIND: &str = include_str!("by_role.js");
