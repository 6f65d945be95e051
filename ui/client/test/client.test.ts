import { describe, expect, it } from 'vitest';
import { Killcord, lostText } from '../src';
import { FakeTime, FakeWire, settled, welcome } from './fakes';

async function connected(): Promise<{ client: Killcord; wire: FakeWire; time: FakeTime }> {
  const time = new FakeTime();
  const wire = new FakeWire();
  const client = new Killcord(wire, time);
  await client.connect();
  wire.say(welcome());
  await settled();
  return { client, wire, time };
}

describe('connecting', () => {
  it('says hello first, and gives the resume token of the page before it', async () => {
    const time = new FakeTime();
    time.token = 'token-0';
    const wire = new FakeWire();
    await new Killcord(wire, time).connect();
    expect(wire.sent).toEqual([{ t: 'hello', v: 1, nonce: 'id-1', want: 'operator', resume: 'token-0' }]);
  });

  it('goes on trying while the host cannot be reached', async () => {
    const time = new FakeTime();
    const wire = new FakeWire();
    wire.refuses = true;
    void new Killcord(wire, time).connect();
    await time.pass(1_800);
    expect(wire.opened).toBe(4); // at 0, 250, 750 and 1,750 ms
    wire.refuses = false;
    await time.pass(2_000);
    expect(wire.last('hello')).toBeDefined();
  });

  it('resumes with the newest token after the connection was cut', async () => {
    const { client, wire, time } = await connected();
    wire.cut();
    expect(client.model.session.name).toBe('lost');
    await settled();
    expect(wire.last('hello')).toMatchObject({ resume: 'token-1' });
    wire.say(welcome({ resumed: true, resume: 'token-2' }));
    expect(client.model.session).toMatchObject({ name: 'live', resumed: true });
    expect(time.token).toBe('token-2');
  });
});

describe('control', () => {
  it('is given up, or given to a session; a refusal is the model’s', async () => {
    const { client, wire } = await connected();
    await client.yieldControl();
    await client.yieldControl(9);
    expect(wire.sent.slice(-2)).toEqual([{ t: 'yield_control' }, { t: 'yield_control', to: 9 }]);
    wire.say({ t: 'error', code: 'not_given', message: 'control stays with this session' });
    expect(client.model).toMatchObject({ role: 'operator', refusal: { code: 'not_given' } });
  });
});

describe('beats', () => {
  it('go out at once and then each beat_ms, counted up', async () => {
    const { wire, time } = await connected();
    await time.pass(3_000);
    const beats = wire.sent.filter(({ t }) => t === 'beat');
    expect(beats.map((beat) => beat.t === 'beat' && beat.n)).toEqual([1, 2, 3, 4]);
  });

  it('without an answer leave the page lost, in words that promise nothing', async () => {
    const { client, time } = await connected();
    await time.pass(5_000);
    expect(client.model.session.name).toBe('lost');
    const early = lostText(client.model, client.now());
    expect(early).toMatch(/No answer since \d\d:\d\d:\d\d\..*this page cannot confirm it\.$/);
    await time.pass(20_000);
    const late = lostText(client.model, client.now());
    expect(late).toMatch(/was to be made safe by \d\d:\d\d:\d\d; this page cannot confirm it\.$/);
    for (const text of [early, late]) expect(text).not.toMatch(/is safe|now safe|has been made safe/);
  });
});

