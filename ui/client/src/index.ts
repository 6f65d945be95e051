/**
 * `@killcord/client`: one page's session with a Killcord host, for any framework or none.
 *
 * `new Killcord(transport)` with the native window's transport from `@killcord/client/tauri`.
 */
export { type Delivery, Killcord } from './client';
export type { Outcome } from './commands';
export { browserEnvironment, type Environment } from './environment';
export type * from './generated/wire';
export { CLOSE_CODES, VERSION } from './generated/wire';
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
export type { Connection, Listener, Transport } from './transport';
export { clockTime, lostText } from './words';
