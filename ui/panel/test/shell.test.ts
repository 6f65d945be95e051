/** When the app is shown, without a page. */
import { Killcord } from '@killcord/client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { AppShell } from '../src/app/shell.svelte';
import { FakeHost } from '../src/dev/fake';

const clock = (): number => vi.getMockedSystemTime()!.valueOf();
const environment = {
  now: clock,
  every: (ms: number, work: () => void) => {
    const timer = setInterval(work, ms);
    return () => clearInterval(timer);
  },
  after: (ms: number) => new Promise<void>((done) => setTimeout(done, ms)),
  newId: () => crypto.randomUUID(),
  nonce: () => null,
  onLife: () => () => {},
  visible: () => true,
  inputAge: () => 0,
  resume: { get: () => null, set: () => {} },
};
let host: FakeHost;
let shell: AppShell;

beforeEach(async () => {
  vi.useFakeTimers({ now: 100_000 });
  host = new FakeHost({ rig: (rig) => (rig.app = { state: 'starting', why: null }) }, clock);
  const client = new Killcord(host, environment);
  shell = new AppShell(client);
  await client.connect();
  await vi.advanceTimersByTimeAsync(0);
});
afterEach(() => {
  host.stop();
  vi.useRealTimers();
});

const say = (state: 'starting' | 'ready' | 'restarting'): void => {
  host.rig.app = { state, why: null };
  host.say({ t: 'rig', app: host.rig.app });
};

it('waits for the app, then shows it once', async () => {
  expect([shell.life, shell.app.text]).toEqual([0, 'The app is starting.']);
  await vi.advanceTimersByTimeAsync(3_000);
  shell.tick();
  expect(shell.waited).toBe('Waiting for it: 3 s.');
  say('ready');
  say('ready');
  expect([shell.life, shell.tells, shell.waited]).toEqual([1, false, '']);
});

it('shows it anew when it has been started anew, and when another host has it', () => {
  say('ready');
  say('restarting');
  expect([shell.life, shell.tells]).toEqual([1, true]);
  say('ready');
  expect(shell.life).toBe(2);
  const { rig } = host;
  const now = { host_ms: 0, unix_ms: 0 };
  const policy = shell.model.policy!;
  const welcome = { t: 'welcome', session: 1, resume: 'x', role: 'operator', resumed: true, policy, rig, now } as const;
  host.say({ ...welcome, epoch: '1.9' });
  expect(shell.life).toBe(2);
  host.say({ ...welcome, epoch: '2.1', resumed: false });
  expect(shell.life).toBe(3);
});
