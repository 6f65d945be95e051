/**
 * `@killcord/client`: one page's session with a Killcord host, for any framework or none.
 *
 * A page in a browser calls {@link connect}; the native window makes a {@link Killcord} with the transport from
 * `@killcord/client/tauri`. `@killcord/client/status` defines the element `<killcord-status>`.
 */
export { type Delivery, Killcord } from './client';
export type { Outcome } from './commands';
export { browserEnvironment, type Environment, type Life } from './environment';
export type * from './generated/wire';
export { CLOSE_CODES, VERSION } from './generated/wire';
export { ownWords, type OwnWords, putOwnWords } from './own';
export { connect, type ConnectOptions } from './page';
export { patched } from './patch';
export { type Event, reduce } from './reduce';
export {
  initial,
  type Model,
  type Refusal,
  type SessionState,
  type Teardown,
  type Warning,
} from './state';
export { hostRoot } from './root';
export { type SocketPage, socketTransport } from './socket';
export type { Bye, Connection, Listener, Presence, Transport } from './transport';
export {
  clockTime, deviceWord, END_WORDS, HARDWARE_WORDS, lostText, RIG_WORDS, secondsLeft, WORDS,
} from './words';
