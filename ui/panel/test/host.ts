/** A host that is none, at the other end of a real WebSocket: serves the built panel, and keeps a record. */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import type { Duplex } from 'node:stream';
import type { PolicyView, ToHost, ToPage } from '@killcord/client';
import { bench } from '../src/dev/bench';

/** What a host's server says of every document. */
export const CSP =
  "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2',
};

/** A page of somebody else's, without a bundler. */
const OWN = `<!doctype html><html lang="en"><head><title>Own</title><meta charset="utf-8">
<script type="module" src="/own.js"></script></head><body><main><h1>Own</h1><killcord-status></killcord-status></main></body></html>`;
const OWN_JS = `import { connect } from '/killcord/client.js'; globalThis.client = connect();`;

/** Something that reached the host. */
export type Entry =
  | { readonly what: 'document'; readonly nonce: string }
  | { readonly what: 'frame'; readonly frame: ToHost; readonly session: number }
  | { readonly what: 'beacon'; readonly body: unknown; readonly type: string }
  | { readonly what: 'unpaired'; readonly path: string }
  | { readonly what: 'paired'; readonly code: unknown }
  | { readonly what: 'closed'; readonly session: number };

interface Seat { session: number; socket: Duplex }

export class SocketHost {
  readonly record: Entry[] = [];
  readonly policy: PolicyView = {
    beat_ms: 200, expire_after_ms: 1_500, reload_grace_ms: 2_000, deadline_ms: 10_000, on_control_lost: 'safe',
    on_last_session: 'release', hold_for_ms: 28_800_000,
  };
  /** What the pair endpoint answers. */
  pairs: { status: number; body: unknown } = { status: 204, body: null };
  /** What the panel and the pair page are told in their heads: a person has asked for them. */
  head = '<meta name="killcord-opened" content="">';
  /** Sessions by their present token. */
  readonly tokens = new Map<string, number>();
  #sessions = 0;
  #port = 0;
  #server: Server | null = null;
  readonly #seats = new Set<Seat>();
  readonly #dist: string;

