//! One tab: its page is read as it stands on the screen, and acted on as a person would.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::wire::{CallError, Wire};
use crate::wait::{LONG, maybe, until_true};
use crate::webdriver::FIND;

/// A tab of a browser.
pub struct Tab {
    wire: Arc<Wire>,
    target: String,
    session: String,
}

/// The ways in which a page is loaded again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// The browser's own button.
    Button,
    /// The same past the cache.
    Hard,
    /// `location.reload()`
    Script,
    /// Its address entered again.
    Address,
    /// A link in the page that leads to itself.
    Link,
}

impl Reload {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Button, Self::Hard, Self::Script, Self::Address, Self::Link];
}

/// All that can be read, inside shadow roots too.
pub(crate) const TEXT: &str = r"(() => {
  const said = [document.body?.innerText ?? ''];
  for (const { shadowRoot } of document.querySelectorAll('*'))
    for (const part of shadowRoot?.children ?? []) said.push(part.innerText ?? '');
  return said.join('\n');
})()";

impl Tab {
    pub(super) const fn new(wire: Arc<Wire>, target: String, session: String) -> Self {
        Self { wire, target, session }
    }

    /// Asks the browser for something about this tab.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn ask(&self, method: &str, params: &Value) -> Result<Value, CallError> {
        self.wire.call(Some(&self.session), method, params, LONG)
    }

    #[track_caller]
    fn must(&self, method: &str, params: &Value) -> Value {
        self.ask(method, params).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// The value of an expression in the page.
    ///
    /// # Errors
    /// When it throws, or the page hangs or is about to be another.
    pub fn try_run(&self, script: &str) -> Result<Value, CallError> {
        self.evaluate(script, true)
    }

    /// `by_hand`: it counts as something that the person does.
    fn evaluate(&self, script: &str, by_hand: bool) -> Result<Value, CallError> {
        let params = json!({
            "expression": script, "awaitPromise": true, "returnByValue": true, "userGesture": by_hand,
        });
        let mut answer = self.ask("Runtime.evaluate", &params)?;
        match answer.get("exceptionDetails") {
            Some(thrown) => Err(CallError::Refused(
                thrown["exception"]["description"].as_str().unwrap_or("it threw").to_owned(),
            )),
            None => Ok(answer["result"]["value"].take()),
        }
    }

    /// As [`Self::try_run`].
    ///
    /// # Panics
    /// On its errors.
    #[track_caller]
    pub fn run(&self, script: &str) -> Value {
        self.try_run(script).unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Runs in each page of this tab from now on, before anything of it.
    pub fn prepare(&self, script: &str) {
        self.must("Page.enable", &json!({}));
        self.must("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": script }));
    }

    /// Files that this tab's pages do not get: patterns with `*`.
    pub fn without(&self, files: &[&str]) {
        self.must("Network.enable", &json!({}));
        let patterns = files.iter().map(|file| json!({ "urlPattern": file, "block": true }));
        let new = json!({ "urlPatterns": patterns.collect::<Vec<_>>() });
        // Before Chromium 138 it took plain addresses.
        if self.ask("Network.setBlockedURLs", &new).is_err() {
            self.must("Network.setBlockedURLs", &json!({ "urls": files }));
        }
    }

    /// Goes to an address, and awaits the page.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn go(&self, url: &str) {
        self.another(|| {
            let gone = self.must("Page.navigate", &json!({ "url": url }));
            assert!(gone["errorText"].is_null(), "{url}: {}", gone["errorText"]);
        });
    }

    /// Loads the page again, and awaits it.
    ///
    /// # Panics
    /// When it does not come.
    #[track_caller]
    pub fn reload(&self, how: Reload) {
        let here = self.run("location.href");
        self.another(|| match how {
            Reload::Button => drop(self.must("Page.reload", &json!({}))),
            Reload::Hard => drop(self.must("Page.reload", &json!({ "ignoreCache": true }))),
            Reload::Script => drop(self.run("void location.reload()")),
            Reload::Address => drop(self.must("Page.navigate", &json!({ "url": here }))),
            Reload::Link => {
                self.run(
                    "{ const link = document.createElement('a'); link.href = location.href; \
                     document.body.append(link); void link.click(); }",
                );
            }
        });
    }

    /// One step back in its history, and awaits that page.
    ///
    /// # Panics
    /// When it does not come.
    #[track_caller]
    pub fn back(&self) {
        let history = self.must("Page.getNavigationHistory", &json!({}));
        let at = history["currentIndex"].as_u64().unwrap();
        let before = at.checked_sub(1).expect("there is no page to go back to");
        let entry = history["entries"][usize::try_from(before).unwrap()]["id"].clone();
        self.another(|| drop(self.must("Page.navigateToHistoryEntry", &json!({ "entryId": entry }))));
    }

    /// Does what brings another document (or one from the browser's cache), and awaits it.
    #[track_caller]
    fn another(&self, leave: impl FnOnce()) {
        let name = "performance.timeOrigin";
        let before = self.run(name);
        leave();
        until_true("another page to be there", LONG, || {
            self.try_run(name).is_ok_and(|now| now != before)
                && self.try_run("document.readyState").is_ok_and(|state| state == "complete")
        });
    }

    /// All that can be read on it, the words inside `<killcord-status>` too.
    #[must_use]
    pub fn text(&self) -> String {
        match self.evaluate(TEXT, false) {
            Ok(text) => text.as_str().unwrap_or_default().to_owned(),
            Err(error) => format!("({error})"),
        }
    }

    /// Whether it can be read on it.
    #[must_use]
    pub fn says(&self, wanted: &str) -> bool {
        self.text().contains(wanted)
    }

    /// Awaits words on it.
    ///
    /// # Panics
    /// When they do not come; shows what it says instead.
    #[track_caller]
    pub fn await_text(&self, wanted: &str) {
        if maybe(LONG, || self.says(wanted).then_some(())).is_none() {
            panic!("the page does not say {wanted:?}. It says:\n{}", self.text());
        }
    }

    /// Awaits that words on it are gone.
    ///
    /// # Panics
    /// When they stay.
    #[track_caller]
    pub fn await_no_text(&self, unwanted: &str) {
        if maybe(LONG, || (!self.says(unwanted)).then_some(())).is_none() {
            panic!("the page still says {unwanted:?}:\n{}", self.text());
        }
    }

    /// Clicks the element with this role and name with the mouse, as soon as it is there, enabled, and not covered.
    ///
    /// # Panics
    /// When it does not come; shows the page's text.
    #[track_caller]
    pub fn click(&self, role: &str, name: &str) {
        if maybe(LONG, || self.try_click(role, name)).is_none() {
            panic!("no {role} {name:?} to click. The page says:\n{}", self.text());
        }
    }

    fn try_click(&self, role: &str, name: &str) -> Option<()> {
        let place = format!(
            "(() => {{ const found = (function () {{ {FIND} }})({}, {}); if (!found) return null; \
             found.scrollIntoView({{ block: 'nearest', behavior: 'instant' }}); \
             const box = found.getBoundingClientRect(); \
             const at = [box.x + box.width / 2, box.y + box.height / 2]; \
             let top = document.elementFromPoint(...at); \
             while (top?.shadowRoot) top = top.shadowRoot.elementFromPoint(...at); \
             return found.contains(top) ? at : null; }})()",
            json!(role),
            json!(name)
        );
        self.click_at(&place)
    }

    /// The page that this one frames, which is of another origin and in a process of its own.
    ///
    /// # Errors
    /// When there is none, or it is about to be another.
    pub fn framed(&self) -> Result<Self, CallError> {
        let frame = json!({ "expression": "document.querySelector('iframe')" });
        let frame = self.ask("Runtime.evaluate", &frame)?;
        let node = self.ask("DOM.describeNode", &json!({ "objectId": frame["result"]["objectId"] }))?;
        let target = node["node"]["frameId"].as_str().unwrap_or_default().to_owned();
        // The browser knows it by that name once it was asked for all.
        self.wire.call(None, "Target.getTargets", &json!({}), LONG)?;
        let params = json!({ "targetId": target, "flatten": true });
        let joined = self.wire.call(None, "Target.attachToTarget", &params, LONG)?;
        let session = joined["sessionId"].as_str().unwrap_or_default().to_owned();
        Ok(Self::new(Arc::clone(&self.wire), target, session))
    }

    /// Clicks the element that an expression gives in the page that this one frames with the mouse.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn click_framed(&self, element: &str) {
        let middle = format!(
            "(() => {{ const found = {element}; if (!found) return null; \
             found.scrollIntoView({{ block: 'nearest', behavior: 'instant' }}); \
             const {{ x, y, width, height }} = found.getBoundingClientRect(); \
             return [x + width / 2, y + height / 2]; }})()"
        );
        let corner = "(() => { const { x, y } = document.querySelector('iframe').getBoundingClientRect(); return [x, y]; })()";
        let point = |at: &Value| Some((at.get(0)?.as_f64()?, at.get(1)?.as_f64()?));
        let click = || {
            let (x, y) = point(&self.framed().ok()?.evaluate(&middle, false).ok()?)?;
            let (left, top) = point(&self.evaluate(corner, false).ok()?)?;
            self.mouse(left + x, top + y)
        };
        if maybe(LONG, click).is_none() {
            panic!("no {element} to click. The page says:\n{}", self.text());
        }
    }

    fn click_at(&self, place: &str) -> Option<()> {
        let at = self.try_run(place).ok()?;
        self.mouse(at.get(0)?.as_f64()?, at.get(1)?.as_f64()?)
    }

    fn mouse(&self, x: f64, y: f64) -> Option<()> {
        for kind in ["mousePressed", "mouseReleased"] {
            let click = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
            self.ask("Input.dispatchMouseEvent", &click).ok()?;
        }
        Some(())
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

    /// Brings it in front of the other tabs.
    pub fn front(&self) {
        self.must("Page.bringToFront", &json!({}));
    }

    /// The browser itself freezes the page, or lets it go on: `frozen`, `active`.
    pub fn life(&self, state: &str) {
        self.must("Page.setWebLifecycleState", &json!({ "state": state }));
    }

    /// A person closes it.
    pub fn close(self) {
        self.must("Page.close", &json!({}));
    }

    /// It is closed without the page being asked (`beforeunload`).
    pub fn shut(self) {
        let params = json!({ "targetId": self.target });
        self.wire.call(None, "Target.closeTarget", &params, LONG).expect("the tab cannot be closed");
    }

    /// How wide its page is, and whether the person likes it dark.
    pub fn dress(&self, width: u32, height: u32, dark: bool) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.must("Emulation.setDeviceMetricsOverride", &size);
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.must("Emulation.setEmulatedMedia", &json!({ "features": features }));
    }

    /// As it was before [`Self::dress`].
    pub fn undress(&self) {
        self.must("Emulation.clearDeviceMetricsOverride", &json!({}));
        self.must("Emulation.setEmulatedMedia", &json!({ "features": [] }));
    }

    /// A picture of the whole page, for a person to look at.
    pub fn picture(&self, file: &Path) {
        let params = json!({ "format": "png", "captureBeyondViewport": true });
        let shot = self.must("Page.captureScreenshot", &params);
        std::fs::write(file, base64(shot["data"].as_str().unwrap_or_default())).unwrap();
    }
}

/// The bytes of a text in base64 (RFC 4648 section 4).
fn base64(text: &str) -> Vec<u8> {
    let digit = |byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for value in text.bytes().filter_map(digit) {
        (bits, count) = (bits << 6 | u32::from(value), count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_picture_is_decoded() {
        assert_eq!(super::base64("a2lsbGNvcmQ="), b"killcord");
    }
}
