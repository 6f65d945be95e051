import { Killcord, type Model, type RigView } from '@killcord/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeHost, type Scene } from '../src/dev/fake';
import { SCENES } from '../src/dev/scenes';
import { rigState } from '../src/lib/words';
import { unusable } from '../src/lib/usable';
import { Panel } from '../src/state/panel.svelte';

let host: FakeHost;
let panel: Panel;
let frames: ((now: number) => void)[] = [];
let closes = 0;
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

async function play(scene: Scene = {}): Promise<void> {
  host = new FakeHost(scene, clock);
  const client = new Killcord(host, environment);
  frames = [];
  closes = 0;
  const close = (): Promise<void> => {
    closes += 1;
    return closes > 1 ? Promise.resolve() : Promise.reject(new Error('no shell'));
  };
  panel = new Panel(client, { close, reload: () => {} }, (work) => frames.push(work));
  await client.connect();
  await vi.advanceTimersByTimeAsync(0);
}

const frame = (): void => frames.shift()?.(clock());
const state = (): RigView['state'] | undefined => panel.model.rig?.state;
const devices = (): RigView['devices'] => panel.model.rig!.devices;
const why = (device: number, control: number, model: Model = panel.model): string | null =>
  unusable(model, model.rig!.devices[device]!, model.rig!.devices[device]!.controls[control]!);

beforeEach(() => vi.useFakeTimers({ now: 100_000 }));
afterEach(() => {
  host.stop();
  vi.useRealTimers();
});

describe('arming', () => {
  it('takes a confirmation, and then shows what the host says', async () => {
    await play();
    panel.askToArm();
    expect(panel.confirming).toBe(true);
    expect(host.sent.some(({ t }) => t === 'arm')).toBe(false);
    const armed = panel.arm();
    expect(panel.confirming).toBe(false);
    await vi.advanceTimersByTimeAsync(0);
    expect(state()).toBe('arming');
    await vi.advanceTimersByTimeAsync(600);
    await armed;
    expect(state()).toBe('armed');
    expect(panel.armProblem).toBeNull();
  });

  it('that is refused says why', async () => {
    await play(SCENES['tripped']);
    await panel.arm();
    expect(panel.armProblem).toMatch(/^Acknowledge the trip first/);
  });

  it('is possible again after the trip was acknowledged', async () => {
    await play(SCENES['tripped']);
    await panel.client.acknowledge();
    await vi.advanceTimersByTimeAsync(0);
    expect(panel.model.rig).toMatchObject({ trip: null, arm_refused: [] });
  });

  it('closes its confirmation when the host goes out of reach', async () => {
    await play();
    panel.askToArm();
    host.cut();
    expect(panel.confirming).toBe(false);
  });
});

describe('safe stop', () => {
  it('says delivered, and makes the rig safe', async () => {
    await play(SCENES['armed']);
    await panel.safeStop.press();
    expect(panel.safeStop.text).toBe('Delivered');
    expect(state()).toBe('making_safe');
    await vi.advanceTimersByTimeAsync(0);
    await vi.advanceTimersByTimeAsync(700);
    expect(state()).toBe('safe');
    expect(panel.model.teardown).toMatchObject({ done: true, extent: 'stay' });
  });

  it('says NOT delivered when the host does not take it', async () => {
    await play(SCENES['armed']);
    host.silent = true;
    const press = panel.safeStop.press();
    expect(panel.safeStop.text).toBe('Sending…');
    await vi.advanceTimersByTimeAsync(2_000);
    await press;
    expect(panel.safeStop.text).toMatch(/^NOT delivered/);
  });

  it('tells of a delivery for a while, and of a failure until it is pressed again', async () => {
    await play(SCENES['armed']);
    await panel.safeStop.press();
    await vi.advanceTimersByTimeAsync(7_999);
    panel.tick();
    expect(panel.safeStop.last).toBe('delivered');
    await vi.advanceTimersByTimeAsync(1);
    panel.tick();
    expect(panel.safeStop.last).toBe('none');
    host.cut();
    await panel.safeStop.press();
    await vi.advanceTimersByTimeAsync(60_000);
    panel.tick();
    expect(panel.safeStop.last).toBe('not_delivered');
  });

  it('tells of the last press when it is pressed again', async () => {
    await play(SCENES['armed']);
    host.silent = true;
    void panel.safeStop.press();
    host.silent = false;
    await panel.safeStop.press();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(panel.safeStop.last).toBe('delivered');
  });
});

