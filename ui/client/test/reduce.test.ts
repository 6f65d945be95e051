import { describe, expect, it } from 'vitest';
import { initial, type Model, reduce, type SessionState, type ToPage } from '../src';
import { rig, welcome } from './fakes';

const frame = (model: Model, what: ToPage, now: number): Model =>
  reduce(model, { e: 'frame', frame: what, now });
const tick = (model: Model, now: number): Model => reduce(model, { e: 'tick', now });
const live = (now = 0): Model => frame(initial(now), welcome(), now);
const name = (model: Model): SessionState['name'] => model.session.name;
const teardown = (part: Partial<Extract<ToPage, { t: 'teardown' }>> = {}): ToPage => ({
  t: 'teardown',
  cause: { cause: 'window_closed' },
  text: 'window closed',
  mode: 'safe',
  extent: 'end',
  deadline_ms: 10_000,
  devices: [],
  done: false,
  ...part,
});

describe('the lease', () => {
  it('is believed until exactly expire_after without an ack', () => {
    const model = live(100);
    expect(name(tick(model, 5_099))).toBe('live');
    expect(name(tick(model, 5_100))).toBe('lost');
  });

  it('is renewed by an ack, and by nothing else', () => {
    const acked = frame(live(0), { t: 'ack', n: 1, expires_ms: 5_000 }, 2_000);
    expect(name(tick(acked, 6_999))).toBe('live');
    expect(name(tick(acked, 7_000))).toBe('lost');
    const other = frame(live(0), { t: 'rig', state: 'armed' }, 2_000);
    expect(name(tick(other, 5_000))).toBe('lost');
  });

  it('ends no earlier than the last beat allows, for its ack may be what was lost', () => {
    const beaten = reduce(live(0), { e: 'beat', now: 4_000 });
    const gone = tick(beaten, 5_000);
    expect(gone.session).toEqual({ name: 'lost', since: 0, leaseEndsAt: 9_000, overdue: false });
    expect(tick(gone, 8_999)).toBe(gone);
    expect(tick(gone, 9_000).session).toMatchObject({ overdue: true });
  });

  it('is lost at once with the connection, and not overdue before its time', () => {
    const model = frame(live(0), { t: 'ack', n: 1, expires_ms: 4_200 }, 1_000);
    const gone = reduce(model, { e: 'closed', now: 1_500 });
    expect(gone.session).toEqual({ name: 'lost', since: 1_000, leaseEndsAt: 5_200, overdue: false });
  });

  it('comes back with an ack', () => {
    const back = frame(tick(live(0), 5_000), { t: 'ack', n: 9, expires_ms: 5_000 }, 5_400);
    expect(back.session).toEqual({ name: 'live', role: 'operator', resumed: false });
    expect(name(tick(back, 10_399))).toBe('live');
  });

  it('is not missed before the first welcome', () => {
    expect(name(tick(initial(0), 60_000))).toBe('connecting');
    expect(name(reduce(initial(0), { e: 'closed', now: 10 }))).toBe('connecting');
  });
});

describe('a teardown', () => {
  it('that ends the host stops the session, whatever came before', () => {
    for (const before of [live(0), tick(live(0), 5_000)]) {
      const model = frame(before, teardown(), 6_000);
      expect(model.session).toEqual({ name: 'stopping', cause: 'window closed', devices: [] });
      expect(model.teardown?.deadlineAt).toBe(16_000);
    }
  });

  it('that stays leaves the session live', () => {
    const model = frame(live(0), teardown({ extent: 'stay' }), 100);
    expect(name(model)).toBe('live');
    expect(model.teardown?.done).toBe(false);
  });

  it('may be silent until its deadline, and is out of reach after it', () => {
    const model = frame(live(0), teardown(), 1_000);
    expect(name(tick(model, 10_999))).toBe('stopping');
    const gone = tick(model, 11_000);
    expect(gone.session).toMatchObject({ name: 'lost', since: 1_000 });
    expect(gone.teardown?.extent).toBe('end');
  });

  it('that talks past its deadline is still heard', () => {
    const model = frame(frame(live(0), teardown(), 1_000), teardown({ deadline_ms: 0 }), 10_900);
    expect(name(tick(model, 15_899))).toBe('stopping');
    expect(name(tick(model, 15_900))).toBe('lost');
  });

  it('is forgotten once the rig is armed anew', () => {
    const done = frame(live(0), teardown({ extent: 'stay', done: true }), 100);
    expect(frame(done, { t: 'rig', state: 'safe' }, 200).teardown).not.toBeNull();
    expect(frame(done, { t: 'rig', state: 'arming' }, 200).teardown).toBeNull();
  });
});

describe('an end', () => {
  const ended = frame(live(0), { t: 'ended', reason: 'expired', hardware: 'making_safe', message: '<p>x</p>' }, 10);

  it('says why, and what the host knew', () => {
    expect(ended.session).toEqual({ name: 'ended', reason: 'expired', at: 10, hardware: 'making_safe', text: '<p>x</p>' });
  });

  it('is final', () => {
    expect(frame(ended, welcome(), 20)).toBe(ended);
    expect(tick(ended, 99_999)).toBe(ended);
    expect(reduce(ended, { e: 'closed', now: 30 })).toBe(ended);
  });
});

