import { END_WORDS, type PolicyView, type SessionEnd, type SessionView, type TokenView } from '@killcord/client';
import { describe, expect, it, vi } from 'vitest';
import { httpAccess, windowAccess } from '../src/lib/access';
import { ENDED, goesWith, leaseText, standing, tokenOf } from '../src/lib/guests';
import { inWords } from '../src/lib/questions';

const token = (name: string, part: Partial<TokenView> = {}): TokenView => ({
  name, is_browser: true, role: 'operator', made_unix_ms: 0, here: false, ...part,
});
const session = (part: Partial<SessionView> = {}): SessionView => ({
  session: 4, kind: 'page', role: 'observer', standing: 'live', lease_ms: 5_000, ...part,
});
const policy = (on_control_lost: PolicyView['on_control_lost']): PolicyView => ({
  beat_ms: 1_000, expire_after_ms: 5_000, reload_grace_ms: 2_000, deadline_ms: 10_000, on_control_lost,
  on_last_session: 'release', hold_for_ms: 28_800_000,
});

describe('a session', () => {
  it.each([[5_000, 0, '5 s'], [5_000, 4_001, '1 s'], [5_000, 5_000, 'over, unless it was heard since'], [300_000, 0, '5 min']])(
    'that had %d ms left %d ms ago has %s',
    (lease, age, text) => expect(leaseText(lease, age)).toBe(text),
  );

  it('whose page hangs is told so, above three beats and not at them', () => {
    expect(standing(session({ main_ms: 3_000 }), 1_000)).toBe('Live');
    expect(standing(session({ main_ms: 3_001 }), 1_000)).toContain('not responded for 3 s');
    expect(standing(session({ standing: 'suspect', main_ms: 9_000 }), 1_000)).toContain('Out of reach');
  });

  it('of a key has the device of the one browser that the key let in, and of none where there are more', () => {
    const key = token('tablet', { is_browser: false, role: 'observer' });
    const one = token('browser-1', { by: 'tablet', agent: 'Firefox on Linux' });
    const of = (tokens: TokenView[]) => tokenOf(session({ who: 'tablet' }), tokens);
    expect(of([key, one])).toMatchObject({ agent: 'Firefox on Linux', role: 'observer' });
    expect(of([key, one, token('browser-2', { by: 'tablet', agent: 'Safari' })])?.agent).toBeUndefined();
    expect(tokenOf(session(), [key])).toBeUndefined();
  });

  it('that ended has a reason in words, for each that there is', () => {
    for (const reason of Object.keys(END_WORDS) as SessionEnd[]) expect(ENDED[reason]).toMatch(/\.$/);
  });
});

describe('a question', () => {
  it('about control says what the rig’s own rule makes of the bench', () => {
    const known = { tokens: [], asked: false };
    const release = (lost: PolicyView['on_control_lost']) => inWords({ what: 'release' }, { ...known, policy: policy(lost) }).text.join(' ');
    expect(release('safe')).toContain('made safe');
    expect(release('hold')).toContain('left running, for 8 h at most');
    const end = inWords({ what: 'end', session: session({ role: 'operator' }) }, { ...known, policy: policy('safe') });
    expect(end.text.join(' ')).toContain('It is in control. By its rules the rig is then made safe');
    expect(inWords({ what: 'release' }, { ...known, asked: true, policy: null }).act).toBe('Give control');
  });

  it('about a token names everybody who goes with it, also where they let each other in', () => {
    const tokens = [
      token('a'), token('b', { by: 'a' }), token('c', { by: 'b', here: true }), token('d'), token('x', { by: 'y' }), token('y', { by: 'x' }),
    ];
    expect(goesWith('a', tokens).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(goesWith('x', tokens).map(({ name }) => name)).toEqual(['x', 'y']);
    const text = inWords({ what: 'revoke', token: tokens[0]! }, { tokens, policy: null, asked: false }).text.join(' ');
    expect(text).toContain('Browser (b), Browser (c).');
    expect(text).toContain('The browser that you are using is among them.');
  });
});

describe('the host by HTTP', () => {
  const asked: string[] = [];
  const access = (answer: () => Promise<Response>) =>
    httpAccess(new URL('https://bench/lab/killcord/'), (url, init) => {
      asked.push(`${init?.method} ${url as URL} ${(init?.body as string) ?? ''}`.trim());
      return answer();
    });
  const says = (status: number, body: unknown) => access(() => Promise.resolve(new Response(body === null ? null : JSON.stringify(body), { status })));

  it('is asked below its base path', async () => {
    asked.length = 0;
    const host = says(204, null);
    await host.end(7);
    await host.revoke('a/../b');
    await host.link('observer');
    const at = 'https://bench/lab/killcord/api/v1';
    expect(asked).toEqual([`DELETE ${at}/sessions/7`, `DELETE ${at}/tokens/a%2F..%2Fb`, `POST ${at}/links {"role":"observer"}`]);
  });

  it('says in a sentence why it refuses', async () => {
    const refused = says(403, { code: 'operators_only', message: 'only operators may do that' });
    expect(await refused.tokens()).toEqual({ ok: false, code: 'operators_only', message: 'Only operators may do that.' });
  });

  it.each([[200, 'text'], [200, {}], [200, { sessions: 1, ended: [] }], [502, null], [500, { code: 5, message: 'x' }], [200, null]])(
    'whose answer is %d %j is told as a stranger’s',
    async (status, body) => {
      expect(await says(status, body).sessions()).toMatchObject({ ok: false, code: '', message: expect.stringContaining('not the host’s') as string });
    },
  );

  it('that does not answer is told so', async () => {
    expect(await access(() => Promise.reject(new TypeError())).sessions()).toMatchObject({ ok: false, message: 'No answer from the host.' });
  });
});

describe('the app around the window', () => {
  const says = (refused: unknown) => windowAccess(() => Promise.reject(refused as Error));

  it('is asked by what the page wants', async () => {
    const asked: unknown[] = [];
    const app = windowAccess((question) => Promise.resolve(asked.push(question)));
    for (const ask of [app.sessions, app.tokens]) await ask();
    await app.end(7);
    await app.revoke('x');
    expect(await app.link('observer')).toEqual({ ok: true, value: 5 });
    expect(asked).toEqual([
      { ask: 'sessions' }, { ask: 'tokens' }, { ask: 'end', session: 7 }, { ask: 'revoke', name: 'x' },
      { ask: 'link', role: 'observer' },
    ]);
  });

  it('says in a sentence why it refuses', async () => {
    const refused = says({ code: 'unknown', message: 'there is no such session' });
    expect(await refused.end(7)).toEqual({ ok: false, code: 'unknown', message: 'There is no such session.' });
  });

  it.each(['Command access not allowed', null, new Error('x'), { code: 5, message: 'x' }])(
    'that fails with %j is told as one that does not answer',
    async (refused) => {
      expect(await says(refused).sessions()).toMatchObject({ ok: false, code: '', message: 'No answer from the host.' });
    },
  );

  it('that does not answer is told so in its time', async () => {
    vi.useFakeTimers();
    const answer = windowAccess(() => new Promise(() => {})).sessions();
    await vi.advanceTimersByTimeAsync(5_000);
    vi.useRealTimers();
    expect(await answer).toMatchObject({ ok: false, message: 'No answer from the host.' });
  });
});
