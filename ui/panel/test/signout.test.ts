import { Killcord, type ToHost } from '@killcord/client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FakeHost } from '../src/dev/fake';
import { signOut } from '../src/lib/signout';

let host: FakeHost;
let client: Killcord;

beforeEach(async () => {
  vi.useFakeTimers();
  host = new FakeHost({}, () => Date.now());
  client = new Killcord(host, {
    now: () => Date.now(),
    every: () => () => {},
    after: (ms) => new Promise((done) => setTimeout(done, ms)),
    newId: () => 'id',
    nonce: () => null,
    visible: () => true,
    inputAge: () => 0,
    onLife: () => () => {},
    resume: { get: () => null, set: () => {} },
  });
  await client.connect();
  await vi.advanceTimersByTimeAsync(0);
});
afterEach(() => {
  host.stop();
  vi.useRealTimers();
});

const byes = (): ToHost[] => host.sent.filter(({ t }) => t === 'bye');

it('a host that lets the browser go needs no goodbye of the page', async () => {
  await signOut(client, () => Promise.resolve(true));
  expect(byes()).toEqual([]);
});

it.each([
  ['refuses', () => Promise.resolve(false)],
  ['does not answer', () => Promise.reject(new TypeError('no network'))],
])('a host that %s is told goodbye, and the session is over for this page', async (_, unpair) => {
  await signOut(client, unpair);
  expect(byes()).toEqual([{ t: 'bye', session: 1, nonce: 'id', persisted: false }]);
  expect(client.model.session).toMatchObject({ name: 'ended', reason: 'page_closed' });
});
