/** Who is attached to the fake bench, and who is let in. Development only; never part of the production build. */
import type {
  EndedView, Killcord, LinkView, Role, SessionsView, SessionView, TokensView, TokenView,
} from '@killcord/client';
import type { Access, Answer } from '../lib/access';

/** What the story is. */
export interface Guests {
  /** This browser may only observe. */
  readonly observes?: boolean;
  /** The rig lets no browser in, and the native window says so. */
  readonly closed?: boolean;
  /** Answers so many times, then no more. */
  readonly answers?: number;
  /** Without encryption there is no fingerprint. */
  readonly plain?: boolean;
  /** How long a link lives, in milliseconds. */
  readonly lives?: number;
}

const DAY = 24 * 3_600_000;
const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 4, 11, 9, 30);
const PRINT = 'A1:3F:07:C4:9B:55:E2:18:6D:F0:2C:91:7A:BE:44:03:D8:6F:12:A9:5E:C7:30:8B:F4:61:9D:25:E8:0A:73:BC';

const token = (name: string, part: Partial<TokenView>): TokenView => ({
  name, is_browser: true, role: 'operator', made_unix_ms: NOW - 3 * DAY, here: false, ...part,
});
const TOKENS: TokenView[] = [
  token('browser-1f9a03bc', { agent: 'Firefox on Linux', here: true }),
  token('browser-77e2d410', { agent: 'Chrome on Android', by: 'lab-tablet', made_unix_ms: NOW - 2 * HOUR }),
  token('browser-c05b91aa', { agent: 'Safari on iPhone', role: 'observer', by: 'browser-77e2d410', made_unix_ms: NOW - HOUR }),
  token('lab-tablet', { is_browser: false, made_unix_ms: NOW - 40 * DAY, expires_unix_ms: NOW + 50 * DAY }),
  token('wall-display', { is_browser: false, role: 'observer', made_unix_ms: NOW - 12 * DAY }),
];
const session = (id: number, part: Partial<SessionView>): SessionView => ({
  session: id, kind: 'page', role: 'observer', standing: 'live', lease_ms: 4_600, main_ms: 40, ...part,
});
const SESSIONS: SessionView[] = [
  session(1, { who: 'browser-1f9a03bc', address: '192.168.1.40' }),
  session(2, { kind: 'window' }),
  session(4, { who: 'lab-tablet', address: '192.168.1.57' }),
  session(5, { who: 'wall-display', address: '192.168.1.60', standing: 'frozen', lease_ms: 242_000 }),
  session(7, { who: 'browser-c05b91aa', address: 'fd00::1:57', standing: 'suspect', lease_ms: 2_900 }),
  session(8, { who: 'lab-tablet', address: '192.168.1.57', standing: 'grace', lease_ms: 1_700 }),
];
const ENDED: EndedView[] = [
  { session: 3, reason: 'expired', address: '192.168.1.57', who: 'lab-tablet' },
  { session: 6, reason: 'ended_by_operator', address: '192.168.1.60', who: 'wall-display' },
];

/** A path that looks like a code's; a camera finds nothing in it. */
function squares(size: number): string {
  let path = '';
  for (let y = 4; y < size - 4; y += 1) for (let x = 4; x < size - 4; x += 1) if ((x * 7 + y * 13 + x * y) % 3 === 0) path += `M${x} ${y}h1v1h-1z`;
  return path;
}

export class FakeAccess implements Access {
  readonly done: string[] = [];
  readonly #client: Killcord;
  readonly #guests: Guests;
  #answers: number;
  #sessions = SESSIONS;
  #tokens = TOKENS;

  constructor(client: Killcord, guests: Guests = {}) {
    this.#client = client;
    this.#guests = guests;
    this.#answers = guests.answers ?? Infinity;
  }

  sessions(): Promise<Answer<SessionsView>> {
    if (this.#answers <= 0) return silent();
    this.#answers -= 1;
    const { holder } = this.#client.model;
    const view = ({ address, who, ...rest }: SessionView): SessionView => ({
      ...rest,
      role: rest.session === holder ? 'operator' : 'observer',
      ...(this.#guests.observes ? {} : { ...(address ? { address } : {}), ...(who ? { who } : {}) }),
    });
    const ended = this.#guests.observes ? ENDED.map(({ session: id, reason }) => ({ session: id, reason })) : ENDED;
    return given({ sessions: this.#sessions.map(view), ended });
  }

  tokens(): Promise<Answer<TokensView>> {
    if (this.#guests.observes) {
      return Promise.resolve({ ok: false, code: 'operators_only', message: 'Only operators may do that.' });
    }
    if (this.#guests.closed) {
      return Promise.resolve({ ok: false, code: 'no_browsers', message: 'This rig file has no [remote].' });
    }
    return this.#answers <= 0 ? silent() : given({ tokens: this.#tokens });
  }

  end(id: number): Promise<Answer<null>> {
    this.done.push(`end ${id}`);
    if (this.#answers <= 0) return silent();
    this.#sessions = this.#sessions.filter((it) => it.session !== id);
    return given(null);
  }

  revoke(name: string): Promise<Answer<null>> {
    this.done.push(`revoke ${name}`);
    if (this.#answers <= 0) return silent();
    this.#tokens = this.#tokens.filter((it) => it.name !== name && it.by !== name);
    return given(null);
  }

  link(role: Role): Promise<Answer<LinkView>> {
    this.done.push(`link ${role}`);
    if (this.#answers <= 0) return silent();
    const size = 41;
    return given({
      link: 'https://bench1.lab.example:8420/killcord/pair#Gk3v0c1Yw7mQ2xTz8sLr5dNf4aHb6uEj9oPiVtRyXcM',
      qr: { size, path: squares(size) },
      expires_ms: this.#guests.lives ?? 600_000,
      ...(this.#guests.plain ? {} : { fingerprint: PRINT }),
    });
  }
}

const given = <T>(value: T): Promise<Answer<T>> => Promise.resolve({ ok: true, value });
const silent = (): Promise<Answer<never>> =>
  Promise.resolve({ ok: false, code: '', message: 'No answer from the host.' });
