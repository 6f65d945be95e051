/** Exchanges a one-time code for this browser's cookie. The code goes to the host alone, and only in a body. */
import { PAIR } from '../lib/words';

/** How the exchange went. */
export type Paired = { readonly ok: true } | { readonly ok: false; readonly problem: string };

/** No code is longer; what is longer is none. */
const LONGEST = 200;
/** The host's codes, in words. */
const PROBLEMS: Record<string, string> = {
  code_used: PAIR.used,
  code_expired: PAIR.expired,
  code_wrong: PAIR.wrong,
  too_many: PAIR.tooMany,
};

/** The code of a link `…/killcord/pair#CODE`; empty when it has none. */
export function codeOf(hash: string): string {
  try {
    const code = decodeURIComponent(hash.replace(/^#/, '')).trim();
    return code.length <= LONGEST ? code : '';
  } catch {
    return '';
  }
}

/** Sends `code` by `post`, which rejects when there is no answer. */
export async function pair(code: string, post: (body: string) => Promise<Response>): Promise<Paired> {
  let answer: Response;
  try {
    answer = await post(JSON.stringify({ code }));
  } catch {
    return { ok: false, problem: PAIR.unreachable };
  }
  if (answer.ok) return { ok: true };
  const named = PROBLEMS[await reason(answer)];
  if (named) return { ok: false, problem: named };
  if (answer.status === 410) return { ok: false, problem: PAIR.expired };
  if (answer.status === 429) return { ok: false, problem: PAIR.tooMany };
  return { ok: false, problem: answer.status >= 500 ? PAIR.failed : PAIR.wrong };
}

/** The stable code in an error's body. */
async function reason(answer: Response): Promise<string> {
  try {
    const body: unknown = await answer.json();
    const coded = typeof body === 'object' && body !== null && 'code' in body;
    return coded && typeof body.code === 'string' ? body.code : '';
  } catch {
    return '';
  }
}
