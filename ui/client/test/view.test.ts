import { describe, expect, it } from 'vitest';
import { initial, type Model, type PolicyView, reduce, type SessionEnd, type TeardownDevice, type ToPage } from '../src';
import { view, type View } from '../src/status/view';
import { POLICY, rig, welcome } from './fakes';

const WALL = new Date(2026, 10, 26, 14, 3, 2);
const show = (model: Model, now: number): View => view(model, now, WALL);
const after = (model: Model, what: ToPage, now: number): Model => reduce(model, { e: 'frame', frame: what, now });
const tick = (model: Model, now: number): Model => reduce(model, { e: 'tick', now });
const live = (part: Parameters<typeof welcome>[0] = {}): Model => after(initial(0), welcome(part), 0);
const text = (shown: View): string => [shown.title, ...shown.text, ...shown.facts, shown.countdown].join(' ');
const device = (part: Partial<TeardownDevice> = {}): TeardownDevice => ({
  device: 0, doing: 'OUTP OFF', confirmed: false, released: false, remarks: [], ...part,
});
const teardown = (devices: TeardownDevice[], done: boolean): ToPage => ({
  t: 'teardown', cause: { cause: 'signal', signal: 15 }, text: 'SIGTERM', mode: 'safe', extent: 'end',
  deadline_ms: 8_000, devices, done,
});

describe('before the first welcome', () => {
  it('nothing is claimed, and a silence of five seconds is said', () => {
    expect(show(initial(0), 4_999)).toMatchObject({ state: 'connecting', tone: 'busy' });
    expect(text(show(initial(0), 5_000))).toContain('treat the bench as live');
  });

  it('a refusal is shown: a page of another version has to be reloaded', () => {
    const refused = after(initial(0), { t: 'error', code: 'version', message: 'Reload it.' }, 1);
    expect(text(show(refused, 2))).toContain('Reload it.');
  });
});

describe('a live session', () => {
  it('says who is in control and how the rig is', () => {
    expect(show(live({ rig: rig({ state: 'armed' }) }), 1)).toMatchObject({
      state: 'live', title: 'You are in control', rig: 'Armed', shape: 'armed', buttons: [],
    });
  });

  it('that observes may ask for control, once', () => {
    const observing = live({ role: 'observer' });
    expect(show(observing, 1)).toMatchObject({ state: 'observer', buttons: [{ act: 'take', label: 'Take control' }] });
    const asked = after(observing, { t: 'control', holder: 8, asking: 7, role: 'observer', epoch: '3.1' }, 1);
    expect(show(asked, 2).buttons).toEqual([{ act: 'take', label: 'Asked for control', disabled: true }]);
  });

  it('that lost control to another says so', () => {
    const taken = after(live(), { t: 'control', holder: 8, role: 'observer', epoch: '3.2' }, 1);
    expect(show(taken, 2)).toMatchObject({ state: 'taken-over', slots: ['taken-over'], tone: 'warn' });
  });

  it('of a rig that is not safe is grave whoever looks', () => {
    for (const role of ['operator', 'observer'] as const) {
      const shown = show(live({ role, rig: rig({ state: 'not_safe' }) }), 1);
      expect(shown.tone).toBe('danger');
      expect(text(shown)).toMatch(/^NOT safe: check the bench.*not confirmed safe/);
    }
  });

  it('that went on is told for five seconds, and so is a new one after a lost one', () => {
    const back = live({ resumed: true });
    expect(show(back, 4_999)).toMatchObject({ state: 'resumed' });
    expect(show(back, 5_000)).toMatchObject({ state: 'live' });
    const anew = after(tick(live(), 5_000), welcome({ session: 1 }), 6_000);
    expect(text(show(anew, 6_001))).toContain('Nothing was armed');
  });
});

describe('a warning', () => {
  const warned = after(live(), { t: 'warning', kind: 'idle', in_ms: 60_000 }, 1_000);

  it('counts down by the page clock, with a way to stay', () => {
    expect(show(warned, 1_000)).toMatchObject({
      slots: ['warning-idle', 'warning'], countdown: 'This session ends in 60 s.', buttons: [{ act: 'stay' }],
    });
    expect(show(warned, 60_001).countdown).toBe('This session ends in 1 s.');
  });

  it('of a take-over can be granted', () => {
    const asked = after(live(), { t: 'warning', kind: 'take_over', in_ms: 15_000 }, 0);
    expect(show(asked, 0)).toMatchObject({ countdown: 'It gets control in 15 s.', buttons: [{ act: 'give' }] });
  });
});

describe('out of reach', () => {
  const gone = tick(live(), 5_000);

  it('the countdown of the host goes on by the page clock, then its time is named', () => {
    const acked = reduce(after(live(), { t: 'ack', n: 1, expires_ms: 5_000 }, 1_000), { e: 'closed', now: 2_000 });
    expect(show(acked, 3_000)).toMatchObject({ state: 'lost', alert: false, countdown: 'Time left until the bench is to be made safe: 3 s.' });
    const overdue = show(tick(acked, 6_000), 6_000);
    expect(overdue).toMatchObject({ state: 'overdue', slots: ['overdue', 'lost'], alert: true, countdown: '' });
    expect(text(overdue)).toContain('was to be made safe by 14:03:02; this page cannot confirm it.');
  });

  it('it never says that the bench is safe', () => {
    for (const role of ['operator', 'observer'] as const) {
      for (const now of [5_000, 5_001, 60_000]) {
        const model = tick(tick(live({ role }), 5_000), now);
        expect(text(show(model, now))).not.toMatch(/(bench|rig|device) is (now )?safe|confirmed safe/i);
      }
    }
  });

  it('an observer is told that nothing depended on it', () => {
    const shown = show(tick(tick(live({ role: 'observer' }), 5_000), 9_000), 9_000);
    expect(shown).toMatchObject({ state: 'lost', countdown: '' });
    expect(text(shown)).toContain('whether the bench is made safe does not depend on it');
  });

  it('a rig without a watchdog is to be treated as live', () => {
    const bare = rig({ watchdog: { state: 'missing', why: null, protections: [] } });
    expect(text(show(tick(live({ rig: bare }), 5_000), 5_000))).toContain('treat the bench as live');
    expect(text(show(gone, 5_000))).not.toContain('treat the bench as live');
  });
});

