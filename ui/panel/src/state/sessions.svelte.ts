/**
 * The sessions page: who is attached, who may come in, and what the person does about it. No DOM.
 *
 * What was listed is never told as if it were now: the list has its time. The host decides; what it refuses is shown.
 */
import type { Killcord, LinkView, Role, SessionsView, TokensView } from '@killcord/client';
import type { Access, Answer } from '../lib/access';
import { SESSIONS } from '../lib/guests';
import type { Question } from '../lib/questions';

/** How often the list is fetched while it can be seen, in milliseconds. */
export const EVERY_MS = 2_000;

/** A link, until it is over. */
export interface Invitation {
  readonly view: LinkView;
  readonly role: Role;
  /** On the page's clock. */
  readonly until: number;
}

export class Sessions {
  /** The page is shown. */
  open = $state(false);
  list = $state.raw<SessionsView | null>(null);
  /** When the host was asked for it. */
  listedAt = $state(0);
  /** Why it could not be had the last time. */
  problem = $state.raw<string | null>(null);
  /** Absent where this browser may not see them. */
  tokens = $state.raw<TokensView | null>(null);
  /** The rig lets no browser in. */
  closed = $state.raw(false);
  /** Whether this page may operate; `null` until the host has said so. */
  mayOperate = $state.raw<boolean | null>(null);
  question = $state.raw<Question | null>(null);
  /** Why the last thing that the person did has not gone through. */
  failure = $state.raw<string | null>(null);
  invitation = $state.raw<Invitation | null>(null);
  readonly #client: Killcord;
  readonly #access: Access | undefined;
  #asking = false;
  #inviting = false;

  constructor(client: Killcord, access: Access | undefined) {
    this.#client = client;
    this.#access = access;
  }

  show(): void {
    this.failure = null;
    this.open = true;
  }

  /** A link goes with the page: it is a secret. */
  hide(): void {
    this.open = false;
    this.question = this.invitation = null;
  }

  /** Whether the list is older than a fetch that is merely slow would make it. */
  isOld(now: number): boolean {
    return this.list !== null && now - this.listedAt > 3 * EVERY_MS;
  }

  /** Fetches the list, and for operators the tokens; not while that is under way. */
  async refresh(): Promise<void> {
    const access = this.#access;
    if (!access || this.#asking) return;
    this.#asking = true;
    const at = this.#client.now();
    const [sessions, tokens] = await Promise.all([
      access.sessions(),
      this.mayOperate === false || this.closed ? null : access.tokens(),
    ]);
    this.#asking = false;
    if (sessions.ok) {
      this.list = sessions.value;
      this.listedAt = at;
    }
    if (tokens) this.#take(tokens);
    const failed = !sessions.ok ? sessions : tokens && !tokens.ok && ![OPERATORS_ONLY, NO_BROWSERS].includes(tokens.code) ? tokens : null;
    this.problem = failed?.message ?? null;
  }

  #take(tokens: Answer<TokensView>): void {
    if (tokens.ok) [this.tokens, this.mayOperate] = [tokens.value, true];
    else if (tokens.code === OPERATORS_ONLY) [this.tokens, this.mayOperate] = [null, false];
    // The window's answer, and the window operates.
    else if (tokens.code === NO_BROWSERS) [this.tokens, this.mayOperate, this.closed] = [null, true, true];
  }

  /** Asks the holder for control; where there is none it comes at once. */
  async askForControl(): Promise<void> {
    this.failure = (await this.#client.takeControl()) === 'delivered' ? null : SESSIONS.notDelivered;
  }

  /** Does what was asked about. */
  async confirm(): Promise<void> {
    const question = this.question;
    this.question = this.failure = null;
    if (question) this.failure = await this.#do(question);
    await this.refresh();
  }

  async #do(question: Question): Promise<string | null> {
    const client = this.#client;
    const access = this.#access;
    switch (question.what) {
      case 'take':
        return delivered(await client.takeControl(true));
      case 'release':
        return delivered(await client.yieldControl());
      case 'give':
        return delivered(await client.yieldControl(question.to.session));
      case 'end':
        return access ? why(await access.end(question.session.session)) : null;
      case 'revoke':
        return access ? why(await access.revoke(question.token.name)) : null;
    }
  }

  /** Makes a link; the one before is worth nothing from here on. */
  async invite(role: Role): Promise<void> {
    if (!this.#access || this.#inviting) return;
    this.#inviting = true;
    this.failure = this.invitation = null;
    const at = this.#client.now();
    const link = await this.#access.link(role);
    this.#inviting = false;
    if (!link.ok) this.failure = link.message;
    else if (this.open) this.invitation = { view: link.value, role, until: at + link.value.expires_ms };
  }
}

const OPERATORS_ONLY = 'operators_only';
const NO_BROWSERS = 'no_browsers';

/** What is gone already is as it was to be. */
const why = (answer: Answer<null>): string | null => (answer.ok || answer.code === 'unknown' ? null : answer.message);
const delivered = (delivery: 'delivered' | 'not_delivered'): string | null =>
  delivery === 'delivered' ? null : SESSIONS.notDelivered;
