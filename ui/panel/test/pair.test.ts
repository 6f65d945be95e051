import { describe, expect, it } from 'vitest';
import { PAIR } from '../src/lib/words';
import { codeOf, pair } from '../src/pair/pair';

const answer = (status: number, body: unknown) => () =>
  Promise.resolve(new Response(JSON.stringify(body), { status }));

it.each([
  ['#ABCD-1234', 'ABCD-1234'], ['#a%20b', 'a b'], [' typed ', 'typed'], ['', ''], ['#', ''], ['#%E0%A4%A', ''],
  [`#${'x'.repeat(201)}`, ''],
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
    [429, { code: 'too_many' }, PAIR.tooMany], [429, null, PAIR.tooMany], [410, 'gone', PAIR.expired],
    [404, {}, PAIR.wrong], [403, { code: 7 }, PAIR.wrong], [500, {}, PAIR.failed],
  ])('refused with %d %j says why', async (status, body, problem) => {
    expect(await pair('C', answer(status, body))).toEqual({ ok: false, problem });
  });

  it('without an answer, or with one that is no JSON, says so', async () => {
    expect(await pair('C', () => Promise.reject(new TypeError()))).toEqual({ ok: false, problem: PAIR.unreachable });
    const page = () => Promise.resolve(new Response('<html>', { status: 502 }));
    expect(await pair('C', page)).toEqual({ ok: false, problem: PAIR.failed });
  });
});
