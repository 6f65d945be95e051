/**
 * The page around an app on the fake backend: `fake-app.html?fake=ready&app=ORIGIN`, the app being another page of this
 * folder at that origin. Development only.
 */
import { browserEnvironment, connect } from '@killcord/client';
import { start } from '../app/start';
import { APP_SCENES } from './appscenes';
import { FakeHost } from './fake';

const asked = new URLSearchParams(location.search);
const name = asked.get('fake') ?? 'ready';
const scene = APP_SCENES[name];
if (!scene) throw new Error(`No scene "${name}". There are: ${Object.keys(APP_SCENES).join(', ')}.`);
const host = new FakeHost(scene);
// For tests.
Object.assign(globalThis, { host });
start(
  (seen) => connect({ transport: host, environment: browserEnvironment(seen) }),
  () => Promise.resolve(new URL(`status.html?of=${name}`, asked.get('app') ?? location.href)),
);
