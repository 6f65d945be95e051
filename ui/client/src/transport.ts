/**
 * How frames travel. One side is the native window's IPC (`tauri.ts`); a WebSocket is another.
 *
 * A transport moves frames and nothing else: it holds no queue for later, and knows no session.
 */
import type { ToHost, ToPage } from './generated/wire';

/** What a transport tells of one connection. */
export interface Listener {
  /** A frame has come. */
  frame(frame: ToPage): void;
  /** The connection is over; nothing more comes. */
  closed(): void;
}

/** One connection to a host. */
export interface Connection {
  /** Resolves once the other side has taken the frame; rejects when it cannot get there. */
  send(frame: ToHost): Promise<void>;
  /** Ends it from this side; `closed` is not called for that. */
  close(): void;
}

/** A way to a host. */
export interface Transport {
  /** Connects. Rejects when the host cannot be reached. */
  open(listener: Listener): Promise<Connection>;
}
