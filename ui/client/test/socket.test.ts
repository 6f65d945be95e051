import { beforeEach, describe, expect, it } from 'vitest';
import { Killcord, socketTransport, type ToPage } from '../src';
import type { Order, Report } from '../src/line';
import type { LockOrder } from '../src/lock';
import { FakeTime, settled, welcome } from './fakes';

let time: FakeTime;
let orders: (Order | LockOrder)[];
let report: (report: Report) => void;
let words: { url: string; gone: unknown; kept: unknown } | null;
let held: number;
let ports: number;
let client: Killcord;

beforeEach(() => {
  time = new FakeTime();
  time.named = 'document-1';
  orders = [];
  words = null;
  held = ports = 0;
  const transport = socketTransport({
    root: new URL('https://bench:8420/lab/killcord/'),
    port(told) {
      ports += 1;
      report = told;
      return { post: (order) => void orders.push(order) };
    },
    lastWords: ({ href }, ready) =>
      void (words = ready && { url: href, gone: JSON.parse(ready.gone), kept: JSON.parse(ready.kept) }),
    hold(taken) {
      held += 1;
      taken('killcord-lock');
      return () => void (held -= 1);
    },
  });
  client = new Killcord(transport, time);
});

const last = <O extends string>(o: O) =>
  orders.filter((order): order is Extract<Order | LockOrder, { o: O }> => order.o === o).at(-1);
const c = (): number => last('open')!.c;
const say = (frame: ToPage): void => report({ r: 'frame', c: c(), frame });
async function connected(part: Parameters<typeof welcome>[0] = {}): Promise<void> {
  if (!last('open')) void client.connect();
  report({ r: 'open', c: c() });
  await settled();
  report({ r: 'sent', c: c(), id: last('send')!.id, taken: true });
  say(welcome(part));
  await settled();
}

describe('a page', () => {
  it('opens the socket under the base path, and says hello with the name of its document', async () => {
    await connected();
    expect(last('open')).toMatchObject({ url: 'wss://bench:8420/lab/killcord/ws' });
    expect(last('send')).toMatchObject({ frame: { t: 'hello', nonce: 'document-1' } });
  });

  it('leaves the beats to the line, and answers each with how it is', async () => {
    await connected();
    time.seen = false;
    await time.pass(10_000);
    expect(orders.filter(({ o }) => o === 'here')).toEqual([]);
    report({ r: 'beat', c: c() });
    expect(last('here')).toEqual({ o: 'here', presence: { visible: false, input_ms: 0 }, beat: false });
    expect(client.model.beatAt).toBe(time.now());
  });

  it('tells at once that it is shown, hidden or frozen', async () => {
    await connected();
    time.turn({ kind: 'freeze' });
    expect(last('here')).toMatchObject({ presence: { visible: false }, beat: true });
    time.turn({ kind: 'seen' });
    expect(last('here')).toMatchObject({ presence: { visible: true }, beat: true });
  });

  it('keeps one worker through all connections, and a lock that it waits for', async () => {
    await connected();
    expect(last('lock')).toEqual({ o: 'lock', name: 'killcord-lock' });
    report({ r: 'closed', c: 1, code: 1006 });
    await settled();
    expect(c()).toBe(2);
    await connected({ resumed: true });
    expect([ports, held]).toEqual([1, 1]);
    await Promise.all([client.end(), settled().then(() => report({ r: 'sent', c: 2, id: last('send')!.id, taken: true }))]);
    expect(held).toBe(0);
    expect(last('close')).toBeDefined();
  });

  it('hears nothing more of an older connection', async () => {
    await connected();
    report({ r: 'closed', c: 1, code: 1006 });
    await settled();
    await connected({ resumed: true });
    report({ r: 'closed', c: 1, code: 4002 });
    expect(client.model.session.name).toBe('live');
  });

  it('that cannot reach the host waits in the worker, longer each time, and for ever', async () => {
    void client.connect();
    const waits: number[] = [];
    for (let n = 1; n <= 8; n += 1) {
      await settled();
      report({ r: 'closed', c: n, code: 1006 });
      await settled();
      const pause = last('pause')!;
      waits.push(pause.ms);
      report({ r: 'paused', id: pause.id });
    }
    expect(waits).toEqual([250, 500, 1_000, 2_000, 5_000, 5_000, 5_000, 5_000]);
  });

  it('coming back from the cache does not wait out the pauses of before', async () => {
    void client.connect();
    await settled();
    report({ r: 'closed', c: 1, code: 1006 });
    await settled();
    expect(last('pause')).toBeDefined();
    time.turn({ kind: 'back' });
    await settled();
    expect(c()).toBe(2);
    report({ r: 'paused', id: last('pause')!.id });
    await settled();
    expect(c()).toBe(2);
  });

  it('does not hammer a host that takes its connection and drops it', async () => {
    void client.connect();
    report({ r: 'open', c: 1 });
    await settled();
    report({ r: 'closed', c: 1, code: 1013 });
    await settled();
    expect(last('pause')).toMatchObject({ ms: 250 });
    expect(c()).toBe(1);
  });
});

