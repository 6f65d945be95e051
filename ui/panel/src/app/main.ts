/** The page around a wrapped app, at whatever path the app is asked for. */
import { browserEnvironment, connect } from '@killcord/client';
import { marked } from './address';
import { start } from './start';

if (window.self !== window.top) {
  // A browser that does not say that it asks for a frame got this page in the app's place.
  location.replace(marked(new URL(location.href)));
} else {
  start((seen) => connect({ environment: browserEnvironment(seen) }), new URL(location.href));
}
