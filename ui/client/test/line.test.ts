import { beforeEach, describe, expect, it } from 'vitest';
import type { ToHost, ToPage } from '../src';
import { type Around, Line, type Order, type Report, type Socket } from '../src/line';
import { FakeTime, POLICY, welcome } from './fakes';

/** A socket whose other end is the test. */
class FakeSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly sent: ToHost[] = [];
  closes = 0;
  send = (text: string): void => void this.sent.push(JSON.parse(text) as ToHost);
  close = (): void => void (this.closes += 1);
  say = (frame: ToPage): void => this.onmessage?.({ data: JSON.stringify(frame) });
  beats = (): Extract<ToHost, { t: 'beat' }>[] =>
    this.sent.filter((frame): frame is Extract<ToHost, { t: 'beat' }> => frame.t === 'beat');
}

let time: FakeTime;
let wall: number;
let sockets: FakeSocket[];
let reports: Report[];
let line: Line;
let refuses: boolean;
const presence = { visible: true, input_ms: 40 };

beforeEach(() => {
  time = new FakeTime();
  wall = 1_700_000_000_000 - time.now();
  sockets = [];
  reports = [];
  refuses = false;
  const around: Around = {
    socket() {
      if (refuses) throw new Error('not allowed');
      sockets.push(new FakeSocket());
      return sockets.at(-1)!;
    },
    now: () => time.now(),
    wall: () => wall + time.now(),
    later(ms, work) {
      let on = true;
      void time.after(ms).then(() => on && work());
      return () => void (on = false);
    },
  };
  line = new Line((report) => reports.push(report), around);
});

const open = (c = 1): FakeSocket => {
  line.take({ o: 'open', c, url: 'ws://x/', presence });
  const socket = sockets.at(-1)!;
  socket.onopen?.();
  return socket;
};
const live = (): FakeSocket => {
  const socket = open();
  socket.say(welcome());
  return socket;
};
const send = (frame: ToHost, id = 9): void => line.take({ o: 'send', c: 1, id, frame } satisfies Order);
const last = (): Report | undefined => reports.at(-1);
const here = (): void => line.take({ o: 'here', presence, beat: false });
const told = (r: Report['r']): Report[] => reports.filter((report) => report.r === r);

describe('beats', () => {
  it('go out with the welcome and then each beat_ms, though the page does not answer', async () => {
    const socket = live();
    for (let n = 1; n <= 3; n += 1) {
      await time.pass(1_000);
      socket.say({ t: 'ack', n, expires_ms: 5_000 });
    }
    expect(socket.beats().map(({ n, main_ms }) => [n, main_ms])).toEqual([[1, 0], [2, 1_000], [3, 2_000], [4, 3_000]]);
  });

  it('carry what the page last told, grown older', async () => {
    const socket = live();
    await time.pass(600);
    line.take({ o: 'here', presence: { visible: false, input_ms: 2_000 }, beat: false });
    await time.pass(400);
    expect(socket.beats().at(-1)).toMatchObject({ visible: false, main_ms: 400, input_ms: 2_400 });
  });

  it('go out at once when the page has something to tell, and not before the welcome', () => {
    const socket = open();
    line.take({ o: 'here', presence: { visible: false, input_ms: 0 }, beat: true });
    expect(socket.sent).toEqual([]);
    socket.say(welcome());
    line.take({ o: 'here', presence: { visible: false, input_ms: 0 }, beat: true });
    expect(socket.beats().at(-1)).toMatchObject({ n: 2, visible: false });
  });

  it.each([0, -5, 'x' as never])('take a beat_ms of %s, which cannot be, for the shortest that can', async (beat_ms) => {
    const socket = open();
    socket.say(welcome({ policy: { ...POLICY, beat_ms } }));
    await time.pass(250);
    expect(socket.beats()).toHaveLength(3);
  });
});