describe('what is shown', () => {
  it('of a lost host is that nothing is known', async () => {
    await play(SCENES['armed']);
    host.cut();
    expect(rigState(panel.model)).toMatchObject({ word: 'Unknown', detail: 'last known: Armed' });
    expect(panel.view).toBe('bench');
  });

  it('of an ending host is its teardown, then its report', async () => {
    await play(SCENES['teardown']);
    expect(panel.view).toBe('teardown');
    expect(rigState(panel.model).word).toBe('Making safe');
    await play(SCENES['report']);
    expect(panel.view).toBe('teardown');
    expect(rigState(panel.model).word).toBe('NOT safe');
  });

  it('of a session that ended is why', async () => {
    await play(SCENES['ended']);
    expect(panel.view).toBe('ended');
    expect(rigState(panel.model)).toMatchObject({ word: 'Unknown', detail: 'when it ended: Making safe' });
  });

  it('says so when the window cannot be closed', async () => {
    await play(SCENES['report']);
    await panel.closeWindow();
    expect(panel.closeProblem).toMatch(/did not close/);
    await panel.closeWindow();
    expect(panel.closeProblem).toBeNull();
  });
});

describe('live values', () => {
  it('come with the past, and show the newest at most ten times a second', async () => {
    await play(SCENES['armed']);
    const live = panel.readings.reading(0, 'voltage')!;
    expect(live.ring!.length).toBeGreaterThan(250);
    while (frames.length > 0) frame();
    host.say({ t: 'readings', readings: [{ device: 0, name: 'voltage', at_ms: clock(), value: 7 }] });
    await vi.advanceTimersByTimeAsync(99);
    frame();
    expect(live.shown.value).not.toBe(7);
    await vi.advanceTimersByTimeAsync(1);
    host.say({ t: 'readings', readings: [{ device: 0, name: 'voltage', at_ms: clock(), value: 8 }] });
    frame();
    expect(live.shown.value).toBe(8);
  });

  it('that failed keep the time of the last good one', async () => {
    await play();
    const live = panel.readings.reading(0, 'voltage')!;
    const good = clock();
    await vi.advanceTimersByTimeAsync(150);
    host.say({ t: 'readings', readings: [{ device: 0, name: 'voltage', at_ms: clock(), error: 'timeout' }] });
    frame();
    expect(live.shown).toMatchObject({ value: null, error: 'timeout' });
    expect(live.shown.goodAt).toBeGreaterThanOrEqual(good);
    expect(live.shown.goodAt).toBeLessThan(clock());
  });

  it('of unknown readings are ignored', async () => {
    await play();
    host.say({ t: 'readings', readings: [{ device: 99, name: 'x', at_ms: 1, value: 1 }] });
    expect(panel.readings.reading(99, 'x')).toBeUndefined();
  });

  it('survive a change of state, and begin anew with a welcome', async () => {
    await play();
    const before = panel.readings.reading(0, 'voltage');
    host.become('armed', 'armed');
    expect(panel.readings.reading(0, 'voltage')).toBe(before);
    host.say({
      t: 'welcome', session: 1, resume: 'x', role: 'operator', epoch: '1.9', resumed: true,
      policy: {
        beat_ms: 1_000, expire_after_ms: 5_000, reload_grace_ms: 2_000, deadline_ms: 10_000,
        on_control_lost: 'safe', on_last_session: 'release', hold_for_ms: 28_800_000,
      },
      rig: structuredClone(host.rig), now: { host_ms: clock(), unix_ms: 0 },
    });
    expect(panel.readings.reading(0, 'voltage')).not.toBe(before);
  });
});

describe('a control', () => {
  it('says why it cannot be used', async () => {
    await play();
    expect(why(0, 0)).toBe('Arm the rig to use this.');
    expect(why(1, 0)).toBeNull();
    host.become('armed', 'armed');
    expect(why(0, 0)).toBeNull();
    host.become('making_safe', 'making_safe');
    expect(why(0, 0)).toMatch(/^Wait/);
    host.say({ t: 'control', role: 'observer', epoch: '1.2' });
    expect(why(0, 0)).toMatch(/take control/);
    host.cut();
    expect(why(0, 0)).toMatch(/^No connection/);
    expect(devices()[0]!.name).toBe('psu');
  });
});