describe('a host that stops', () => {
  it('shows each device and the time that is left', () => {
    const shown = show(after(live(), teardown([device()], false), 0), 500);
    expect(shown).toMatchObject({
      state: 'stopping', alert: true, countdown: 'At most 8 s more.',
      rows: [{ name: 'Supply', word: 'Making safe', doing: 'OUTP OFF', tone: 'busy' }],
    });
  });

  it('leaves its report, also once it has gone', () => {
    const safe = device({ status: 'safe_verified', confirmed: true, released: true });
    const good = after(live(), teardown([safe], true), 0);
    for (const model of [good, reduce(good, { e: 'closed', now: 100 })]) {
      expect(show(model, 200)).toMatchObject({ state: 'stopping', tone: 'good', title: 'The host has stopped; every device was confirmed safe' });
    }
    const bad = after(live(), teardown([safe, device({ status: 'unreachable', remarks: ['Look.'] })], true), 0);
    expect(show(bad, 200)).toMatchObject({ tone: 'danger', title: 'The host has stopped; NOT confirmed safe: check by hand' });
  });
});

describe('an end', () => {
  const end = (reason: SessionEnd, hardware: 'safe' | 'not_safe'): View =>
    show(after(live(), { t: 'ended', reason, hardware, message: '<p>Own words.</p>' }, 0), 1);

  it('says why, how the hardware was, and the words of the rig', () => {
    const shown = end('ended_by_operator', 'safe');
    expect(shown).toMatchObject({
      slots: ['ended-ended-by-operator', 'ended'], own: { html: '<p>Own words.</p>' }, alert: false, buttons: [{ act: 'reload' }],
    });
    expect(text(shown)).toContain('An operator ended this session. When it ended, every device was confirmed safe.');
    expect(end('idle', 'not_safe')).toMatchObject({ tone: 'danger', alert: true });
  });

  it('of the host needs no reload', () => {
    const shown = end('host_stopping', 'safe');
    expect(shown.buttons).toEqual([]);
    expect(text(shown)).toContain('connects by itself; nothing is armed by that');
  });
});

describe('the rig’s own words', () => {
  const messages = { lost: '<p>L</p>', host_gone: '<p>G</p>', taken_over: '<p>T</p>', expired: '<p>E</p>' };
  const told = live({ messages, rig: rig({ state: 'armed' }) });

  it('are said when the host cannot be asked: first that it is out of reach, then that it is gone', () => {
    const gone = tick(told, 5_000);
    expect(show(gone, 5_000).own).toMatchObject({ html: '<p>G</p>' });
    const cut = reduce(after(told, { t: 'ack', n: 1, expires_ms: 5_000 }, 1_000), { e: 'closed', now: 2_000 });
    const lost = { html: '<p>L</p>', time: '14:03:01', hardware: 'not known: this page cannot confirm it' };
    expect(show(cut, 2_000).own).toEqual(lost);
    expect(show(tick(cut, 6_000), 6_000).own).toMatchObject({ html: '<p>G</p>', hardware: lost.hardware });
  });

  it('are said of control that was taken, and not of control that nobody has', () => {
    const taken = after(told, { t: 'control', holder: 8, role: 'observer', epoch: '3.2' }, 1_000);
    expect(show(taken, 3_000).own).toEqual({ html: '<p>T</p>', time: '14:03:00', hardware: 'the rig is armed' });
    const nobody = after(taken, { t: 'control', role: 'observer', epoch: '3.3' }, 4_000);
    expect(show(nobody, 4_000).own).toBeNull();
  });

  it('of an end are known from the welcome where its last frame was not heard', () => {
    const model = reduce(told, { e: 'ended', reason: 'expired', now: 2_000 });
    expect(show(model, 3_000).own).toEqual({
      html: '<p>E</p>', time: '14:03:01', hardware: 'not known: this page cannot confirm it',
    });
    expect(show(reduce(told, { e: 'ended', reason: 'idle', now: 2_000 }), 3_000).own).toBeNull();
  });
});

describe('a bench that is not made safe when its operator goes', () => {
  const policy = (part: Partial<PolicyView>): Model => live({ policy: { ...POLICY, ...part } });
  const cut = (model: Model): string => text(show(reduce(model, { e: 'closed', now: 0 }), 1_000));

  it('is never said to be made safe', () => {
    const held = policy({ on_control_lost: 'hold', on_last_session: 'hold', hold_for_ms: 5_400_000 });
    expect(cut(held)).toMatch(/By its rules the bench is left running for 90 min at most unless the page is heard again/);
    expect(cut(held)).toContain('Time left until this page loses control: 4 s.');
    expect(cut(held)).not.toMatch(/made safe by/);
    expect(text(show(tick(held, 5_000), 5_000))).toMatch(/left running for 90 min at most; this page cannot confirm it/);
  });

  it('depends on others where the rules do', () => {
    expect(cut(policy({ on_last_session: 'hold' }))).toContain('left running for 8 h at most, or made safe if other sessions are attached');
    expect(cut(policy({ on_control_lost: 'hold' }))).toContain('made safe, or left running for 8 h at most if other sessions are attached');
  });
});