describe('silence', () => {
  it('of exactly expire_after ends the connection, and its close is waited for', async () => {
    const socket = live();
    await time.pass(4_999);
    expect(socket.closes).toBe(0);
    await time.pass(1);
    expect(socket.closes).toBe(1);
    expect(told('closed')).toEqual([]);
    socket.onclose?.({ code: 1005 });
    expect(last()).toEqual({ r: 'closed', c: 1, code: 1005 });
  });

  it('is told without the close when that does not come', async () => {
    live();
    await time.pass(5_300);
    expect(last()).toEqual({ r: 'closed', c: 1, code: 1006 });
  });

  it('is not what our own stall looks like: what came meanwhile is read first', async () => {
    const socket = live();
    await time.pass(900);
    time.time += 20_000;
    await time.pass(100);
    expect(socket.closes).toBe(0);
    socket.say({ t: 'ack', n: 1, expires_ms: 100 });
    await time.pass(1_000);
    expect(socket.closes).toBe(0);
  });

  it('before the welcome is borne for ten seconds', async () => {
    const socket = open();
    await time.pass(9_999);
    expect(socket.closes).toBe(0);
    await time.pass(301);
    expect(last()).toMatchObject({ r: 'closed' });
  });
});

it('a device that slept connects anew at once', async () => {
  const socket = live();
  await time.pass(900);
  wall += 3_600_000;
  await time.pass(100);
  expect(socket.closes).toBe(1);
});

describe('a frame', () => {
  it('that nothing answers is taken once a beat behind it is acked', () => {
    const socket = live();
    send({ t: 'stop' });
    expect(socket.sent.map(({ t }) => t)).toEqual(['beat', 'stop', 'beat']);
    socket.say({ t: 'ack', n: 1, expires_ms: 5_000 });
    expect(told('sent')).toEqual([]);
    socket.say({ t: 'ack', n: 2, expires_ms: 5_000 });
    expect(told('sent')).toEqual([{ r: 'sent', c: 1, id: 9, taken: true }]);
  });

  it('whose ack is cut off is not taken, and goes nowhere later', () => {
    const socket = live();
    send({ t: 'stop' });
    socket.onclose?.({ code: 1006 });
    expect(told('sent')).toEqual([{ r: 'sent', c: 1, id: 9, taken: false }]);
    const next = open(2);
    next.say(welcome());
    expect(next.sent.map(({ t }) => t)).toEqual(['beat']);
  });

  it('without a connection, or for an older one, is refused', () => {
    send({ t: 'stop' });
    expect(last()).toMatchObject({ r: 'sent', taken: false });
    open(1);
    const second = open(2);
    send({ t: 'stop' });
    expect(last()).toMatchObject({ r: 'sent', c: 1, taken: false });
    expect(second.sent).toEqual([]);
  });

  it('that is none is ignored', () => {
    const socket = open();
    for (const data of ['', '{', '7', 'null', '[]', '{"t":3}', new ArrayBuffer(8)]) socket.onmessage?.({ data });
    expect(told('frame')).toEqual([]);
  });

  it('of values is kept from a page that is hung, for they would pile up', async () => {
    const socket = live();
    const values: ToPage = { t: 'readings', readings: [] };
    await time.pass(3_000);
    socket.say(values);
    expect(told('frame')).toHaveLength(2);
    await time.pass(500);
    socket.say(values);
    socket.say({ t: 'rig', state: 'safe' });
    expect(told('frame')).toHaveLength(3);
    here();
    socket.say(values);
    expect(told('frame')).toHaveLength(4);
  });
});

describe('an end', () => {
  it('tells the close code', () => {
    const socket = live();
    socket.onclose?.({ code: 4002 });
    expect(last()).toEqual({ r: 'closed', c: 1, code: 4002 });
  });

  it('from this side is told to nobody, and stops the beats', async () => {
    const socket = live();
    line.take({ o: 'close' });
    await time.pass(10_000);
    expect(socket.closes).toBe(1);
    expect(socket.beats()).toHaveLength(1);
    expect(told('closed')).toEqual([]);
  });

  it('of a connection that could not even begin is told', () => {
    refuses = true;
    line.take({ o: 'open', c: 3, url: 'ws://x/', presence });
    expect(last()).toMatchObject({ r: 'closed', c: 3 });
  });
});

it('a pause is kept where timers are not slowed down', async () => {
  line.take({ o: 'pause', id: 4, ms: 250 });
  await time.pass(249);
  expect(told('paused')).toEqual([]);
  await time.pass(1);
  expect(told('paused')).toEqual([{ r: 'paused', id: 4 }]);
});