describe('safe stop', () => {
  it('is delivered once the host has taken it', async () => {
    const { client, wire } = await connected();
    await expect(client.safeStop()).resolves.toBe('delivered');
    expect(wire.last('stop')).toEqual({ t: 'stop' });
  });

  it('is not delivered when it cannot go out, and is not kept for later', async () => {
    const { client, wire, time } = await connected();
    wire.refuses = true;
    wire.cut();
    await expect(client.safeStop()).resolves.toBe('not_delivered');
    wire.refuses = false;
    await time.pass(10_000);
    wire.say(welcome({ resumed: true }));
    await time.pass(1_000);
    expect(wire.last('stop')).toBeUndefined();
  });

  it('is not delivered when the host does not take it within two seconds', async () => {
    const { client, wire, time } = await connected();
    wire.sends = 'hang';
    let told = 'nothing';
    void client.safeStop().then((delivery) => (told = delivery));
    await time.pass(1_999);
    expect(told).toBe('nothing');
    await time.pass(1);
    expect(told).toBe('not_delivered');
  });

  it('is not delivered before the welcome, nor after the end', async () => {
    const wire = new FakeWire();
    const client = new Killcord(wire, new FakeTime());
    await client.connect();
    await expect(client.safeStop()).resolves.toBe('not_delivered');
    wire.say(welcome());
    wire.say({ t: 'ended', reason: 'expired', hardware: 'safe', message: '' });
    await expect(client.safeStop()).resolves.toBe('not_delivered');
  });

  it('goes out while the host is stopping, and as an observer', async () => {
    const { client, wire } = await connected();
    wire.say({ t: 'control', role: 'observer', epoch: '3.2' });
    wire.say({
      t: 'teardown', cause: { cause: 'window_closed' }, text: 'window closed', mode: 'safe', extent: 'end',
      deadline_ms: 10_000, devices: [], done: false,
    });
    await expect(client.safeStop()).resolves.toBe('delivered');
  });
});

describe('commands', () => {
  it('carry the epoch and an id, and are answered by it', async () => {
    const { client, wire } = await connected();
    const armed = client.arm();
    const frame = wire.last('arm');
    expect(frame).toMatchObject({ epoch: '3.1' });
    wire.say({ t: 'done', id: 'of another' });
    wire.say({ t: 'error', id: frame?.id ?? '', code: 'arm_refused', message: 'Acknowledge the trip first.' });
    await expect(armed).resolves.toEqual({ ok: false, code: 'arm_refused', message: 'Acknowledge the trip first.' });
  });

  it('that set a control show its setpoint once it is done', async () => {
    const { client, wire } = await connected();
    const set = client.set('psu', 'v', 5);
    const frame = wire.last('set');
    expect(frame).toMatchObject({ device: 'psu', control: 'v', value: 5 });
    expect(client.model.rig?.devices[0]?.controls[0]?.setpoint).toBeNull();
    wire.say({ t: 'done', id: frame?.id ?? '' });
    await expect(set).resolves.toEqual({ ok: true });
    expect(client.model.rig?.devices[0]?.controls[0]?.setpoint).toBe(5);
  });

  it('without an answer say that nobody knows', async () => {
    const { client, wire } = await connected();
    const set = client.set('psu', 'v', 5);
    wire.cut();
    await expect(set).resolves.toMatchObject({ ok: false, code: 'no_answer' });
  });

  it('are not sent out of reach', async () => {
    const { client, wire, time } = await connected();
    await time.pass(5_000);
    await expect(client.arm()).resolves.toMatchObject({ ok: false, code: 'not_sent' });
    expect(wire.last('arm')).toBeUndefined();
  });
});

describe('the end', () => {
  it('forgets the token, stops beating and does not come back', async () => {
    const { wire, time } = await connected();
    wire.say({ t: 'ended', reason: 'host_stopping', hardware: 'safe', message: '' });
    const sent = wire.sent.length;
    wire.cut();
    await time.pass(20_000);
    expect(time.token).toBeNull();
    expect(wire.sent).toHaveLength(sent);
    expect(wire.opened).toBe(1);
  });

  it('from this side says goodbye with session and document', async () => {
    const { client, wire } = await connected();
    await client.end();
    expect(wire.last('bye')).toEqual({ t: 'bye', session: 7, nonce: 'id-1', persisted: false });
    expect(wire.closed).toBe(1);
  });

  it('leaves readings to those who ask for them, until they no longer do', async () => {
    const { client, wire } = await connected();
    const seen: number[] = [];
    const before = client.model;
    const stop = client.onReadings((updates) => seen.push(updates.length));
    const readings = [{ device: 0, name: 'v', at_ms: 1, value: 2 }];
    wire.say({ t: 'readings', readings });
    stop();
    wire.say({ t: 'readings', readings });
    expect(seen).toEqual([1]);
    expect(client.model).toBe(before);
  });
});
