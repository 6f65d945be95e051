/** Exchanges a one-time code, or a key, for this browser's cookie. It goes to the host alone, and only in a body. */
import { PAIR } from '../lib/words';

/** How the exchange went. */
export type Paired = { readonly ok: true } | { readonly ok: false; readonly problem: string };

/** No code or key is longer; what is longer is none. */
const LONGEST = 200;
/** The host takes another wrong code before that is over; its own word for it is a minute. */
const WAIT_S = 60;
/** The longest wait that is believed. */
const LONGEST_WAIT_S = 3_600;
/** The host's codes, in words; crates/server/src/answer.rs. */
const PROBLEMS: Record<string, string> = {
  code_used: PAIR.used,
  code_expired: PAIR.expired,
  code_wrong: PAIR.wrong,
  full: PAIR.full,
  bad_request: PAIR.wrong,
  wrong_host: PAIR.wrongHost,
  wrong_origin: PAIR.wrongHost,
  not_encrypted: PAIR.notEncrypted,
  too_slow: PAIR.slow,
  ending: PAIR.ending,
  failed: PAIR.failed,
};

/** The code in what was opened or pasted: a link `…/killcord/pair#CODE`, its end, a code or a key; else empty. */
export function codeOf(text: string): string {
  try {
    const code = decodeURIComponent(text.slice(text.indexOf('#') + 1)).trim();
    return code.length <= LONGEST && !/^https?:/i.test(code) ? code : '';
  } catch {
    return '';
  }
}

/** Sends `code` by `post`, which rejects when there is no answer. */
export async function pair(
  code: string,
  post: (body: string) => Promise<Response>,
  now: Date = new Date(),
): Promise<Paired> {
  let answer: Response;
  try {
    answer = await post(JSON.stringify({ code }));
  } catch {
    return { ok: false, problem: PAIR.unreachable };
  }
  if (answer.ok) return { ok: true };
  if (answer.status === 429) return { ok: false, problem: PAIR.tooMany(again(answer, now)) };
  const named = PROBLEMS[await reason(answer)];
  if (named) return { ok: false, problem: named };
  if (answer.status === 410) return { ok: false, problem: PAIR.expired };
  return { ok: false, problem: answer.status >= 500 ? PAIR.failed : PAIR.wrong };
}

/** When another try is worth it, by the person's clock. */
function again(answer: Response, now: Date): string {
  const told = Number(answer.headers.get('Retry-After'));
  const seconds = told > 0 && told <= LONGEST_WAIT_S ? told : WAIT_S;
  return new Date(now.getTime() + seconds * 1000).toLocaleTimeString([], { hour12: false });
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
