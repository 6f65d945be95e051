/** Client and element in one file, for pages without a bundler: the host serves it as `/killcord/client.js`. */
import './status/element';

export * from './index';
export { KillcordStatus } from './status/element';
