/** The panel on the fake backend: `fake.html?fake=armed`. Development only. */
import { Killcord } from '@killcord/client';
import { start } from '../start';
import { FakeAccess } from './access';
import { FakeHost } from './fake';
import { SCENES } from './scenes';

const query = new URLSearchParams(location.search);
const name = query.get('fake') ?? 'safe';
const scene = SCENES[name];
if (!scene) throw new Error(`No scene "${name}". There are: ${Object.keys(SCENES).join(', ')}.`);
const client = new Killcord(new FakeHost(scene));
const reload = (): void => location.reload();
// With `&page` as in a browser, else as in the native window.
const access = new FakeAccess(client, scene.guests);
if ((scene.guests && !scene.guests.closed) || query.has('page')) start(client, { signOut: () => client.end(), access, reload }, scene.panel);
else start(client, { close: () => Promise.reject(new Error('no shell here')), access, reload }, scene.panel);
