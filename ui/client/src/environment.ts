/** What a session client needs of the page around it; a test gives its own. */

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
  /** Whether the page can be seen. */
  visible(): boolean;
  /** Milliseconds since the person last gave input. */
  inputAge(): number;
  /** The token of the session to go on with after a reload. */
  readonly resume: { get(): string | null; set(token: string | null): void };
}

const KEY = 'killcord.resume';
const INPUTS = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'] as const;

/** The browser's. */
export function browserEnvironment(): Environment {
  let inputAt = performance.now();
  for (const kind of INPUTS) {
    addEventListener(kind, () => (inputAt = performance.now()), { passive: true, capture: true });
  }
  return {
    now: () => performance.now(),
    every(ms, work) {
      const timer = setInterval(work, ms);
      return () => clearInterval(timer);
    },
    after: (ms) => new Promise((done) => setTimeout(done, ms)),
    newId,
    visible: () => document.visibilityState === 'visible',
    inputAge: () => Math.round(performance.now() - inputAt),
    resume: {
      // Storage may be switched off; then a reload is a new session, and that is all.
      get: () => quietly(() => sessionStorage.getItem(KEY)) ?? null,
      set: (token) =>
        void quietly(() =>
          token === null ? sessionStorage.removeItem(KEY) : sessionStorage.setItem(KEY, token),
        ),
    },
  };
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
