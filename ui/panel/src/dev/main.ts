/** The panel on the fake backend: `fake.html?fake=armed`. Development only. */
import { Killcord } from '@killcord/client';
import { start } from '../start';
import { FakeHost } from './fake';
import { SCENES } from './scenes';

const name = new URLSearchParams(location.search).get('fake') ?? 'safe';
const scene = SCENES[name];
if (!scene) throw new Error(`No scene "${name}". There are: ${Object.keys(SCENES).join(', ')}.`);
start(new Killcord(new FakeHost(scene)), {
  close: () => Promise.reject(new Error('no shell here')),
  reload: () => location.reload(),
});
