"""A web app that tries to get hold of Killcord's session, by its answers and by its page: PORT"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = b"<!doctype html><title>Hostile</title><button>Press me</button><script src='/attack.js'></script>"

# Each attempt says what became of it. `main` is Killcord's own origin, `name` the name of its cookie.
SCRIPT = b"""
const attempt = async (work) => {
  try { return String(await work()); } catch (error) { return 'refused'; }
};
const fetched = (url, options) => attempt(async () => {
  const answer = await fetch(url, { credentials: 'include', ...options });
  return `${answer.type} ${answer.status} ${(await answer.text()).length}`;
});
const settled = (target, ...kinds) => new Promise((done) => {
  for (const kind of kinds) target.addEventListener(kind, () => done(kind), { once: true });
});
const send = (main, path, target) => attempt(async () => {
  const form = document.createElement('form');
  Object.assign(form, { method: 'POST', action: main + path, target });
  document.body.append(form);
  form.submit();
});

async function attack(main, name) {
  const said = {};
  const api = main + '/killcord/api/v1/';
  said.document = await attempt(() => parent.document.title);
  document.cookie = 'probe=1';
  said.domain = await attempt(() => { document.domain = location.hostname; return parent.document.title; });
  said.storage = await attempt(() => JSON.stringify({ ...sessionStorage, ...localStorage }));
  said.way = [document.URL, document.referrer, ...performance.getEntries().map(({ name }) => name)].join();
  said.read = await fetched(api + 'rig');
  said.read_blind = await fetched(api + 'rig', { mode: 'no-cors' });
  said.page = await fetched(main + '/');
  for (const path of ['safe', 'stop', 'release', 'links']) {
    said[path] = await fetched(api + path, { method: 'POST', mode: 'no-cors', body: '{}' });
  }
  said.ticket = await fetched(main + '/killcord/enter', { method: 'POST' });
  said.sign_out = await fetched(main + '/killcord/pair', { method: 'DELETE' });
  said.key = await fetched(api + 'rig', { headers: { Authorization: 'Bearer killcord_0' } });
  navigator.sendBeacon(main + '/killcord/bye', '{"t":"bye","session":1,"nonce":"","persisted":false}');
  const socket = new WebSocket(main.replace('http', 'ws') + '/killcord/ws');
  said.socket = await settled(socket, 'open', 'error');
  said.script = await attempt(() => {
    const script = document.createElement('script');
    script.src = main + '/killcord/client.js';
    document.body.append(script);
    return settled(script, 'load', 'error');
  });
  const frame = document.createElement('iframe');
  frame.name = 'inner';
  frame.src = main + '/';
  document.body.append(frame);
  await settled(frame, 'load');
  said.framed = await attempt(() => frame.contentDocument ? frame.contentDocument.title : 'unseen');
  await send(main, '/killcord/api/v1/stop', 'inner');
  await settled(frame, 'load');
  document.cookie = `${name}=evil; path=/`;
  document.cookie = `${name}=evil; path=/killcord`;
  document.cookie = `${name}=; path=/; max-age=0`;
  document.cookie = `__Host-${name}=evil; path=/; secure`;
  await fetch('/cookies?name=' + name);
  said.cookies = document.cookie;
  said.worker = await attempt(() => navigator.serviceWorker.register('/worker.js'));
  parent.postMessage({ t: 'stop' }, '*');
  said.tauri = await attempt(() => parent.__TAURI_INTERNALS__);
  said.top = await attempt(() => { top.location.href = main + '/gone'; return 'gone'; });
  await send(main, '/gone', '_top');
  const link = document.createElement('a');
  Object.assign(link, { href: '/gone', target: '_top' });
  document.body.append(link);
  link.click();
  return said;
}

// Needs a person's press.
function open_main(main) {
  const other = window.open(main + '/');
  return other === null ? 'none' : 'a window';
}
function post_in_a_tab(main) {
  return send(main, '/killcord/api/v1/stop', '_blank');
}
"""


class App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path, _, query = self.path.partition("?")
        headers = []
        kind, body = "text/html", PAGE
        if path == "/attack.js" or path == "/worker.js":
            kind, body = "text/javascript", SCRIPT
        if path == "/cookies":
            name = query.partition("=")[2]
            headers = [
                ("Set-Cookie", f"{name}=evil; Path=/"),
                ("Set-Cookie", f"{name}=; Path=/; Max-Age=0"),
                ("Set-Cookie", f"__Host-{name}=evil; Path=/; Secure"),
                ("Clear-Site-Data", '"cookies", "storage"'),
            ]
        if path == "/seen":
            kind, body = "application/json", json.dumps(self.headers.items()).encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Service-Worker-Allowed", "/")
        self.send_header("Access-Control-Allow-Origin", "*")
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), App).serve_forever()