describe('warnings', () => {
  const warned = frame(live(0), { t: 'warning', kind: 'idle', in_ms: 3_000 }, 1_000);

  it('last until their time', () => {
    expect(tick(warned, 3_999).session).toMatchObject({ warning: { kind: 'idle', at: 4_000 } });
    expect(tick(warned, 4_000).session).not.toHaveProperty('warning');
  });

  it('of idleness end with an ack that grants more, and not with one that does not', () => {
    const same = frame(warned, { t: 'ack', n: 1, expires_ms: 5_000, idle_ms: 2_000 }, 2_000);
    expect(same.session).toHaveProperty('warning');
    const more = frame(warned, { t: 'ack', n: 1, expires_ms: 5_000, idle_ms: 60_000 }, 2_000);
    expect(more.session).not.toHaveProperty('warning');
    expect(reduce(warned, { e: 'stayed', now: 2_000 }).session).not.toHaveProperty('warning');
  });

  it('of a take-over end with the change of control', () => {
    const asked = frame(live(0), { t: 'warning', kind: 'take_over', in_ms: 15_000 }, 0);
    const given = frame(asked, { t: 'control', holder: 8, role: 'observer', epoch: '3.2' }, 100);
    expect(given.session).toEqual({ name: 'live', role: 'observer', resumed: false });
    expect(given).toMatchObject({ epoch: '3.2', holder: 8, role: 'observer' });
  });

  it('of a take-over stay while somebody asks, and end when nobody does', () => {
    const asked = frame(live(0), { t: 'warning', kind: 'take_over', in_ms: 15_000 }, 0);
    // The host says both, in this order.
    const told = frame(asked, { t: 'control', holder: 7, asking: 8, role: 'operator', epoch: '3.1' }, 5);
    expect(told.session).toMatchObject({ warning: { kind: 'take_over', at: 15_000 } });
    const gone = frame(told, { t: 'control', holder: 7, role: 'operator', epoch: '3.1' }, 100);
    expect(gone.session).not.toHaveProperty('warning');
  });
});

describe('the rig', () => {
  it('changes by what a patch names, and keeps the rest', () => {
    const trip = { text: 'too hot', at_ms: 5 };
    const tripped = frame(live(0), { t: 'rig', trip, notices: ['full'] }, 1);
    expect(tripped.rig).toMatchObject({ trip, notices: ['full'], state: 'safe', name: 'Bench' });
    const app = { state: 'exited', why: 'it was killed' } as const;
    const without = frame(tripped, { t: 'rig', app }, 2);
    expect([without.rig?.app, without.rig?.trip]).toEqual([app, trip]);
    expect(frame(without, { t: 'rig', state: 'safe' }, 3).rig?.app).toEqual(app);
    expect(frame(tripped, { t: 'rig', state: 'safe' }, 2).rig?.trip).toEqual(trip);
    expect(frame(tripped, { t: 'rig', trip: null }, 2).rig?.trip).toBeNull();
  });

  it('takes states, identities and setpoints by place, and ignores places that do not exist', () => {
    const before = live(0);
    const after = frame(
      before,
      { t: 'rig', devices: [[0, 'armed'], [9, 'safe']], identities: [[0, 'ACME']], setpoints: [[0, 'v', 5], [9, 'v', 1]] },
      1,
    );
    expect(after.rig?.devices).toHaveLength(1);
    expect(after.rig?.devices[0]).toMatchObject({ state: 'armed', identity: 'ACME', controls: [{ setpoint: 5 }] });
    expect(before.rig).toEqual(rig());
  });

  it('shows a refusal without a command until it is dismissed', () => {
    const refused = frame(live(0), { t: 'error', code: 'busy', message: 'Wait.' }, 1);
    expect(refused.refusal).toEqual({ code: 'busy', message: 'Wait.' });
    expect(reduce(refused, { e: 'dismiss', now: 2 }).refusal).toBeNull();
    expect(frame(live(0), { t: 'error', id: 'x', code: 'busy', message: 'Wait.' }, 1).refusal).toBeNull();
  });
});

describe('a return', () => {
  const stopped = frame(live(0), { t: 'ended', reason: 'host_stopping', hardware: 'safe', message: '' }, 10);

  it('of the host is believed by its welcome alone', () => {
    expect(frame(stopped, { t: 'ack', n: 3, expires_ms: 5_000 }, 20)).toBe(stopped);
    const back = frame(stopped, welcome({ session: 1 }), 30);
    expect(back).toMatchObject({ session: { name: 'live' }, id: 1, returned: true, welcomeAt: 30 });
  });

  it('is told from a first welcome', () => {
    expect(live(0).returned).toBe(false);
    expect(frame(tick(live(0), 5_000), welcome({ resumed: true }), 6_000)).toMatchObject({ returned: true, resumed: true });
  });
});

it('control that another took is told from control that this page never had', () => {
  const watching = frame(initial(0), welcome({ role: 'observer' }), 0);
  const control = { t: 'control', holder: 8, role: 'observer', epoch: '3.2' } as const;
  expect(frame(watching, control, 1).takenOver).toBe(false);
  const taken = frame(live(0), control, 1);
  expect(taken.takenOver).toBe(true);
  expect(frame(taken, { ...control, epoch: '3.3' }, 2).takenOver).toBe(true);
  expect(frame(taken, { ...control, role: 'operator' }, 2).takenOver).toBe(false);
});

it('an end without its last frame says nothing of the hardware', () => {
  const end = { name: 'ended', at: 1, hardware: 'unknown', text: '' };
  expect(reduce(live(0), { e: 'ended', reason: 'expired', now: 1 }).session).toEqual({ ...end, reason: 'expired' });
  expect(reduce(live(0), { e: 'left', now: 1 }).session).toEqual({ ...end, reason: 'page_closed' });
});
