/** The page around an app on the fake backend: `fake-app.html?fake=ready`. Development only. */
import { browserEnvironment, connect } from '@killcord/client';
import { start } from '../app/start';
import { APP_SCENES } from './appscenes';
import { FakeHost } from './fake';

const name = new URLSearchParams(location.search).get('fake') ?? 'ready';
const scene = APP_SCENES[name];
if (!scene) throw new Error(`No scene "${name}". There are: ${Object.keys(APP_SCENES).join(', ')}.`);
const host = new FakeHost(scene);
// For tests.
Object.assign(globalThis, { host });
start(
  (seen) => connect({ transport: host, environment: browserEnvironment(seen) }),
  new URL(`status.html?of=${name}`, location.href),
);
