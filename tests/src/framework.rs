//! Pages of Bokeh and Streamlit without a browser: just so much of their protocols that a person's act reaches the
//! app, and its answer comes back.

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use crate::line::Line;
use crate::page::Browser;

/// A page of Bokeh 3 with one model at its root.
pub struct Bokeh {
    socket: WebSocket<Line>,
    root: String,
    sent: u32,
}

impl Bokeh {
    /// Loads the page and opens its socket.
    ///
    /// # Panics
    /// When it is not one.
    #[must_use]
    #[track_caller]
    pub fn open(browser: &Browser) -> Self {
        let browser = &browser.app();
        let mut answer = browser.get("/app", &[("sec-fetch-dest", "iframe"), ("accept", "text/html")]);
        let text = answer.body_mut().read_to_string().unwrap();
        let (_, items) = text.split_once("render_items = ").unwrap_or_else(|| panic!("no page: {text}"));
        let items: Value = serde_json::from_str(items.split_once(";\n").unwrap().0).unwrap();
        let token = items[0]["token"].as_str().unwrap();
        let root = items[0]["root_ids"][0].as_str().unwrap().to_owned();
        let socket = browser.socket("/app/ws", Some(&format!("bokeh, {token}")));
        let mut page = Self { socket, root, sent: 0 };
        assert_eq!(page.hear()["msgtype"], "ACK");
        page
    }

    /// The person changes this of the root model; awaits that the app has taken it.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn change(&mut self, attribute: &str, value: f64) {
        self.sent += 1;
        let model = json!({ "id": self.root });
        let event = json!({ "kind": "ModelChanged", "model": model, "attr": attribute, "new": value });
        let id = self.sent.to_string();
        for part in [json!({ "msgid": id, "msgtype": "PATCH-DOC" }), json!({}), json!({ "events": [event] })]
        {
            self.socket.send(Message::text(part.to_string())).unwrap();
        }
        loop {
            let header = self.hear();
            if header["reqid"] == id {
                assert_eq!(header["msgtype"], "OK");
                return;
            }
        }
    }

    /// The header of the next message, which comes in three parts.
    fn hear(&mut self) -> Value {
        let parts = [(); 3].map(|()| text(&mut self.socket));
        serde_json::from_str(&parts[0]).unwrap()
    }
}

fn text(socket: &mut WebSocket<Line>) -> String {
    loop {
        if let Message::Text(text) = socket.read().unwrap() {
            return text.to_string();
        }
    }
}

/// A page of Streamlit with one switch. Its messages are Protobuf (`streamlit/proto/BackMsg.proto`).
pub struct Streamlit {
    socket: WebSocket<Line>,
    switch: Option<String>,
}

impl Streamlit {
    /// Opens the page's socket and has the script run; awaits its title.
    ///
    /// # Panics
    /// When it is no such page.
    #[must_use]
    #[track_caller]
    pub fn open(browser: &Browser, title: &str) -> Self {
        let browser = &browser.app();
        let mut page = browser.get("/", &[("sec-fetch-dest", "iframe"), ("accept", "text/html")]);
        assert!(page.body_mut().read_to_string().unwrap().contains("<title>Streamlit"), "no page of it");
        let socket = browser.socket("/_stcore/stream", Some("streamlit"));
        let mut page = Self { socket, switch: None };
        page.run(&[]);
        page.hear(title);
        page
    }

    /// The person turns the switch.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn turn(&mut self, on: bool) {
        while self.switch.is_none() {
            self.hear("$$ID-");
        }
        let id = self.switch.clone().unwrap();
        // WidgetState { id = 1, bool_value = 3 } in WidgetStates { widgets = 1 } in ClientState { widget_states = 2 }.
        let state = [field(1, id.as_bytes()), vec![3 << 3, u8::from(on)]].concat();
        self.run(&field(2, &field(1, &state)));
    }

    /// Has the script run: BackMsg { rerun_script = 11 }.
    fn run(&mut self, client_state: &[u8]) {
        self.socket.send(Message::binary(field(11, client_state))).unwrap();
    }

    /// Until a message has this text in it.
    ///
    /// # Panics
    /// When none comes.
    #[track_caller]
    pub fn hear(&mut self, wanted: &str) {
        loop {
            let Message::Binary(bytes) = self.socket.read().unwrap() else { continue };
            let text = String::from_utf8_lossy(&bytes);
            if self.switch.is_none()
                && let Some(at) = text.find("$$ID-")
            {
                let id = text[at..].chars().take_while(|c| c.is_ascii_graphic()).collect();
                self.switch = Some(id);
            }
            if text.contains(wanted) {
                return;
            }
        }
    }
}

/// A field of bytes, shorter than 16 KiB.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len();
    let mut out = vec![number << 3 | 2];
    match u8::try_from(length) {
        Ok(short) if short < 128 => out.push(short),
        _ => out.extend([(length & 127) as u8 | 128, (length >> 7) as u8]),
    }
    out.extend(bytes);
    out
}
