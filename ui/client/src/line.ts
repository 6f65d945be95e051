/**
 * One WebSocket and its beats. It runs in a worker of its own (`worker.ts`), where neither a hung page nor a
 * hidden one holds it up; without workers it runs in the page.
 *
 * It never beats in the name of a page that has gone, keeps no frame for a later connection, and takes its own
 * stall for nobody's silence.
 */
import type { ToHost, ToPage } from './generated/wire';
import type { Presence } from './transport';

/** From the page to the line. `c` numbers the connection. */
export type Order =
  | { readonly o: 'open'; readonly c: number; readonly url: string; readonly presence: Presence }
  | { readonly o: 'send'; readonly c: number; readonly id: number; readonly frame: ToHost }
  | { readonly o: 'here'; readonly presence: Presence; readonly beat: boolean }
  | { readonly o: 'close' }
  | { readonly o: 'pause'; readonly id: number; readonly ms: number };

/** From the line to the page. */
export type Report =
  | { readonly r: 'open'; readonly c: number }
  | { readonly r: 'frame'; readonly c: number; readonly frame: ToPage }
  | { readonly r: 'beat'; readonly c: number }
  | { readonly r: 'sent'; readonly c: number; readonly id: number; readonly taken: boolean }
  | { readonly r: 'closed'; readonly c: number; readonly code: number }
  | { readonly r: 'paused'; readonly id: number };

/** The part of a WebSocket that a line uses. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  send(text: string): void;
  close(): void;
}

/** What a line needs around it; a test gives its own. */
export interface Around {
  /** Connects; may throw. */
  socket(url: string): Socket;
  /** Monotonic milliseconds. */
  now(): number;
  /** Milliseconds of the wall clock. */
  wall(): number;
  /** Calls `work` after `ms`; the returned function prevents it. */
  later(ms: number, work: () => void): () => void;
}

/** A connection without a welcome after so many milliseconds is given up. */
const WELCOME_MS = 10_000;
/** A socket that is closed has so many milliseconds to say goodbye. A resume must not overtake its close. */
const LET_GO_MS = 300;
/** The wall clock ran ahead of the monotonic one by so many milliseconds: the device slept. */
const SLEPT_MS = 3_000;
/** No close code of the protocol: the connection was lost. RFC 6455 section 7.4.1. */
const ABNORMAL = 1006;
/** The shortest and the longest beat that are believed, in milliseconds. */
const BEAT_MS = [100, 60_000] as const;
/** Frames whose arrival is proved by the ack of a beat behind them: nothing else answers them. */
const PROVED: ReadonlySet<ToHost['t']> = new Set([
  'stop', 'safe', 'stay', 'take_control', 'yield_control', 'acknowledge',
]);

export class Line {
  readonly #tell: (report: Report) => void;
  readonly #around: Around;
  #socket: Socket | null = null;
  #open = false;
  #c = 0;
  #n = 0;
  #presence: Presence = { visible: false, input_ms: 0 };
  #presenceAt = 0;
  /** When the page's thread last gave a sign. */
  #hereAt = 0;
  /** When the host was last heard; moved by our own lateness. */
  #heardAt = 0;
  #dueAt = 0;
  #ahead = 0;
  #beatMs = 0;
  #expireMs = 0;
  #unproved: { id: number; n: number }[] = [];
  #cancel: () => void = () => {};

  constructor(tell: (report: Report) => void, around: Around) {
    this.#tell = tell;
    this.#around = around;
  }

  /** Takes what the page wants. Any order is a sign of life of the page's thread. */
  take(order: Order): void {
    this.#hereAt = this.#around.now();
    switch (order.o) {
      case 'open':
        this.#told(order.presence);
        return this.#begin(order.c, order.url);
      case 'send':
        return this.#send(order.c, order.id, order.frame);
      case 'here':
        this.#told(order.presence);
        if (order.beat && this.#beatMs > 0) this.#beat();
        return;
      case 'close':
        return this.#letGo();
      case 'pause':
        this.#around.later(order.ms, () => this.#tell({ r: 'paused', id: order.id }));
    }
  }

  #told(presence: Presence): void {
    this.#presence = presence;
    this.#presenceAt = this.#around.now();
  }

