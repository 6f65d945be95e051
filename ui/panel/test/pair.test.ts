import { describe, expect, it } from 'vitest';
import { PAIR } from '../src/lib/words';
import { codeOf, pair } from '../src/pair/pair';

const answer = (status: number, body: unknown) => () =>
  Promise.resolve(new Response(JSON.stringify(body), { status }));

it.each([
  ['#ABCD-1234', 'ABCD-1234'], ['#a%20b', 'a b'], [' typed ', 'typed'], ['', ''], ['#', ''], ['#%E0%A4%A', ''],
  [`#${'x'.repeat(201)}`, ''], ['https://bench1:8420/lab/killcord/pair#ABCD ', 'ABCD'], ['https://bench1:8420/killcord/pair', ''],
  ['killcord_k3y', 'killcord_k3y'],
])('the code of %j is %j', (hash, code) => {
  expect(codeOf(hash)).toBe(code);
});

describe('a pairing', () => {
  it('sends the code in a body', async () => {
    const sent: string[] = [];
    const outcome = await pair('C', (body) => (sent.push(body), Promise.resolve(new Response(null, { status: 204 }))));
    expect(outcome).toEqual({ ok: true });
    expect(sent).toEqual(['{"code":"C"}']);
  });

  it.each([
    [410, { code: 'code_used' }, PAIR.used], [410, { code: 'code_expired' }, PAIR.expired], [403, { code: 'code_wrong' }, PAIR.wrong],
    [421, { code: 'wrong_host' }, PAIR.wrongHost], [403, { code: 'wrong_origin' }, PAIR.wrongHost], [403, { code: 'not_encrypted' }, PAIR.notEncrypted],
    [408, { code: 'too_slow' }, PAIR.slow], [503, { code: 'ending' }, PAIR.ending], [503, { code: 'failed' }, PAIR.failed], [507, { code: 'full' }, PAIR.full], [400, { code: 'bad_request' }, PAIR.wrong], [410, 'gone', PAIR.expired],
    [404, {}, PAIR.wrong], [403, { code: 7 }, PAIR.wrong], [500, {}, PAIR.failed],
  ])('refused with %d %j says why', async (status, body, problem) => {
    expect(await pair('C', answer(status, body))).toEqual({ ok: false, problem });
  });

  it.each([[null, '14:04:00'], ['5', '14:03:05'], ['-3', '14:04:00'], ['never', '14:04:00'], ['99999', '14:04:00']])(
    'refused for too many tries (Retry-After %j) says when to try again: %s',
    async (told, when) => {
      const headers = told === null ? {} : { 'Retry-After': told };
      const outcome = await pair('C', () => Promise.resolve(new Response('', { status: 429, headers })), new Date(2026, 0, 1, 14, 3));
      expect(outcome).toEqual({ ok: false, problem: PAIR.tooMany(when) });
    },
  );

  it('without an answer, or with one that is no JSON, says so', async () => {
    expect(await pair('C', () => Promise.reject(new TypeError()))).toEqual({ ok: false, problem: PAIR.unreachable });
    const page = () => Promise.resolve(new Response('<html>', { status: 502 }));
    expect(await pair('C', page)).toEqual({ ok: false, problem: PAIR.failed });
  });
});
