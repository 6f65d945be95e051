/**
 * A browser page's way to the host: a WebSocket in a worker (`line.ts`), and a beacon for the last word.
 *
 * The worker is started once and kept: its file could not be had again from a host that is gone.
 */
import { browserAround, Line, type Order, type Report } from './line';
import { hold, type LockOrder } from './lock';
import { hostRoot } from './root';
import type { Bye, Connection, Listener, Transport } from './transport';

/** Where the line runs. */
export interface Port {
  post(order: Order | LockOrder): void;
}

/** What a socket transport needs of its page; a test gives its own. */
export interface SocketPage {
  /** The folder of the host's own paths: `https://bench1:8420/killcord/`. */
  readonly root: URL;
  /** Starts the line; its reports go to `report`. */
  port(report: (report: Report) => void): Port;
  /** Has one of these sent to `url` when the page goes away; `null`: neither. */
  lastWords(url: URL, words: { readonly gone: string; readonly kept: string } | null): void;
  /** Holds a lock against freezing; the returned function lets go. */
  hold(held: (name: string) => void): () => void;
}

interface Open {
  readonly c: number;
  readonly listener: Listener;
  settle: { done(connection: Connection): void; failed(reason: Error): void } | null;
}

/** The transport of a page in a browser. */
export function socketTransport(page: SocketPage = browserPage()): Transport {
  const url = new URL('ws', page.root);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const sends = new Map<number, { done(): void; failed(reason: Error): void }>();
  const pauses = new Map<number, () => void>();
  let port: Port | null = null;
  let current: Open | null = null;
  let connections = 0;
  let ids = 0;
  let release: () => void = () => {};

  const line = (): Port => (port ??= page.port(onReport));
  const here = (listener: Listener, beat: boolean): void =>
    line().post({ o: 'here', presence: listener.presence(), beat });

  function onReport(report: Report): void {
    if (report.r === 'paused') {
      pauses.get(report.id)?.();
      pauses.delete(report.id);
      return;
    }
    if (report.r === 'sent') {
      const send = sends.get(report.id);
      sends.delete(report.id);
      return report.taken ? send?.done() : send?.failed(new Error('the host has not taken it'));
    }
    const open = current;
    if (!open || report.c !== open.c) return;
    switch (report.r) {
      case 'open':
        release();
        release = page.hold((name) => line().post({ o: 'lock', name }));
        open.settle?.done(connection(open));
        open.settle = null;
        return;
      case 'frame':
        return open.listener.frame(report.frame);
      case 'beat':
        open.listener.beat();
        return here(open.listener, false);
      case 'closed':
        current = null;
        if (open.settle) return open.settle.failed(new Error('the host cannot be reached'));
        return open.listener.closed(report.code);
    }
  }

  function connection({ c, listener }: Open): Connection {
    return {
      send: (frame) =>
        new Promise((done, failed) => {
          const id = (ids += 1);
          sends.set(id, { done, failed });
          line().post({ o: 'send', c, id, frame });
        }),
      close() {
        if (current?.c !== c) return;
        current = null;
        release();
        line().post({ o: 'close' });
      },
      present: (presence) => {
        if (current?.listener === listener) line().post({ o: 'here', presence, beat: true });
      },
    };
  }

  return {
    outlivesHost: true,
    open: (listener) =>
      new Promise((done, failed) => {
        const c = (connections += 1);
        current?.settle?.failed(new Error('another connection has begun'));
        current = { c, listener, settle: { done, failed } };
        line().post({ o: 'open', c, url: url.href, presence: listener.presence() });
      }),
    lastWords(words) {
      const texts = words && { gone: JSON.stringify(words.gone), kept: JSON.stringify(words.kept) };
      page.lastWords(new URL('bye', page.root), texts);
    },
    bye(frame: Bye) {
      if (current && port) port.post({ o: 'send', c: current.c, id: 0, frame });
    },
    after: (ms) =>
      new Promise((done) => {
        const id = (ids += 1);
        pauses.set(id, done);
        line().post({ o: 'pause', id, ms });
      }),
  };
}

/** The browser's page. */
function browserPage(): SocketPage {
  let ready: { readonly url: string; readonly gone: Blob; readonly kept: Blob } | null = null;
  // Firefox stops the scripts of a tab that is closed within moments: nothing is called or made on the way.
  const say = ({ persisted }: PageTransitionEvent): void => {
    if (ready) navigator.sendBeacon(ready.url, persisted ? ready.kept : ready.gone);
  };
  addEventListener('pagehide', say, { capture: true });
  // With this type no other site can send one unasked.
  const blob = (text: string): Blob => new Blob([text], { type: 'application/json' });
  return {
    root: hostRoot(),
    port: browserPort,
    lastWords(url, words) {
      ready = words && { url: url.href, gone: blob(words.gone), kept: blob(words.kept) };
    },
    hold(held) {
      const name = `killcord-${performance.timeOrigin}-${Math.random()}`;
      return hold(name, () => held(name));
    },
  };
}

/** A worker; the page itself where there are none, or where its file cannot be had. */
function browserPort(report: (report: Report) => void): Port {
  const inPage = (): Port => {
    const line = new Line((told) => queueMicrotask(() => report(told)), browserAround());
    return { post: (order) => order.o !== 'lock' && line.take(order) };
  };
  let worker: Worker;
  try {
    worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'killcord' });
  } catch {
    return inPage();
  }
  const early: (Order | LockOrder)[] = [];
  let started = false;
  let port: Port = {
    post(order) {
      if (!started) early.push(order);
      worker.postMessage(order);
    },
  };
  worker.onmessage = ({ data }: MessageEvent<Report>) => {
    started = true;
    early.length = 0;
    report(data);
  };
  worker.onerror = () => {
    // Once it has run, an error is one of ours: a second line beside it would only do harm.
    if (started) return;
    worker.terminate();
    port = inPage();
    for (const order of early.splice(0)) port.post(order);
    started = true;
  };
  return { post: (order) => port.post(order) };
}
