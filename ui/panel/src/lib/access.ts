/**
 * What the sessions page asks the host, over HTTP or as the window: who is there, who may come in, and the end of either.
 *
 * Every question has an answer within its time; none throws. An answer that is not what was asked for is told as such.
 */
import type { LinkView, Role, SessionsView, TokensView } from '@killcord/client';

/** What came of a question. */
export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      /** The host's code; empty where the answer is not the host's. */
      readonly code: string;
      /** What to do next. */
      readonly message: string;
    };

/** The host, as the sessions page asks it. */
export interface Access {
  sessions(): Promise<Answer<SessionsView>>;
  /** Ends a session. */
  end(session: number): Promise<Answer<null>>;
  /** Everything that lets somebody in; for operators. */
  tokens(): Promise<Answer<TokensView>>;
  /** Lets one in no more, nor whom it has let in. */
  revoke(name: string): Promise<Answer<null>>;
  /** A link for one browser more. The one before is worth nothing from here on. */
  link(role: Role): Promise<Answer<LinkView>>;
}

/** A question without an answer after so many milliseconds has none. */
const ANSWER_MS = 5_000;
const SILENT = 'No answer from the host.';
const STRANGE = 'This answer is not the host’s: something between does not pass it on. Reload the page.';

/** The same by HTTP, below `root`. */
export function httpAccess(root: URL, ask: typeof fetch = (...args) => fetch(...args)): Access {
  async function answer<T>(
    method: string,
    path: string,
    is: (body: object) => boolean,
    body?: unknown,
  ): Promise<Answer<T>> {
    const sent = body === undefined ? {} : { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
    try {
      const signal = AbortSignal.timeout(ANSWER_MS);
      const response = await ask(new URL(`api/v1/${path}`, root), { method, signal, ...sent });
      if (response.status === 204) return { ok: true, value: null as T };
      return read<T>(response.ok, await response.text(), is);
    } catch {
      return { ok: false, code: '', message: SILENT };
    }
  }
  const has = (...names: string[]) => (body: object): boolean =>
    names.every((name) => Array.isArray((body as Record<string, unknown>)[name]));
  const none = (): boolean => false;
  return {
    sessions: () => answer('GET', 'sessions', has('sessions', 'ended')),
    end: (session) => answer('DELETE', `sessions/${session}`, none),
    tokens: () => answer('GET', 'tokens', has('tokens')),
    revoke: (name) => answer('DELETE', `tokens/${encodeURIComponent(name)}`, none),
    link: (role) => answer('POST', 'links', (body) => 'link' in body && typeof body.link === 'string', { role }),
  };
}

/** What the window's page asks the app around it. */
export type Ask =
  | { readonly ask: 'sessions' | 'tokens' }
  | { readonly ask: 'end'; readonly session: number }
  | { readonly ask: 'revoke'; readonly name: string }
  | { readonly ask: 'link'; readonly role: Role };

/** The same in the window, by `ask`, which refuses with a code and a message. */
export function windowAccess(ask: (question: Ask) => Promise<unknown>): Access {
  async function answer<T>(question: Ask): Promise<Answer<T>> {
    const late = new Promise<never>((_, over) => setTimeout(() => over(new Error(SILENT)), ANSWER_MS));
    try {
      return { ok: true, value: (await Promise.race([ask(question), late])) as T };
    } catch (refused) {
      const { code, message } = (typeof refused === 'object' ? (refused ?? {}) : {}) as Record<string, unknown>;
      const told = typeof code === 'string' && typeof message === 'string';
      return { ok: false, code: told ? code : '', message: told ? sentence(message) : SILENT };
    }
  }
  return {
    sessions: () => answer({ ask: 'sessions' }),
    end: (session) => answer({ ask: 'end', session }),
    tokens: () => answer({ ask: 'tokens' }),
    revoke: (name) => answer({ ask: 'revoke', name }),
    link: (role) => answer({ ask: 'link', role }),
  };
}

function read<T>(ok: boolean, text: string, is: (body: object) => boolean): Answer<T> {
  const body = parsed(text);
  if (ok && is(body)) return { ok: true, value: body as T };
  const { code, message } = body as { code?: unknown; message?: unknown };
  const told = !ok && typeof code === 'string' && typeof message === 'string';
  return told ? { ok: false, code, message: sentence(message) } : { ok: false, code: '', message: STRANGE };
}

function parsed(text: string): object {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? body : {};
  } catch {
    return {};
  }
}

/** The host writes its reasons as parts of sentences. */
function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}