describe('a goodbye', () => {
  const bye = (persisted: boolean) => ({ t: 'bye', session: 7, nonce: 'document-1', persisted });

  it('goes out by the socket, and is ready for the beacon before it is needed', async () => {
    await connected();
    expect(words).toEqual({ url: 'https://bench:8420/lab/killcord/bye', gone: bye(false), kept: bye(true) });
    time.turn({ kind: 'hide', persisted: false });
    expect(last('send')).toMatchObject({ frame: bye(false) });
  });

  it('stays ready where the socket is gone', async () => {
    await connected();
    report({ r: 'closed', c: 1, code: 1006 });
    expect(words).not.toBeNull();
  });

  it('is not said before a welcome nor after an end', async () => {
    void client.connect();
    expect(words).toBeNull();
    await connected();
    say({ t: 'ended', reason: 'idle', hardware: 'safe', message: '' });
    expect(words).toBeNull();
  });

  it('into the cache lets the connection go; coming back resumes', async () => {
    await connected();
    time.turn({ kind: 'hide', persisted: true });
    expect(last('send')).toMatchObject({ frame: bye(true) });
    expect(last('close')).toBeDefined();
    expect(client.model.session.name).toBe('lost');
    await time.pass(60_000);
    expect(c()).toBe(1);
    time.turn({ kind: 'back' });
    await settled();
    expect(c()).toBe(2);
    report({ r: 'open', c: 2 });
    await settled();
    expect(last('send')).toMatchObject({ frame: { t: 'hello', resume: 'token-1' } });
  });
});

it('a duplicated tab gets a session and a token of its own, and leaves the other be', async () => {
  time.token = 'copied';
  await connected({ resumed: false, session: 8, resume: 'its own', role: 'observer' });
  expect(orders.find(({ o }) => o === 'send')).toMatchObject({ frame: { t: 'hello', resume: 'copied' } });
  expect(time.token).toBe('its own');
  expect(client.model).toMatchObject({ id: 8, role: 'observer', resumed: false });
});

describe('the end', () => {
  it('by close code alone says why, and not what the hardware was', async () => {
    await connected();
    report({ r: 'closed', c: 1, code: 4004 });
    expect(client.model.session).toMatchObject({ name: 'ended', reason: 'idle', hardware: 'unknown', text: '' });
    await time.pass(60_000);
    expect(c()).toBe(1);
    expect(time.token).toBeNull();
  });

  it('of the host is waited out: the next one is met as a new session, and nothing is armed', async () => {
    await connected();
    say({ t: 'ended', reason: 'host_stopping', hardware: 'safe', message: '<p>Gone.</p>' });
    report({ r: 'closed', c: 1, code: 4008 });
    await settled();
    expect(client.model.session).toMatchObject({ name: 'ended', hardware: 'safe', text: '<p>Gone.</p>' });
    report({ r: 'closed', c: 2, code: 1006 });
    await settled();
    report({ r: 'paused', id: last('pause')!.id });
    await settled();
    expect(client.model.session.name).toBe('ended');
    await connected({ session: 1 });
    expect(client.model).toMatchObject({ session: { name: 'live', resumed: false }, returned: true });
    const frames = orders.flatMap((order) => (order.o === 'send' ? [order.frame.t] : []));
    expect(frames).not.toContain('arm');
    const hellos = orders.filter((order) => order.o === 'send' && order.frame.t === 'hello');
    expect(hellos.at(-1)).not.toHaveProperty('frame.resume');
  });

  it('by this page is said on it', async () => {
    await connected();
    const end = client.end();
    report({ r: 'sent', c: 1, id: last('send')!.id, taken: true });
    await end;
    expect(client.model.session).toMatchObject({ name: 'ended', reason: 'page_closed', hardware: 'unknown' });
    expect(time.token).toBeNull();
  });
});
