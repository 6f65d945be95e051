/** Sessions, and who may come in, in words. */
import type {
  EndedView, PolicyView, SessionEnd, SessionKind, SessionView, Standing, TokensView, TokenView,
} from '@killcord/client';
import { age } from './format';
import type { Shape } from './words';

const KINDS: Record<SessionKind, string> = {
  window: 'Window at the bench',
  page: 'Page in a browser',
  terminal: 'Terminal at the bench',
};

/** What the host calls a page in the window at the bench, where the rig has a GUI of its own. */
const WINDOW = 'the window at the bench';

/** How sure the host is of a session. */
export const STANDING: Record<Standing, { readonly word: string; readonly shape: Shape | 'person' | 'clock' }> = {
  live: { word: 'Live', shape: 'person' },
  suspect: { word: 'Out of reach: its lease runs on', shape: 'unknown' },
  frozen: { word: 'Frozen by its browser: it has no control', shape: 'clock' },
  grace: { word: 'Closed, or being reloaded', shape: 'opening' },
};

/** Why somebody else's session ended. */
export const ENDED: Record<SessionEnd, string> = {
  window_closed: 'Its window was closed.',
  page_closed: 'Its page was closed.',
  expired: 'Nothing was heard from it for too long.',
  frozen: 'Its browser froze it for too long.',
  idle: 'Nobody was at its screen for too long.',
  signed_out: 'Its browser signed out, or was let in no more.',
  ended_by_operator: 'An operator ended it.',
  renderer_crashed: 'The process that drew its page died.',
  host_stopping: 'The host stopped.',
};

/** What the page says besides. */
export const SESSIONS = {
  title: 'Sessions',
  back: 'Back to the bench',
  closed:
    'This bench is for this machine alone. To let browsers in, write a section [remote] into its rig file, and open it again.',
  observing: 'This browser was let in to observe: it cannot take control. An operator can make a link for it that lets it operate.',
  notDelivered: 'Not delivered: the host is out of reach. Try again once the panel is connected.',
  asked: 'Asked for control. It comes within 15 s, or as soon as it is given.',
  fingerprint:
    'If that browser warns of the certificate, compare the SHA-256 fingerprint that it shows with this one before you go on. Another one means that somebody stands between: do not go on.',
  linkOver: 'This link is over. Make another one if it was not used.',
} as const;

/** The token that a session came in by: its own, or of the browser that a key let in. */
export function tokenOf(session: SessionView | EndedView, tokens: readonly TokenView[]): TokenView | undefined {
  if (session.who === undefined) return undefined;
  const own = tokens.find(({ name }) => name === session.who);
  const browsers = tokens.filter(({ by, is_browser }) => is_browser && by === session.who);
  return own && !own.is_browser && browsers.length === 1 ? { ...own, ...agentOf(browsers[0]) } : own;
}

const agentOf = (token: TokenView | undefined): { agent?: string } => (token?.agent ? { agent: token.agent } : {});

/** What a session is, for people: `Firefox on Android`, `Window at the bench`. */
export function device(session: SessionView, token?: TokenView): string {
  if (session.who === WINDOW) return KINDS.window;
  return (session.kind === 'page' ? token?.agent : undefined) ?? KINDS[session.kind];
}

/** A session by its number, and by who it is where that is known. */
export function named({ session, who }: { readonly session: number; readonly who?: string }): string {
  return who === undefined ? `session ${session}` : `session ${session}, ${who}`;
}

/** What is left of a lease, told `ageMs` after the host was asked for it. */
export function leaseText(leaseMs: number, ageMs: number): string {
  const left = leaseMs - ageMs;
  return left > 0 ? age(Math.ceil(left / 1000) * 1000) : 'over, unless it was heard since';
}

/** Where a session stands; a page whose thread has been silent for some beats hangs. */
export function standing({ standing: at, main_ms }: SessionView, beatMs: number): string {
  const hangs = at === 'live' && main_ms !== undefined && main_ms > 3 * beatMs;
  return hangs ? `Live, but its page has not responded for ${age(main_ms)}` : STANDING[at].word;
}

/** What becomes of the bench when whoever is in control is so no more, and others stay. */
export function afterControl(policy: PolicyView | null): string {
  if (policy?.on_control_lost !== 'hold') return 'By its rules the rig is then made safe, if anything on it is energised.';
  return `By its rules an armed rig is left running, for ${age(policy.hold_for_ms)} at most, and then made safe.`;
}

/** All that goes with a token that is revoked, itself first. */
export function goesWith(name: string, tokens: readonly TokenView[]): TokenView[] {
  const gone = tokens.filter((token) => token.name === name);
  for (const { name: by } of gone) gone.push(...tokens.filter((token) => token.by === by && !gone.includes(token)));
  return gone;
}

/** A token for people: the browser that it is, or its name. */
export function tokenName({ name, agent, is_browser }: TokenView): string {
  return is_browser ? `${agent ?? 'Browser'} (${name})` : name;
}

/** Paired browsers and keys apart, the newest first. */
export function sorted({ tokens }: TokensView): { browsers: TokenView[]; keys: TokenView[] } {
  const all = [...tokens].sort((one, other) => other.made_unix_ms - one.made_unix_ms);
  return { browsers: all.filter((it) => it.is_browser), keys: all.filter((it) => !it.is_browser) };
}