  constructor(dist: string) {
    this.#dist = dist;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Listens; a second time on the same port, as a new host with no memory. */
  async start(): Promise<void> {
    this.tokens.clear();
    const server = createServer((request, response) => this.#answer(request, response));
    server.on('upgrade', (request, socket) => this.#upgrade(request, socket));
    await new Promise<void>((done) => server.listen(this.#port, '127.0.0.1', done));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Dies: every connection is cut, nothing is said. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const { socket } of this.#seats) socket.destroy();
    server?.closeAllConnections();
    await new Promise<void>((done) => (server ? server.close(() => done()) : done()));
  }

  /** Says `frame` to every page. */
  say(frame: ToPage): void {
    for (const { socket } of this.#seats) write(socket, frame);
  }

  frames<T extends ToHost['t']>(t: T): Extract<ToHost, { t: T }>[] {
    return this.record.flatMap((entry) =>
      entry.what === 'frame' && entry.frame.t === t ? [entry.frame as Extract<ToHost, { t: T }>] : [],
    );
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = new URL(request.url ?? '/', this.url).pathname;
    if (request.method === 'POST' || request.method === 'DELETE') return this.#command(request, response, path);
    const head = { 'Content-Security-Policy': CSP, 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };
    const give = (type: string, body: string | Buffer): void =>
      void response.writeHead(200, { ...head, 'Content-Type': type }).end(body);
    // Not of the host, and so the one kind of page that a browser may keep when it is left.
    if (path === '/own') head['Cache-Control'] = 'no-cache';
    if (path === '/own') return give(TYPES['.html']!, OWN);
    if (path === '/own.js') return give(TYPES['.js']!, OWN_JS);
    const name = path === '/' ? 'index.html' : path === '/killcord/pair' ? 'pair.html' : path.replace(/^\/(killcord\/)?/, '');
    const file = join(this.#dist, normalize(name));
    if (!file.startsWith(this.#dist) || !existsSync(file)) return void response.writeHead(404, head).end();
    if (name === 'pair.html') return give(TYPES['.html']!, readFileSync(file, 'utf8').replace('<head>', `<head>${this.head}`));
    if (name !== 'index.html') return give(TYPES[extname(file)] ?? 'application/octet-stream', readFileSync(file));
    const nonce = randomUUID();
    this.record.push({ what: 'document', nonce });
    const html = readFileSync(file, 'utf8').replace('<head>', `<head>${this.head}<meta name="killcord-nonce" content="${nonce}">`);
    give(TYPES['.html']!, html);
  }

  #command(request: IncomingMessage, response: ServerResponse, path: string): void {
    let text = '';
    request.on('data', (part: Buffer) => (text += part.toString()));
    request.on('end', () => {
      const body: unknown = text ? JSON.parse(text) : null;
      if (path === '/killcord/bye') {
        this.record.push({ what: 'beacon', body, type: request.headers['content-type'] ?? '' });
        return void response.writeHead(204).end();
      }
      if (request.method === 'DELETE') {
        this.record.push({ what: 'unpaired', path });
        response.writeHead(204).end();
        for (const seat of this.#seats) {
          write(seat.socket, { t: 'ended', reason: 'signed_out', hardware: 'safe', message: '' });
        }
        return;
      }
      if (path === '/killcord/pair') {
        this.record.push({ what: 'paired', code: body });
        return void response.writeHead(this.pairs.status).end(JSON.stringify(this.pairs.body));
      }
      response.writeHead(404).end();
    });
  }

  #upgrade(request: IncomingMessage, socket: Duplex): void {
    const key = request.headers['sec-websocket-key'] ?? '';
    // RFC 6455 section 4.2.2.
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    const seat: Seat = { session: 0, socket };
    this.#seats.add(seat);
    let rest = Buffer.alloc(0);
    socket.on('data', (part: Buffer) => {
      rest = Buffer.concat([rest, part]);
      for (let message = read(rest); message; message = read(rest)) {
        rest = rest.subarray(message.length);
        if (message.opcode === 8) return void socket.end(Buffer.from([0x88, 0]));
        if (message.opcode === 1) this.#take(seat, JSON.parse(message.text) as ToHost);
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#seats.delete(seat);
      this.record.push({ what: 'closed', session: seat.session });
    });
  }

  #take(seat: Seat, frame: ToHost): void {
    if (frame.t === 'hello') this.#welcome(seat, frame.resume);
    this.record.push({ what: 'frame', frame, session: seat.session });
    if (frame.t === 'beat') write(seat.socket, { t: 'ack', n: frame.n, expires_ms: this.policy.expire_after_ms });
  }

  /** A token that is in use by a living socket is another tab's: that gets a session of its own. */
  #welcome(seat: Seat, resume: string | undefined): void {
    const known = resume === undefined ? undefined : this.tokens.get(resume);
    const taken = [...this.#seats].some(({ session }) => session === known);
    const resumed = known !== undefined && !taken;
    seat.session = resumed ? known : (this.#sessions += 1);
    const token = randomUUID();
    this.tokens.set(token, seat.session);
    const rig = { ...bench(), name: 'Real socket' };
    const role = taken ? 'observer' : 'operator';
    write(seat.socket, {
      t: 'welcome', session: seat.session, resume: token, role, epoch: '1.1', resumed, policy: this.policy, rig,
      now: { host_ms: 0, unix_ms: Date.now() },
    });
  }
}

/** One unfragmented text frame, RFC 6455 section 5.2. */
function write(socket: Duplex, frame: ToPage): void {
  const payload = Buffer.from(JSON.stringify(frame));
  const head = payload.length < 126 ? Buffer.from([0x81, payload.length]) : Buffer.from([0x81, 126, payload.length >> 8, payload.length & 255]);
  if (!socket.destroyed) socket.write(Buffer.concat([head, payload]));
}

/** The first whole frame in `data`; a page's are masked and shorter than 64 KiB. */
function read(data: Buffer): { opcode: number; text: string; length: number } | null {
  if (data.length < 2) return null;
  const short = data[1]! & 127;
  const at = short === 126 ? 4 : 2;
  if (data.length < at + 4) return null;
  const size = short === 126 ? data.readUInt16BE(2) : short;
  if (data.length < at + 4 + size) return null;
  const mask = data.subarray(at, at + 4);
  const payload = Buffer.from(data.subarray(at + 4, at + 4 + size)).map((byte, n) => byte ^ mask[n % 4]!);
  return { opcode: data[0]! & 15, text: Buffer.from(payload).toString(), length: at + 4 + size };
}
