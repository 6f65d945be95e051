/** `<killcord-status>` on the fake backend: `status.html?state=lost`. Development only. */
import { connect } from '@killcord/client';
import '@killcord/client/status';
import { FakeHost } from './fake';
import './status.css';
import { STATES } from './states';

const query = new URLSearchParams(location.search);
const name = query.get('state') ?? 'live';
const scene = STATES[name];
if (!scene) throw new Error(`No state "${name}". There are: ${Object.keys(STATES).join(', ')}.`);
if (name === 'resumed') sessionStorage.setItem('killcord.resume', 'of the page before');
if (query.has('own')) {
  const own = document.createElement('p');
  own.slot = 'lost';
  own.textContent = 'Our own words: the furnace camera is on channel 3.';
  document.querySelector('killcord-status')?.append(own);
}
connect({ transport: new FakeHost(scene) });
