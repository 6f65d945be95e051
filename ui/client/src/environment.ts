/** What a session client needs of the page around it; a test gives its own. */

/** A turn in a page's life. */
export type Life =
  /** It goes away; `persisted`: into the browser's cache, from which it may come back. */
  | { readonly kind: 'hide'; readonly persisted: boolean }
  /** It has come back from there. */
  | { readonly kind: 'back' }
  /** The browser is about to freeze it: nothing of it will run. */
  | { readonly kind: 'freeze' }
  /** It can be seen, or no longer, or runs again. */
  | { readonly kind: 'seen' };

/** The page around the client. */
export interface Environment {
  /** Monotonic milliseconds. */
  now(): number;
  /** Calls `work` each `ms`; the returned function ends that. */
  every(ms: number, work: () => void): () => void;
  /** Resolves after `ms`. */
  after(ms: number): Promise<void>;
  /** Names a document or a command; never repeats. */
  newId(): string;
  /** The name that the host gave to this document; `null` where it gave none. */
  nonce(): string | null;
  /** Whether the page can be seen. */
  visible(): boolean;
  /** Milliseconds since the person last gave input. */
  inputAge(): number;
  /** Calls `watcher` at each turn; the returned function ends that. */
  onLife(watcher: (life: Life) => void): () => void;
  /** The token of the session to go on with after a reload. A duplicated tab begins with a copy of it. */
  readonly resume: { get(): string | null; set(token: string | null): void };
}

const KEY = 'killcord.resume';
/** A framed page shares the storage of the page around it, and must not take that one's session. */
const key = (): string => (window.parent === window ? KEY : `${KEY}.framed`);
const INPUTS = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'] as const;

/** The browser's. `frames` tells of input that this page's own window does not get. */
export function browserEnvironment(frames?: (seen: () => void) => void): Environment {
  let inputAt = performance.now();
  const seen = (): void => void (inputAt = performance.now());
  for (const kind of INPUTS) addEventListener(kind, seen, { passive: true, capture: true });
  frames?.(seen);
  return {
    now: () => performance.now(),
    every(ms, work) {
      const timer = setInterval(work, ms);
      return () => clearInterval(timer);
    },
    after: (ms) => new Promise((done) => setTimeout(done, ms)),
    newId,
    nonce: () => document.querySelector<HTMLMetaElement>('meta[name="killcord-nonce"]')?.content || null,
    visible: () => document.visibilityState === 'visible',
    inputAge: () => Math.round(performance.now() - inputAt),
    onLife,
    resume: {
      // Storage may be switched off; then a reload is a new session, and that is all.
      get: () => quietly(() => sessionStorage.getItem(key())) ?? null,
      set: (token) =>
        void quietly(() =>
          token === null ? sessionStorage.removeItem(key()) : sessionStorage.setItem(key(), token),
        ),
    },
  };
}

function onLife(watcher: (life: Life) => void): () => void {
  const over = new AbortController();
  const { signal } = over;
  const seen = (): void => watcher({ kind: 'seen' });
  addEventListener('pagehide', ({ persisted }) => watcher({ kind: 'hide', persisted }), { signal });
  addEventListener('pageshow', ({ persisted }) => persisted && watcher({ kind: 'back' }), { signal });
  document.addEventListener('visibilitychange', seen, { signal });
  document.addEventListener('freeze', () => watcher({ kind: 'freeze' }), { signal });
  document.addEventListener('resume', seen, { signal });
  return () => over.abort();
}

function newId(): string {
  // Outside secure contexts there is no randomUUID.
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}

function quietly<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