  #begin(c: number, url: string): void {
    this.#letGo();
    this.#c = c;
    let socket: Socket;
    try {
      socket = this.#around.socket(url);
    } catch {
      return this.#tell({ r: 'closed', c, code: ABNORMAL });
    }
    this.#socket = socket;
    socket.onopen = () => {
      this.#open = true;
      this.#tell({ r: 'open', c });
    };
    socket.onmessage = ({ data }) => this.#onText(c, data);
    socket.onclose = ({ code }) => this.#over(code);
    this.#cancel = this.#around.later(WELCOME_MS, () => this.#giveUp());
  }

  #send(c: number, id: number, frame: ToHost): void {
    const socket = this.#socket;
    if (c !== this.#c || !socket || !this.#open) {
      return this.#tell({ r: 'sent', c, id, taken: false });
    }
    socket.send(JSON.stringify(frame));
    if (!PROVED.has(frame.t)) return this.#tell({ r: 'sent', c, id, taken: true });
    this.#beat();
    this.#unproved.push({ id, n: this.#n });
  }

  #onText(c: number, data: unknown): void {
    const frame = parsed(data);
    if (!frame) return;
    const now = this.#around.now();
    this.#heardAt = now;
    // A page that does not take its frames gets no more values: they would pile up in front of it.
    const hung = this.#beatMs > 0 && now - this.#hereAt > 3 * this.#beatMs;
    if (!(hung && frame.t === 'readings')) this.#tell({ r: 'frame', c, frame });
    if (frame.t === 'welcome') {
      const { beat_ms, expire_after_ms } = frame.policy;
      this.#beatMs = Math.min(Math.max(Number(beat_ms) || 0, BEAT_MS[0]), BEAT_MS[1]);
      this.#expireMs = Math.max(Number(expire_after_ms) || 0, this.#beatMs);
      this.#ahead = this.#around.wall() - now;
      this.#beat();
      this.#wait();
    }
    if (frame.t === 'ack') this.#proved(frame.n);
  }

  #proved(n: number): void {
    const taken = this.#unproved.filter((it) => it.n <= n);
    this.#unproved = this.#unproved.filter((it) => it.n > n);
    for (const { id } of taken) this.#tell({ r: 'sent', c: this.#c, id, taken: true });
  }

  #wait(): void {
    this.#cancel();
    this.#dueAt = this.#around.now() + this.#beatMs;
    this.#cancel = this.#around.later(this.#beatMs, () => this.#onDue());
  }

  #onDue(): void {
    const now = this.#around.now();
    const ahead = this.#around.wall() - now;
    const slept = ahead - this.#ahead >= SLEPT_MS;
    this.#ahead = ahead;
    // What the host said while this thread stood still is still unread.
    this.#heardAt += Math.max(0, now - this.#dueAt);
    if (slept || now - this.#heardAt >= this.#expireMs) return this.#giveUp();
    this.#beat();
    this.#wait();
  }

  #beat(): void {
    const socket = this.#socket;
    if (!socket || !this.#open) return;
    const now = this.#around.now();
    this.#n += 1;
    const frame: ToHost = {
      t: 'beat',
      n: this.#n,
      visible: this.#presence.visible,
      main_ms: Math.round(now - this.#hereAt),
      input_ms: Math.round(this.#presence.input_ms + now - this.#presenceAt),
    };
    socket.send(JSON.stringify(frame));
    // Also the question to the page's thread: it answers with `here`.
    this.#tell({ r: 'beat', c: this.#c });
  }

  /** The connection is of no more use; its close is told when it has gone out, or soon. */
  #giveUp(): void {
    const socket = this.#socket;
    this.#quiet();
    if (!socket) return;
    socket.onopen = socket.onmessage = null;
    this.#cancel = this.#around.later(LET_GO_MS, () => this.#over(ABNORMAL));
    socket.close();
  }

  #letGo(): void {
    const socket = this.#socket;
    this.#quiet();
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#refuse();
  }

  #over(code: number): void {
    const socket = this.#socket;
    if (!socket) return;
    this.#quiet();
    this.#socket = null;
    socket.onopen = socket.onmessage = socket.onclose = null;
    this.#refuse();
    this.#tell({ r: 'closed', c: this.#c, code });
  }

  #quiet(): void {
    this.#cancel();
    this.#cancel = () => {};
    this.#open = false;
    this.#beatMs = 0;
  }

  #refuse(): void {
    for (const { id } of this.#unproved) this.#tell({ r: 'sent', c: this.#c, id, taken: false });
    this.#unproved = [];
  }
}

/** The frame in `data`; `null` when it is none. */
function parsed(data: unknown): ToPage | null {
  if (typeof data !== 'string') return null;
  try {
    const frame: unknown = JSON.parse(data);
    const named = typeof frame === 'object' && frame !== null && 't' in frame && typeof frame.t === 'string';
    return named ? (frame as ToPage) : null;
  } catch {
    return null;
  }
}

/** The browser's, in a worker and in a page. */
export function browserAround(): Around {
  return {
    socket: (url) => new WebSocket(url) as Socket,
    now: () => performance.now(),
    wall: () => Date.now(),
    later(ms, work) {
      const timer = setTimeout(work, ms);
      return () => clearTimeout(timer);
    },
  };
}
