/** The one session of a page, and how `<killcord-status>` finds it. */
import { Killcord } from './client';
import type { Environment } from './environment';
import type { Role } from './generated/wire';
import { socketTransport } from './socket';
import type { Transport } from './transport';

/** How to connect. */
export interface ConnectOptions {
  /** The role that the page would like; the host decides. `operator` unless said otherwise. */
  readonly want?: Role;
  /** The way to the host; a WebSocket to where the page came from unless said otherwise. */
  readonly transport?: Transport;
  /** The page; the browser's unless said otherwise. */
  readonly environment?: Environment;
}

/** The same for every copy of this code on a page. */
const KEY = Symbol.for('killcord.client');
const MET = 'killcord-client';
const page = globalThis as { [KEY]?: Killcord };

/** Connects this page to its host. Called again it gives the same session, unless that has ended. */
export function connect({ want, transport, environment }: ConnectOptions = {}): Killcord {
  const before = page[KEY];
  if (before && before.model.session.name !== 'ended') return before;
  const client = new Killcord(transport ?? socketTransport(), environment);
  page[KEY] = client;
  dispatchEvent(new Event(MET));
  void client.connect(want);
  return client;
}

/** Calls `found` with the page's session, now if there is one, and with each later one. */
export function onPageClient(found: (client: Killcord) => void): () => void {
  const look = (): void => {
    const client = page[KEY];
    if (client) found(client);
  };
  addEventListener(MET, look);
  look();
  return () => removeEventListener(MET, look);
}
