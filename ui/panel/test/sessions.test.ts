import { Killcord } from '@killcord/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeAccess, type Guests } from '../src/dev/access';
import { FakeHost, type Scene } from '../src/dev/fake';
import { SESSIONS } from '../src/lib/guests';
import { Sessions } from '../src/state/sessions.svelte';

let host: FakeHost;
let client: Killcord;
let access: FakeAccess;
let sessions: Sessions;

async function play(guests: Guests = {}, scene: Scene = {}): Promise<void> {
  host = new FakeHost(scene, () => Date.now());
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
  access = new FakeAccess(client, guests);
  sessions = new Sessions(client, access);
  await client.connect();
  await vi.advanceTimersByTimeAsync(0);
  sessions.show();
  await sessions.refresh();
}
const listed = (): number[] => sessions.list?.sessions.map(({ session }) => session) ?? [];

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  host.stop();
  vi.useRealTimers();
});

describe('the list', () => {
  it('that could not be fetched stays, and is old after a while', async () => {
    await play({ answers: 1 });
    expect([sessions.problem, sessions.mayOperate]).toEqual(['No answer from the host.', null]);
    await vi.advanceTimersByTimeAsync(6_000);
    await sessions.refresh();
    expect(listed()).toHaveLength(6);
    expect(sessions.problem).toBe('No answer from the host.');
    expect([sessions.isOld(Date.now()), sessions.isOld(Date.now() + 1)]).toEqual([false, true]);
  });

  it('of an observer is without tokens, and they are asked for once', async () => {
    await play({ observes: true });
    const asks = vi.spyOn(access, 'tokens');
    await sessions.refresh();
    expect(asks).not.toHaveBeenCalled();
    expect(sessions).toMatchObject({ mayOperate: false, tokens: null, problem: null });
  });

  it('of a window whose rig lets no browser in has no tokens, and they are asked for once', async () => {
    await play({ closed: true });
    const asks = vi.spyOn(access, 'tokens');
    await sessions.refresh();
    expect(asks).not.toHaveBeenCalled();
    expect(sessions).toMatchObject({ mayOperate: true, closed: true, tokens: null, problem: null });
  });

  it('is not asked for twice at a time', async () => {
    await play();
    const asks = vi.spyOn(access, 'sessions');
    await Promise.all([sessions.refresh(), sessions.refresh()]);
    expect(asks).toHaveBeenCalledTimes(1);
  });
});

describe('what was asked about', () => {
  it('is done, and the list is fetched again', async () => {
    await play();
    sessions.question = { what: 'end', session: sessions.list!.sessions[2]! };
    await sessions.confirm();
    sessions.question = { what: 'revoke', token: sessions.tokens!.tokens[3]! };
    await sessions.confirm();
    expect(access.done).toEqual(['end 4', 'revoke lab-tablet']);
    expect(listed()).not.toContain(4);
    expect(sessions.tokens!.tokens.map(({ name }) => name)).not.toContain('lab-tablet');
    expect(sessions.question ?? sessions.failure).toBeNull();
  });

  it('goes to the host as a frame where it is control', async () => {
    await play();
    sessions.question = { what: 'give', to: sessions.list!.sessions[2]! };
    await sessions.confirm();
    expect(host.sent.at(-1)).toEqual({ t: 'yield_control', to: 4 });
    sessions.question = { what: 'take' };
    await sessions.confirm();
    expect(host.sent.at(-1)).toEqual({ t: 'take_control', force: true });
    host.cut();
    sessions.question = { what: 'release' };
    await sessions.confirm();
    expect(sessions.failure).toBe(SESSIONS.notDelivered);
  });

  it('and is gone already is no failure; what is refused is', async () => {
    await play();
    const ends = vi.spyOn(access, 'end');
    const question = { what: 'end', session: sessions.list!.sessions[2]! } as const;
    for (const [code, failure] of [['unknown', null], ['not_kept', 'Look at the log.']] as const) {
      ends.mockResolvedValueOnce({ ok: false, code, message: 'Look at the log.' });
      sessions.question = question;
      await sessions.confirm();
      expect(sessions.failure).toBe(failure);
    }
  });
});

describe('a link', () => {
  it('is over by the clock, and goes with the page', async () => {
    await play({ lives: 5_000 });
    const at = Date.now();
    await sessions.invite('operator');
    expect(sessions.invitation).toMatchObject({ role: 'operator', until: at + 5_000 });
    sessions.hide();
    expect(sessions.invitation).toBeNull();
  });

  it('that comes when the page has been left is not kept', async () => {
    await play();
    const made = sessions.invite('observer');
    sessions.hide();
    await made;
    expect(sessions.invitation).toBeNull();
  });
});
