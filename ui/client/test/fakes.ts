import type { Environment, Life, Listener, PolicyView, RigView, ToHost, ToPage, Transport } from '../src';

export const POLICY: PolicyView = {
  beat_ms: 1_000, expire_after_ms: 5_000, reload_grace_ms: 2_000, deadline_ms: 10_000, on_control_lost: 'safe',
  on_last_session: 'release', hold_for_ms: 28_800_000,
};

export function rig(part: Partial<RigView> = {}): RigView {
  return {
    name: 'Bench',
    file: 'rig.toml',
    state: 'safe',
    arm_refused: [],
    arms: true,
    trip: null,
    unclean: null,
    watchdog: { state: 'watching', why: null, protections: [] },
    notices: [],
    devices: [
      {
        name: 'psu',
        title: 'Supply',
        driver: 'scpi',
        connect: 'tcp',
        identity: null,
        state: 'connecting',
        acts: true,
        readings: [],
        controls: [
          {
            name: 'v',
            title: 'Voltage',
            unit: 'V',
            needs: 'armed',
            kind: { kind: 'number', min: 0, max: 12 },
            setpoint: null,
            readback: null,
          },
        ],
      },
    ],
    ...part,
  };
}

export function welcome(part: Partial<Extract<ToPage, { t: 'welcome' }>> = {}): ToPage {
  return {
    t: 'welcome',
    session: 7,
    resume: 'token-1',
    role: 'operator',
    epoch: '3.1',
    resumed: false,
    policy: POLICY,
    rig: rig(),
    now: { host_ms: 90_000, unix_ms: 1_700_000_000_000 },
    ...part,
  };
}

/** Time that stands still until it is told to move. */
export class FakeTime implements Environment {
  time = 1_000;
  token: string | null = null;
  #ids = 0;
  #waiting: { at: number; every: number | null; work: () => void }[] = [];
  readonly resume = {
    get: (): string | null => this.token,
    set: (token: string | null): void => void (this.token = token),
  };

  now = (): number => this.time;
  newId = (): string => `id-${(this.#ids += 1)}`;
  /** The document's name, as the host gave it. */
  named: string | null = null;
  seen = true;
  nonce = (): string | null => this.named;
  visible = (): boolean => this.seen;
  inputAge = (): number => 0;
  readonly #watchers = new Set<(life: Life) => void>();

  onLife(watcher: (life: Life) => void): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** A turn in the page's life. */
  turn(life: Life): void {
    for (const watcher of this.#watchers) watcher(life);
  }

  every(ms: number, work: () => void): () => void {
    const entry = { at: this.time + ms, every: ms, work };
    this.#waiting.push(entry);
    return () => void (this.#waiting = this.#waiting.filter((other) => other !== entry));
  }

  after(ms: number): Promise<void> {
    return new Promise((work) => this.#waiting.push({ at: this.time + ms, every: null, work }));
  }

  /** Moves on by `ms`, in order, letting promises run in between. */
  async pass(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      await settled();
      const next = this.#waiting.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.time = Math.max(this.time, next.at);
      if (next.every === null) this.#waiting = this.#waiting.filter((other) => other !== next);
      else next.at += next.every;
      next.work();
    }
    this.time = end;
    await settled();
  }
}

/** Lets everything that is ready run. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
}

/** A host's end of a transport, played by the test. */
export class FakeWire implements Transport {
  readonly sent: ToHost[] = [];
  opened = 0;
  closed = 0;
  refuses = false;
  /** How a send goes: taken, refused, or never answered. */
  sends: 'ok' | 'fail' | 'hang' = 'ok';
  #listener: Listener | null = null;

  open(listener: Listener): ReturnType<Transport['open']> {
    this.opened += 1;
    if (this.refuses) return Promise.reject(new Error('refused'));
    this.#listener = listener;
    return Promise.resolve({
      send: (frame) => {
        this.sent.push(frame);
        if (this.sends === 'hang') return new Promise<void>(() => {});
        return this.sends === 'ok' ? Promise.resolve() : Promise.reject(new Error('cut'));
      },
      close: () => void (this.closed += 1),
    });
  }

  say(frame: ToPage): void {
    this.#listener?.frame(frame);
  }

  cut(): void {
    this.#listener?.closed();
  }

  last<T extends ToHost['t']>(t: T): Extract<ToHost, { t: T }> | undefined {
    return this.sent.filter((frame): frame is Extract<ToHost, { t: T }> => frame.t === t).at(-1);
  }
}
