/**
 * How frames travel. One side is the native window's IPC (`tauri.ts`), the other a WebSocket (`socket.ts`).
 *
 * A transport moves frames and signs of life: it holds no queue for later, and knows no session.
 */
import type { ToHost, ToPage } from './generated/wire';

/** A goodbye. */
export type Bye = Extract<ToHost, { t: 'bye' }>;

/** A page's last words: gone for good, or kept in the browser's cache. */
export interface LastWords {
  readonly gone: Bye;
  readonly kept: Bye;
}

/** What a page tells of itself with each beat. */
export interface Presence {
  /** It can be seen. */
  readonly visible: boolean;
  /** Milliseconds since the person last gave input. */
  readonly input_ms: number;
}

/** What a transport tells of one connection. */
export interface Listener {
  /** A frame has come. */
  frame(frame: ToPage): void;
  /** The connection has beaten by itself. */
  beat(): void;
  /** The connection asks the page's thread how it is. */
  presence(): Presence;
  /** The connection is over; nothing more comes. `code` is the WebSocket's close code, where there is one. */
  closed(code?: number): void;
}

/** One connection to a host. */
export interface Connection {
  /** Resolves once the other side has taken the frame; rejects when it cannot get there. */
  send(frame: ToHost): Promise<void>;
  /** Ends it from this side; `closed` is not called for that. */
  close(): void;
  /**
   * Tells how the page is, and beats at once. A connection that has this beats by itself after each welcome;
   * for one that has not, the client beats.
   */
  present?(presence: Presence): void;
}

/** A way to a host. */
export interface Transport {
  /** Connects. Rejects when the host cannot be reached. */
  open(listener: Listener): Promise<Connection>;
  /** What the page will have said if it goes, connected or not: made ready now, for then there is no time. */
  lastWords?(words: LastWords | null): void;
  /** The page goes away: its goodbye by the connection. */
  bye?(frame: Bye): void;
  /** Resolves after `ms` also where the browser slows the timers of hidden pages down. */
  after?(ms: number): Promise<void>;
  /** The page outlives its host: after the host's end it is worth trying to reach the next one. */
  readonly outlivesHost?: boolean;
}
